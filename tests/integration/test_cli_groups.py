"""`gearmesh groups`: what an operator sees of groups, and changes while a daemon runs."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import typer

from gearmesh.cli import groups
from gearmesh.config import parse
from gearmesh.testing import NatsServer, plugins_of

from .club import Club, texts
from .processes import run

RUNS = itertools.count()


@pytest.fixture
async def club(server: NatsServer, tmp_path: Path) -> Club:
    """A club, and beside it the configuration that says where its NATS is."""
    (tmp_path / "gearmesh.toml").write_text(f'[nats]\nurl = ["{server.url}"]\n')
    return Club(server, tmp_path)


async def command(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `gearmesh groups …`: status, standard output, standard error."""
    return await run(folder, "gearmesh", "groups", *arguments, name=f"groups-{next(RUNS)}")


async def test_the_list_shows_each_group_with_its_rooms_and_people(club: Club, tmp_path: Path) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
        await club.joins(club.south, "ben")
        await club.south.type("ben", "mute")
        await club.told(club.south, "ben", "nothing of")

        status, out, err = await command(tmp_path, "list")
        assert (status, err) == (0, "")
        assert out.splitlines()[0].split() == ["code", "title", "rooms", "people"]
        for cell in ("chess", "Chess club", "hall:#chess", "hall:#openings", "north:ada", "south:ben (muted)"):
            assert cell in out
        _, out, _ = await command(tmp_path, "list", "gearmesh.toml", "--json")
        assert json.loads(out) == {
            "code": "chess",
            "title": "Chess club",
            "members": ["hall:#chess", "hall:#openings", "north:ada", "south:ben"],
            "rooms": ["hall:#chess", "hall:#openings"],
            "muted": ["south:ben"],
        }


async def test_whoever_is_removed_gets_nothing_more(club: Club, tmp_path: Path) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
        await club.joins(club.south, "ben")
        status, out, _ = await command(tmp_path, "remove", "chess", "south:ben")
        assert (status, out) == (0, "south:ben is no longer in chess\n")
        status, out, _ = await command(tmp_path, "remove", "chess", "hall:#openings")
        await club.rooms.until(lambda: club.rooms.rooms == {"#chess"}, awaited="the room to be left")
        await club.north.type("ada", "who is left?")
        await club.told(club.rooms, "#chess", "who is left?")

        for network, place in ((club.south, "ben"), (club.rooms, "#openings")):
            assert not any("who is left?" in text for text in texts(network, place))


async def test_a_room_that_is_linked_is_entered_at_once(
    club: Club, tmp_path: Path, server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables: dict[str, Any] = {"apps": {"hall": {"bridge": "hall"}, "north": {"bridge": "north"}}}
    monkeypatch.setattr(groups, "read_file", lambda _: tables)
    monkeypatch.setattr(groups, "parse", lambda found: parse(found, plugins_of(*club.networks)))
    async with club.running(("#chess",)):
        await club.joins(club.north, "ada")

        async def link(code: str, room: str) -> int:
            with pytest.raises(typer.Exit) as raised:
                await asyncio.to_thread(groups.link, code, room, tmp_path / "gearmesh.toml")
            return raised.value.exit_code

        assert await link("chess", "hall:#Endgames") == 0
        await club.rooms.until(lambda: "#endgames" in club.rooms.rooms, awaited="the room to be entered")
        await club.rooms.type("dan", "room for one more?", thread="#endgames")
        await club.told(club.north, "ada", "room for one more?")
        assert await link("nothing", "hall:#free") == 1
        assert await link("chess", "hall:lobby") == 2
        assert await link("chess", "elsewhere:#lobby") == 2


async def test_mistakes_are_told_with_what_to_do(club: Club, tmp_path: Path) -> None:
    async with club.running():
        status, out, err = await command(tmp_path, "remove", "go", "north:ada")
        assert (status, out) == (1, "")
        assert "no group has the code go" in err
        status, _, err = await command(tmp_path, "remove", "chess", "north:zoe")
        assert status == 1
        assert "north:zoe is not in chess" in err
        status, _, err = await command(tmp_path, "remove", "chess", "zoe")
        assert status == 2
