"""Networks limit the ids of messages nowhere: a long one is like any other, on its way in and out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gearmesh import Delivery, MessageReceived, Sent, Text
from gearmesh.bus.history import Archive
from gearmesh.testing import FakeBridge, NatsServer
from gearmesh.wire.subjects import Subjects

from .couple import Couple

LENGTHS = pytest.mark.parametrize("length", [201, 2_900, 4_200, 100_000])


class LongWinded(FakeBridge):
    """Its network answers with ids that are longer by so many characters."""

    longer = 0

    async def send(self, delivery: Delivery) -> Sent:
        sent = await super().send(delivery)
        return Sent(tuple(native_id + "." * self.longer for native_id in sent.native_ids))


@pytest.fixture
def couple(nats_server: NatsServer, tmp_path: Path) -> Couple:
    return Couple(nats_server, tmp_path)


@LENGTHS
async def test_given_a_network_with_long_ids_then_what_follows_is_sent_and_their_receipts_are_understood(
    couple: Couple, length: int
) -> None:
    bridge = type("LongWinded", (LongWinded,), {"longer": length})
    async with couple.running(south=bridge):
        await couple.comes("north", couple.written("n-1", "@south:ben one"))
        shown = await couple.sees("one") + "." * length
        await couple.remembered(shown)
        await couple.comes("north", couple.written("n-2", "two"))
        await couple.sees("two")
        couple.forgets()
        await couple.shared.publisher.drain()

        await couple.comes("south", couple.reported("delivered", shown))
        await couple.ticks(("n-1", "delivered"))
        archive = Archive(couple.daemon.connection, Subjects())
        envelope = await archive.envelope_of("south", shown)
        assert envelope
        assert [name.native_ids for name in (await archive.history(envelope)).names] == [("n-1",), (shown,)]


@LENGTHS
async def test_given_a_message_with_a_long_id_in_a_long_thread_then_it_is_taken_in_once_and_those_behind_it_too(
    couple: Couple, length: int
) -> None:
    native_id, thread = "n" * length, "t" * length
    long = MessageReceived(native_id, thread, "ada", couple.now(), Text("@south:ben one"))
    async with couple.running():
        await couple.comes("north", long)
        await couple.comes("north", couple.written("n-2", "@south:ben two"))
        await couple.sees("one")
        await couple.sees("two")
        couple.forgets()
        await couple.comes("north", long)
        record = await couple.shared.messages.native("north", native_id)
        assert record is not None
        history = await Archive(couple.daemon.connection, Subjects()).history(record.envelope)
        assert [name.native_ids for name in history.names if name.app == "north"] == [(native_id,)]
    async with couple.running():
        await couple.comes("north", long)
        await couple.comes("north", MessageReceived("n-3", thread, "ada", couple.now(), Text("three"), native_id))
        await couple.sees("three")
    assert [shown.text for shown in couple.south.shown("ben") if "one" in shown.text] != []
    assert len([shown for shown in couple.south.shown("ben") if "one" in shown.text and "three" not in shown.text]) == 1
