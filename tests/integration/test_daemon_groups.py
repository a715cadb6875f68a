"""A group of three people on Meta's three networks, each in the chat that they have."""

from __future__ import annotations

import asyncio

from .phones import ADA, BEN, CLEO, PHONES
from .town import Town

COUNT = 20


async def club(town: Town) -> None:
    """Start a town with a club, which all three join."""
    town.tables["conversations"] = [{"code": "club", "title": "The club"}]
    await town.start()
    for phone in PHONES:
        await town.phones.types(phone, "join club")
        await town.phones.sees(phone, "You are in The club now")


async def test_given_a_group_on_three_networks_when_all_write_at_once_then_each_reads_the_others_once_and_in_order(
    quiet_town: Town,
) -> None:
    await club(quiet_town)
    phones = quiet_town.phones

    async def write(name: str, number: int) -> None:
        phone = next(one for one in PHONES if one.name == name)
        await phones.types(phone, f"{phone.handle} {number}")

    for number in range(COUNT):
        await asyncio.gather(*(write(phone.name, number) for phone in PHONES))

    for reader in PHONES:
        for writer in PHONES:
            if writer is reader:
                continue
            await phones.sees(reader, f"{writer.handle} {COUNT - 1}")
            said = [text.rpartition("\n")[2] for text in await phones.texts(reader)]
            theirs = [text for text in said if text.startswith(f"{writer.handle} ")]
            assert theirs == [f"{writer.handle} {number}" for number in range(COUNT)]


async def test_given_a_group_then_its_name_stands_above_what_comes_from_it(quiet_town: Town) -> None:
    await club(quiet_town)
    phones = quiet_town.phones

    await phones.types(ADA, "tonight at eight?")
    await phones.sees(BEN, "tonight at eight?")
    await phones.sees(CLEO, "tonight at eight?")

    assert (await phones.texts(BEN))[-1] == "in The club:\ntonight at eight?"
    assert (await phones.texts(CLEO))[-1] == "Ada Lovelace (@ada, WhatsApp) in The club:\ntonight at eight?"


async def test_given_a_conversation_of_two_beside_a_group_when_a_message_is_quoted_then_the_answer_goes_there(
    quiet_town: Town,
) -> None:
    await club(quiet_town)
    phones = quiet_town.phones
    await phones.types(ADA, "who comes?")
    await phones.sees(CLEO, "who comes?")
    asked = (await phones.arrived(CLEO))[-1]["id"]
    await phones.types(CLEO, "@ada only for you")
    await phones.sees(ADA, "only for you")

    await phones.types(CLEO, "I do", reply_to=asked)

    await phones.sees(BEN, "I do")
    assert not any("only for you" in text for text in await phones.texts(BEN))
    await phones.types(CLEO, "leave")
    await phones.sees(CLEO, "You have left The club.")
    await phones.sees(BEN, "left The club")
