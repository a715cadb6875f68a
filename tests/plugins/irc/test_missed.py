"""What was said while we were away is read to its end, or asked for again."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from irctokens.line import Line, build, tokenise

from gearmesh import BusUnavailable, Event, MessageReceived, Text
from gearmesh.testing import FakeContext
from gearmesh_irc.batches import Batches
from gearmesh_irc.connection import Connection, Pace
from gearmesh_irc.history import History
from gearmesh_irc.ids import written
from gearmesh_irc.intake import Intake
from gearmesh_irc.outbox import Outbox
from gearmesh_irc.positions import Positions
from gearmesh_irc.session import Session

from .bench import bench, until
from .ircd import Client, Ircd
from .person import Person


class Forgetful(Ircd):
    """Tells nothing of what was said in channels as long as it is `mute`."""

    mute = False

    def _history(self, client: Client, kind: str, rest: list[str]) -> None:
        if not (self.mute and kind == "AFTER"):
            super()._history(client, kind, rest)


class Timekeeper(Ircd):
    """Finds places in its history by times alone."""

    tokens = ("MSGREFTYPES=timestamp",)

    def _history(self, client: Client, kind: str, rest: list[str]) -> None:
        if kind == "AFTER" and rest[1].startswith("msgid"):
            client.tell(build("FAIL", ["CHATHISTORY", "INVALID_MSGREFTYPE", "AFTER", rest[0], "no"], "irc.test"))
        else:
            super()._history(client, kind, rest)


async def test_who_comes_and_goes_hides_nothing_that_was_not_read_yet() -> None:
    async with Forgetful() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden") as irc:
        await ada.join("#garden")
        await ada.says("#garden", "before")
        await irc.comes_in("before")
        await irc.stop()
        await ada.says("#garden", "meanwhile")
        ircd.mute = True
        await irc.start("#garden")
        async with Person("ben", ircd.port) as ben:
            await ben.join("#garden")
            await irc.context.until(lambda: any(getattr(one, "user", "") == "ben" for one in irc.context.events))
        await irc.stop()
        ircd.mute = False
        await irc.start("#garden")
        await irc.comes_in("meanwhile")

        assert irc.came_in() == ["before", "meanwhile"]


async def test_history_in_several_pages_is_read_by_times_where_the_server_knows_no_ids() -> None:
    async with Timekeeper() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden") as irc:
        await ada.join("#garden")
        await ada.says("#garden", "before")
        await irc.comes_in("before")
        await irc.stop()
        for number in range(25):
            await ada.says("#garden", f"meanwhile {number}")
        await until(lambda: len(ircd.said) == 26)
        await irc.start("#garden")
        await irc.comes_in("meanwhile 24")

        assert irc.came_in() == ["before", *(f"meanwhile {number}" for number in range(25))]


async def test_what_found_no_room_before_the_end_of_a_connection_is_taken_in_when_it_is_told_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gearmesh_irc.intake.MOST_WAITING", 1)
    first, second = (MessageReceived(f"m{number}", "#garden", "ada", 1, Text("Hello")) for number in (1, 2))
    async with FakeContext("irc") as context:
        intake = Intake(context, Positions(context))
        await intake.put(first, 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(intake.put(second, 1), 0.01)
        handing_over = asyncio.create_task(intake.hand_over())
        await intake.put(second, 1)
        await context.until(lambda: len(context.events) == 2)
        handing_over.cancel()

        assert list(context.events) == [first, second]


async def test_a_server_is_not_called_silent_while_nobody_listens_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gearmesh_irc.intake.MOST_WAITING", 1)
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, quiet=0.1) as irc:
        store = irc.context.receive

        async def unavailable(*_: Event) -> None:
            raise BusUnavailable("away")

        monkeypatch.setattr(irc.context, "receive", unavailable)
        for number in range(5):
            await ada.says("gearmesh", f"message {number}")
        await asyncio.sleep(1)  # five times as long as the silence that ends a connection
        monkeypatch.setattr(irc.context, "receive", store)
        await irc.comes_in("message 4")

        assert irc.came_in() == [f"message {number}" for number in range(5)]
        assert [report.status for report in irc.context.reports].count("connected") == 1


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "2999-01-01T00:00:00Z"])
async def test_a_clock_that_is_ahead_by_years_hides_nothing_that_is_said_afterwards(moment: str) -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden") as irc:
        await ada.join("#garden")
        ours = next(client for client in ircd.clients if client.nick == "gearmesh")
        ours.tell(tokenise(f"@time={moment};msgid=odd :ben!u@h PRIVMSG #garden :from the future"))
        await irc.comes_in("from the future")
        await irc.stop()
        await ada.says("#garden", "meanwhile")
        await irc.start("#garden")

        await irc.comes_in("meanwhile")


async def test_a_position_in_the_future_that_was_kept_is_not_believed() -> None:
    async with FakeContext("irc") as context:
        await context.keep("seen/#garden", "9999999999999999")
        positions = Positions(context)
        await positions.load()

        assert positions.of("#garden") <= context.now() * 1000


async def test_what_was_said_in_a_channel_while_it_was_not_linked_stays_there() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden", "#lake") as irc:
        await ada.join("#garden")
        await ada.says("#garden", "before")
        await irc.comes_in("before")
        await irc.bridge.sit_in(["#lake"])
        await ada.hears(lambda line: line.command == "PART")
        await ada.says("#garden", "among ourselves")
        await irc.bridge.sit_in(["#garden", "#lake"])
        await irc.inside("#garden")
        await ada.says("#garden", "after")
        await irc.comes_in("after")

        assert irc.came_in() == ["before", "after"]


async def test_a_bouncer_that_plays_before_it_says_where_we_are_tells_nothing_twice() -> None:
    async with FakeContext("irc") as context:
        session, positions, asked = Session("gearmesh", "u"), Positions(context), list[str]()
        session.agreed = {"batch", "server-time", "znc.in/playback"}
        session.known_as = {room: room for room in ("#garden", "#lake")}
        now = int(context.now() * 1000)
        positions.note("@people", now - 5_000)
        positions.note("#garden", now - 60_000)
        positions.note("#lake", now - 10_000)
        outbox, batches = Outbox(cast("Connection", None), Pace(1, 1.0)), Batches()
        monkeyed = cast("Any", outbox)
        monkeyed.put = lambda line, *_: asked.append(line.params[-1])

        async def ignore(line: Line) -> None:
            pass

        history = History(outbox, session, positions, Intake(context, positions), ignore, context.log)
        history.begin(now, {"#garden", "#lake"})
        batches.feed(tokenise("BATCH +p znc.in/playback *"))

        def is_old(room: str, at: int) -> bool:
            line = tokenise(f"@batch=p;time={written(at)} :ada!a@h PRIVMSG {room} :Hello")
            return history.is_old(line, batches)

        assert asked == [f"PLAY * {(now - 60_000) / 1000:.3f}"]
        assert is_old("#lake", now - 30_000)
        assert not is_old("#lake", now - 5_000)
        assert not is_old("#garden", now - 30_000)
        positions.note("#garden", now - 20_000)  # so far was it taken in
        history.joined("#garden", now)
        assert not is_old("#garden", now - 30_000)
        assert is_old("#new", now - 30_000)
