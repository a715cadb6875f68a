"""Many channels at once: nothing but the answer to PING is written faster than the server takes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gearmesh.testing import FakeContext

from .bench import Bench, bench, until
from .ircd import Ircd
from .person import Person
from .servers import inspircd


async def test_thirty_channels_are_entered_on_a_server_that_throws_out_who_is_too_fast(tmp_path: Path) -> None:
    async with inspircd(tmp_path, strict=True) as server, FakeContext("irc") as context:
        irc = Bench(context, server.port, burst=4, every=1.0)
        await irc.start(*(f"#r{number}" for number in range(30)))
        await irc.stop()

        assert [report.status for report in context.reports if report.status == "reconnecting"] == []


async def test_questions_for_history_wait_for_their_turn() -> None:
    rooms = [f"#r{number}" for number in range(8)]
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, *rooms) as irc:
        for room in rooms:
            await ada.join(room)
            await ada.says(room, f"before in {room}")
            await irc.comes_in(f"before in {room}")
        await irc.stop()
        irc.bridge._pace.burst, irc.bridge._pace.every = irc.bridge._pace._configured = (1, 0.2)
        start = len(ircd.received)
        starting = asyncio.create_task(irc.start(*rooms))
        await until(lambda: len([one for one in ircd.received[start:] if one.command == "CHATHISTORY"]) >= 2)

        paced = [line.command for line in ircd.received[start:] if line.command in {"JOIN", "CHATHISTORY"}]
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert len(paced) < 6


async def test_that_somebody_types_is_not_said_when_there_is_no_turn_for_it() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, burst=1, every=0.5) as irc:
        await irc.says("ada", "first")
        await irc.bridge.typing("ada", "ada", True, "")
        await irc.says("ada", "second")
        await ada.reads("second")

        assert not [line for line in ada.lines if line.command == "TAGMSG"]
