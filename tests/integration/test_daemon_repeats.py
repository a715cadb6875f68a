"""Networks repeat webhooks for days: what was taken in once changes nothing when it comes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gearmesh import MessageReceived, Text, Unparsed
from gearmesh.bus import streams
from gearmesh.bus.publisher import Publisher, Stored
from gearmesh.errors import BusUnavailable
from gearmesh.testing import NatsServer
from gearmesh.wire.codec import decode

from .couple import SHORTEST_WINDOW, Couple
from .patience import until

MINUTES, DAYS = 60.0, 24 * 3600.0


@pytest.fixture
def couple(nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Couple:
    """Two networks whose logs forget the ids of messages almost at once."""
    monkeypatch.setattr(streams, "DUPLICATE_WINDOW", SHORTEST_WINDOW)
    return Couple(nats_server, tmp_path)


async def time_passes(couple: Couple, seconds: float) -> None:
    """Much later: the logs have forgotten, and so has the daemon, as if thousands of messages had come meanwhile."""
    await couple.logs_have_forgotten()
    couple.clock.ahead += seconds
    couple.forgets()


@pytest.mark.parametrize("later", [3 * MINUTES, 6 * DAYS])
async def test_given_a_message_that_comes_again_much_later_then_nothing_changes(couple: Couple, later: float) -> None:
    async with couple.running():
        first = couple.written("n-1", "@south:bob see you")
        await couple.comes("north", first)
        await couple.sees("see you", "bob")
        await couple.comes("north", couple.written("n-2", "@south:ben my password is"))
        await couple.sees("my password is", "ben")
        before = await couple.stored("GM_IN")

        await time_passes(couple, later)
        await couple.comes("north", first)

        assert await couple.stored("GM_IN") == before
        await couple.comes("north", couple.written("n-3", "hunter2"))
        await couple.sees("hunter2", "ben")
        assert len(couple.south.shown("bob")) == 1


@pytest.mark.parametrize("later", [3 * MINUTES, 6 * DAYS])
async def test_given_messages_that_were_answered_with_a_notice_when_they_come_again_then_nobody_is_told_again(
    couple: Couple, later: float
) -> None:
    async with couple.running():
        lost = couple.written("n-1", "is anybody there?")
        poll = Unparsed(b'{"poll": 1}', "poll is not understood", "ada", "ada", "poll", "n-2")
        await couple.comes("north", lost, poll)
        await couple.north.until(lambda: len(couple.north.shown("ada")) == 2, awaited="both notices")
        before = await couple.stored("GM_IN")

        await time_passes(couple, later)
        await couple.comes("north", lost, poll)

        assert await couple.stored("GM_IN") == before


@pytest.mark.parametrize("later", [3 * MINUTES, 6 * DAYS])
async def test_given_a_receipt_that_comes_again_then_whoever_wrote_is_not_told_again(
    couple: Couple, later: float
) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("n-1", "@south:ben read me"))
        native_id = await couple.sees("read me")
        await couple.remembered(native_id)
        reports = [couple.reported("delivered", native_id), couple.reported("read", native_id)]
        await couple.comes("south", *reports)
        await couple.ticks(("n-1", "delivered"), ("n-1", "read"))
        before = await couple.stored("GM_IN")

        await time_passes(couple, later)
        await couple.comes("south", *reports)

        assert await couple.stored("GM_IN") == before


async def test_given_a_crash_after_the_envelope_was_stored_when_its_message_comes_again_then_it_stays_where_it_was(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain message whose place was chosen anew could go to somebody else: the conversation is another one by now."""
    publish = Publisher.publish

    async def dies_after_storing(publisher: Publisher, subject: str, data: bytes, **more: object) -> Stored:
        stored = await publish(publisher, subject, data, **more)  # type: ignore[arg-type]
        if subject.startswith("gm.in.north.") and b"my secret" in data:
            raise BusUnavailable("the process dies here")
        return stored

    async with couple.running():
        await couple.comes("north", couple.written("n-1", "@south:bob hello"))
        secret = couple.written("n-2", "my secret")
        with monkeypatch.context() as crash:
            crash.setattr(Publisher, "publish", dies_after_storing)
            with pytest.raises(BusUnavailable):
                await couple.comes("north", secret)
        await couple.sees("my secret", "bob")

    async with couple.running():
        await couple.comes("north", couple.written("n-3", "@south:ben hello"))
        await couple.sees("hello", "ben")
        before = await couple.stored("GM_IN")
        await time_passes(couple, 3 * MINUTES)

        await couple.comes("north", secret)

        assert await couple.stored("GM_IN") == before
        record = await couple.shared.messages.native("north", "n-2")
        assert record is not None
        assert record.conversation == (await _conversation(couple, "n-1"))


async def test_given_a_network_whose_clock_is_far_ahead_when_a_message_comes_again_then_nothing_changes(
    couple: Couple,
) -> None:
    async with couple.running():
        ahead = couple.written("n-1", "@south:ben from tomorrow", at=couple.now() + 24 * 3600 * 1000)
        await couple.comes("north", ahead)
        await couple.sees("from tomorrow")
        before = await couple.stored("GM_IN")

        await time_passes(couple, 3 * MINUTES)
        await couple.comes("north", ahead)

        assert await couple.stored("GM_IN") == before


async def test_given_a_message_with_the_time_of_its_network_then_its_envelope_has_that_time(couple: Couple) -> None:
    async with couple.running():
        at = couple.now() - 3_600_000
        await couple.comes("north", MessageReceived("n-1", "ada", "ada", at, Text("@south:ben from an hour ago")))

        await couple.sees("from an hour ago")
        assert await _times(couple) == [at]


async def test_given_another_app_that_begins_when_a_command_comes_again_then_it_is_not_carried_out_again(
    couple: Couple,
) -> None:
    async with couple.running() as daemon:
        to_bob = couple.written("n-1", "@south:bob")
        await couple.comes("north", to_bob)
        await couple.comes("north", couple.written("n-2", "@south:ben my password is"))
        await couple.sees("my password is", "ben")

        south, terms = daemon.apps["south"], daemon.apps["south"]._lease.term
        await south._lease.release(clean=True)
        await until(lambda: south._lease.term > terms and south._lease.valid, awaited="another turn of the south's")
        await until(lambda: south.status.status == "connected", awaited="it to be at work")
        await couple.comes("north", to_bob, couple.written("n-3", "hunter2"))

        await couple.sees("hunter2", "ben")
        assert couple.south.shown("bob") == ()


async def _conversation(couple: Couple, native_id: str) -> str:
    record = await couple.shared.messages.native("north", native_id)
    assert record is not None
    return record.conversation


async def _times(couple: Couple) -> list[int]:
    return [decode(data).header.at for data in await couple.stored("GM_IN")]
