"""Which events may be decided while others wait to be stored, and that these are stored in order and once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.bus.batch import Message
from gearmesh.bus.succession import MOST, MOST_BYTES
from gearmesh.errors import BusUnavailable
from gearmesh.host.holding import Arrival
from gearmesh.host.pending import Decided, Pending
from gearmesh.model.address import Address
from gearmesh.model.content import Text
from gearmesh.model.envelope import Header
from gearmesh.model.events import EchoReceived, EditReceived, Event, MessageReceived, ReadUpTo, Unparsed

NORTH = Address("north", "ada")


def written(native_id: str, reply_to: str = "") -> MessageReceived:
    return MessageReceived(native_id, "ada", "ada", 1, Text("hello"), reply_to)


def decided(event: MessageReceived, size: int = 10) -> Decided:
    header = Header(bytes(16), "event", NORTH, (Address("south", "ben"),), "conversation", 1)
    return Decided(Arrival(event, 1), event, header, event.content, Message("gm.in.north.c", bytes(size), {}))


class Log:
    """Keeps what is stored, a list for each time; refuses everything while it is `full`."""

    def __init__(self) -> None:
        self.stored: list[list[str]] = []
        self.full = False
        self.pending = Pending(self._store)

    async def _store(self, messages: Sequence[Decided]) -> None:
        if self.full:
            raise BusUnavailable("full")
        self.stored.append([one.event.native_id for one in messages])


@pytest.mark.parametrize(
    ("event", "may"),
    [
        (written("2"), True),
        (written("1"), False),
        (written("2", reply_to="1"), False),
        (written("2", reply_to="long ago"), False),
        (EditReceived("ada", "ada", 1, "1", Text("mended")), False),
        (EchoReceived("2", "ada", "ada", 1), False),
        (ReadUpTo("ada", "ada", 1, 1), False),
        (Unparsed(b"{}", "no JSON"), False),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, bool) else str(value),
)
async def test_given_something_pending_then_only_another_plain_message_may_be_decided(event: Event, may: bool) -> None:
    log = Log()
    assert log.pending.lets(event), "nothing waits yet"

    await log.pending.add(decided(written("1")))

    assert log.pending.lets(event) is may
    await log.pending.settle()
    assert log.pending.lets(event)


async def test_given_what_was_just_added_then_it_is_held_until_it_is_stored() -> None:
    log, first, second = Log(), decided(written("1")), decided(written("2"))
    await log.pending.add(first)
    await log.pending.add(second)
    assert (log.pending.holds(first.arrival), log.pending.holds(second.arrival)) == (False, True)

    await log.pending.settle()

    assert not log.pending.holds(second.arrival)
    assert log.stored == [["1", "2"]]
    await log.pending.settle()
    assert log.stored == [["1", "2"]], "nothing is stored twice"


async def test_given_a_log_that_refuses_then_the_caller_is_told_and_nothing_is_pending_any_more() -> None:
    log = Log()
    await log.pending.add(decided(written("1")))
    log.full = True
    with pytest.raises(BusUnavailable):
        await log.pending.settle()

    log.full = False
    await log.pending.settle()

    assert log.stored == []
    assert log.pending.lets(written("1"))


@given(sizes=st.lists(st.sampled_from((1, 1_000, MOST_BYTES // 3, MOST_BYTES)), max_size=3 * MOST))
def test_given_any_messages_then_all_are_stored_once_in_order_and_never_more_at_once_than_a_batch_takes(
    sizes: list[int],
) -> None:
    async def run() -> None:
        log = Log()
        for number, size in enumerate(sizes):
            await log.pending.add(decided(written(str(number)), size))
        await log.pending.settle()

        assert [name for batch in log.stored for name in batch] == [str(number) for number in range(len(sizes))]
        for batch in log.stored:
            assert 0 < len(batch) <= MOST
            assert sum(sizes[int(name)] for name in batch[:-1]) < MOST_BYTES

    asyncio.run(run())
