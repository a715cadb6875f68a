"""What the Cloud API takes of each kind of message but files: its `type` and the object under that name.

Shapes: OpenAPI description v23.0, and the documentation of each kind of message (2026).
"""

from __future__ import annotations

from typing import Any

from gearmesh import Card, Contacts, Location, Outgoing, Rejected, Text


def body_of(content: Outgoing) -> dict[str, Any]:
    """The message that shows this content.

    Raises:
        Rejected: it is of a kind that the capabilities do not claim.
    """
    match content:
        case Text(text=text, buttons=buttons):
            return _buttons(text, buttons) if buttons else text_body(text)
        case Location():
            return _location(content)
        case Contacts(cards=cards):
            return {"type": "contacts", "contacts": [_contact(card) for card in cards]}
        case _:
            raise Rejected(f"WhatsApp has no message for a {type(content).__name__.lower()}")


def text_body(text: str) -> dict[str, Any]:
    """A text. WhatsApp shows a preview of its first link."""
    return {"type": "text", "text": {"body": text, "preview_url": True}}


def reaction_body(target: str, emoji: str) -> dict[str, Any]:
    """A reaction to the message `target`; without emoji it is taken away."""
    return {"type": "reaction", "reaction": {"message_id": target, "emoji": emoji}}


def _buttons(text: str, titles: tuple[str, ...]) -> dict[str, Any]:
    # Each title may stand there once. A tap brings it back, so that the id need only be an id.
    replies = [{"id": str(number), "title": title} for number, title in enumerate(dict.fromkeys(titles), 1)]
    action = {"buttons": [{"type": "reply", "reply": reply} for reply in replies]}
    return {"type": "interactive", "interactive": {"type": "button", "body": {"text": text}, "action": action}}


def _location(place: Location) -> dict[str, Any]:
    shown: dict[str, Any] = {"latitude": place.latitude, "longitude": place.longitude}
    if place.name:
        shown["name"] = place.name
    if place.address:
        shown["address"] = place.address
    return {"type": "location", "location": shown}


def _contact(card: Card) -> dict[str, Any]:
    name = card.name or card.organisation or next(iter(card.phones + card.emails), "?")
    # A second name beside the formatted one is required, and nobody knows which part of a name is the first.
    contact: dict[str, Any] = {"name": {"formatted_name": name, "first_name": name}}
    if card.organisation:
        contact["org"] = {"company": card.organisation}
    if card.phones:
        contact["phones"] = [{"phone": phone} for phone in card.phones]
    if card.emails:
        contact["emails"] = [{"email": email} for email in card.emails]
    return contact
