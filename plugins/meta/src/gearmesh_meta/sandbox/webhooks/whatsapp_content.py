"""What stands in a WhatsApp message under the key of its type (Meta's OpenAPI description v23.0, webhook reference of
2026; edits and revokes: pywa's test data)."""

from __future__ import annotations

import re
from typing import Any, Final

from gearmesh_meta.sandbox.media import Media
from gearmesh_meta.sandbox.phone import Message
from gearmesh_meta.sandbox.things import Advertisement, Button, ContactCard, Goods, Place

#: The webhook's name for what a phone calls by another name.
_TYPES: Final = {"voice": "audio", "file": "document"}
#: What the Cloud API does not carry, by the name it has under `unsupported`.
_UNSUPPORTED: Final = {"gif": "gif", "poll": "poll_creation"}
_PRICE: Final = re.compile(r"(?P<amount>\d+(?:\.\d+)?)\s*(?P<currency>[A-Z]{3})")


def content(message: Message) -> dict[str, Any]:
    """`type`, and the message's content under the key of that name."""
    if message.tap is not None:
        return _tap(message.tap)
    if message.view_once:
        return unsupported(message.type)
    match message.type:
        case "reaction":
            return _typed("reaction", _reaction(message))
        case "location" if message.place is not None:
            return _typed("location", _place(message.place))
        case "contacts":
            return _typed("contacts", [_card(card) for card in message.contacts])
        case "order":
            return _typed("order", _order(message))
        case "unsupported":
            return unsupported(message.text)
        case "gif" | "poll":
            return unsupported(_UNSUPPORTED[message.type])
    if message.media is not None:
        return _typed(_TYPES.get(message.type, message.type), _media(message, message.media))
    return _typed("text", {"body": message.text})


def unsupported(kind: str) -> dict[str, Any]:
    """What stands for a message that the Cloud API does not carry: what it was, and nothing of what it said."""
    error = {
        "code": 131051,
        "title": "Message type unknown",
        "message": "Message type unknown",
        "error_data": {"details": "Message type is currently not supported."},
    }
    return {"type": "unsupported", "errors": [error], "unsupported": {"type": kind}}


def referral(advertisement: Advertisement, click: str) -> dict[str, Any]:
    """The advertisement through which the person came; `click` is Meta's id of their click."""
    told = {
        "source_url": advertisement.url,
        "source_id": advertisement.id,
        "source_type": "ad",
        "headline": advertisement.title,
        "body": advertisement.text,
        "ctwa_clid": click,
    }
    if advertisement.picture:
        told |= {"media_type": "image", "image_url": advertisement.picture}
    return told


def enquiry(goods: Goods) -> dict[str, str]:
    """What stands under `referred_product`."""
    return {"catalog_id": goods.catalog_id, "product_retailer_id": goods.retailer_id}


def _typed(kind: str, body: Any) -> dict[str, Any]:
    return {"type": kind, kind: body}


def _tap(button: Button) -> dict[str, Any]:
    match button.kind:
        case "template":
            return _typed("button", {"payload": button.id, "text": button.title})
        case "list":
            row = {"id": button.id, "title": button.title}
            if button.text:
                row["description"] = button.text
            return _typed("interactive", _typed("list_reply", row))
        case _:
            return _typed("interactive", _typed("button_reply", {"id": button.id, "title": button.title}))


def _reaction(message: Message) -> dict[str, Any]:
    # One that is taken back has no key `emoji`.
    return {"message_id": message.reply_to} | ({"emoji": message.text} if message.text else {})


def _place(place: Place) -> dict[str, Any]:
    told: dict[str, Any] = {"latitude": place.latitude, "longitude": place.longitude}
    named = {"name": place.name, "address": place.address, "url": place.url}
    return told | {key: value for key, value in named.items() if value}


def _card(card: ContactCard) -> dict[str, Any]:
    first, _, last = card.name.partition(" ")
    name = {"formatted_name": card.name, "first_name": first} | ({"last_name": last} if last else {})
    told: dict[str, Any] = {"name": name, "origin": "other"}
    if card.organisation:
        told["org"] = {"company": card.organisation}
    if card.phones:
        told["phones"] = [
            {"phone": phone, "wa_id": "".join(filter(str.isdigit, phone)), "type": "MOBILE"} for phone in card.phones
        ]
    if card.emails:
        told["emails"] = [{"email": email, "type": "HOME"} for email in card.emails]
    if card.vcard:
        told["vcard"] = card.vcard
    return told


def _order(message: Message) -> dict[str, Any]:
    catalog = next((goods.catalog_id for goods in message.goods if goods.catalog_id), "")
    return {"catalog_id": catalog, "text": message.text, "product_items": [_item(goods) for goods in message.goods]}


def _item(goods: Goods) -> dict[str, Any]:
    told: dict[str, Any] = {"product_retailer_id": goods.retailer_id, "quantity": goods.quantity or 1}
    price = _PRICE.fullmatch(goods.price)
    if price is not None:
        amount = float(price["amount"])
        told |= {"item_price": int(amount) if amount.is_integer() else amount, "currency": price["currency"]}
    return told


def _media(message: Message, media: Media) -> dict[str, Any]:
    body: dict[str, Any] = {"mime_type": media.mime, "sha256": media.sha256, "id": media.id}
    if message.media_url is not None:
        body["url"] = message.media_url
    if message.text:
        body["caption"] = message.text
    if message.type in ("audio", "voice"):
        body["voice"] = message.type == "voice"
    elif message.type == "file":
        body["filename"] = media.name or "file"
    elif message.type == "sticker":
        body["animated"] = media.animated
    return body
