"""SANDBOX.md names all there is to order, and nothing else."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final

import msgspec

from gearmesh_meta.sandbox.command import sandbox
from gearmesh_meta.sandbox.control.drafts import NewMessage
from gearmesh_meta.sandbox.faults import KINDS, FaultOrder

SANDBOX: Final = Path(__file__).parents[4] / "plugins" / "meta" / "SANDBOX.md"


def names_in(first_column: str) -> set[str]:
    """The names in the first column of the table with this heading."""
    table = SANDBOX.read_text().partition(f"| {first_column} |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return {name for cell in cells for name in re.findall(r"`([\w-]+)`", cell)}


def test_given_the_faults_then_every_kind_and_every_field_stands_in_the_document() -> None:
    assert names_in("kind") == set(KINDS)
    fields = {field.name for field in msgspec.structs.fields(FaultOrder)}
    told = SANDBOX.read_text().partition("| field |")[2].partition("\n\n")[0]
    assert names_in("field") <= fields
    assert all(f"`{field}`" in told for field in fields)


def test_given_the_command_then_every_option_stands_in_the_document() -> None:
    assert names_in("option") == {f"--{name.replace('_', '-')}" for name in inspect.signature(sandbox).parameters}


def test_given_what_people_send_then_every_field_stands_in_the_document() -> None:
    # Where a thing is answered to is said above the table, as it is none by itself.
    assert names_in("what") | {"reply_to"} == {field.name for field in msgspec.structs.fields(NewMessage)}
