"""Where a message goes when it does not name its reader, and what people are told when it goes nowhere."""

from __future__ import annotations

import pytest

from .phones import ADA, BEN, CLEO, PHONES, Phone
from .town import Town


async def test_given_two_conversations_when_somebody_writes_plainly_then_it_goes_on_in_the_last_one(
    town: Town,
) -> None:
    for text in ("@ben one", "two", "@cleo three", "four", "@ben five", "six"):
        await town.phones.types(ADA, text)

    await town.phones.sees(BEN, "six")
    await town.phones.sees(CLEO, "four")
    assert await town.phones.texts(BEN) == ["one", "two", "five", "six"]
    above = "Ada Lovelace (@ada, WhatsApp):\n"
    assert await town.phones.texts(CLEO) == [f"{above}three", f"{above}four"]


async def test_given_two_conversations_when_somebody_quotes_then_the_quoted_one_goes_on(town: Town) -> None:
    await town.phones.types(ADA, "@ben from Ada")
    await town.phones.types(CLEO, "@ben from Cleo")
    ada, cleo = await town.phones.sees(BEN, "from Ada"), await town.phones.sees(BEN, "from Cleo")

    await town.phones.types(BEN, "for Ada", reply_to=ada["id"])
    await town.phones.types(BEN, "and this too")
    await town.phones.types(BEN, "for Cleo", reply_to=cleo["id"])

    await town.phones.sees(ADA, "for Ada")
    await town.phones.sees(ADA, "and this too")
    await town.phones.sees(CLEO, "for Cleo")
    await town.phones.all_told()
    assert [len(await town.phones.arrived(phone)) for phone in PHONES] == [2, 2, 1]


async def test_given_ones_own_message_when_it_is_quoted_then_its_conversation_goes_on(town: Town) -> None:
    said = await town.phones.types(ADA, "@ben the first thing")
    await town.phones.types(ADA, "@cleo something else")
    await town.phones.sees(CLEO, "something else")

    await town.phones.types(ADA, "what I meant was", reply_to=said["id"])

    await town.phones.sees(BEN, "what I meant was")


@pytest.mark.parametrize("phone", PHONES, ids=lambda phone: phone.network)
async def test_given_no_conversation_when_somebody_writes_plainly_then_a_line_says_how_to_begin(
    town: Town, phone: Phone
) -> None:
    await town.phones.types(phone, "hello?")

    help_line = await town.phones.sees(phone, "Start with @")
    assert "“@handle hello”" in help_line["text"]
    await town.phones.all_told()
    assert sum([len(await town.phones.arrived(other)) for other in PHONES]) == 1


@pytest.mark.parametrize("reader", PHONES, ids=lambda phone: phone.network)
async def test_given_two_who_wrote_when_their_reader_answers_plainly_then_they_are_asked_whom_they_mean(
    town: Town, reader: Phone
) -> None:
    writers = [phone for phone in PHONES if phone is not reader]
    for writer in writers:
        await town.phones.types(writer, f"@{reader.handle} it is {writer.name}")
        await town.phones.sees(reader, f"it is {writer.name}")

    await town.phones.types(reader, "yes")

    await town.phones.sees(reader, "Several people wrote to you")
    await town.phones.all_told()
    assert [await town.phones.texts(writer) for writer in writers] == [[], []]


@pytest.mark.parametrize("phone", PHONES, ids=lambda phone: phone.network)
async def test_given_an_unknown_handle_when_somebody_writes_to_it_then_they_are_told(town: Town, phone: Phone) -> None:
    await town.phones.types(phone, "@nobody hello")

    await town.phones.sees(phone, "Nobody is known as @nobody here")


async def test_given_the_own_handle_when_somebody_writes_to_it_then_they_are_told(town: Town) -> None:
    await town.phones.types(ADA, "@ada note to self")

    await town.phones.sees(ADA, "@ada is you.")


async def test_given_a_handle_alone_then_it_opens_the_conversation_and_the_reader_gets_nothing_yet(town: Town) -> None:
    await town.phones.types(ADA, "@ben")
    await town.phones.sees(ADA, "You are now writing to Ben Okri.")
    assert await town.phones.texts(BEN) == []

    await town.phones.types(ADA, "and this is the message")

    await town.phones.sees(BEN, "and this is the message")
    assert await town.phones.texts(BEN) == ["and this is the message"]


@pytest.mark.parametrize(
    ("mention", "rest"),
    [("@BEN", "shouted"), ("@Ben,", "with a comma"), ("  @ben:", "after blanks"), ("@ben\n", "on a line of its own")],
)
async def test_given_a_handle_as_people_type_it_then_it_is_understood(town: Town, mention: str, rest: str) -> None:
    await town.phones.types(ADA, f"{mention} {rest}")

    assert (await town.phones.sees(BEN, rest))["text"] == rest


@pytest.mark.parametrize(
    ("writer", "address", "reader"),
    [
        (BEN, "whatsapp:4915112345678", ADA),
        (CLEO, "WhatsApp:+4915112345678", ADA),
        (ADA, "messenger:7100000000000001", BEN),
        (ADA, "instagram:17841405793187218", CLEO),
    ],
)
async def test_given_an_address_instead_of_a_handle_then_it_arrives(
    town: Town, writer: Phone, address: str, reader: Phone
) -> None:
    await town.phones.types(writer, f"@{address} found you")

    await town.phones.sees(reader, "found you")


async def test_given_an_address_that_is_none_then_its_writer_is_told(town: Town) -> None:
    await town.phones.types(BEN, "@whatsapp:12 hello")

    await town.phones.sees(BEN, "Nobody is known as @whatsapp:12 here")


@pytest.mark.parametrize(
    ("network", "more"),
    [("whatsapp", {}), ("whatsapp", {"hide_number": True}), ("messenger", {}), ("instagram", {})],
    ids=["whatsapp", "whatsapp without a number", "messenger", "instagram"],
)
async def test_given_a_new_person_who_opens_the_chat_then_their_handle_works_both_ways(
    town: Town, network: str, more: dict[str, bool]
) -> None:
    dora = await town.phones.add(network, "dora", "Dora", **more)
    writer = next(phone for phone in PHONES if phone.network != network)

    await town.phones.types(writer, "@dora welcome")
    await town.phones.sees(dora, "welcome")
    await town.phones.types(dora, "thank you")
    await town.phones.sees(writer, "thank you")
    await town.phones.types(dora, "@cleo hello, too" if network != "instagram" else "@ben hello, too")

    await town.phones.sees(CLEO if network != "instagram" else BEN, "hello, too")


async def test_given_two_people_of_one_network_then_they_write_to_each_other(town: Town) -> None:
    dora = await town.phones.add("whatsapp", "dora", "Dora")

    await town.phones.types(ADA, "@dora same network")
    await town.phones.sees(dora, "same network")
    await town.phones.types(dora, "so it is")

    await town.phones.sees(ADA, "so it is")


async def test_given_a_handle_that_is_taken_then_the_second_person_gets_one_of_their_own(town: Town) -> None:
    other_ben = await town.phones.add("whatsapp", "ben", "Ben Two")

    await town.phones.types(ADA, "@ben-2 which Ben are you?")

    await town.phones.sees(other_ben, "which Ben are you?")
    assert await town.phones.texts(BEN) == []


async def test_given_a_restart_then_every_conversation_goes_on_where_it_was(town: Town) -> None:
    asked = await town.phones.types(ADA, "@ben before")
    await town.phones.sees(BEN, "before")
    await town.phones.types(CLEO, "@ben me as well")
    question = await town.phones.sees(BEN, "me as well")
    await town.stop()
    await town.start()

    await town.phones.types(ADA, "after")
    await town.phones.types(BEN, "an answer to Cleo", reply_to=question["id"])
    await town.phones.types(BEN, "@ada an answer", reply_to=None)

    await town.phones.sees(BEN, "after")
    await town.phones.sees(CLEO, "an answer to Cleo")
    await town.phones.sees(ADA, "an answer")
    assert asked["id"]
