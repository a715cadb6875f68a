"""`gearmesh groups`: which groups there are, who is in them, and which rooms are linked to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text as Line

from gearmesh.bridge import SupportsRooms
from gearmesh.bus.store import Store
from gearmesh.cli.offline import OfflineContext
from gearmesh.cli.operator import DEFAULT, ConfigFile, ConfigOption, Data, Desk, at_desk, complain
from gearmesh.cli.visible import visible
from gearmesh.config import parse, read_file
from gearmesh.errors import ConfigInvalid, InvalidAddress
from gearmesh.host.groups import MOST, Groups
from gearmesh.model.address import Address
from gearmesh.model.conversation import MAX_MEMBERS, Conversation, group_id

Code = Annotated[str, typer.Argument(help="The group's code.")]
Room = Annotated[str, typer.Argument(help="The room, as app:room; a person's address for `remove`.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    groups = typer.Typer(help="Groups: who is in them, which rooms are linked.", no_args_is_help=True)
    groups.command("list")(list_groups)
    groups.command("link")(link)
    groups.command("remove")(remove)
    app.add_typer(groups, name="groups")


def list_groups(
    config: ConfigFile = None,
    option: ConfigOption = None,
    data: Data = None,
    as_lines: Annotated[bool, typer.Option("--json", help="One JSON object in each line.")] = False,
) -> None:
    """List all groups with their members."""

    async def work(desk: Desk) -> int:
        found = sorted((entry.record for entry in await _store(desk).scan("*", limit=MOST)), key=lambda one: one.code)
        if as_lines:
            for group in found:
                fields = {"code": group.code, "title": group.title, "members": group.members, "rooms": group.rooms}
                typer.echo(json.dumps({**fields, "muted": group.muted}, ensure_ascii=False))
            return 0
        if not found:
            typer.echo("no groups; [[conversations]] in the configuration makes one")
            return 0
        table = Table(box=None, pad_edge=False)
        for title in ("code", "title", "rooms", "people"):
            table.add_column(title, overflow="fold")
        for group in found:
            people = [
                f"{who} (muted)" if who in group.muted else who for who in group.members if who not in group.rooms
            ]
            cells = (group.code, group.title, "\n".join(group.rooms), "\n".join(people))
            table.add_row(*(Line(visible(cell)) for cell in cells))
        Console(soft_wrap=False).print(table)
        return 0

    at_desk(work, config or option, data)


def link(code: Code, room: Room, option: ConfigOption = None, data: Data = None) -> None:
    """Link a room to a group: what is said in one is said in all. Bridges enter it at once."""
    address = _room(room, option)

    async def work(desk: Desk) -> int:
        entries = await _store(desk).scan("*", limit=MOST)
        if any(entry.key == group_id(code) and len(entry.record.members) >= MAX_MEMBERS for entry in entries):
            complain(f"{code} is full: it has {MAX_MEMBERS} members")
            return 1
        before = next((entry.record for entry in entries if str(address) in entry.record.rooms), None)
        if before is not None and before.id != group_id(code):
            complain(f"{address} is linked to {before.code} already; `gearmesh groups remove` unlinks it")
            return 1
        return await _change(desk, code, lambda group: group.joined_by(address, room=True), f"{address} is linked now")

    at_desk(work, option, data)


def remove(code: Code, member: Room, option: ConfigOption = None, data: Data = None) -> None:
    """Take a room or a person out of a group. A room of the configuration comes back with the next start."""

    async def work(desk: Desk) -> int:
        try:
            address = Address.parse(member)
        except InvalidAddress as error:
            complain(str(error))
            return 2
        group = await _store(desk).get(group_id(code), certain=True)
        # A room's name is written as its bridge has it; people write it in other ways.
        same = (other for other in group.members if other.casefold() == str(address).casefold()) if group else iter(())
        if found := next(same, None):
            address = Address.parse(found)
        elif group is not None:
            complain(f"{address} is not in {code}; `gearmesh groups list` shows who is")
            return 1
        return await _change(desk, code, lambda one: one.left_by(address), f"{address} is no longer in {code}")

    at_desk(work, option, data)


def _room(text: str, option: Path | None) -> Address:
    """The room that an operator means, as its bridge calls it. Ends the command where none can be meant."""
    try:
        room, config = Address.parse(text), parse(read_file(option or DEFAULT))
        app = config.apps.get(room.app)
        if app is None:
            complain(f"no app is named {room.app}; there are {', '.join(config.apps)}")
            raise typer.Exit(2)
        bridge: object = app.bridge(app.settings, OfflineContext(room.app))
        if not isinstance(bridge, SupportsRooms):
            complain(f"{app.bridge.title} has no rooms")
            raise typer.Exit(2)
        return Address(room.app, bridge.parse_room(room.user))
    except ConfigInvalid as error:
        for problem in error.problems:
            complain(problem)
    except InvalidAddress as error:
        complain(str(error))
    raise typer.Exit(2)


def _store(desk: Desk) -> Store[Conversation]:
    return Store(desk.connection, desk.publisher, desk.subjects.bucket("groups"), Conversation)


async def _change(desk: Desk, code: str, changed: Callable[[Conversation], Conversation], done: str) -> int:
    try:
        await Groups(desk.connection, _store(desk), desk.subjects).change(group_id(code), changed)
    except KeyError:
        complain(f"no group has the code {code}; `gearmesh groups list` shows those that there are")
        return 1
    typer.echo(done)
    return 0
