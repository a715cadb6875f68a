"""The main job: what somebody writes on one network is read on another, and answered from there."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh.model.delivery import Delivery, Sent

from .metrics import samples
from .phones import ADA, BEN, CLEO, PAIRS, PHONES, ROUND, Phone
from .town import Town

SIX = pytest.mark.parametrize(("writer", "reader"), PAIRS, ids=lambda phone: phone.network)


def line_above(writer: Phone) -> str:
    """How a text names its writer on a network that cannot."""
    return f"{writer.name} (@{writer.handle}, {writer.title}):\n"


@SIX
async def test_given_a_handle_when_somebody_writes_to_it_then_it_arrives_once_under_their_name(
    town: Town, writer: Phone, reader: Phone
) -> None:
    await town.phones.types(writer, f"@{reader.handle} hello over there")

    shown = await town.phones.sees(reader, "hello over there")
    if reader is BEN:
        assert (shown["text"], shown["sender_name"]) == ("hello over there", f"{writer.name} ({writer.title})")
    else:
        assert shown["text"] == f"{line_above(writer)}hello over there"
    await town.phones.all_told()
    assert [len(await town.phones.arrived(phone)) for phone in (writer, reader)] == [0, 1]


@SIX
async def test_given_a_message_when_its_reader_quotes_it_then_its_writer_gets_the_answer_as_a_quote(
    town: Town, writer: Phone, reader: Phone
) -> None:
    asked = await town.phones.types(writer, f"@{reader.handle} shall we?")
    question = await town.phones.sees(reader, "shall we?")

    await town.phones.types(reader, "yes, at eight", reply_to=question["id"])

    answer = await town.phones.sees(writer, "yes, at eight")
    # Instagram's Send API documents no way to quote.
    assert answer["reply_to"] == (None if writer is CLEO else asked["id"])


@SIX
async def test_given_somebody_who_never_wrote_when_they_answer_plainly_then_it_goes_to_whoever_wrote_to_them(
    town: Town, writer: Phone, reader: Phone
) -> None:
    await town.phones.types(writer, f"@{reader.handle} are you there?")
    await town.phones.sees(reader, "are you there?")

    await town.phones.types(reader, "I am")

    await town.phones.sees(writer, "I am")


@pytest.mark.parametrize(
    ("writer", "reader", "quotes"),
    [(*pair, pair in ROUND) for pair in PAIRS],
    ids=lambda it: getattr(it, "network", "quoting" if it else "plainly"),
)
async def test_given_a_reader_who_answers_before_the_network_has_told_us_its_yes_then_the_answer_arrives(
    town: Town, writer: Phone, reader: Phone, quotes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = asyncio.Event()
    bridge = town.daemon.apps[reader.network].app.bridge
    send = bridge.send

    async def send_and_hear_late(delivery: Delivery) -> Sent:
        sent = await send(delivery)
        await told.wait()
        return sent

    monkeypatch.setattr(bridge, "send", send_and_hear_late)
    await town.phones.types(writer, f"@{reader.handle} quick!")
    question = await town.phones.sees(reader, "quick!")
    await town.phones.all_told()

    async with town.phones.next_webhook():
        await town.phones.types(reader, "here I am", reply_to=question["id"] if quotes else None)
    told.set()

    await town.phones.sees(writer, "here I am")


@SIX
async def test_given_a_read_message_then_its_writer_sees_the_tick_and_not_before(
    town: Town, writer: Phone, reader: Phone
) -> None:
    said = await town.phones.types(writer, f"@{reader.handle} have a look")
    await town.phones.sees(reader, "have a look")
    await town.phones.status(writer, said, "delivered")
    await town.phones.all_told()
    assert (await town.phones.history(writer))[0]["status"] == "delivered"

    await town.phones.read(reader)

    await town.phones.status(writer, said, "read")


@pytest.mark.parametrize("reader", [ADA, BEN], ids=lambda phone: phone.network)
async def test_given_a_network_that_tells_of_delivery_then_the_ledger_has_every_step(town: Town, reader: Phone) -> None:
    await town.phones.types(CLEO, f"@{reader.handle} did it come?")
    await town.phones.sees(reader, "did it come?")
    await town.phones.read(reader)

    # Each once; which entry stands first is open, for Meta reports a delivery before it has answered the send.
    steps = await town.steps(f"{reader.network}:{reader.user}", count=3)
    assert sorted(steps) == ["delivered", "read", "sent"]


@pytest.mark.parametrize("reader", [BEN, CLEO], ids=lambda phone: phone.network)
async def test_given_a_network_that_echoes_what_we_send_then_nothing_is_sent_round_in_a_circle(
    town: Town, reader: Phone
) -> None:
    await town.phones.types(ADA, f"@{reader.handle} only once")
    await town.phones.sees(reader, "only once")
    await town.counted("gearmesh_messages_total", 1, app=reader.network, direction="in", outcome="echo")

    await town.phones.types(reader, "got it")
    await town.phones.sees(ADA, "got it")

    await town.phones.all_told()
    assert [len(await town.phones.arrived(phone)) for phone in PHONES] == [1, *(int(p is reader) for p in (BEN, CLEO))]
    counted = await samples(town)
    assert counted.value("gearmesh_messages_total", app=reader.network, direction="in", outcome="accepted") == 1


async def test_given_all_three_write_to_both_others_then_each_phone_has_exactly_what_was_meant_for_it(
    town: Town,
) -> None:
    for writer, reader in PAIRS:
        for number in range(5):
            await town.phones.types(writer, f"@{reader.handle} {writer.handle} to {reader.handle} {number}")

    for reader in PHONES:
        await town.phones.counts(reader, 10)
    await town.phones.all_told()
    for reader in PHONES:
        texts = await town.phones.texts(reader)
        assert len(texts) == 10
        for writer in (phone for phone in PHONES if phone is not reader):
            told = [text.rpartition("\n")[2] for text in texts if f"{writer.handle} to " in text]
            assert told == [f"{writer.handle} to {reader.handle} {number}" for number in range(5)]
