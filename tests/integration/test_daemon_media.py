"""Files: somebody's picture is on the other phone, byte for byte, fetched from the network where it is."""

from __future__ import annotations

import base64
import zlib
from typing import Final

import pytest

from .phones import ADA, BEN, CLEO, PAIRS, ROUND, Phone, Shown
from .test_daemon_directions import line_above
from .town import Town


def chunk(kind: bytes, data: bytes) -> bytes:
    """A piece of a PNG file."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


PNG: Final = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]))
    + chunk(b"IDAT", zlib.compress(b"\0\x20\x40\x80"))
    + chunk(b"tEXt", b"Comment\0" + bytes(range(32, 127)) * 1000)
    + chunk(b"IEND", b"")
)
PDF: Final = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n" + bytes(70_000)
OGG: Final = b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01" + bytes(5_000)
M4A: Final = b"\0\0\0\x18ftypM4A \0\0\2\0isomiso2" + bytes(5_000)
VOICES: Final = {ADA: ("audio/ogg", OGG), BEN: ("audio/mp4", M4A), CLEO: ("audio/mp4", M4A)}
"""What each app records."""


async def sends(town: Town, writer: Phone, kind: str, mime: str, data: bytes, text: str = "", **more: str) -> Shown:
    """Somebody sends a file, with a caption if there is a `text`."""
    media = {"type": kind, "mime": mime, "base64": base64.b64encode(data).decode(), **more}
    return await town.phones.types(writer, text, media=media)


async def file_of(town: Town, message: Shown) -> bytes:
    """The bytes that a phone shows."""
    address = message["media"]["url"]
    async with town.http.get(address if address.startswith("http") else f"{town.phones.url}{address}") as response:
        assert response.status == 200, address
        return await response.read()


async def talking(town: Town, writer: Phone, reader: Phone) -> None:
    """Their conversation is the one that a file without words goes to."""
    await town.phones.types(writer, f"@{reader.handle} look at this")
    await town.phones.sees(reader, "look at this")


@pytest.mark.parametrize(("writer", "reader"), PAIRS, ids=lambda phone: phone.network)
async def test_given_a_picture_then_it_is_on_the_other_phone_byte_for_byte(
    town: Town, writer: Phone, reader: Phone
) -> None:
    await talking(town, writer, reader)

    await sends(town, writer, "image", "image/png", PNG)

    shown = await town.phones.sees(reader, lambda message: message["media"])
    assert shown["type"] == "image"
    assert await file_of(town, shown) == PNG
    texts = await town.phones.texts(reader)
    if reader is BEN:
        assert shown["sender_name"] == f"{writer.name} ({writer.title})"
    else:
        # WhatsApp shows who sent it as the caption, Instagram in a message before it.
        assert texts[1] == line_above(writer).strip()
    await town.phones.all_told()
    assert len(await town.phones.arrived(writer)) == 0


@pytest.mark.parametrize("reader", [BEN, CLEO], ids=lambda phone: phone.network)
async def test_given_a_picture_with_a_caption_that_names_its_reader_then_both_arrive_without_the_handle(
    town: Town, reader: Phone
) -> None:
    await sends(town, ADA, "image", "image/png", PNG, f"@{reader.handle} the view from here")

    shown = await town.phones.sees(reader, lambda message: message["media"])
    assert await file_of(town, shown) == PNG
    texts = "\n".join(await town.phones.texts(reader))
    assert "the view from here" in texts
    assert f"@{reader.handle}" not in texts


@pytest.mark.parametrize("reader", [BEN, CLEO], ids=lambda phone: phone.network)
async def test_given_a_picture_that_quotes_then_it_answers_whom_it_quotes(town: Town, reader: Phone) -> None:
    await town.phones.types(reader, "@ada send me a picture")
    question = await town.phones.sees(ADA, "send me a picture")
    await town.phones.types(ADA, f"@{(CLEO if reader is BEN else BEN).handle} wait")

    media = {"type": "image", "mime": "image/png", "base64": base64.b64encode(PNG).decode()}
    await town.phones.types(ADA, "", media=media, reply_to=question["id"])

    shown = await town.phones.sees(reader, lambda message: message["media"])
    assert await file_of(town, shown) == PNG


@pytest.mark.parametrize(("writer", "reader"), PAIRS, ids=lambda phone: phone.network)
@pytest.mark.parametrize("kind", ["file", "voice"])
async def test_given_another_kind_of_file_then_the_reader_gets_its_bytes_one_way_or_the_other(
    town: Town, writer: Phone, reader: Phone, kind: str
) -> None:
    await talking(town, writer, reader)
    mime, data = VOICES[writer] if kind == "voice" else ("application/pdf", PDF)

    await sends(town, writer, kind, mime, data, **({"name": "plan.pdf"} if kind == "file" else {}))

    def has_it(message: Shown) -> bool:
        return bool(message["media"]) or "/media/" in message["text"]

    shown = await town.phones.sees(reader, has_it)
    if shown["media"]:
        assert await file_of(town, shown) == data
    else:
        # A network that does not carry this kind shows its link.
        link = next(word for word in shown["text"].split() if "/media/" in word)
        async with town.http.get(link) as response:
            assert (response.status, await response.read()) == (200, data)


async def test_given_a_file_that_its_readers_network_refuses_then_its_sender_is_told(town: Town) -> None:
    await talking(town, BEN, CLEO)

    await sends(town, BEN, "voice", "audio/ogg", OGG)  # Messenger does not tell the type, and Instagram takes no Ogg

    await town.phones.sees(BEN, "Your message to Cleo Dubois was not delivered")


async def test_given_no_public_address_then_a_picture_is_told_in_words(quiet_town: Town) -> None:
    quiet_town.tables["web"]["public_url"] = ""
    await quiet_town.start()
    await talking(quiet_town, ADA, BEN)

    await sends(quiet_town, ADA, "image", "image/png", PNG, "the view from here")

    shown = await quiet_town.phones.sees(BEN, "the view from here")
    assert shown["text"].splitlines()[0] == "[picture]"
    assert shown["media"] is None


async def test_given_a_picture_between_texts_then_the_order_is_kept(town: Town) -> None:
    await town.phones.types(ADA, "@ben first")
    await sends(town, ADA, "image", "image/png", PNG)
    await town.phones.types(ADA, "last")

    await town.phones.sees(BEN, "last")

    assert [message["type"] for message in await town.phones.arrived(BEN)] == ["text", "image", "text"]


async def test_given_a_picture_without_a_conversation_then_its_sender_is_told_how_to_begin(town: Town) -> None:
    await sends(town, CLEO, "image", "image/png", PNG)

    await town.phones.sees(CLEO, "Start with @")


@pytest.mark.parametrize(("writer", "reader"), ROUND, ids=lambda phone: phone.network)
async def test_given_a_reaction_which_cannot_be_passed_on_yet_then_nobody_is_left_in_the_dark(
    town: Town, writer: Phone, reader: Phone
) -> None:
    await talking(town, writer, reader)
    [shown] = await town.phones.arrived(reader)

    await town.phones.types(reader, reaction={"message_id": shown["id"], "emoji": "👍"})

    await town.phones.all_told()
    await town.phones.types(reader, "a word as well")
    await town.phones.sees(writer, "a word as well")
