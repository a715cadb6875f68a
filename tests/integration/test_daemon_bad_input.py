"""Bad input to a running daemon: a clear answer or a dead letter, and nothing else stops."""

from __future__ import annotations

import io
import json
import random
import zlib
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from .metrics import samples
from .phones import ADA, BEN, CLEO
from .streams import everything
from .town import SETTINGS, Town, signed

APPS: Final = ("whatsapp", "messenger", "instagram")
OBJECTS: Final = {"whatsapp": "whatsapp_business_account", "messenger": "page", "instagram": "instagram"}
EVERY_APP: Final = pytest.mark.parametrize("app", APPS)
THREE_MEGABYTES: Final = 3 * 1024 * 1024

NO_JSON: Final = (b"", b"{", b'{"object": "page"', b"hello", b"\xff\xfe\x00", b'{"object": NaN, }', b"[" * 100_000)
WRONG_TYPES: Final = (
    b"null",
    b"5",
    b'"text"',
    b"[]",
    b'{"object": 5}',
    b'{"object": {"object": "page"}, "entry": "none"}',
)


def whatsapp(*messages: object) -> bytes:
    """A webhook of WhatsApp with messages as given."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550001111", "phone_number_id": SETTINGS.phone_number_id},
        "contacts": [{"profile": {"name": ADA.name}, "wa_id": ADA.user}],
        "messages": messages,
    }
    entry = {"id": SETTINGS.waba_id, "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": OBJECTS["whatsapp"], "entry": [entry]}).encode()


def written(text: object, native_id: object = "wamid.1") -> dict[str, Any]:
    """A text message of Ada's."""
    return {"from": ADA.user, "id": native_id, "timestamp": "1790000000", "type": "text", "text": {"body": text}}


async def people_still_talk(town: Town, words: str = "still here") -> None:
    """Everybody's messages go through all three apps."""
    for writer, reader in ((ADA, BEN), (BEN, CLEO), (CLEO, ADA)):
        await town.phones.types(writer, f"@{reader.handle} {words}")
    for reader in (BEN, CLEO, ADA):
        await town.phones.sees(reader, words)


@EVERY_APP
async def test_given_signed_bytes_that_are_no_json_then_they_are_kept_as_dead_letters_and_answered_200(
    town: Town, app: str
) -> None:
    for body in NO_JSON:
        assert await town.webhook(app, body) == 200

    letters = await town.dead_letters(len(NO_JSON))
    kept = [zlib.decompress(raw) if headers.get("Gm-Encoding") == "zlib" else raw for _, headers, raw in letters]
    assert kept == list(NO_JSON)
    assert {headers["Gm-Reason"] for _, headers, _ in letters} == {"unparsed"}
    assert all(headers["Gm-Detail"] for _, headers, _ in letters)
    assert all(subject.startswith(f"gm.dead.{app}.") for subject, _, _ in letters)
    counted = await samples(town)
    assert counted.value("gearmesh_dead_letters_total", app=app, reason="unparsed") == len(NO_JSON)
    assert counted.value("gearmesh_messages_total", app=app, direction="in", outcome="dead") == len(NO_JSON)
    await people_still_talk(town)


@EVERY_APP
async def test_given_json_of_wrong_types_then_it_is_kept_and_answered_200(town: Town, app: str) -> None:
    entries: tuple[object, ...] = (
        None,
        7,
        "text",
        [],
        {"changes": "x", "messaging": "x"},
        {"changes": [5, None], "messaging": [5, None]},
        {"changes": [{"field": [], "value": []}], "messaging": [{"sender": 5, "message": []}]},
    )
    bodies = [
        *WRONG_TYPES,
        *(json.dumps({"object": OBJECTS[app], "entry": [entry]}).encode() for entry in entries),
    ]
    for body in bodies:
        assert await town.webhook(app, body) == 200

    kept = [json.loads(raw) for _, _, raw in await town.dead_letters(len(WRONG_TYPES))]
    assert all(json.loads(body) in kept for body in WRONG_TYPES)
    assert (await samples(town)).value("gearmesh_webhooks_total", app=app, outcome="accepted") >= len(bodies)
    await people_still_talk(town)


async def test_given_a_message_whose_fields_are_of_wrong_types_then_only_it_is_a_dead_letter(town: Town) -> None:
    body = whatsapp(
        written("@ben one", "wamid.1"),
        written({"deep": "text"}, "wamid.2"),
        written("@ben two", ["wamid.3"]),
        "no message at all",
        written("@ben four", "wamid.5"),
    )

    assert await town.webhook("whatsapp", body) == 200

    await town.phones.sees(BEN, "four")
    assert await town.phones.texts(BEN) == ["one", "four"]
    letters = [json.loads(raw)["entry"][0]["changes"][0] for _, _, raw in await town.dead_letters(3)]
    kept = [message for letter in letters for message in letter["value"]["messages"]]
    assert kept == [
        written({"deep": "text"}, "wamid.2"),
        written("@ben two", ["wamid.3"]),
        "no message at all",
    ]


async def test_given_a_kind_of_message_that_nobody_knows_then_it_is_kept_and_its_writer_told(town: Town) -> None:
    message = {"from": ADA.user, "id": "wamid.h", "timestamp": "1790000000", "type": "hologram", "hologram": {"a": 1}}

    assert await town.webhook("whatsapp", whatsapp(message)) == 200

    notice = await town.phones.sees(ADA, "cannot be passed on yet")
    assert "hologram" in notice["text"]
    [(_, headers, raw)] = await town.dead_letters(1)
    assert headers["Gm-Reason"] == "unparsed"
    assert b"hologram" in raw
    assert b"wamid.h" in raw


@EVERY_APP
async def test_given_a_field_that_nobody_knows_then_it_is_answered_200_and_nothing_stops(town: Town, app: str) -> None:
    change = {"field": "weather_forecast", "value": {"rain": True}}
    event = {"sender": {"id": BEN.user}, "recipient": {"id": SETTINGS.page_id}, "timestamp": 1, "weather": {"rain": 1}}
    for entry in ({"id": "1", "time": 1, "changes": [change]}, {"id": "1", "time": 1, "messaging": [event]}):
        body = json.dumps({"object": OBJECTS[app], "entry": [entry]}).encode()
        assert await town.webhook(app, body) == 200

    await people_still_talk(town)


@EVERY_APP
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length told", "in chunks"])
async def test_given_more_than_three_megabytes_then_413_and_nothing_is_kept(
    town: Town, app: str, chunked: bool
) -> None:
    body = b'{"padding": "' + b"x" * THREE_MEGABYTES + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1 << 16):
            yield body[start : start + (1 << 16)]

    headers = {"X-Hub-Signature-256": signed(body)}
    data = chunks() if chunked else io.BytesIO(body)
    async with town.http.post(f"{town.url}/webhooks/{app}", data=data, headers=headers) as response:
        assert response.status == 413

    assert (await samples(town)).value("gearmesh_webhooks_total", app=app, outcome="too_large") == 1
    assert await everything(town.daemon.connection, "GM_DEAD") == []
    await people_still_talk(town)


async def test_given_exactly_three_megabytes_that_are_no_json_then_every_byte_is_kept(town: Town) -> None:
    body = random.Random(1).randbytes(THREE_MEGABYTES)

    assert await town.webhook("whatsapp", body) == 200

    [(_, headers, raw)] = await town.dead_letters(1)
    assert (zlib.decompress(raw) if headers.get("Gm-Encoding") == "zlib" else raw) == body


@EVERY_APP
async def test_given_a_forged_or_missing_signature_then_403_and_it_is_counted_but_never_read(
    town: Town, app: str
) -> None:
    genuine = whatsapp(written("@ben forged"))
    forgeries = ["", "sha256=", f"sha256={'0' * 64}", signed(genuine, "another-secret"), signed(b"other bytes")]
    forgeries += [signed(genuine).upper(), signed(genuine).removeprefix("sha256="), "sha256=ÄÖÜ", f"{signed(genuine)},"]
    for signature in forgeries:
        assert await town.webhook(app, genuine, signature) == 403
        assert await town.webhook(app, b"{ no json", signature) == 403

    counted = await samples(town)
    assert counted.value("gearmesh_webhooks_total", app=app, outcome="forged") == 2 * len(forgeries)
    assert counted.value("gearmesh_dead_letters_total") == 0
    assert await everything(town.daemon.connection, "GM_DEAD") == []
    await people_still_talk(town)
    assert not any("forged" in text for text in await town.phones.texts(BEN))


async def test_given_an_envelope_of_a_version_to_come_then_it_is_a_dead_letter_with_every_byte(town: Town) -> None:
    future = b"\x93\x63\x81\xa2id\xc4\x10" + bytes(16) + b"\xc4\x00"  # [99, {"id": 16 bytes}, b""]
    await town.daemon.connection.js.publish("gm.in.native.conversation", future)

    [(subject, headers, raw)] = await town.dead_letters(1)
    assert subject.startswith("gm.dead.native.")
    assert raw == future
    assert headers["Gm-Reason"] == "unparsed"
    assert "version 99" in headers["Gm-Detail"]
    await people_still_talk(town)


@pytest.mark.parametrize("log", ["in", "out"])
async def test_given_random_bytes_in_a_log_then_they_are_dead_letters_and_the_others_go_on(
    town: Town, log: str
) -> None:
    noise = random.Random(7)
    junk = [noise.randbytes(noise.randrange(1, 400)) for _ in range(40)]
    await town.phones.types(ADA, "@ben before")
    for data in junk:
        await town.daemon.connection.js.publish(f"gm.{log}.messenger.conversation", data)
    await people_still_talk(town)

    letters = await town.dead_letters(len(junk))
    assert sorted(raw for _, _, raw in letters) == sorted(junk)
    assert {subject.split(".")[2] for subject, _, _ in letters} == {"messenger"}
    assert (await town.phones.texts(BEN))[0] == "before"


async def test_given_a_token_that_is_refused_at_the_start_then_only_that_app_stops_and_its_messages_wait(
    quiet_town: Town,
) -> None:
    town = quiet_town
    right = town.tables["apps"]["instagram"]["token"]
    town.tables["apps"]["instagram"]["token"] = "plain:another-token"
    await town.start_without_waiting()
    await town.app_is("instagram", "unauthorized")

    await town.phones.types(ADA, "@cleo kept for you")
    await town.phones.types(ADA, "@ben not for her")
    await town.phones.sees(BEN, "not for her")
    await town.phones.types(CLEO, "@ada I can write")
    await town.phones.sees(ADA, "I can write")
    status, text = await town.get("/readyz")
    assert status == 503
    apps = json.loads(text)["apps"]
    assert {name: app["status"] for name, app in apps.items()} == {
        "whatsapp": "connected",
        "messenger": "connected",
        "instagram": "unauthorized",
    }
    assert "another-token" not in text
    assert (await samples(town)).value("gearmesh_app_connected", app="instagram") == 0
    assert len(await everything(town.daemon.connection, "GM_OUT", "gm.out.instagram.*")) >= 1

    town.tables["apps"]["instagram"]["token"] = right
    await town.stop()
    await town.start()

    await town.phones.sees(CLEO, "kept for you")
    assert len(await town.phones.texts(CLEO)) == 1


async def test_given_a_token_that_is_refused_later_then_only_that_app_stops_and_its_messages_wait(town: Town) -> None:
    await town.phones.types(ADA, "@cleo before")
    await town.phones.sees(CLEO, "before")
    await town.phones.fault(kind="error", network="instagram", status=401, code=190)

    await town.phones.types(ADA, "@cleo one")
    await town.app_is("instagram", "unauthorized")
    await town.phones.types(ADA, "@cleo two")
    await town.phones.types(ADA, "@ben still working")
    await town.phones.sees(BEN, "still working")
    await town.phones.types(BEN, "@cleo three")
    await town.phones.all_told()
    assert len(await town.phones.texts(CLEO)) == 1
    assert await town.phones.texts(ADA) == []

    await town.phones.lift()
    await town.stop()
    await town.start()

    await town.phones.sees(CLEO, "three")
    texts = [text.rpartition("\n")[2] for text in await town.phones.texts(CLEO)]
    assert [text for text in texts if text != "three"] == ["before", "one", "two"]
    assert len(texts) == 4
