"""What nobody understood is kept so that it can be read again by itself, also by a release that knows more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gearmesh import (
    BridgeContext,
    Content,
    Event,
    MessageReceived,
    Profile,
    ReactionReceived,
    RedactionReceived,
    Secret,
    Text,
    Unparsed,
)
from gearmesh_meta import messaging_message, whatsapp_message
from gearmesh_meta.config import InstagramConfig, MessengerConfig, WhatsAppConfig
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.meta_bridge import MAX_NESTING, MetaBridge
from gearmesh_meta.whatsapp import WhatsApp

FOLDER: Final = Path(__file__).parents[2] / "data" / "payloads"
BODIES: Final = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.json"))}
US, BSUID, ADA, BEN = "640000000000042", "US.13491208655302741918", "16505551234", "7100000000000001"
AT: Final = 1458692752478
OTHER: Final = ("null", "true", "-1", "2.5", '""', '"x"', "[]", "{}", "[null]", '{"id": []}', "9" * 30, "[[[]]]")
CONTACT: Final = {"profile": {"name": "Ada"}, "wa_id": ADA, "user_id": BSUID}


class Offline:
    """A context for bridges that only read."""

    app = "app"
    http = cast("aiohttp.ClientSession", None)

    def now(self) -> float:
        return 1_800_000_000.0


def bridge_for(name: str, *, any_account: bool = False) -> MetaBridge:
    common: dict[str, Any] = {
        "token": Secret("t"),
        "app_secret": Secret("s"),
        "verify_token": Secret("v"),
        "any_account": any_account,
    }
    context = cast("BridgeContext", Offline())
    if name.startswith("whatsapp"):
        return WhatsApp(WhatsAppConfig(phone_number_id=US, **common), context)
    if name.startswith("messenger"):
        return Messenger(MessengerConfig(page_id=US, **common), context)
    return Instagram(InstagramConfig(instagram_id=US, **common), context)


def letters(events: Any) -> list[Unparsed]:
    return [event for event in events if isinstance(event, Unparsed)]


def places(piece: object) -> list[tuple[Any, Any]]:
    """Every container in a piece of JSON together with each of its keys."""
    found: list[tuple[Any, Any]] = []
    level = [piece]
    while level:
        node = level.pop()
        if isinstance(node, (dict, list)):
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            found += [(node, key) for key in keys]
            level += [node[key] for key in keys]
    return found


@settings(deadline=None, max_examples=500)
@given(st.data())
def test_given_a_sample_with_pieces_gone_or_of_another_type_then_what_is_kept_of_it_is_read_as_the_same_again(
    data: st.DataObject,
) -> None:
    name = data.draw(st.sampled_from(sorted(BODIES)))
    payload = json.loads(BODIES[name])
    for _ in range(data.draw(st.integers(0, 4))):
        known = places(payload)
        if not known:
            break
        container, key = known[data.draw(st.integers(0, len(known) - 1))]
        if data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = json.loads(data.draw(st.sampled_from(OTHER)))
    bridge = bridge_for(name, any_account=data.draw(st.booleans()))

    for letter in letters(bridge.replay(json.dumps(payload).encode())):
        assert letters(bridge.replay(letter.raw)) == [letter]


@pytest.mark.parametrize("name", BODIES)
def test_given_the_webhook_of_another_account_then_what_is_kept_of_it_stays_another_accounts(name: str) -> None:
    bridge = bridge_for(name)

    for letter in letters(bridge.replay(BODIES[name])):
        (again,) = bridge.replay(letter.raw)
        assert again == letter


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\x00", b"NaN", b"[" * 200_000, b"1" * 5000])
def test_given_bytes_that_are_no_webhook_then_they_come_out_as_they_are(body: bytes) -> None:
    for name in ("whatsapp", "messenger", "instagram"):
        (letter,) = bridge_for(name).replay(body)
        assert isinstance(letter, Unparsed)
        assert (letter.kind, letter.raw) == ("malformed", body)


def nested(levels: int) -> Any:
    piece: Any = "deep"
    for _ in range(levels):
        piece = [piece]
    return piece


def test_given_a_piece_that_was_just_not_too_deep_then_what_is_kept_of_it_is_not_either() -> None:
    whatsapp, messenger = bridge_for("whatsapp"), bridge_for("messenger")
    value = {"metadata": {"phone_number_id": US}, "messages": {"from": ADA, "id": "w", "type": "x", "x": nested(55)}}
    entry = {"id": US, "field": "news", "value": nested(60)}
    payloads = (
        (whatsapp, {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": value}]}]}),
        (messenger, {"object": "page", "entry": [entry]}),
    )
    for bridge, payload in payloads:
        (letter,) = bridge._events(json.dumps(payload).encode(), MAX_NESTING)
        assert isinstance(letter, Unparsed)
        assert letter.kind != "malformed"
        assert bridge.replay(letter.raw) == [letter]


def whatsapp_batch(*messages: Mapping[str, Any]) -> bytes:
    ben = {"profile": {"name": "Ben"}, "wa_id": "4915112345678", "user_id": "DE.1"}
    value = {
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": US},
        "contacts": [ben, CONTACT],
        "messages": list(messages),
    }
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def said(kind: str, native_id: str, **more: Any) -> dict[str, Any]:
    return {"from": ADA, "from_user_id": BSUID, "id": native_id, "timestamp": "1749416383", "type": kind, **more}


def test_given_a_release_that_understands_more_then_a_whatsapp_message_comes_in_as_if_it_were_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poll = said("poll", "wamid.P", poll={"question": "Tea?"}, context={"id": "wamid.Q"})
    batch = whatsapp_batch(said("text", "wamid.T", text={"body": "x"}), poll)
    (letter,) = letters(bridge_for("whatsapp").replay(batch))

    def newer(kind: str, message: dict[str, Any], app: str) -> Content | None:
        return Text(message["poll"]["question"])

    monkeypatch.setattr(whatsapp_message, "content_of", newer)

    assert bridge_for("whatsapp").replay(letter.raw) == [
        MessageReceived("wamid.P", ADA, ADA, 1749416383000, Text("Tea?"), "wamid.Q", Profile(name="Ada"))
    ]
    (value,) = (change["value"] for entry in json.loads(letter.raw)["entry"] for change in entry["changes"])
    assert (value["contacts"], value["messages"]) == ([CONTACT], [poll])


def test_given_a_release_that_understands_more_then_an_attachment_comes_in_beside_what_came_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attachments = [
        {"type": "hologram", "payload": {"url": "https://h/1"}},
        {"type": "image", "payload": {"url": "https://i"}},
        {"type": "hologram", "payload": {"url": "https://h/2"}},
    ]
    message = {"mid": "m_1", "text": "see", "attachments": attachments, "reply_to": {"mid": "m_0"}}
    item = {"sender": {"id": BEN}, "recipient": {"id": US}, "timestamp": AT, "message": message}
    body = json.dumps({"object": "page", "entry": [{"id": US, "time": AT, "messaging": [item]}]}).encode()
    before = bridge_for("messenger").replay(body)
    kept = letters(before)

    def newer(attachment: dict[str, Any], app: str) -> Content | None:
        return Text(attachment["payload"]["url"])

    monkeypatch.setattr(messaging_message, "content_of", newer)
    after = [event for letter in kept for event in bridge_for("messenger").replay(letter.raw)]

    def ids(events: list[Event]) -> list[str]:
        return [event.native_id for event in events if isinstance(event, MessageReceived)]

    assert ids(before) == ["m_1", "m_1#2"]
    assert after == [
        MessageReceived("m_1#1", BEN, BEN, AT, Text("https://h/1"), "m_0"),
        MessageReceived("m_1#3", BEN, BEN, AT, Text("https://h/2"), "m_0"),
    ]
    assert ids(bridge_for("messenger").replay(body)) == ["m_1", "m_1#1", "m_1#2", "m_1#3"]


@pytest.mark.parametrize("name", ["messenger", "instagram"])
def test_given_the_account_of_another_app_now_configured_then_what_was_meant_for_it_comes_in(name: str) -> None:
    item = {"sender": {"id": BEN}, "recipient": {"id": "777"}, "timestamp": AT, "message": {"mid": "m", "text": "x"}}
    kind = "page" if name == "messenger" else "instagram"
    body = json.dumps({"object": kind, "entry": [{"id": "777", "changes": [], "messaging": [item]}]}).encode()
    (letter,) = letters(bridge_for(name).replay(body))
    bridge = bridge_for(name)
    bridge.account = "777"

    assert letter.kind == "other account"
    assert bridge.replay(letter.raw) == [MessageReceived("m", BEN, BEN, AT, Text("x"))]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            said("reaction", "wamid.R", reaction={"message_id": "wamid.Q", "emoji": "👍"}),
            ReactionReceived(ADA, ADA, 1749416383000, "wamid.Q", "👍", profile=Profile(name="Ada")),
        ),
        (
            said("revoke", "wamid.R", revoke={"original_message_id": "wamid.Q"}),
            RedactionReceived(ADA, ADA, 1749416383000, "wamid.Q", Profile(name="Ada")),
        ),
    ],
)
def test_given_a_change_that_an_older_release_kept_then_it_comes_in_as_what_it_was(
    item: dict[str, Any], expected: Event
) -> None:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": US},
        "contacts": [CONTACT],
        "messages": [item],
    }
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    kept = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, separators=(",", ":")).encode()

    assert bridge_for("whatsapp").replay(kept) == [expected]


@pytest.mark.parametrize(("name", "kind"), [("messenger", "page"), ("instagram", "instagram")])
def test_given_a_reaction_that_an_older_release_kept_of_a_page_then_it_comes_in_as_what_it_was(
    name: str, kind: str
) -> None:
    reaction = {"mid": "m_1", "action": "react", "reaction": "love", "emoji": "❤"}
    item = {"sender": {"id": BEN}, "recipient": {"id": US}, "timestamp": AT, "reaction": reaction}
    kept = json.dumps({"object": kind, "entry": [{"id": US, "messaging": [item]}]}, separators=(",", ":")).encode()

    assert bridge_for(name).replay(kept) == [ReactionReceived(BEN, BEN, AT, "m_1", "❤")]
