"""Files: somebody's picture is on the other phone, byte for byte, fetched from the network where it is."""

from __future__ import annotations

import base64
import io
import re
import zlib
from pathlib import Path
from typing import Final

import av
import pytest
from PIL import Image

from .phones import ADA, BEN, CLEO, PAIRS, ROUND, Phone, Shown
from .samples import bomb, exif, opus, picture, sound
from .test_daemon_directions import line_above
from .town import Town


def chunk(kind: bytes, data: bytes) -> bytes:
    """A piece of a PNG file."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


# 95 KB in a chunk that nobody knows: what says something in words would be taken out.
PNG: Final = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]))
    + chunk(b"IDAT", zlib.compress(b"\0\x20\x40\x80"))
    + chunk(b"noIs", bytes(range(32, 127)) * 1000)
    + chunk(b"IEND", b"")
)
PDF: Final = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n" + bytes(70_000)
BROKEN: Final = b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01" + bytes(5_000)


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
async def test_given_a_document_then_the_reader_gets_its_very_bytes(town: Town, writer: Phone, reader: Phone) -> None:
    await talking(town, writer, reader)

    await sends(town, writer, "file", "application/pdf", PDF, name="plan.pdf")

    shown = await town.phones.sees(reader, lambda message: message["media"])
    assert await file_of(town, shown) == PDF


@pytest.mark.parametrize(("writer", "reader"), PAIRS, ids=lambda phone: phone.network)
async def test_given_a_voice_message_then_the_readers_network_can_play_it_for_as_long(
    town: Town, writer: Phone, reader: Phone, tmp_path: Path
) -> None:
    await talking(town, writer, reader)
    if writer is ADA:
        mime, voice = "audio/ogg", opus(tmp_path / "voice", seconds=3)
    else:
        mime, voice = "audio/mp4", sound(tmp_path / "voice", "ipod", "aac", seconds=3, rate=44_100, size=1024)

    await sends(town, writer, "voice", mime, voice.read_bytes())

    shown = await town.phones.sees(reader, lambda message: message["media"])
    heard = tmp_path / "heard"
    heard.write_bytes(await file_of(town, shown))
    with av.open(str(heard)) as container:
        [stream] = container.streams.audio
        played, codec, channels = container.duration or 0, stream.codec_context.name, stream.codec_context.channels
    assert played / av.time_base == pytest.approx(3, abs=0.2)
    # Messenger and Instagram have one name for all that is heard; only WhatsApp shows whose voice it is.
    spoken = ("voice", "audio/ogg", "opus", 1) if reader is ADA else ("audio", "audio/mp4", "aac", 1)
    assert (shown["type"], shown["media"]["mime"], codec, channels) == spoken


async def test_given_a_photo_with_the_place_where_it_was_taken_then_the_place_stays_behind(
    town: Town, tmp_path: Path
) -> None:
    await talking(town, CLEO, ADA)
    photo = picture(tmp_path / "photo", "HEIF", exif=exif()).read_bytes()
    assert b"Pigeon" in photo

    await sends(town, CLEO, "image", "image/jpeg", photo)  # and it is no JPEG

    shown = await town.phones.sees(ADA, lambda message: message["media"])
    assert (shown["type"], shown["media"]["mime"]) == ("image", "image/jpeg")
    with Image.open(io.BytesIO(await file_of(town, shown))) as image:
        assert not image.getexif()
        assert image.size == (640, 480)


@pytest.mark.parametrize("kind", ["voice", "image"])
async def test_given_a_file_that_is_broken_or_made_to_do_harm_then_its_sender_is_told(
    town: Town, tmp_path: Path, kind: str
) -> None:
    await talking(town, BEN, CLEO)
    data = bomb(tmp_path / "bomb").read_bytes() if kind == "image" else BROKEN

    await sends(town, BEN, kind, "image/png" if kind == "image" else "audio/ogg", data)

    await town.phones.sees(BEN, "Your file to Cleo Dubois was not delivered")
    await town.phones.types(BEN, "and a word")
    await town.phones.sees(CLEO, "and a word")


@pytest.mark.parametrize("reader", [BEN, CLEO], ids=lambda phone: phone.network)
async def test_given_no_public_address_then_a_picture_is_uploaded(quiet_town: Town, reader: Phone) -> None:
    quiet_town.tables["web"]["public_url"] = ""
    await quiet_town.start()
    await talking(quiet_town, ADA, reader)

    await sends(quiet_town, ADA, "image", "image/png", PNG, "the view from here")

    shown = await quiet_town.phones.sees(reader, lambda message: message["media"])
    assert await file_of(quiet_town, shown) == PNG


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


async def test_given_a_photo_whose_words_change_then_its_place_stays_behind(town: Town, tmp_path: Path) -> None:
    await talking(town, ADA, CLEO)
    photo = picture(tmp_path / "photo", "JPEG", exif=exif()).read_bytes()
    sent = await sends(town, ADA, "image", "image/jpeg", photo, "look")
    await town.phones.sees(CLEO, "look")

    await town.phones.control("POST", f"phones/whatsapp/{ADA.user}/edit", message_id=sent["id"], text="look there")

    shown = await town.phones.sees(CLEO, "look there")
    for link in re.findall(r"https?://\S+", shown["text"]):
        async with town.http.get(link) as response:
            assert b"Pigeon" not in await response.read()
