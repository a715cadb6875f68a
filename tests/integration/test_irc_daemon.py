"""Two IRC networks and one daemon between them: who has a nickname here writes to somebody there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.irc.person import Person
from tests.plugins.irc.servers import Server, inspircd, ngircd

from .patience import until
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
"""


async def connected(server: Server) -> None:
    """Wait until the daemon is on this server."""
    async with Person("watcher", server.port) as watcher:

        async def there() -> bool:
            start = len(watcher.lines)
            watcher.say_raw("ISON", "gearmesh")
            return "gearmesh" in (await watcher.hears(lambda line: line.command == "303", start)).params[-1]

        while not await there():
            continue


@pytest.mark.slow
async def test_what_was_to_be_sent_waits_while_a_server_is_down_and_arrives_once(tmp_path: Path) -> None:
    folders = [tmp_path / "north", tmp_path / "south"]
    for folder in folders:
        folder.mkdir()
    async with ngircd(folders[0]) as north, inspircd(folders[1]) as south:
        configuration = tmp_path / "gearmesh.toml"
        configuration.write_text(CONFIGURATION.format(web=free_port(), north=north.port, south=south.port))
        arguments = ("run", str(configuration), "--data", str(tmp_path / "data"))
        async with (
            Program(tmp_path, "gearmesh", *arguments, name="daemon"),
            Person("ada", north.port) as ada,
        ):
            await connected(north)
            await connected(south)
            ben = Person("ben", south.port)
            await ben.connect()
            await ada.says("gearmesh", "@south:ben Hello from the north")
            heard = await ben.reads("Hello from the north")
            assert heard.hostmask.nickname == "gearmesh"
            assert heard.params[-1].replace("\u200d", "").startswith("<ada/IRC> ")
            await ben.says("gearmesh", "Hello from the south")
            await ada.reads("Hello from the south")

            await ben.leave()
            await south.kill()
            await ada.says("gearmesh", "Still there?")
            await ada.says("gearmesh", "Anybody?")
            await south.start()
            back = Person("ben", south.port)
            await back.connect()
            await until(lambda: len(back.read_from("gearmesh")) >= 2, awaited="both", within=60)
            words = [text.replace("\u200d", "") for text in back.read_from("gearmesh")]
            await back.leave()
            assert words == ["<ada/IRC> Still there?", "<ada/IRC> Anybody?"]
