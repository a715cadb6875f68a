"""`gearmesh dead list|show|replay|drop`: what could not go on by itself, seen and decided on by the operator."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Annotated, Final

import typer

from gearmesh.bus.letters import Letter, Letters, Wanted
from gearmesh.bus.replay import Replay
from gearmesh.cli.durations import seconds
from gearmesh.cli.letter_view import as_json, described, print_table
from gearmesh.cli.operator import ConfigFile, ConfigOption, Data, Desk, at_desk, complain
from gearmesh.errors import BusRefused, Malformed, ReplayRefused

ALL_OR_SOME: Final = "name letters by their ids, or say --all"

Ids = Annotated[list[str] | None, typer.Argument(help="Ids, or beginnings that no other letter has.")]
All = Annotated[bool, typer.Option("--all", help="All of them, or all that the other options leave.")]
App = Annotated[str, typer.Option(help="Only those of this app.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Only those with this reason.", show_default=False)]
Older = Annotated[str, typer.Option(help="Only those kept longer than this: 90s, 15m, 2h, 7d.", show_default=False)]
Newer = Annotated[str, typer.Option(help="Only those kept for less than this.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    dead = typer.Typer(name="dead", help="Dead letters: what could not go on by itself.", no_args_is_help=True)
    dead.command("list")(list_letters)
    dead.command("show")(show)
    dead.command("replay")(replay)
    dead.command("drop")(drop)
    app.add_typer(dead)


def list_letters(
    config: ConfigFile = None,
    option: ConfigOption = None,
    data: Data = None,
    app: App = "",
    reason: Reason = "",
    older: Older = "",
    newer: Newer = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many, the newest.")] = 100,
    as_lines: Json = False,
) -> None:
    """List dead letters, oldest first."""
    wanted = _wanted(app, reason, older, newer)

    async def work(desk: Desk) -> int:
        found = await Letters(desk.connection, desk.subjects).find(wanted)
        if as_lines:
            for letter in found[-limit:]:
                typer.echo(as_json(letter))
        else:
            print_table(found, limit)
        return 0

    at_desk(work, config or option, data)


def show(
    letter: Annotated[str, typer.Argument(help="The letter's id, or a beginning that no other letter has.")],
    option: ConfigOption = None,
    data: Data = None,
    app: App = "",
    raw: Annotated[bool, typer.Option("--raw", help="Write exactly its bytes to standard output.")] = False,
) -> None:
    """Show one dead letter: why it is there, whose it is, and what it says."""

    async def work(desk: Desk) -> int:
        letters = Letters(desk.connection, desk.subjects)
        found = await _named(letters, [letter], Wanted(app))
        # Of several under one id, the newest is what a program wants, and a person sees all.
        for number, one in enumerate(found[-1:] if raw else found):
            try:
                opened = await letters.raw(one)
            except Malformed as error:
                complain(f"{one.id}: {error}")
                return 1
            if raw:
                sys.stdout.buffer.write(opened)
                sys.stdout.buffer.flush()
            else:
                typer.echo("\n" * bool(number) + described(one, opened))
        return 0 if found else 1

    at_desk(work, option, data)


def replay(
    ids: Ids = None,
    every: All = False,
    option: ConfigOption = None,
    data: Data = None,
    app: App = "",
    reason: Reason = "",
    older: Older = "",
    newer: Newer = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also what is past its time, without an end of it.")] = False,
) -> None:
    """Put dead letters back to where they stood, oldest first. What cannot go stays, and the status is 1."""
    wanted = _wanted(app, reason, older, newer)
    _check(ids, every)

    async def work(desk: Desk) -> int:
        letters = Letters(desk.connection, desk.subjects)
        found = await _meant(letters, ids, wanted)
        if found is None:
            return 1
        replaying = Replay(desk.connection, desk.publisher, letters, desk.subjects)
        stayed = 0
        for letter in found:
            try:
                planned = await replaying.plan(letter, now=time.time_ns() // 1_000_000, anyway=anyway)
                if not dry_run:
                    await replaying.carry_out(letter, planned)
                typer.echo(f"{letter.id}: {'would be ' if dry_run else ''}{planned}")
            except (ReplayRefused, BusRefused) as error:
                stayed += 1
                complain(f"{letter.id} stays: {error}")
        done = len(found) - stayed
        typer.echo(f"{done} {'would be replayed' if dry_run else 'replayed'}, {stayed} cannot be replayed")
        return 1 if stayed else 0

    at_desk(work, option, data)


def drop(
    ids: Ids = None,
    every: All = False,
    option: ConfigOption = None,
    data: Data = None,
    app: App = "",
    reason: Reason = "",
    older: Older = "",
    newer: Newer = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, also for more than one.")] = False,
) -> None:
    """Take dead letters away for good."""
    wanted = _wanted(app, reason, older, newer)
    _check(ids, every)

    async def work(desk: Desk) -> int:
        letters = Letters(desk.connection, desk.subjects)
        found = await _meant(letters, ids, wanted)
        if found is None or (len(found) > 1 and not yes and not await _confirmed(len(found))):
            return 1
        for letter in found:
            await letters.drop(letter)
            typer.echo(f"{letter.id}: dropped")
        typer.echo(f"{len(found)} dropped")
        return 0

    at_desk(work, option, data)


async def _confirmed(count: int) -> bool:
    if not sys.stdin.isatty():
        complain(f"{count} dead letters would be dropped for good; say --yes")
        return False
    # In a thread: the connection to NATS must be looked after while somebody thinks.
    return await asyncio.to_thread(typer.confirm, f"Drop {count} dead letters for good?")


async def _meant(letters: Letters, ids: list[str] | None, wanted: Wanted) -> list[Letter] | None:
    """The letters that a command is for, oldest first; None when an id names none, or more than one."""
    if not ids:
        return await letters.find(wanted)
    found = await _named(letters, ids, wanted)
    return found or None


async def _named(letters: Letters, ids: list[str], wanted: Wanted) -> list[Letter]:
    """The letters with these ids, each once, oldest first; nothing, and a complaint, when one of the ids is wrong."""
    found: dict[int, Letter] = {}
    wrong = False
    for beginning in ids:
        named = await letters.named(beginning, wanted)
        if len(named) == 1:
            found |= {letter.seq: letter for standing in named.values() for letter in standing}
            continue
        wrong = True
        if named:
            meant = ", ".join(f"{identity} ({app})" for app, identity in list(named)[:5])
            complain(f"{beginning} is the beginning of {len(named)}: {meant}; write more of it, or name the --app")
        else:
            complain(f"no dead letter begins with {beginning}; `gearmesh dead list` shows them")
    return [] if wrong else [found[seq] for seq in sorted(found)]


def _check(ids: list[str] | None, every: bool) -> None:
    if bool(ids) == every:
        raise typer.BadParameter(ALL_OR_SOME)


def _wanted(app: str, reason: str, older: str, newer: str) -> Wanted:
    now = time.time_ns() // 1_000_000
    return Wanted(app, reason, _before(now, older, "--older"), _before(now, newer, "--newer"))


def _before(now: int, length: str, option: str) -> int | None:
    try:
        return now - seconds(length) * 1000 if length else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
