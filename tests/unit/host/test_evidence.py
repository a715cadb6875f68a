"""Signs that an unclear message arrived, kept in a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.errors import BusUnavailable
from gearmesh.host.evidence import TOLERANCE, Evidence
from gearmesh.host.message_map import LegRecord, MessageMap, NativeRecord
from gearmesh.host.turn import Turn
from gearmesh.host.underway import Underway
from gearmesh.model.content import Media, MediaRef, Text
from gearmesh.model.delivery import Delivery, LedgerEntry
from gearmesh.model.events import EchoReceived
from gearmesh.testing import FakeClock
from gearmesh.wire.subjects import Subjects

APP = "messenger"
SINCE = 1_800_000_000_000
WITHIN = 10.0
HELLO = Delivery("e1:messenger:0", "ada", "ada", Text("hello"))
PICTURE = Delivery("e2:messenger:0", "ada", "ada", Media("image", MediaRef("whatsapp", "1"), "look"))

New = Callable[[], "Process"]


class Process:
    """One process' evidence, with what belongs to it."""

    def __init__(self, connection: Connection, publisher: Publisher, clock: FakeClock) -> None:
        self.messages = MessageMap(connection, publisher, Subjects())
        self.underway = Underway()
        self.turn = Turn()
        self.clock = clock
        self.evidence = Evidence(connection, publisher, Subjects(), APP, self.messages, self.underway, clock)

    async def shown(
        self, native_id: str, *, by: str = "", text: str = "", at: int = SINCE, thread: str = "ada"
    ) -> None:
        """The network shows a message of ours."""
        await self.evidence.show(EchoReceived(native_id, thread, "ada", at, by, text))

    def seek(self, delivery: Delivery = HELLO, *, since: int = SINCE) -> asyncio.Task[str]:
        """Look for a sign."""
        return asyncio.create_task(self.evidence.seek(delivery, since, WITHIN, self.turn))

    async def found(self, delivery: Delivery = HELLO, *, since: int = SINCE) -> str:
        """What is found in the time that there is."""
        seeking = self.seek(delivery, since=since)
        while not seeking.done():
            await asyncio.wait([seeking, asyncio.create_task(self._asleep())], return_when=asyncio.FIRST_COMPLETED)
            if not seeking.done():
                await self.clock.advance(WITHIN)
        return await seeking

    async def _asleep(self) -> None:
        await self.clock.until_asleep()

    async def knows(self, native_id: str) -> None:
        """A message is written down with its native id."""
        record = NativeRecord("e0", "c1", "whatsapp:1")
        await self.messages.remember(APP, "ada", record, LegRecord((native_id,)), new=(native_id,))


@pytest.fixture
def new(connection: Connection, publisher: Publisher, clock: FakeClock) -> New:
    """Makes a process, or what one is after a restart."""
    return lambda: Process(connection, publisher, clock)


@pytest.fixture
def process(new: New) -> Process:
    """One process."""
    return new()


async def test_given_an_echo_with_our_delivery_id_then_the_message_had_arrived(process: Process) -> None:
    await process.shown("m1", by=HELLO.id)
    assert await process.found() == "m1"


@pytest.mark.parametrize(("delivery", "text"), [(HELLO, " hello\n"), (PICTURE, "look")], ids=["text", "caption"])
async def test_given_an_echo_with_our_words_then_the_message_had_arrived(
    process: Process, delivery: Delivery, text: str
) -> None:
    await process.shown("m1", text=text)
    assert await process.found(delivery) == "m1"


@pytest.mark.parametrize(
    ("by", "text", "thread"),
    [("e1:messenger:1", "", "ada"), ("", "hello there", "ada"), (HELLO.id, "", "ben"), ("", "hello", "ben")],
    ids=["another part", "other words", "another thread", "another thread's words"],
)
async def test_given_an_echo_of_something_else_then_it_is_no_sign(
    process: Process, by: str, text: str, thread: str
) -> None:
    await process.shown("m1", by=by, text=text, thread=thread)
    assert await process.found() == ""


async def test_given_nothing_is_shown_then_nothing_is_found_when_the_time_is_over(process: Process) -> None:
    seeking = process.seek()
    await process.clock.until_asleep()
    await process.clock.advance(WITHIN - 0.1)
    assert not seeking.done()
    await process.clock.advance(0.1)
    assert await seeking == ""


async def test_given_a_sign_that_comes_while_it_is_sought_then_it_is_found_at_once(process: Process) -> None:
    for by, text in ((HELLO.id, ""), ("", "hello")):
        seeking = process.seek()
        await process.clock.until_asleep()
        await process.shown(f"m{by}", by=by, text=text, at=SINCE + len(text))
        assert await asyncio.wait_for(seeking, 5) == f"m{by}"
        await process.knows(f"m{by}")


@pytest.mark.parametrize(("age", "found"), [(TOLERANCE, "m1"), (TOLERANCE + 1, "")])
async def test_given_a_sign_from_before_the_message_then_only_a_clock_that_differs_a_little_is_forgiven(
    process: Process, new: New, age: int, found: str
) -> None:
    await process.shown("m1", text="hello", at=SINCE - age)
    assert await process.found() == found
    assert await new().found() == found, "also where it is read from nats"


async def test_given_an_old_sign_that_comes_late_while_one_is_sought_then_the_right_one_is_still_found(
    process: Process,
) -> None:
    seeking = process.seek()
    await process.clock.until_asleep()
    await process.shown("old", text="hello", at=SINCE - TOLERANCE - 1)
    await process.shown("m1", text="hello", at=SINCE)
    assert await asyncio.wait_for(seeking, 5) == "m1"


async def test_given_a_restart_between_the_sign_and_the_question_then_the_sign_was_kept(
    process: Process, new: New
) -> None:
    await process.shown("m1", by=HELLO.id)
    await process.shown("m2", text="look")
    after = new()
    assert await after.found() == "m1"
    assert await after.found(PICTURE) == "m2"


@pytest.mark.parametrize("restarted", [False, True])
async def test_given_an_echo_of_a_message_that_we_know_then_it_is_no_sign_of_another_with_the_same_words(
    process: Process, new: New, restarted: bool
) -> None:
    await process.knows("m1")
    process = new() if restarted else process
    await process.shown("m1", text="hello")
    assert await process.found() == ""


@pytest.mark.parametrize("restarted", [False, True])
async def test_given_the_same_words_twice_then_the_sign_of_the_first_is_none_of_the_second(
    process: Process, new: New, restarted: bool
) -> None:
    await process.shown("m1", text="hello")
    assert await process.found() == "m1"
    await process.knows("m1")
    process = new() if restarted else process
    again = Delivery("e9:messenger:0", "ada", "ada", Text("hello"))
    assert await process.found(again) == ""


@pytest.mark.parametrize("restarted", [False, True])
async def test_given_an_echo_of_a_message_that_we_know_while_one_with_the_same_words_is_sought_then_it_ends_nothing(
    process: Process, new: New, restarted: bool
) -> None:
    await process.knows("m1")
    process = new() if restarted else process
    seeking = process.seek()
    await process.clock.until_asleep()
    await process.shown("m1", text="hello")
    await process.shown("m2", text="hello")
    assert await asyncio.wait_for(seeking, 5) == "m2"


async def test_given_an_echo_while_the_answer_is_on_its_way_then_the_answer_is_waited_for(process: Process) -> None:
    process.underway.begin("ada")
    showing = asyncio.create_task(process.shown("m1", text="hello"))
    for _ in range(5):
        await process.messages.native(APP, "nobody's")  # as often as nats is asked for a sign, and more
    assert not showing.done()
    await process.knows("m1")
    process.underway.end("ada")
    await showing
    assert await process.found() == ""


SENT = LedgerEntry("e1", APP, "sent", 1, thread="ada", native_ids=("m1",))


async def test_given_an_echo_of_a_message_that_nats_has_not_yet_written_down_then_its_sign_is_kept(
    process: Process, new: New
) -> None:
    process.messages.sending(SENT)
    await process.shown("m1", by=HELLO.id)
    assert await new().found() == "m1"


async def test_given_a_message_that_is_written_down_in_a_moment_then_its_echo_waits_for_that_and_is_no_sign(
    process: Process, new: New
) -> None:
    process.messages.sending(SENT)
    showing = asyncio.create_task(process.shown("m1", by=HELLO.id))
    for _ in range(5):
        await process.messages.native(APP, "nobody's")
    assert not showing.done()
    process.messages.stored("e1", APP, "ada")
    await asyncio.wait_for(showing, 0.5)
    assert await new().found() == ""


async def test_given_a_turn_that_ends_then_nobody_goes_on_seeking(process: Process) -> None:
    seeking = process.seek()
    await process.clock.until_asleep()
    process.turn.end()
    assert await asyncio.wait_for(seeking, 5) == ""


async def test_given_nats_is_away_then_the_network_has_to_show_it_again(
    connection: Connection, process: Process
) -> None:
    await connection.client.close()
    with pytest.raises(BusUnavailable):
        await process.shown("m1", by=HELLO.id)


@pytest.mark.parametrize("restarted", [False, True])
async def test_given_a_message_that_is_about_to_be_sent_then_it_is_in_doubt_for_whoever_takes_over(
    process: Process, new: New, restarted: bool
) -> None:
    await process.evidence.begins.begin(HELLO, SINCE)
    if restarted:
        process = new()
    else:
        assert not await process.evidence.begins.in_doubt(HELLO)
        process.evidence.begins.leave_all()
    assert await process.evidence.begins.in_doubt(HELLO)


async def test_given_a_message_that_nobody_began_to_send_then_it_is_in_nobodys_doubt(
    process: Process, new: New
) -> None:
    assert not await process.evidence.begins.in_doubt(HELLO)
    await process.evidence.begins.begin(HELLO, SINCE)
    following = msgspec.structs.replace(HELLO, id="e1:messenger:1")
    elsewhere = msgspec.structs.replace(HELLO, thread="ben")
    assert [await new().evidence.begins.in_doubt(delivery) for delivery in (following, elsewhere)] == [None, None]


async def test_given_two_messages_one_after_the_other_then_each_is_in_doubt_until_it_is_written_down(
    process: Process, new: New
) -> None:
    to_ben = msgspec.structs.replace(HELLO, thread="ben")
    for delivery in (HELLO, to_ben, PICTURE):
        await process.evidence.begins.begin(delivery, SINCE)
    after = new()
    assert all([await after.evidence.begins.in_doubt(delivery) for delivery in (HELLO, to_ben, PICTURE)])
    after.evidence.begins.over(HELLO.thread, HELLO.id.partition(":")[0])
    begun = [await after.evidence.begins.in_doubt(delivery) for delivery in (HELLO, to_ben, PICTURE)]
    assert [at is not None for at in begun] == [False, True, True]


async def test_given_nats_is_away_then_nobody_who_comes_after_can_say_what_was_begun(
    connection: Connection, process: Process, new: New
) -> None:
    await process.evidence.begins.begin(HELLO, SINCE)
    await connection.client.close()
    with pytest.raises(BusUnavailable):
        await new().evidence.begins.in_doubt(HELLO)
