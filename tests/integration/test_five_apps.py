"""One conversation on five apps: WhatsApp, Messenger, Instagram, a channel of IRC and a room of XMPP."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.plugins.irc.person import Person as Chatter
from tests.plugins.irc.proxy import Proxy
from tests.plugins.irc.servers import inspircd
from tests.plugins.xmpp.person import Person as Jabberer
from tests.plugins.xmpp.server import BRIDGE, ROOMS, SECRET, Prosody

from gearmesh_xmpp.elements import said

from .patience import eventually
from .phones import ADA, BEN, CLEO, PHONES
from .town import Town

EACH = 200
ROOM = f"club@{ROOMS}"
CHANNEL = "#club"
ALL_WITHIN = 120.0


@pytest.mark.slow
async def test_given_five_apps_when_all_write_and_servers_fail_then_everybody_reads_each_once_and_in_order(
    quiet_town: Town, tmp_path: Path
) -> None:
    (tmp_path / "irc").mkdir()
    town = quiet_town
    with Prosody(tmp_path / "prosody") as prosody:
        async with (
            inspircd(tmp_path / "irc") as server,
            Proxy(server.port) as way,
            Chatter("dan", server.port) as dan,
            Jabberer(prosody, "ada") as eve,
        ):
            await dan.join(CHANNEL)
            dan.say_raw("MODE", CHANNEL, "+H", "200:1d")  # without a history, what is said during an outage is lost
            await eve.enters(ROOM, "Eve")
            town.tables["apps"]["chat"] = {
                "bridge": "irc",
                "host": "127.0.0.1",
                "port": way.port,
                "nick": "gearmesh",
                "tls": False,
                "burst": 1000,
                "every": 0.002,
            }
            town.tables["apps"]["jabber"] = {
                "bridge": "xmpp",
                "component": BRIDGE,
                "secret": f"plain:{SECRET}",
                "port": prosody.component,
            }
            rooms = [f"chat:{CHANNEL}", f"jabber:{ROOM}"]
            town.tables["conversations"] = [{"code": "club", "title": "The club", "rooms": rooms}]
            await town.start()
            await eve.until(lambda: eve.sees(f"{ROOM}/Gearmesh"), "the bridge in the room")
            await dan.hears(lambda line: line.command == "JOIN" and "gearmesh" in line.format())
            for phone in PHONES:
                await town.phones.types(phone, "join club")
                await town.phones.sees(phone, "You are in The club now")

            async def everybody_writes(numbers: range) -> None:
                for number in numbers:
                    await dan.says(CHANNEL, f"dan says {number}.")
                    eve.says(f"eve says {number}.", to=ROOM, room=True)
                    for phone in PHONES:
                        await town.phones.types(phone, f"{phone.handle} says {number}.")

            third = EACH // 3
            await everybody_writes(range(third))
            os.kill(int((town.folder / "data" / "nats" / "nats-server.pid").read_text()), signal.SIGKILL)
            await everybody_writes(range(third, 2 * third))
            await way.cut()
            await asyncio.sleep(2.0)
            await way.listen()
            await dan.hears(lambda line: line.command == "JOIN" and "gearmesh" in line.format(), len(dan.lines))
            await everybody_writes(range(2 * third, EACH))

            async def read() -> dict[str, list[str]]:
                return {
                    "dan": [line.params[-1] for line in dan.lines if line.command == "PRIVMSG"],
                    "eve": [said(one, "body") for one in eve.messages],
                    **{phone.handle: await town.phones.texts(phone) for phone in PHONES},
                }

            writers = ("dan", "eve", ADA.handle, BEN.handle, CLEO.handle)

            def all_are_there(found: dict[str, list[str]]) -> bool:
                return all(
                    any(f"{writer} says {EACH - 1}." in text for text in found[reader])
                    for reader in writers
                    for writer in writers
                    if reader != writer
                )

            found = await eventually(read, all_are_there, awaited="the last of everybody", within=ALL_WITHIN)
            for reader in writers:
                for writer in writers:
                    told = [text.rpartition(" says ")[2] for text in found[reader] if f"{writer} says " in text]
                    if reader != writer:
                        assert told == [f"{number}." for number in range(EACH)], (reader, writer)
