"""The bounds of the networks are kept to before they refuse, and whoever waits holds up nobody else."""

from __future__ import annotations

import time
from pathlib import Path

from .metrics import samples
from .phones import ADA, BEN, CLEO
from .town import Town, town_of

BURST = 45
"""Messages to one person that WhatsApp takes at once (its documentation of pair rates, 2026)."""


async def test_given_a_flood_for_one_person_then_whatsapp_never_refuses_it_keeps_its_order_and_nobody_else_waits(
    tmp_path: Path,
) -> None:
    async with town_of(tmp_path, limits=True) as town:
        del town.tables["apps"]["whatsapp"]["recipient_every"]
        await town.start()
        dora = await town.phones.add("whatsapp", "dora", "Dora")
        await town.phones.all_told()

        for number in range(BURST + 10):
            await town.phones.types(BEN, f"@ada number {number}")
        await town.phones.types(CLEO, "@dora not for you")

        await town.phones.sees(dora, "not for you")
        await town.stands(ADA, "parked", "rate_limit", 10)
        texts = [text.rpartition("\n")[2] for text in await town.phones.texts(ADA)]
        assert texts == [f"number {number}" for number in range(len(texts))]
        assert len(texts) <= BURST
        state = await town.phones.control("GET", "state")
        assert state["refused_by_limits"] == {"whatsapp": 0, "messenger": 0, "instagram": 0}
        assert (await samples(town)).value("gearmesh_queue_depth", app="whatsapp", queue="queues") == 1


async def test_given_a_pause_between_messages_to_one_person_then_they_arrive_in_order_at_that_pace(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.tables["apps"]["messenger"]["recipient_every"] = 0.5
    await town.start()
    await town.phones.all_told()

    began = time.monotonic()
    for number in range(4):
        await town.phones.types(ADA, f"@ben number {number}")
    await town.phones.sees(BEN, "number 3")

    assert time.monotonic() - began >= 1.5
    texts = [text.rpartition("\n")[2] for text in await town.phones.texts(BEN)]
    assert texts == [f"number {number}" for number in range(4)]


async def test_given_an_app_that_is_down_when_it_comes_back_then_the_backlog_goes_out_in_order_and_once(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.tables["apps"]["messenger"]["unclear_wait"] = 0.2
    await town.start()
    dora = await town.phones.add("messenger", "dora", "Dora")
    emil = await town.phones.add("messenger", "emil", "Emil")
    await town.phones.all_told()
    await town.phones.fault(kind="error", network="messenger", status=500, on="messages")
    readers = (BEN, dora, emil)

    for number in range(40):
        await town.phones.types(ADA, f"@ben {number}")
        await town.phones.types(CLEO, f"@dora {number}")
        await town.phones.types(CLEO, f"@emil {number}")
    await town.phones.types(ADA, "@cleo you at once")
    await town.phones.sees(CLEO, "you at once")
    await town.phones.lift()

    for reader in readers:
        await town.phones.counts(reader, 40, within=60.0)
        texts = [text.rpartition("\n")[2] for text in await town.phones.texts(reader)]
        assert texts == [str(number) for number in range(40)]
