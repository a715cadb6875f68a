"""Many messages of one thread at once: stored together, and still each in its place, once, and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gearmesh import EditReceived, Event, MessageReceived, Text
from gearmesh.bus import direct
from gearmesh.bus.batch import Message
from gearmesh.bus.succession import Succession
from gearmesh.errors import BusRefused, BusUnavailable
from gearmesh.host import lately, repeats
from gearmesh.host.message_map import MessageMap
from gearmesh.host.posting import Posting
from gearmesh.model.delivery import LedgerEntry
from gearmesh.testing import NatsServer
from gearmesh.wire.body import open_body
from gearmesh.wire.codec import decode

from .couple import Couple
from .streams import with_headers


@pytest.fixture
def couple(nats_server: NatsServer, tmp_path: Path) -> Couple:
    couple = Couple(nats_server, tmp_path)
    couple.south.reachable = False  # what goes out is none of this file's concern
    return couple


def burst(couple: Couple, *numbers: int) -> list[Event]:
    """Plain messages, each of which says its number."""
    return [couple.written(f"n-{number}", str(number)) for number in numbers]


async def said(couple: Couple) -> list[str]:
    """The words of all messages that stand in the inbound log."""
    envelopes = [decode(data) for data in await couple.stored("GM_IN")]
    contents = [open_body(one.header.seal, one.body) for one in envelopes if one.header.kind == "event"]
    return [content.text for content in contents if isinstance(content, Text)]


async def conversations(couple: Couple) -> list[str]:
    """The conversations of what stands in the inbound log, each named by the first message there."""
    return [decode(data).header.conversation for data in await couple.stored("GM_IN")]


async def room(couple: Couple, messages: int) -> None:
    """Let the inbound log take so many messages."""
    js = couple.daemon.connection.js
    config = (await js.stream_info("GM_IN")).config
    await js.update_stream(config.evolve(max_msgs=messages))


async def accepted(couple: Couple) -> int:
    """How many messages the ledger has as taken in."""
    await couple.shared.publisher.drain()
    return len(await with_headers(couple.daemon.connection, "GM_LEDGER", "gm.ledger.north.*"))


async def batches(couple: Couple) -> int:
    """How many batches stand in the inbound log."""
    found = await with_headers(couple.daemon.connection, "GM_IN")
    return sum("Nats-Batch-Commit" in headers for _, headers, _ in found)


async def test_given_a_burst_then_it_is_stored_in_order_by_few_batches_and_all_of_it_is_known(couple: Couple) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("first", "@south:ben hello"))
        ingress, told = couple.ingress("north"), []
        ingress.on_message = lambda thread, conversation, native_id: told.append(native_id)

        await couple.comes("north", *burst(couple, *range(250)))

        assert await said(couple) == ["hello", *map(str, range(250))]
        assert len(set(await conversations(couple))) == 1
        assert await batches(couple) == 3
        assert told == [f"n-{number}" for number in range(250)]
        for number in (0, 99, 100, 249):
            record = await couple.shared.messages.native("north", f"n-{number}")
            assert record is not None
            leg = await couple.shared.messages.leg(record.envelope, "north", "ada", anew=True)
            assert leg is not None
            assert leg.inbound == number + 2
        assert await accepted(couple) == 251


async def test_given_a_burst_that_turns_to_somebody_else_then_everything_before_stays_where_it_was(
    couple: Couple,
) -> None:
    async with couple.running():
        await couple.comes(
            "north",
            couple.written("a", "@south:ben hello"),
            *burst(couple, 1, 2),
            couple.written("b", "@south:bob hello"),
            *burst(couple, 3, 4),
        )

        assert await said(couple) == ["hello", "1", "2", "hello", "3", "4"]
        ben, bob = (await conversations(couple))[0], (await conversations(couple))[-1]
        assert await conversations(couple) == [ben, ben, ben, bob, bob, bob]
        assert ben != bob


async def test_given_a_burst_with_an_answer_an_edit_and_a_repeat_of_what_came_with_it_then_each_finds_its_message(
    couple: Couple,
) -> None:
    async with couple.running():
        now = couple.now()
        answer = MessageReceived("n-9", "ada", "ada", now, Text("answer"), reply_to="n-1")
        mended = EditReceived("ada", "ada", now, "n-2", Text("mended"))

        await couple.comes(
            "north",
            couple.written("first", "@south:ben hello"),
            *burst(couple, 1, 2),
            answer,
            *burst(couple, 1, 3),
            mended,
            *burst(couple, 4),
        )

        found = [decode(data) for data in await couple.stored("GM_IN")]
        contents = [open_body(one.header.seal, one.body) for one in found]
        assert await said(couple) == ["hello", "1", "2", "answer", "3", "4"]
        assert getattr(contents[3], "reply_to", "") == found[1].header.hex_id
        assert getattr(contents[5], "target", "") == found[2].header.hex_id


async def test_given_one_that_can_be_neither_stored_nor_buried_then_those_behind_it_are_accounted(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("first", "@south:ben hello"))
        remember = MessageMap.remember

        async def fails_at_one(messages: MessageMap, app: str, thread: str, *given: Any, **more: Any) -> None:
            if more["new"] == ("n-1",):
                raise ValueError("this one cannot be written down")
            await remember(messages, app, thread, *given, **more)

        async def away(*given: Any, **more: Any) -> str:
            raise BusUnavailable("nats does not take dead letters just now")

        with monkeypatch.context() as faults:
            faults.setattr(MessageMap, "remember", fails_at_one)
            faults.setattr(couple.shared.journal, "bury", away)
            with pytest.raises(BusUnavailable, match="dead letters"):
                await couple.comes("north", *burst(couple, 0, 1, 2, 3))
        assert await accepted(couple) == 4, "the first, and those around the one that failed"

        await couple.comes("north", *burst(couple, 0, 1, 2, 3))
        assert await said(couple) == ["hello", "0", "1", "2", "3"]


async def test_given_a_ledger_that_takes_one_entry_not_then_the_others_stand_there_and_all_are_taken_in(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("first", "@south:ben hello"))
        begin, begun = couple.shared.ledger.begin, []

        async def fails_once(entry: LedgerEntry) -> None:
            begun.append(entry)
            if len(begun) == 2:
                raise ValueError("no such entry")
            await begin(entry)

        monkeypatch.setattr(couple.shared.ledger, "begin", fails_once)
        await couple.comes("north", *burst(couple, 0, 1, 2, 3))
        assert await accepted(couple) == 4
        assert await said(couple) == ["hello", "0", "1", "2", "3"]


async def test_given_a_log_without_room_for_a_burst_then_the_bridge_is_told_and_what_came_in_is_recognised_later(
    couple: Couple,
) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("first", "@south:ben hello"))
        await room(couple, 8)
        events = burst(couple, *range(30))

        with pytest.raises(BusUnavailable, match="maximum messages"):
            await couple.comes("north", *events)
        with pytest.raises(BusUnavailable, match="maximum messages"):
            await couple.comes("north", *events)
        assert await said(couple) == ["hello", *map(str, range(7))]

        await room(couple, -1)
        await couple.comes("north", *events, *burst(couple, 30))

        assert await said(couple) == ["hello", *map(str, range(31))]


async def test_given_no_room_before_a_burst_turns_to_somebody_else_when_it_comes_again_then_nothing_has_turned_yet(
    couple: Couple,
) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("first", "@south:ben hello"))
        events = [*burst(couple, 1, 2), couple.written("turn", "@south:bob hello"), *burst(couple, 3)]
        await room(couple, 2)

        with pytest.raises(BusUnavailable, match="maximum messages"):
            await couple.comes("north", *events)
        await room(couple, -1)
        await couple.comes("north", *events)

        assert await said(couple) == ["hello", "1", "2", "hello", "3"]
        ben, bob = (await conversations(couple))[0], (await conversations(couple))[-1]
        assert await conversations(couple) == [ben, ben, ben, bob, bob]


async def test_given_a_message_that_can_never_be_stored_then_it_alone_becomes_a_dead_letter(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = Posting.message

    def too_large(posting: Posting, header: Any, data: bytes, received: int) -> Message:
        made = message(posting, header, data, received)
        is_the_one = b"impossible" in data
        return Message(made.subject, bytes(2**26), made.headers) if is_the_one else made

    monkeypatch.setattr(Posting, "message", too_large)
    async with couple.running():
        await couple.comes(
            "north",
            couple.written("first", "@south:ben hello"),
            *burst(couple, 1),
            couple.written("n-2", "impossible"),
            *burst(couple, 3),
        )

        assert await said(couple) == ["hello", "1", "3"]
        assert len(await couple.stored("GM_DEAD")) == 1


async def test_given_an_event_that_is_refused_for_ever_then_what_came_before_it_is_stored(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("first", "@south:ben hello"))
        known = couple.shared.directory.known

        async def refused(address: Any) -> Any:
            if address.user == "stranger":
                raise BusRefused("no room for anybody new")
            return await known(address)

        monkeypatch.setattr(couple.shared.directory, "known", refused)
        stranger = MessageReceived("n-3", "ada", "stranger", couple.now(), Text("3"))

        with pytest.raises(BusUnavailable, match="anybody new"):
            await couple.comes("north", *burst(couple, 1, 2), stranger, *burst(couple, 4))

        assert await said(couple) == ["hello", "1", "2"]


async def test_given_nats_that_dies_in_a_burst_then_it_comes_again_and_nothing_is_lost_doubled_or_overtaken(
    couple: Couple, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("first", "@south:ben hello"))
        events, killed = burst(couple, *range(300)), 0
        remember = MessageMap.remember

        async def dies(messages: MessageMap, *given: Any, **more: Any) -> None:
            nonlocal killed
            killed += 1
            if killed in {60, 150}:
                nats_server.kill()
                await nats_server.start()
            await remember(messages, *given, **more)

        monkeypatch.setattr(MessageMap, "remember", dies)
        for _ in range(200):
            try:
                await couple.comes("north", *events)
                break
            except BusUnavailable:
                await couple.clock.sleep(0.05)
        else:
            raise AssertionError("it was never stored")

        assert killed >= 150
        assert await said(couple) == ["hello", *map(str, range(300))]


@pytest.mark.parametrize("most", [lately.MOST, 3], ids=["read at once", "too many to be read at once"])
async def test_given_a_death_between_log_and_map_when_the_burst_comes_again_at_once_then_it_stays_where_it_was(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """The successor has seen nothing of it, and the person is in another conversation by now."""
    store_all = Posting.store_all
    monkeypatch.setattr(lately, "MOST", most)

    async def dies_after_storing(posting: Posting, messages: Sequence[Message]) -> Succession:
        await store_all(posting, messages)
        raise BusUnavailable("the process dies here")

    async with couple.running():
        await couple.comes("north", couple.written("first", "@south:bob hello"))
        events = burst(couple, 1, 2, 3)
        with monkeypatch.context() as crash:
            crash.setattr(Posting, "store_all", dies_after_storing)
            with pytest.raises(BusUnavailable, match="dies"):
                await couple.comes("north", *events)
        assert await couple.shared.messages.native("north", "n-1") is None
        bob = (await conversations(couple))[0]
        couple.south.reachable = True
        await couple.sees("3", "bob")

    async with couple.running():
        await couple.comes("north", couple.written("second", "@south:ben hello"))
        before = await couple.stored("GM_IN")

        await couple.comes("north", *events)

        assert await couple.stored("GM_IN") == before
        for number in (1, 2, 3):
            record = await couple.shared.messages.native("north", f"n-{number}")
            assert record is not None
            assert record.conversation == bob


async def test_given_a_start_then_messages_of_before_are_recognised_and_new_ones_ask_nats_nothing_each(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with couple.running():
        lost = couple.written("lost", "is anybody there?")  # answered by a notice
        events = [lost, couple.written("first", "@south:ben hello"), *burst(couple, *range(40))]
        await couple.comes("north", *events)

    questions: list[dict[str, Any]] = []
    ask = direct._ask

    def asks(connection: Any, stream: str, question: dict[str, Any]) -> Any:
        questions.append(question)
        return ask(connection, stream, question)

    async with couple.running():
        before = await couple.stored("GM_IN")
        monkeypatch.setattr(direct, "_ask", asks)
        await couple.comes("north", *events)
        assert await couple.stored("GM_IN") == before

        for event in burst(couple, *range(40, 60)):
            await couple.comes("north", event)

        assert await said(couple) == ["hello", *map(str, range(60))]
        assert 1 <= len(questions) <= 4


async def test_given_more_than_is_read_in_a_moment_then_messages_ask_for_themselves_and_nobody_waits_for_it(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with couple.running():
        events = [couple.written("first", "@south:ben hello"), *burst(couple, 1, 2)]
        await couple.comes("north", *events)

    async def never_ends(*_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(repeats, "read_lately", never_ends)
    monkeypatch.setattr(repeats, "READ_WITHIN", 0.01)
    async with couple.running():
        await couple.comes("north", *events, *burst(couple, 3))

        assert await said(couple) == ["hello", "1", "2", "3"]


async def test_given_nats_that_does_not_tell_what_came_lately_then_nothing_is_taken_in_until_it_does(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with couple.running():
        with monkeypatch.context() as silence:

            def silent(*_: Any, **__: Any) -> Any:
                raise BusUnavailable("reading stream KV_gm-map: TimeoutError")

            silence.setattr(direct, "scan", silent)
            with pytest.raises(BusUnavailable, match="KV_gm-map"):
                await couple.comes("north", couple.written("first", "@south:ben hello"))
            assert await said(couple) == []

        await couple.comes("north", couple.written("first", "@south:ben hello"))

        assert await said(couple) == ["hello"]
