"""Messaging windows: people are invited, late messages are marked, and what waits arrives or expires."""

from __future__ import annotations

from .phones import ADA, BEN, CLEO
from .town import Town

HOUR = 3600.0


async def test_given_a_template_when_the_window_is_closed_then_the_person_is_invited_once_and_answers_get_what_waits(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.tables["apps"]["whatsapp"] |= {"template": "someone_wrote", "template_parameters": ["sender"]}
    await town.start()
    await town.phones.all_told()
    await town.phones.advance(25 * HOUR)

    for number in range(3):
        await town.phones.types(BEN, f"@ada number {number}")

    await town.phones.sees(ADA, lambda message: message["type"] == "template")
    await town.phones.sees(BEN, "They were told that you wrote")
    await town.stands(ADA, "parked", "window_closed", 3)
    assert len(await town.phones.arrived(ADA)) == 1
    await town.phones.types(ADA, "@ben I am here")
    await town.phones.sees(ADA, "number 2")
    texts = [text.rpartition("\n")[2] for text in await town.phones.texts(ADA)]
    assert texts[1:] == ["number 0", "number 1", "number 2"]
    assert len(await town.phones.texts(BEN)) == 2


async def test_given_the_right_of_human_agents_then_late_messages_arrive_for_seven_days_and_later_ones_wait(
    quiet_town: Town,
) -> None:
    town = quiet_town
    for app in ("messenger", "instagram"):
        town.tables["apps"][app]["human_agent"] = True
    await town.start()
    await town.phones.all_told()

    await town.phones.advance(6 * 24 * HOUR)
    for reader in (BEN, CLEO):
        await town.phones.types(ADA, f"@{reader.handle} late")
        await town.phones.sees(reader, "late")
    await town.phones.advance(2 * 24 * HOUR)
    await town.phones.types(ADA, "@ben too late")

    await town.phones.sees(ADA, "your messages wait")
    await town.stands(BEN, "parked", "window_closed", 1)
    assert len(await town.phones.texts(BEN)) == 1


async def test_given_a_message_that_waits_for_longer_than_it_may_then_its_writer_is_told_that_it_was_not_delivered(
    quiet_town: Town,
) -> None:
    town = quiet_town
    town.tables["apps"]["messenger"]["max_age"] = 2.0
    await town.start()
    await town.phones.all_told()
    await town.phones.advance(25 * HOUR)

    await town.phones.types(ADA, "@ben one")
    await town.phones.types(ADA, "@ben two")

    await town.phones.sees(ADA, "they did not write")
    await town.stands(BEN, "expired", "window_closed", 2)
    await town.phones.types(BEN, "@ada hello")
    await town.phones.sees(ADA, "hello")
    assert await town.phones.texts(BEN) == []
    told = [text for text in await town.phones.texts(ADA) if "not delivered" in text]
    assert len(told) == 1
