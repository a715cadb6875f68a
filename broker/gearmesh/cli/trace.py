"""`gearmesh trace`: the life of one message, across its hops."""

from __future__ import annotations

import json
import re
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text as Line

from gearmesh.bus.history import Archive, History
from gearmesh.cli.durations import moment
from gearmesh.cli.letter_view import console
from gearmesh.cli.life import as_fields, lasted, now, steps
from gearmesh.cli.operator import ConfigOption, Data, Desk, at_desk, complain
from gearmesh.cli.visible import visible

BEGINNING: Final = re.compile(r"[0-9a-f]{8,32}")
HINT: Final = (
    "`envelope` in the log is an id, and so is what `gearmesh dead list` shows before the first -; what has left the "
    "logs (7 days) and the ledger (30) is not known any more"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trace")(trace)


def trace(
    identity: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="An envelope's id or at least 8 digits of its beginning; with --app a network's own message id.",
        ),
    ],
    option: ConfigOption = None,
    data: Data = None,
    app: Annotated[str, typer.Option(help="The app whose network gave the id.", show_default=False)] = "",
    as_line: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show the life of one message: each step with its time, and where it is now."""
    if not app and not BEGINNING.fullmatch(identity.lower()):
        raise typer.BadParameter(
            "expected 8 to 32 digits of an envelope's id, or --app with a network's id", param_hint="ID"
        )

    async def work(desk: Desk) -> int:
        archive = Archive(desk.connection, desk.subjects)
        envelope = await (_by_native(archive, app, identity) if app else _by_beginning(archive, identity.lower()))
        if not envelope:
            return 1
        history = await archive.history(envelope)
        if history.is_unknown:
            complain(f"no message {envelope} is known; {HINT}")
            return 1
        if as_line:
            typer.echo(json.dumps(as_fields(history), ensure_ascii=False))
        else:
            _print(history)
        return 0

    at_desk(work, option, data)


async def _by_native(archive: Archive, app: str, native_id: str) -> str:
    envelope = await archive.envelope_of(app, native_id)
    if envelope is None:
        complain(f"{app} has no message {native_id} that we know (they are remembered for 30 days)")
    elif not envelope:
        complain(f"{app}'s message {native_id} was not passed on: it was answered by a notice")
    return envelope or ""


async def _by_beginning(archive: Archive, beginning: str) -> str:
    found = await archive.find(beginning)
    if len(found) == 1:
        return found[0]
    if found:
        complain(f"{beginning} is the beginning of {len(found)}: {', '.join(found[:5])}; write more of it")
    else:
        complain(f"no message begins with {beginning}; {HINT}")
    return ""


def _print(history: History) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("app", no_wrap=True)
    table.add_column("to", overflow="fold")
    table.add_column("step", no_wrap=True)
    table.add_column("reason", no_wrap=True)
    table.add_column("detail", overflow="fold")
    before = 0
    for step in steps(history):
        since = lasted(before, step.at) if before else ""
        before = step.at
        cells = (moment(step.at), since, step.app, step.to, step.step, step.reason, step.detail)
        table.add_row(*(Line(visible(cell).replace("\n", " ")) for cell in cells))
    out = console()
    out.print(Line(f"envelope {history.envelope}"))
    out.print(table)
    for words in now(history):
        out.print(Line(visible(words)))
