"""Long texts: they arrive whole, in parts that their network takes, in order, and never cut inside a character."""

from __future__ import annotations

import pytest
import regex

from gearmesh.core.split import GRAPHEME

from .phones import ADA, BEN, CLEO, PAIRS, Phone, Shown
from .test_daemon_directions import line_above
from .town import Town

LIMITS = {ADA: 4_096, BEN: 2_000, CLEO: 1_000}
"""What a message may have: characters on WhatsApp and Messenger, bytes on Instagram (Meta's docs, 2026)."""
FAMILY = "👨‍👩‍👧‍👦"
"""One character to people, seven code points, 25 bytes."""
TEXTS = {
    "sentences": "".join(f"This is sentence number {number}, and it is of no interest.\n" for number in range(150)),
    "one word": "Donaudampfschifffahrt" * 400,
    "families": FAMILY * 700,
    "flags and letters": "🇩🇪🇫🇷é́ẅ̈한국" * 300,
}
CASES = [*((BEN, ADA, kind) for kind in TEXTS), *((ADA, CLEO, kind) for kind in TEXTS)]
CASES += [(writer, reader, "families") for writer, reader in PAIRS if (writer, reader) not in {(BEN, ADA), (ADA, CLEO)}]


def size(phone: Phone, text: str) -> int:
    """How long a text is to a network."""
    return len(text.encode()) if phone is CLEO else len(text)


async def parts(town: Town, reader: Phone, end: str) -> list[Shown]:
    """What came in, once the part with the end of the text is there."""
    await town.phones.sees(reader, end)
    await town.phones.all_told()
    return await town.phones.arrived(reader)


def without_blanks(text: str) -> str:
    """White space at a cut falls away; nothing else may."""
    return "".join(text.split())


@pytest.mark.parametrize(("writer", "reader", "kind"), CASES, ids=lambda it: getattr(it, "network", it))
async def test_given_a_text_longer_than_its_readers_network_takes_then_all_of_it_arrives_in_order_in_fitting_parts(
    town: Town, writer: Phone, reader: Phone, kind: str
) -> None:
    text = TEXTS[kind]

    await town.phones.types(writer, f"@{reader.handle} {text}•")

    shown = [part["text"] for part in await parts(town, reader, "•")]
    assert len(shown) > 1
    assert all(size(reader, part) <= LIMITS[reader] for part in shown)
    above = "" if reader is BEN else line_above(writer)
    assert shown[0].startswith(above)
    arrived = [shown[0].removeprefix(above), *shown[1:]]
    if len(shown) > 2:
        numbers = [f"({number}/{len(shown)}) " for number in range(1, len(shown) + 1)]
        assert [part[: len(number)] for part, number in zip(arrived, numbers, strict=True)] == numbers
        arrived = [part.removeprefix(number) for part, number in zip(arrived, numbers, strict=True)]
    assert without_blanks("".join(arrived)) == without_blanks(f"{text}•")
    whole = set(GRAPHEME.findall(f"{text}•"))
    assert {grapheme for part in arrived for grapheme in regex.findall(r"\X", part)} <= whole


async def test_given_a_long_text_and_a_short_one_behind_it_then_the_short_one_does_not_overtake(town: Town) -> None:
    await town.phones.types(ADA, f"@cleo {'word ' * 2_000}")
    await town.phones.types(ADA, "the end")

    shown = await parts(town, CLEO, "the end")

    assert "the end" in shown[-1]["text"]
    assert len(shown) > 10


async def test_given_a_long_text_when_any_of_its_parts_is_quoted_then_its_conversation_goes_on(town: Town) -> None:
    await town.phones.types(ADA, f"@ben {'word ' * 1_500}•")
    shown = await parts(town, BEN, "•")
    await town.phones.types(CLEO, "@ben somebody else")
    await town.phones.sees(BEN, "somebody else")

    for number, part in enumerate(shown):
        await town.phones.types(BEN, f"about part {number}", reply_to=part["id"])

    for number in range(len(shown)):
        await town.phones.sees(ADA, f"about part {number}")


async def test_given_a_long_text_then_it_counts_as_read_when_all_of_it_was(town: Town) -> None:
    said = await town.phones.types(BEN, f"@ada {'word ' * 1_500}•")
    await parts(town, ADA, "•")

    await town.phones.read(ADA)

    await town.phones.status(BEN, said, "read")
    read = [entry for entry in await town.ledger() if entry.state == "read"]
    assert len(read) == 1


async def test_given_a_text_of_exactly_the_limit_then_it_is_one_message(town: Town) -> None:
    room = LIMITS[CLEO] - len(line_above(ADA).encode())

    await town.phones.types(ADA, f"@cleo {'x' * room}")
    await town.phones.types(ADA, "y" * (room + 1))

    await town.phones.counts(CLEO, 3)
    assert [len(text) for text in await town.phones.texts(CLEO)] == [1_000, 1_000, 1]
