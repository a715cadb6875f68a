"""`make kinds`: fills the README's table of kinds with what the phones of the sandbox show."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import tempfile
from pathlib import Path
from typing import Final

import structlog

from .kinds import ROWS, Files, Scene
from .phones import PAIRS, Phone
from .town import town_of

README: Final = Path(__file__).parents[2] / "README.md"
BEGIN: Final = "<!-- filled by `make kinds` -->"
END: Final = "<!-- end of what `make kinds` fills -->"
TABLE: Final = re.compile(f"{BEGIN}(.*){END}", re.DOTALL)


def direction(writer: Phone, reader: Phone) -> str:
    """The head of a column."""
    return f"{writer.title} → {reader.title}"


def columns() -> dict[str, dict[str, str]]:
    """What the README says of each kind, by direction."""
    found = TABLE.search(README.read_text(encoding="utf-8"))
    if found is None or not found[1].strip():
        raise ValueError(f"{README.name} has no table of kinds")
    head, _, *rows = [_cells(line) for line in found[1].strip().splitlines()]
    return {name: {row[0]: row[number] for row in rows} for number, name in enumerate(head) if number}


async def seen(writer: Phone, reader: Phone, folder: Path, files: Files) -> dict[str, str]:
    """What becomes of each kind in one direction."""
    async with town_of(folder) as town:
        await town.start()
        scene = Scene(town, files, writer, reader)
        await scene.begin()
        return {name: await act(scene) for name, act in ROWS.items()}


async def main() -> None:
    """Look in all six directions, and write the table into the README."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory(prefix="gearmesh-kinds-") as folder:
        files = Files(Path(folder))
        for writer, reader in PAIRS:
            name = f"{writer.network}-{reader.network}"
            found[direction(writer, reader)] = await seen(writer, reader, Path(folder) / name, files)
    lines = [_line(["", *found]), _line(["---"] * (len(found) + 1))]
    lines += [_line([name, *(column[name] for column in found.values())]) for name in ROWS]
    text = README.read_text(encoding="utf-8")
    table = "\n".join(lines)
    README.write_text(TABLE.sub(lambda _: f"{BEGIN}\n\n{table}\n\n{END}", text), encoding="utf-8")
    sys.stdout.write(f"{table}\n")


def _line(cells: list[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


if __name__ == "__main__":
    asyncio.run(main())
