"""Every kind of thing that people send, in all six directions, through the sandbox: as the README's table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from .kinds import ROWS, Files
from .kinds_table import columns, direction, seen
from .phones import PAIRS, Phone


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("files"))


@pytest.mark.parametrize(("writer", "reader"), PAIRS, ids=lambda phone: phone.network)
async def test_each_kind_looks_on_the_other_phone_as_the_readme_says(
    files: Files, tmp_path: Path, writer: Phone, reader: Phone
) -> None:
    assert await seen(writer, reader, tmp_path / "town", files) == columns()[direction(writer, reader)]


def test_the_readme_speaks_of_every_kind_and_direction() -> None:
    said = columns()
    assert list(said) == [direction(writer, reader) for writer, reader in PAIRS]
    assert all(list(column) == list(ROWS) for column in said.values())
