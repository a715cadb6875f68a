"""Two IRC networks and one daemon between them: people write to each other, and in channels that are linked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.plugins.irc.person import Person
from tests.plugins.irc.proxy import Proxy
from tests.plugins.irc.servers import Server, inspircd, ngircd

from .ports import free_port
from .processes import Program

CONFIGURATION = """
[web]
port = {web}
[apps.north]
bridge = "irc"
host = "127.0.0.1"
port = {north}
nick = "gearmesh"
tls = false
burst = 50
every = 0.05
[apps.south]
bridge = "irc"
host = "127.0.0.1"
port = {south}
nick = "gearmesh"
tls = false
burst = 50
every = 0.05
[[conversations]]
code = "garden"
title = "The garden"
rooms = ["north:#garden", "south:#roses"]
"""


async def is_there(server: Server, due: bool = True) -> None:
    """Wait until the daemon is on this server, or is not any more."""
    async with Person("watcher", server.port) as watcher:

        async def looked() -> bool:
            start = len(watcher.lines)
            watcher.say_raw("ISON", "gearmesh")
            return "gearmesh" in (await watcher.hears(lambda line: line.command == "303", start)).params[-1]

        while await looked() != due:
            continue


async def test_what_is_said_in_a_channel_is_read_in_that_of_the_other_server_in_order_and_once(tmp_path: Path) -> None:
    folders = [tmp_path / "north", tmp_path / "south"]
    for folder in folders:
        folder.mkdir()
    async with ngircd(folders[0]) as north, inspircd(folders[1]) as south:
        configuration = tmp_path / "gearmesh.toml"
        configuration.write_text(CONFIGURATION.format(web=free_port(), north=north.port, south=south.port))
        arguments = ("run", str(configuration), "--data", str(tmp_path / "data"))
        async with (
            Person("ada", north.port) as ada,
            Person("ben", south.port) as ben,
            Program(tmp_path, "gearmesh", *arguments, name="daemon"),
        ):
            await ada.join("#garden")
            await ben.join("#roses")
            for one in (ada, ben):
                await one.hears(lambda line: line.command in {"JOIN", "353"} and "gearmesh" in line.format())
            for number in range(20):
                await ada.says("#garden", f"rose {number}")
                await ben.says("#roses", f"thorn {number}")
            await ben.reads("rose 19")
            await ada.reads("thorn 19")

            there = [text.replace("\u200d", "") for text in ben.read_from("gearmesh")]
            here = [text.replace("\u200d", "") for text in ada.read_from("gearmesh")]
            assert [text for text in there if "rose" in text] == [f"<ada/IRC> rose {number}" for number in range(20)]
            assert [text for text in here if "thorn" in text] == [f"<ben/IRC> thorn {number}" for number in range(20)]


@pytest.mark.slow
async def test_what_was_to_be_sent_waits_while_a_server_cannot_be_reached_and_arrives_once(tmp_path: Path) -> None:
    folders = [tmp_path / "north", tmp_path / "south"]
    for folder in folders:
        folder.mkdir()
    async with ngircd(folders[0]) as north, inspircd(folders[1]) as south, Proxy(south.port) as way:
        configuration = tmp_path / "gearmesh.toml"
        configuration.write_text(CONFIGURATION.format(web=free_port(), north=north.port, south=way.port))
        arguments = ("run", str(configuration), "--data", str(tmp_path / "data"))
        async with (
            Program(tmp_path, "gearmesh", *arguments, name="daemon"),
            Person("ada", north.port) as ada,
            Person("ben", south.port) as ben,
        ):
            await is_there(north)
            await is_there(south)
            await ada.says("gearmesh", "@south:ben Hello from the north")
            heard = await ben.reads("Hello from the north")
            assert heard.hostmask.nickname == "gearmesh"
            assert heard.params[-1].replace("\u200d", "").startswith("<ada/IRC> ")
            await ben.says("gearmesh", "Hello from the south")
            await ada.reads("Hello from the south")

            await way.cut()
            await is_there(south, False)
            await ada.says("gearmesh", "Still there?")
            await ada.says("gearmesh", "Anybody?")
            await asyncio.sleep(2)
            await way.listen()
            await ben.reads("Anybody?")
            words = [text.replace("\u200d", "") for text in ben.read_from("gearmesh")]
            assert words[-2:] == ["<ada/IRC> Still there?", "<ada/IRC> Anybody?"]
            assert len(words) == 3
