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
BEGIN: Final = "<!-- filled by `make kinds` -->\n\n"
END: Final = "\n<!-- end of what `make kinds` fills -->"


def direction(writer: Phone, reader: Phone) -> str:
    """The head of a column."""
    return f"{writer.title} → {reader.title}"


def columns() -> dict[str, dict[str, str]]:
    """What the README says of each kind, by direction."""
    found = re.search(re.escape(BEGIN) + "(.*)" + re.escape(END), README.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise ValueError(f"{README.name} has no table of kinds")
    head, _, *rows = [_cells(line) for line in found[1].splitlines()]
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
    table = BEGIN + "\n".join(lines) + END
    README.write_text(re.sub(re.escape(BEGIN) + ".*" + re.escape(END), lambda _: table, text, flags=re.DOTALL))
    sys.stdout.write("\n".join(lines) + "\n")


def _line(cells: list[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


if __name__ == "__main__":
    asyncio.run(main())
