"""Every kind of thing that people send, in all six directions, through the sandbox: the table in the README."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from .kinds import ROWS, Files, Scene
from .phones import PAIRS, Phone
from .town import Town, town_of

README: Final = Path(__file__).parents[2] / "README.md"
SHORT: Final = {"whatsapp": "WhatsApp", "messenger": "Messenger", "instagram": "Instagram"}
BEGIN: Final = "<!-- kinds: from `make kinds` -->\n"
END: Final = "<!-- end of kinds -->"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("files"))


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with town_of(tmp_path) as town:
        await town.start()
        yield town


def row_of(name: str, readme: str) -> dict[str, str]:
    """What the README says of a kind, by direction."""
    head, *rows = [line.strip("| ").split(" | ") for line in readme.splitlines() if line.startswith("| ")]
    found = next((row for row in rows if row[0].strip() == name), None)
    assert found is not None, f"the README has no row for {name!r}"
    return dict(zip(head[1:], (cell.strip() for cell in found[1:]), strict=True))


def direction(writer: Phone, reader: Phone) -> str:
    return f"{SHORT[writer.network]} → {SHORT[reader.network]}"


def table() -> str:
    """The table in the README."""
    text = README.read_text(encoding="utf-8")
    found = re.search(re.escape(BEGIN) + "(.*?)" + re.escape(END), text, re.DOTALL)
    assert found, "the README has no table of kinds"
    return found[1]


@pytest.mark.parametrize(("writer", "reader"), PAIRS, ids=lambda phone: phone.network)
async def test_each_kind_looks_on_the_other_phone_as_the_readme_says(
    town: Town, files: Files, writer: Phone, reader: Phone
) -> None:
    scene = Scene(town, files, writer, reader)
    await scene.begin()
    seen: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for name, act in ROWS.items():
        try:
            seen[name] = await act(scene)
        except AssertionError as error:
            wrong[name] = str(error)
    assert not wrong, wrong
    column = direction(writer, reader)
    if target := os.environ.get("GEARMESH_KINDS"):
        (Path(target) / f"{writer.network}-{reader.network}.json").write_text(repr(seen))
        return
    readme = table()
    assert seen == {name: row_of(name, readme)[column] for name in ROWS}
