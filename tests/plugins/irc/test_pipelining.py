"""Many messages to one target are on their way at once, in order, and each is confirmed or refused by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from irctokens.line import Line, build

from gearmesh import Rejected, Retry, Unclear
from gearmesh_irc.connection import Connection, Pace
from gearmesh_irc.turns import OVERTAKEN, Turns

from .bench import bench
from .ircd import CAPS, Client, Ircd
from .person import Person
from .proxy import Proxy
from .servers import Server, inspircd, ngircd

NOTHING: dict[str, str] = {}
every_server = pytest.mark.parametrize("caps", [NOTHING, {"echo-message": ""}, CAPS], ids=["none", "echo", "all"])


class Picky(Ircd):
    """Refuses from us what has "no" in it, and is in no hurry to answer."""

    def _pass_on(self, client: Client, line: Line, pairs: list[tuple[str, dict[str, str]]]) -> None:
        if client.nick == self.ours and "no" in pairs[0][0]:
            self.refusals.insert(0, "404")
        super()._pass_on(client, line, pairs)


@every_server
async def test_of_many_to_one_room_just_those_are_refused_that_the_server_refuses(caps: dict[str, str]) -> None:
    texts = [f"no {number}" if number % 7 in {2, 3} else f"yes {number}" for number in range(50)]
    async with Picky(caps) as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden") as irc:
        await ada.join("#garden")
        results = await asyncio.gather(*(irc.says("#garden", text) for text in texts), return_exceptions=True)
        await ada.reads("yes 49")

        assert [isinstance(one, Rejected) for one in results] == ["no" in text for text in texts]
        assert ada.read_from("gearmesh") == [text for text in texts if "no" not in text]


@pytest.mark.parametrize("make", [ngircd, inspircd])
async def test_on_real_servers_many_are_on_their_way_to_one_room_and_arrive_in_order(
    make: Callable[[Path], Server], tmp_path: Path
) -> None:
    texts = [f"line {number}" for number in range(300)]
    async with make(tmp_path) as server, Person("ada", server.port) as ada, Proxy(server.port) as way:
        await ada.join("#garden")
        async with bench(way.port, "#garden") as irc:
            link = irc.bridge._link
            assert link is not None
            most = 0

            async def say(text: str) -> None:
                nonlocal most
                sending = asyncio.create_task(irc.says("#garden", text))
                await asyncio.sleep(0)
                most = max(most, len(link.confirmations._waiting))
                await sending

            await asyncio.gather(*(say(text) for text in texts))
            await ada.reads(texts[-1])

        assert ada.read_from("gearmesh") == texts
        assert most > 100


async def test_lines_of_a_long_text_are_not_mixed_with_what_comes_after_it() -> None:
    async with Ircd(NOTHING) as ircd, Person("ada", ircd.port) as ada, bench(ircd.port) as irc:
        await asyncio.gather(irc.says("ada", "1\n2\n3"), irc.says("ada", "4"), irc.says("ada", "5\n6"))
        await ada.reads("6")

        assert ada.read_from("gearmesh") == ["1", "2", "3", "4", "5", "6"]


async def test_what_is_behind_a_line_that_could_not_be_written_is_not_written_either() -> None:
    async with Ircd(NOTHING) as ircd, Person("ada", ircd.port) as ada, bench(ircd.port) as irc:
        ircd.refusals += ["", "437"]
        first, second = await asyncio.gather(
            irc.says("ada", "1\n2\n3", name="e:irc:0"), irc.says("ada", "4"), return_exceptions=True
        )
        assert isinstance(first, Retry)
        assert isinstance(second, Retry)
        await irc.says("ada", "1\n2\n3", name="e:irc:0")
        await irc.says("ada", "4")
        await ada.reads("4")

        assert ada.read_from("gearmesh") == ["1", "2", "3", "4"]


async def test_whoever_gives_up_waiting_takes_those_behind_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gearmesh_irc.bridge.TURN_WITHIN", 0.3)
    async with Ircd(NOTHING) as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, burst=1, every=1.0) as irc:
        irc.bridge._pace._owed_until = asyncio.get_running_loop().time() + 10
        sending = []
        for number in range(4):
            sending.append(asyncio.create_task(irc.says("ada", f"line {number}")))
            await asyncio.sleep(0.05)
        results = await asyncio.gather(*sending, return_exceptions=True)

        assert all(isinstance(one, Retry) for one in results)
        assert [OVERTAKEN in str(one) for one in results] == [False, True, True, True]
        assert ada.read_from("gearmesh") == []


async def test_all_that_is_on_its_way_when_the_connection_is_lost_is_unclear() -> None:
    async with Ircd(NOTHING) as ircd, Person("ada", ircd.port), Proxy(ircd.port) as way, bench(way.port) as irc:
        way.deaf = True
        sending = [asyncio.create_task(irc.says("ada", f"line {number}")) for number in range(30)]
        await asyncio.sleep(0.1)
        await way.cut()
        results = await asyncio.gather(*sending, return_exceptions=True)

        assert [type(one) for one in results] == [Unclear] * 30


async def test_lines_without_an_answer_become_unclear_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gearmesh_irc.confirmations.ANSWER_WITHIN", 0.2)
    async with Ircd(NOTHING) as ircd, Person("ada", ircd.port), Proxy(ircd.port) as way, bench(way.port) as irc:
        way.deaf = True
        for number in range(2):
            with pytest.raises(Unclear):
                await irc.says("ada", f"line {number}")


async def test_nothing_is_kept_of_targets_that_nobody_writes_to_now() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port), bench(ircd.port) as irc:
        await asyncio.gather(irc.says("ada", "Hello"), irc.says("ada", "you"))
        for user in ("ada", "ben", "cy"):
            await irc.bridge.typing(user, user, True, "")
            await irc.bridge.typing(user, user, False, "")
        link = irc.bridge._link

        assert link is not None
        assert not link.confirmations._turns._queues
        assert not link.confirmations._waiting
        assert not irc.bridge._typed


async def test_a_server_that_reads_none_of_our_answers_is_left_before_they_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gearmesh_irc.connection.MOST_UNSENT", 1000)

    deaf: list[asyncio.StreamWriter] = []

    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        deaf.append(writer)

    server = await asyncio.start_server(never_read, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        connection = Connection(reader, writer)

        async def answer() -> None:
            for _ in range(10_000):
                connection.write(*(build("PONG", ["x" * 400]) for _ in range(10)))
                await asyncio.sleep(0)

        with pytest.raises(ConnectionError, match="not read"):
            await answer()
        await connection.close()
        for writer in deaf:
            writer.transport.abort()


@given(st.lists(st.sampled_from(["ends", "fails", "refused", "cancelled", "cancelled at once"]), max_size=12))
async def test_turns_come_in_order_and_nobody_goes_past_one_who_could_not(fates: list[str]) -> None:
    turns, wrote = Turns(), list[int]()

    async def write(number: int, fate: str) -> None:
        async with turns.at("a"):
            await asyncio.sleep(0)
            if fate == "fails":
                raise Retry("not now")
            if fate == "refused":
                raise Rejected("never")
            if fate == "cancelled":
                await asyncio.Event().wait()
            wrote.append(number)

    tasks = [asyncio.create_task(write(number, fate)) for number, fate in enumerate(fates)]
    await asyncio.sleep(0)
    for task, fate in zip(tasks, fates, strict=True):
        if fate == "cancelled at once":
            task.cancel()
    for _ in range(3 * len(fates) + 3):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    first = next((number for number, fate in enumerate(fates) if fate not in {"ends", "refused"}), len(fates))
    assert wrote == [number for number in range(first) if fates[number] == "ends"]
    assert turns.is_free("a")


async def test_only_a_server_that_was_there_all_the_time_makes_us_slower() -> None:
    for proven in (True, False):
        pace = Pace(10, 0.1)
        pace.suspect()
        if not proven:
            pace.acquit()
        pace.convict()

        assert (pace.every > 0.1) == proven
