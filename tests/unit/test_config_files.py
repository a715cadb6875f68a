"""The configuration's file: read, or refused with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gearmesh.config import read_file
from gearmesh.errors import ConfigInvalid


def test_given_a_file_its_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "gearmesh.toml"
    path.write_text('[broker]\nname = "grün"\n', encoding="utf-8")
    assert read_file(path) == {"broker": {"name": "grün"}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "there is no such file", id="no file"),
        pytest.param(b"[broker", "no valid TOML", id="no TOML"),
        pytest.param(b"\xff\xfe", "cannot be read (UnicodeDecodeError)", id="no text"),
    ],
)
def test_given_a_file_that_cannot_be_read_the_error_names_it_and_says_why(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "gearmesh.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigInvalid) as raised:
        read_file(path)
    (problem,) = raised.value.problems
    assert problem.startswith(f"{path}: {said}")


def test_given_a_folder_the_error_says_that_it_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        read_file(tmp_path)
