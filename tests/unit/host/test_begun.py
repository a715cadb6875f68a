"""What is about to be sent, written down in waves in a real nats-server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.log_reader import LogReader
from gearmesh.bus.publisher import Outcome, Publisher, Stored
from gearmesh.bus.store import Store
from gearmesh.errors import BusError, BusRefused
from gearmesh.host import begun, undecided
from gearmesh.host.begun import Begins
from gearmesh.host.waves import LONG_AGO, Begun, Wave, not_over
from gearmesh.model.content import Text
from gearmesh.model.delivery import Delivery
from gearmesh.wire.subjects import Subjects

APP = "messenger"
BUCKET = "KV_gm-sends"
AT = 1_800_000_000_000

New = Callable[[], Begins]


def delivery(number: int, thread: str = "") -> Delivery:
    """A message to a thread, its own unless another one is named."""
    user = thread or f"user{number}"
    return Delivery(f"e{number}:{APP}:0", user, user, Text("hello"))


@pytest.fixture
def new(connection: Connection, publisher: Publisher) -> New:
    """Makes what a process knows, or what the one after it does, which has the next term."""
    terms = itertools.count(1)

    def make() -> Begins:
        begins = Begins(connection, publisher, Subjects(), APP)
        begins.forget(next(terms))
        return begins

    return make


@pytest.fixture
def begins(new: New) -> Begins:
    """What one process knows."""
    return new()


async def waves(connection: Connection) -> int:
    """How many messages were stored so far."""
    return (await connection.js.stream_info(BUCKET)).state.last_seq


async def known(begins: Begins, *deliveries: Delivery) -> list[bool]:
    """Of which of these nobody here knows what became of them."""
    return [await begins.in_doubt(one) is not None for one in deliveries]


async def began(begins: Begins, one: Delivery) -> int:
    """When one was begun of which nobody here knows what became; 0 for any other."""
    held = await begins.in_doubt(one)
    return held.begun.at if held else 0


async def pass_by(begins: Begins, numbers: range, at: int = AT) -> None:
    """Messages that are begun, one after the other, and are over at once."""
    for number in numbers:
        await begins.begin(delivery(number), at)
        begins.over(f"user{number}", f"e{number}")


async def refused(subject: str, payload: bytes, headers: None, outcome: Outcome) -> None:
    """What a publisher does when NATS has no room."""
    await outcome(BusRefused("insufficient resources"))


async def unanswered(*arguments: object) -> None:
    """What a publisher does while NATS is away."""


async def test_given_many_that_begin_at_the_same_moment_then_one_message_names_them_all(
    connection: Connection, begins: Begins, new: New
) -> None:
    together = [delivery(number) for number in range(100)]
    await asyncio.gather(*(begins.begin(one, AT) for one in together))
    assert await waves(connection) == 1
    assert all(await known(new(), *together))


async def test_given_more_than_a_message_holds_then_all_of_them_are_known(
    connection: Connection, begins: Begins, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "MOST", 10)
    together = [delivery(number) for number in range(25)]
    await asyncio.gather(*(begins.begin(one, AT) for one in together))
    assert await waves(connection) == 3
    assert all(await known(new(), *together))


async def test_given_one_that_is_long_on_its_way_then_it_is_known_however_many_come_after_it(
    begins: Begins, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    begins, slow = new(), delivery(0)
    await begins.begin(slow, AT)
    for number in range(1, 30):
        await begins.begin(delivery(number), AT)
        begins.over(f"user{number}", f"e{number}")
    assert await began(new(), slow) == AT


async def test_given_what_a_predecessor_began_then_it_outlives_the_successors_messages_and_those_of_the_next_one(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    first, second = new(), new()
    for number in range(20):
        await first.begin(delivery(number), AT)
    for number in range(100, 120):
        await second.begin(delivery(number), AT)
        second.over(f"user{number}", f"e{number}")
    assert all(await known(new(), *map(delivery, range(20))))


async def test_given_some_that_are_over_then_whoever_comes_after_the_next_wave_does_not_wonder_about_them(
    begins: Begins, new: New
) -> None:
    for number in range(4):
        await begins.begin(delivery(number), AT)
        begins.over(f"user{number}", f"e{number}")
    assert await known(new(), *map(delivery, range(4))) == [False, False, False, True]


async def test_given_one_that_is_not_over_then_whoever_comes_knows_everything_since_then(
    begins: Begins, new: New
) -> None:
    for number in range(4):
        await begins.begin(delivery(number), AT)
        if number != 1:
            begins.over(f"user{number}", f"e{number}")
    assert await known(new(), *map(delivery, range(4))) == [False, True, True, True]


async def test_given_one_that_was_clearly_not_sent_then_nobody_takes_it_for_begun(begins: Begins, new: New) -> None:
    again = delivery(1, "ada")
    await begins.begin(again, AT)
    await begins.begin(again, AT)
    await begins.clear(again)
    assert await known(begins, again) == [False]
    after = new()
    assert await known(after, again) == [False]
    await after.begin(again, AT)
    assert await known(new(), again) == [True]


async def test_given_one_that_was_cleared_then_that_is_known_as_long_as_it_is_named(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    begins, cleared = new(), delivery(0)
    await begins.begin(cleared, AT)
    await begins.clear(cleared)
    for number in range(1, 20):
        rings = await begins._rings.read()
        assert (cleared.thread, cleared.id) not in not_over(rings[1])
        await begins.begin(delivery(number), AT)
        begins.over(f"user{number}", f"e{number}")


async def test_given_nats_refuses_a_wave_then_everybody_in_it_learns_so_and_what_was_known_before_is_still_known(
    begins: Begins, monkeypatch: pytest.MonkeyPatch, publisher: Publisher
) -> None:
    before, after = delivery(1, "ada"), delivery(2, "ada")
    await begins.begin(before, AT)
    with monkeypatch.context() as patch:
        patch.setattr(publisher, "send", refused)
        results = await asyncio.gather(begins.begin(after, AT), begins.begin(delivery(3), AT), return_exceptions=True)
    assert [type(result) for result in results] == [BusRefused, BusRefused]
    assert isinstance(results[0], BusError)
    begins.leave_all()
    assert await known(begins, before, after, delivery(3)) == [True, False, False]


async def test_given_one_who_gives_up_waiting_then_the_others_of_the_wave_go_on(begins: Begins) -> None:
    async def waits(number: int) -> None:
        await begins.begin(delivery(number), AT)

    impatient, patient = asyncio.create_task(waits(0)), asyncio.create_task(waits(1))
    while not begins._wave:
        await asyncio.sleep(0)
    impatient.cancel()
    await patient
    assert impatient.cancelled()


async def test_given_what_cannot_be_read_then_the_rest_is(begins: Begins, new: New, publisher: Publisher) -> None:
    await begins.begin(delivery(1), AT)
    await publisher.publish(f"$KV.gm-sends.begun.{APP}.1.7", b"\xc1 no wave")
    assert await known(new(), delivery(1)) == [True]


async def test_given_somebody_else_was_at_work_meanwhile_then_what_they_began_is_known(
    begins: Begins, new: New
) -> None:
    mine, theirs = delivery(1, "ada"), delivery(2, "ada")
    await begins.begin(mine, AT)
    await new().begin(theirs, AT)
    assert await known(begins, mine, theirs) == [False, False]
    begins.forget(3)
    assert await known(begins, mine, theirs) == [True, True]


async def test_given_several_of_one_thread_at_once_then_each_is_known_until_it_is_over(
    begins: Begins, new: New
) -> None:
    together = [delivery(number, "ada") for number in range(3)]
    await asyncio.gather(*(begins.begin(one, AT) for one in together))
    begins.over("ada", "e1")
    assert await known(new(), *together) == [True, True, True]
    await begins.begin(delivery(9), AT)
    assert await known(begins, *together) == [False, False, False]
    begins.leave_all()
    assert await known(begins, *together) == [True, False, True]


async def test_given_a_turn_that_ended_before_it_was_known_then_it_is_in_doubt_until_it_was_found_out(
    begins: Begins, new: New
) -> None:
    left, other = delivery(1, "ada"), delivery(2, "ada")
    await begins.begin(left, AT)
    await begins.begin(other, AT)
    begins.leave(left)
    begins.leave(delivery(3))  # never begun
    assert await known(begins, left, other, delivery(3)) == [True, False, False]
    begins.settle(left)
    assert await known(begins, left) == [False]
    assert await known(new(), left) == [True]  # it is not written down


async def test_given_what_nobody_says_is_over_then_further_waves_name_it_no_longer_than_an_answer_takes(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    monkeypatch.setattr(undecided, "NAMED_FOR", -1.0)
    begins, ended_otherwise = new(), delivery(0)
    await begins.begin(ended_otherwise, AT)
    await pass_by(begins, range(1, 10))
    assert await known(new(), ended_otherwise) == [False]


@pytest.mark.parametrize("inherited", [False, True])
async def test_given_one_in_doubt_then_it_is_so_however_long_it_waits_and_whatever_the_clock_says(
    new: New, monkeypatch: pytest.MonkeyPatch, inherited: bool
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    monkeypatch.setattr(undecided, "NAMED_FOR", -1.0)
    begins, waiting = new(), delivery(0)
    await begins.begin(waiting, AT)
    if inherited:
        begins = new()
    else:
        begins.leave(waiting)
    await pass_by(begins, range(1, 30), AT + 3_600_000)
    assert await began(begins, waiting) == AT
    assert await began(new(), waiting) == AT


async def test_given_one_in_doubt_when_its_leg_is_out_of_the_log_then_further_waves_do_not_name_it(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "ROUND", 8)
    old = delivery(0)
    await new().begin(old, AT)
    begins = new()
    assert await known(begins, old) == [True]
    monkeypatch.setattr(undecided, "DOUBTED_FOR", -1.0)
    await pass_by(begins, range(1, 10))
    assert await known(begins, old) == [False]


async def test_given_one_that_is_weeks_older_than_others_then_nobody_takes_it_over(new: New) -> None:
    begins, old, other = new(), delivery(0), delivery(1)
    await begins.begin(old, AT)
    await begins.begin(other, AT + LONG_AGO)
    assert await known(new(), old, other) == [False, True]


async def test_given_a_doubt_that_another_process_has_resolved_when_the_first_is_at_work_again_then_it_has_none(
    new: New,
) -> None:
    one, other, left = new(), new(), delivery(0)
    await one.begin(left, AT)
    one.leave(left)
    assert await began(other, left) == AT
    other.settle(left)
    await other.begin(left, AT + 10)
    await other.clear(left)
    await other.begin(delivery(1), AT + 20)
    one.forget(3)
    assert await known(one, left, delivery(1)) == [False, True]


async def test_given_a_predecessor_that_wakes_up_then_it_hides_nothing_that_its_successors_began(new: New) -> None:
    predecessor, successor, theirs = new(), new(), delivery(1)
    await predecessor.begin(delivery(0), AT)
    await successor.begin(theirs, AT + 1)
    await pass_by(predecessor, range(10, 300))
    assert await began(new(), theirs) == AT + 1


async def test_given_a_process_that_is_replaced_while_it_takes_over_when_it_goes_on_then_it_hides_nothing(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, late, theirs = delivery(0), new(), delivery(1)
    await late.begin(old, AT)
    late, successor = new(), new()
    asks, may_go = late._rings.read, asyncio.Event()

    async def is_paused() -> dict[int, list[Wave]]:
        rings = await asks()
        await may_go.wait()
        return rings

    monkeypatch.setattr(late._rings, "read", is_paused)
    taking_over = asyncio.ensure_future(late.begin(delivery(2), AT))
    await successor.begin(theirs, AT + 1)
    may_go.set()
    await taking_over
    assert await known(new(), old, theirs) == [True, True]


async def test_given_rings_that_are_removed_while_they_are_read_then_what_was_copied_is_read(
    new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, predecessor, reader = delivery(0), new(), new()
    await predecessor.begin(old, AT)
    get = Store.get
    copied: list[bool] = []

    async def overtaken(store: Store[Wave], key: str, *, certain: bool = False) -> Wave | None:
        if not copied:
            copied.append(True)
            predecessor.forget(2)
            copied.extend(await known(predecessor, old))
            await asyncio.gather(*predecessor._tasks)  # among them what removes the rings before
        return await get(store, key, certain=certain)

    reader.forget(3)
    monkeypatch.setattr(Store, "get", overtaken)
    assert await known(reader, old) == [True]
    assert copied == [True, True]


async def test_given_a_takeover_that_nats_refuses_midway_then_the_next_one_knows_everything(
    new: New, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "FEW", 2)
    monkeypatch.setattr(begun, "ROUND", 8)
    old = [delivery(number) for number in range(20)]
    predecessor, successor = new(), new()
    await asyncio.gather(*(predecessor.begin(one, AT) for one in old))
    send, waves_sent = publisher.send, 0

    async def no_room(subject: str, payload: bytes, headers: None, outcome: Outcome) -> None:
        nonlocal waves_sent
        waves_sent += 1
        await (refused if waves_sent == 3 else send)(subject, payload, headers, outcome)

    monkeypatch.setattr(publisher, "send", no_room)
    with pytest.raises(BusRefused):
        await successor.begin(delivery(99), AT)
    assert waves_sent > 2
    assert all(await known(new(), *old))
    assert all(await known(successor, *old)), "it has to try again, too"


async def test_given_a_wave_that_departs_late_when_its_process_takes_over_anew_then_it_stands_for_nothing(
    new: New, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "FEW", 1)
    begins, theirs = new(), [delivery(1), delivery(2)]
    assert await known(begins, *theirs) == [False, False]
    await asyncio.gather(*map(partial(new().begin, at=AT), theirs))
    monkeypatch.setattr(begun, "MOST", 1)
    send, copied = publisher.send, asyncio.Event()
    sent: list[str] = []

    async def slow(subject: str, payload: bytes, headers: None, outcome: Outcome) -> None:
        sent.append(subject)
        await send(subject, payload, headers, outcome)
        if len(sent) == 1:
            await copied.wait()  # its second message is written when the copying has begun
        elif len(sent) == 2:
            copied.set()
            while len(sent) < 3:
                await asyncio.sleep(0)
            monkeypatch.setattr(publisher, "send", refused)

    monkeypatch.setattr(publisher, "send", slow)
    late = asyncio.gather(begins.begin(delivery(8), AT), begins.begin(delivery(9), AT))
    while not sent:
        await asyncio.sleep(0)
    begins.forget(3)
    with pytest.raises(BusRefused):
        await begins.in_doubt(theirs[0])
    await late
    monkeypatch.setattr(publisher, "send", send)
    assert [subject.rsplit(".")[-2] for subject in sent] == ["1", "3", "3"]
    after = new()
    after.forget(4)
    assert await known(after, *theirs) == [True, True]


async def test_given_much_that_is_taken_over_then_each_further_wave_repeats_a_few_of_it(
    connection: Connection, new: New, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [delivery(number) for number in range(1000)]
    predecessor, successor = new(), new()
    await asyncio.gather(*(predecessor.begin(one, AT) for one in old))
    await pass_by(successor, range(2000, 2600))
    sizes = [len(wave.begun) for wave in (await successor._rings.read())[2]]
    assert max(sizes) == begun.FEW + 1
    assert all(await known(new(), *old))


async def test_given_a_takeover_then_the_rings_before_it_are_removed(connection: Connection, new: New) -> None:
    await new().begin(delivery(0), AT)
    await new().begin(delivery(1), AT)
    begins = new()
    assert await known(begins, delivery(0), delivery(1)) == [True, True]
    await asyncio.gather(*begins._tasks)
    assert set(await begins._rings.read()) == {3}


async def test_given_waves_of_a_release_without_terms_then_what_they_name_is_known(
    connection: Connection, publisher: Publisher, new: New
) -> None:
    store = Store(connection, publisher, "gm-sends", Wave)
    await store.put(f"begun.{APP}.wave.44", Wave(300, 300, [Begun("user0", delivery(0).id, AT)]))
    begins = new()
    assert await began(begins, delivery(0)) == AT
    await asyncio.gather(*begins._tasks)
    left = await LogReader(connection).subjects(BUCKET, f"$KV.gm-sends.begun.{APP}.1.*", most=10)
    assert len(left) == 1


async def test_given_leases_that_were_lost_then_whoever_counts_from_the_beginning_again_is_read(new: New) -> None:
    for _ in range(4):
        await new().begin(delivery(0), AT)
    begins = new()
    begins.forget(1)
    await begins.begin(delivery(1), AT)
    again = new()
    again.forget(2)
    assert await known(again, delivery(0), delivery(1)) == [True, True]


@pytest.mark.parametrize("again", [False, True], ids=["repeated", "begun again"])
@pytest.mark.parametrize("later", [1, 9])
async def test_given_nats_refuses_a_wave_then_what_stood_in_its_place_is_known_all_the_same(
    new: New, monkeypatch: pytest.MonkeyPatch, publisher: Publisher, again: bool, later: int
) -> None:
    monkeypatch.setattr(begun, "ROUND", 4)
    begins, slow = new(), delivery(0)
    await begins.begin(slow, AT)
    await pass_by(begins, range(1, 4))
    with monkeypatch.context() as patch:
        patch.setattr(publisher, "send", refused)
        with pytest.raises(BusRefused):
            await begins.begin(slow if again else delivery(9), AT + 1)
    await pass_by(begins, range(10, 10 + later))
    assert await began(new(), slow) == AT


@pytest.mark.parametrize("again", [False, True], ids=["repeated", "begun again"])
async def test_given_a_wave_that_is_not_stored_then_those_behind_it_say_that_what_it_named_is_not_over(
    new: New, monkeypatch: pytest.MonkeyPatch, publisher: Publisher, again: bool
) -> None:
    monkeypatch.setattr(begun, "ROUND", 4)
    begins, slow = new(), delivery(0)
    await begins.begin(slow, AT)
    await pass_by(begins, range(1, 4))
    with monkeypatch.context() as patch:
        patch.setattr(publisher, "send", unanswered)
        beginning = asyncio.ensure_future(begins.begin(slow if again else delivery(9), AT))
        while begins._wave:
            await asyncio.sleep(0)
    await pass_by(begins, range(10, 11))
    assert await began(new(), slow) == AT
    beginning.cancel()


async def test_given_one_in_doubt_that_cannot_be_begun_again_then_it_is_in_doubt_as_before(
    begins: Begins, monkeypatch: pytest.MonkeyPatch, publisher: Publisher
) -> None:
    left = delivery(0)
    await begins.begin(left, AT)
    begins.leave(left)
    monkeypatch.setattr(publisher, "send", refused)
    with pytest.raises(BusRefused):
        await begins.begin(left, AT + 1)
    assert await began(begins, left) == AT


async def test_given_several_in_doubt_then_the_age_of_each_counts_from_the_takeover(new: New) -> None:
    first, second = delivery(1, "ada"), delivery(2, "ada")
    await asyncio.gather(*map(partial(new().begin, at=AT), (first, second)))
    begins = new()
    one = await begins.in_doubt(first)
    await asyncio.sleep(0.01)
    begins.leave_all()  # they have been in doubt before
    other = await begins.in_doubt(second)
    assert one
    assert other
    assert other.age >= 0.01
    assert abs(one.age - other.age) < 0.01


class SlowAnswers:
    """A publisher whose answers are kept until they are let go, in order."""

    def __init__(self, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
        self.are_slow = False
        self._kept: list[Callable[[], Awaitable[None]]] = []
        self._send = publisher.send
        monkeypatch.setattr(publisher, "send", self.send)

    async def send(self, subject: str, payload: bytes, headers: dict[str, str] | None, outcome: Outcome) -> None:
        async def keep(result: Stored | BusError) -> None:
            self._kept.append(partial(outcome, result))

        await self._send(subject, payload, headers, keep if self.are_slow else outcome)

    async def let_go(self, count: int) -> None:
        """Let all of them come, when there are so many."""
        while len(self._kept) < count:
            await asyncio.sleep(0.01)
        for answer in self._kept:
            await answer()
        self.are_slow = False


async def begin_for_a_round(begins: Begins, slow: SlowAnswers, *first: Delivery, waves: int) -> None:
    """Begin these, which takes so many waves, and more than a round of others before any of it is answered."""
    slow.are_slow = True
    waiting = [asyncio.ensure_future(begins.begin(one, AT + 1)) for one in first]
    for number in range(100, 109):
        await asyncio.sleep(0.01)  # so that each has a wave of its own
        waiting.append(asyncio.ensure_future(begins.begin(delivery(number), AT + 2)))
    await slow.let_go(waves + 9)
    await asyncio.gather(*waiting)


@pytest.fixture
def slow(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> SlowAnswers:
    monkeypatch.setattr(begun, "ROUND", 8)
    monkeypatch.setattr(begun, "MOST", 10)
    return SlowAnswers(publisher, monkeypatch)


async def test_given_answers_that_take_a_round_when_more_begin_than_one_wave_takes_then_all_are_known_afterwards(
    new: New, slow: SlowAnswers
) -> None:
    begins, together = new(), [delivery(number) for number in range(25)]
    await begins.ready()
    await begin_for_a_round(begins, slow, *together, waves=3)
    assert all(await known(new(), *together))


async def test_given_answers_that_take_a_round_when_one_begins_again_then_it_is_known_afterwards(
    new: New, slow: SlowAnswers
) -> None:
    begins, again = new(), delivery(0)
    await begins.begin(again, AT)
    await begin_for_a_round(begins, slow, again, waves=1)
    assert await began(new(), again) == AT + 1


async def test_given_answers_that_take_a_round_when_a_wave_takes_one_over_then_it_is_known_afterwards(
    new: New, slow: SlowAnswers
) -> None:
    begins, long = new(), delivery(0)
    await begins.begin(long, AT)
    await pass_by(begins, range(1, 8))
    await begin_for_a_round(begins, slow, delivery(50), waves=1)
    assert await began(new(), long) == AT
