"""Webhooks out of the test data of other libraries, under their licences: each message is the right event.

They are in the folders of `tests/data/payloads`, with their licences. They are of other accounts than the one that
reads them here, as with `any_account = true`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from gearmesh import Event, Media, MessageReceived, Product, ReactionReceived, ReceiptReceived, Unparsed
from gearmesh_meta.aliases import Aliases
from gearmesh_meta.origin import Origin
from gearmesh_meta.parse_messaging import parse as parse_messaging
from gearmesh_meta.parse_whatsapp import parse as parse_whatsapp

FOLDER: Final = Path(__file__).parents[2] / "data" / "payloads"
ORIGIN: Final = Origin("app", "1", 999, any_account=True)


def cases() -> dict[str, Any]:
    """Every payload by the name of its file, and of the case in it where there are several."""
    found: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*/*.json")):
        payload, name = json.loads(path.read_bytes()), f"{path.parent.name}/{path.stem}"
        inner = {name: payload} if "object" in payload else {f"{name}:{key}": payload[key] for key in payload}
        found |= inner
    return found


CASES: Final = cases()


def read(payload: Any) -> list[Event]:
    if payload["object"] == "whatsapp_business_account":
        return parse_whatsapp(payload, ORIGIN, Aliases())
    return parse_messaging(payload, payload["object"], ORIGIN)


def kind(event: Event) -> str:
    """What an event is, in a word or two."""
    match event:
        case MessageReceived(content=Media() as media):
            return _with(media.media, media.caption and "caption", media.forwarded and "forwarded")
        case MessageReceived(content=Product() as product):
            return _with(product.about, *(listing.title for listing in product.listings))
        case MessageReceived(content=content):
            shown = type(content).__name__.lower()
            return _with(shown, getattr(content, "forwarded", False) and "forwarded", event.reply_to and "reply")
        case ReactionReceived():
            return _with("reaction", event.emoji or "removed")
        case ReceiptReceived():
            return event.state
        case Unparsed():
            return f"dead: {event.kind}" + (", told" if event.user else "")
        case _:
            return type(event).__name__.removesuffix("Received").lower()


def _with(shown: str, *facts: object) -> str:
    return " ".join([shown, *(str(fact) for fact in facts if fact)])


EXPECTED: Final[dict[str, list[str]]] = {
    "kapso-whatsapp-cloud-api/tests:test_webhooks_105": ["text"],
    "kapso-whatsapp-cloud-api/tests:test_webhooks_144": ["delivered"],
    "kapso-whatsapp-cloud-api/tests:test_webhooks_231": ["dead: malformed"],
    "pymsgr/tests:test_security_80": [],
    "pymsgr/tests:test_server_155": ["dead: message"],
    "pymsgr/tests:test_server_241": ["dead: message"],
    "pymsgr/tests:test_webhooks_214": ["reaction ❤️"],
    "pymsgr/tests:test_webhooks_249": ["dead: standby"],
    "pywa/call_permission_update:accept": ["dead: call permission, told"],
    "pywa/call_permission_update:reject": ["dead: call permission, told"],
    "pywa/callback_button:button": ["text reply"],
    "pywa/callback_button:quick_reply": ["text reply"],
    "pywa/callback_selection:callback": ["text reply"],
    "pywa/callback_selection:description": ["text reply"],
    "pywa/deleted_message:revoke": ["redaction"],
    "pywa/edited_message:edit_text": ["edit"],
    "pywa/edited_message:edit_caption": ["edit"],
    "pywa/flow_completion:completion": ["text reply"],
    "pywa/flow_completion:without_flow_token": ["text reply"],
    "pywa/message:text": ["text"],
    "pywa/message:image": ["image"],
    "pywa/message:video": ["video caption forwarded"],
    "pywa/message:document": ["file caption forwarded"],
    "pywa/message:audio": ["audio forwarded"],
    "pywa/message:voice": ["voice"],
    "pywa/message:static_sticker": ["sticker"],
    "pywa/message:animated_sticker": ["sticker"],
    "pywa/message:reaction": ["reaction 😮"],
    "pywa/message:unreaction_empty": ["reaction removed"],
    "pywa/message:unreaction_no_emoji": ["reaction removed"],
    "pywa/message:current_location": ["location forwarded"],
    "pywa/message:chosen_location": ["location forwarded"],
    "pywa/message:contacts": ["contacts"],
    "pywa/message:order": ["order HAMBURGER FRENCH_FRIES SODA"],
    "pywa/message:unsupported": ["dead: unsupported, told"],
    "pywa/message:reply": ["text reply"],
    "pywa/message:forwarded": ["text forwarded"],
    "pywa/message:forwarded_many_times": ["text forwarded"],
    "pywa/message:interactive_message_with_err": ["dead: interactive message, told", "dead: error"],
    "pywa/message:referral": ["ad AD_TITLE", "text"],
    "pywa/outgoing_message:text": ["echo"],
    "pywa/system:phone_number_change": [],
    "pywa/system:user_id_change": [],
    "pywa/system:identity_change": ["dead: system"],
    "restfb/messaging-attachment-unsupported": ["dead: unsupported, told"],
    "restfb/messaging-button-template": ["text"],
    "restfb/messaging-message-edits": ["edit"],
    "restfb/messaging-message-fallback-attachment": ["text"],
    "restfb/messaging-message-isdeleted": ["redaction"],
    "restfb/messaging-message-isunsupported": ["dead: unsupported, told"],
    "restfb/messaging-message-location-attachment": ["location"],
    "restfb/messaging-message-prior": ["text"],
    "restfb/messaging-message-product-template-2": ["text", "listing product name"],
    "restfb/messaging-message-product-template": ["listing Some product title"],
    "restfb/messaging-message-reply-1": ["text reply"],
    "restfb/messaging-message-reply-2": ["text"],
    "restfb/messaging-message-sticker": ["sticker"],
    "restfb/messaging-optin-basic": [],
    "restfb/messaging-optin-userref": [],
    "restfb/messaging-postback-chat": ["dead: postback"],
    "restfb/messaging-postback-referral": ["chatopened"],
    "restfb/messaging-reaction-1": ["reaction 😢"],
    "restfb/messaging-reaction-2": ["reaction removed"],
    "restfb/messaging-referral-basic": ["chatopened"],
    "restfb/messaging-seen": ["read"],
    "restfb/webhook-incoming-message-ads": ["ad AD_TITLE", "text"],
    "restfb/webhook-incoming-message-contacts-request-bsuid": ["contacts"],
    "restfb/webhook-incoming-message-contacts": ["contacts"],
    "restfb/webhook-incoming-message-contacts2": ["contacts"],
    "restfb/webhook-incoming-message-emoji": ["reaction 👍🏻"],
    "restfb/webhook-incoming-message-error": ["dead: unsupported, told"],
    "restfb/webhook-incoming-message-status-group-bsuid": ["read"],
    "restfb/webhook-incoming-message-system-bsuid": [],
    "restfb/webhook-incoming-message-system": ["dead: system"],
    "restfb/webhook-incoming-message-text-bsuid": ["dead: group"],
    "restfb/webhook-incoming-message-unsupported": ["dead: unsupported, told"],
    "restfb/webhook-userIdUpdate": [],
    "waba-sdk/tests:test_fastapi_integration_32": ["text"],
    "waba-sdk/tests:test_webhook_17": ["text"],
    "waba-sdk/tests:test_webhook_52": ["delivered"],
    "whatsapp-cloud-api-py/tests:test_webhooks_normalize_119": [],
    "whatsapp-cloud-api-py/tests:test_webhooks_normalize_139": ["dead: text, told"],
}


@pytest.mark.parametrize("name", CASES)
def test_given_a_webhook_of_another_librarys_tests_then_every_message_in_it_is_the_right_event(name: str) -> None:
    assert [kind(event) for event in read(CASES[name])] == EXPECTED[name]


def test_every_expectation_has_its_payload_and_every_package_its_licence() -> None:
    assert set(EXPECTED) == set(CASES)
    for folder in {path.parent for path in FOLDER.glob("*/*.json")}:
        assert "Permission is hereby granted, free of charge" in (folder / "LICENSE").read_text()
