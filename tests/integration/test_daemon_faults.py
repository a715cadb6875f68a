"""Meta's side refuses, fails or slows down: what the people and the ledger see."""

from __future__ import annotations

import pytest

from gearmesh.model.delivery import LedgerEntry

from .metrics import samples
from .patience import eventually
from .phones import ADA, BEN, CLEO, PHONES, Phone
from .town import Town

DAY_AND_AN_HOUR = 25 * 3600.0
ENDS = {"failed", "dead", "expired"}
EVERY_READER = pytest.mark.parametrize("reader", PHONES, ids=lambda phone: phone.network)


def writer_to(reader: Phone) -> Phone:
    """Somebody on another network."""
    return next(phone for phone in PHONES if phone is not reader)


async def fired(town: Town, times: int) -> None:
    """Wait until the first fault has struck so often."""
    await eventually(
        lambda: town.phones.control("GET", "faults"),
        lambda faults: faults[0]["fired"] >= times,
        awaited=f"the fault to strike {times} times",
    )


async def last_entry(town: Town, reader: Phone) -> LedgerEntry:
    """Wait for the ledger's entry about a message to somebody that has failed, and return it."""

    async def look() -> LedgerEntry | None:
        address = f"{reader.network}:{reader.user}"
        entries = [entry for entry in await town.ledger() if entry.to == address and entry.state in ENDS]
        return entries[-1] if entries else None

    entry = await eventually(look, awaited="the ledger to say what became of it")
    assert entry is not None
    return entry


@EVERY_READER
async def test_given_an_error_before_the_network_accepts_then_it_is_tried_again_and_arrives_once_and_in_order(
    quiet_town: Town, reader: Phone
) -> None:
    town, writer = quiet_town, writer_to(reader)
    town.tables["apps"][reader.network]["unclear_wait"] = 0.3
    await town.start()
    await town.phones.all_told()
    await town.phones.fault(kind="error", network=reader.network, status=500, count=2)

    for number in range(3):
        await town.phones.types(writer, f"@{reader.handle} number {number}")

    await town.phones.sees(reader, "number 2")
    texts = [text.rpartition("\n")[2] for text in await town.phones.texts(reader)]
    assert texts == ["number 0", "number 1", "number 2"]
    await fired(town, 2)
    assert await town.phones.texts(writer) == []


async def test_given_a_limit_for_one_user_then_nobody_else_waits_and_the_user_gets_everything_afterwards(
    town: Town,
) -> None:
    dora = await town.phones.add("whatsapp", "dora", "Dora")
    await town.phones.fault(kind="error", network="whatsapp", user=ADA.user, status=400, code=131056)
    for number in range(3):
        await town.phones.types(BEN, f"@ada number {number}")
    await fired(town, 1)

    await town.phones.types(BEN, "@dora not you")
    await town.phones.types(BEN, "@cleo nor you")
    await town.phones.sees(dora, "not you")
    await town.phones.sees(CLEO, "nor you")
    assert await town.phones.texts(ADA) == []
    await town.phones.lift()

    await town.phones.sees(ADA, "number 2")
    texts = [text.rpartition("\n")[2] for text in await town.phones.texts(ADA)]
    assert texts == ["number 0", "number 1", "number 2"]
    assert await town.phones.texts(BEN) == []


async def test_given_a_limit_for_the_whole_app_then_the_other_apps_do_not_wait(town: Town) -> None:
    dora = await town.phones.add("whatsapp", "dora", "Dora")
    await town.phones.fault(kind="error", network="whatsapp", status=400, code=130429, count=1)
    await town.phones.types(BEN, "@ada once more")
    await fired(town, 1)
    await town.phones.types(CLEO, "@dora later, too")
    await town.phones.types(ADA, "@cleo at once")

    await town.phones.sees(CLEO, "at once")
    await town.phones.sees(ADA, "once more")
    await town.phones.sees(dora, "later, too")


@pytest.mark.parametrize(
    ("reader", "code", "subcode"),
    [(ADA, 131026, None), (BEN, 551, 1545041), (CLEO, 100, 2534014)],
    ids=["whatsapp", "messenger", "instagram"],
)
async def test_given_a_message_that_its_network_rejects_then_its_writer_is_told_and_the_ledger_says_failed(
    town: Town, reader: Phone, code: int, subcode: int | None
) -> None:
    writer = writer_to(reader)
    fault = {"kind": "error", "network": reader.network, "status": 400, "code": code, "count": 1}
    await town.phones.fault(**fault, **({"subcode": subcode} if subcode else {}))

    await town.phones.types(writer, f"@{reader.handle} never")

    notice = await town.phones.sees(writer, f"Your message to {reader.name} was not delivered")
    assert notice["reply_to"] is None
    entry = await last_entry(town, reader)
    assert (entry.state, entry.reason) == ("failed", "rejected")
    assert str(code) in entry.detail
    await town.phones.types(writer, f"@{reader.handle} another try")
    await town.phones.sees(reader, "another try")
    assert len(await town.phones.texts(reader)) == 1
    assert len(await town.phones.texts(writer)) == 1
    counted = await samples(town)
    assert counted.value("gearmesh_messages_total", app=reader.network, direction="out", outcome="failed") == 1
    assert counted.value("gearmesh_dead_letters_total") == 0


@EVERY_READER
async def test_given_a_closed_window_then_messages_wait_the_writer_is_told_once_and_they_arrive_when_the_reader_writes(
    town: Town, reader: Phone
) -> None:
    writer = writer_to(reader)
    await town.phones.advance(DAY_AND_AN_HOUR)
    await town.phones.read(writer)

    for number in range(3):
        await town.phones.types(writer, f"@{reader.handle} number {number}")

    notice = await town.phones.sees(writer, "your messages wait")
    assert reader.title in notice["text"]
    assert reader.name in notice["text"]
    await town.stands(reader, "parked", "window_closed", 3)
    assert await town.phones.texts(reader) == []
    await town.phones.types(reader, f"@{writer.handle} here I am")
    await town.phones.sees(writer, "here I am")
    await town.phones.sees(reader, "number 2")
    texts = [text.rpartition("\n")[2] for text in await town.phones.texts(reader)]
    assert texts == ["number 0", "number 1", "number 2"]
    assert len(await town.phones.texts(writer)) == 2
    await town.phones.types(writer, f"@{reader.handle} welcome back")
    await town.phones.sees(reader, "welcome back")


@EVERY_READER
async def test_given_a_network_that_accepts_and_does_not_answer_then_what_it_shows_is_believed_and_nothing_comes_twice(
    town: Town, reader: Phone
) -> None:
    await town.phones.fault(kind="timeout", network=reader.network, seconds=0.1, when="after", count=1)

    await town.phones.types(writer_to(reader), f"@{reader.handle} did you get it?")
    await town.phones.types(writer_to(reader), f"@{reader.handle} and this?")

    await town.phones.sees(reader, "and this?")
    await fired(town, 1)
    texts = [text.rpartition("\n")[2] for text in await town.phones.texts(reader)]
    assert texts == ["did you get it?", "and this?"]


@EVERY_READER
async def test_given_a_network_that_neither_answers_nor_shows_anything_then_it_is_sent_again_as_configured(
    quiet_town: Town, reader: Phone
) -> None:
    town = quiet_town
    town.tables["apps"][reader.network]["unclear_wait"] = 0.3
    await town.start()
    await town.phones.all_told()
    await town.phones.fault(kind="timeout", network=reader.network, seconds=0.1, when="after", count=1)
    await town.phones.fault(kind="drop_webhook", network=reader.network)

    await town.phones.types(writer_to(reader), f"@{reader.handle} did you get it?")

    await town.phones.counts(reader, 2)
    await fired(town, 1)
    assert all("did you get it?" in text for text in await town.phones.texts(reader))


@EVERY_READER
async def test_given_unclear_messages_are_to_be_parked_then_it_is_a_dead_letter_and_the_writer_is_told(
    quiet_town: Town, reader: Phone
) -> None:
    town, writer = quiet_town, writer_to(reader)
    town.tables["apps"][reader.network] |= {"on_unclear": "park", "unclear_wait": 0.3}
    await town.start()
    await town.phones.all_told()
    await town.phones.fault(kind="timeout", network=reader.network, seconds=0.1, when="after", count=1)
    await town.phones.fault(kind="drop_webhook", network=reader.network)

    await town.phones.types(writer, f"@{reader.handle} did you get it?")

    await town.phones.sees(writer, f"It is not known whether your message to {reader.name} arrived")
    entry = await last_entry(town, reader)
    assert (entry.state, entry.reason) == ("dead", "unclear")
    [(subject, headers, raw)] = await town.dead_letters(1)
    assert subject.startswith(f"gm.dead.{reader.network}.{entry.envelope}-{reader.network}")
    assert headers["Gm-Reason"] == "unclear"
    assert b"did you get it?" in raw
    await town.phones.types(writer, f"@{reader.handle} and this?")
    await town.phones.sees(reader, "and this?")
    assert len(await town.phones.texts(reader)) == 2


@pytest.mark.parametrize("writer", PHONES, ids=lambda phone: phone.network)
async def test_given_a_webhook_that_comes_twice_then_its_message_arrives_once(town: Town, writer: Phone) -> None:
    reader = writer_to(writer)
    await town.phones.fault(kind="double_webhook", network=writer.network)

    for number in range(3):
        await town.phones.types(writer, f"@{reader.handle} number {number}")

    await town.phones.sees(reader, "number 2")
    await town.phones.all_told()
    assert len(await town.phones.texts(reader)) == 3
    await town.counted("gearmesh_messages_total", 1, app=writer.network, direction="in", outcome="duplicate")


async def test_given_a_network_that_is_down_for_longer_than_a_message_may_wait_then_its_writer_is_told(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.tables["apps"]["messenger"]["max_age"] = 1.5
    await town.start()
    await town.phones.all_told()
    await town.phones.fault(kind="error", network="messenger", status=503)

    await town.phones.types(ADA, "@ben anybody?")

    notice = await town.phones.sees(ADA, "Your message to Ben Okri was not delivered")
    assert "did not take it in time" in notice["text"]
    entry = await last_entry(town, BEN)
    assert (entry.state, entry.reason) == ("expired", "unreachable")


async def test_given_a_file_that_cannot_be_fetched_from_its_network_then_somebody_is_told(town: Town) -> None:
    await town.phones.types(ADA, "@ben look")
    await town.phones.sees(BEN, "look")
    await town.phones.fault(kind="error", network="messenger", status=400, code=100, subcode=2018047, count=1)
    picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

    await town.phones.types(ADA, media={"type": "image", "base64": picture, "mime": "image/png"})

    await town.phones.sees(ADA, "Your message to Ben Okri was not delivered")
