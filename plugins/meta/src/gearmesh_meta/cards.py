"""Contact cards that people share on WhatsApp (Cloud API, OpenAPI description v23.0; vCards are RFC 6350)."""

from __future__ import annotations

import re
from typing import Any, Final

from gearmesh import Card
from gearmesh_meta.fields import identifier, mapping, mappings, phone_number, text

MOST_VCARD: Final = 64_000
"""Characters of a card that are passed on: an envelope has room for 256 KiB. Pictures make them longer."""

_LINE: Final = re.compile(
    r"^(?:[A-Za-z0-9-]{1,40}\.)?(FN|TEL|EMAIL|ORG)(?:;[^:\r\n]{0,200})?:([^\r\n]{1,200})", re.M | re.I
)
_SEARCHED: Final = 200_000


def cards_in(value: object) -> tuple[Card, ...]:
    """The cards in a list of contacts. What names nobody and leads nowhere is left out."""
    found = (_card(contact) for contact in mappings(value))
    return tuple(card for card in found if card is not None)


def _card(contact: dict[str, Any]) -> Card | None:
    vcard = text(contact.get("vcard"))
    written = _lines(vcard)
    name, company = mapping(contact.get("name")), text(mapping(contact.get("org")).get("company"))
    phones = _distinct(map(_phone, mappings(contact.get("phones")))) or written.get("TEL", ())
    emails = _distinct(text(mail.get("email")) for mail in mappings(contact.get("emails"))) or written.get("EMAIL", ())
    company = company or next(iter(written.get("ORG", ())), "").replace(";", " ").strip()
    whole = " ".join(part for part in (text(name.get("first_name")), text(name.get("last_name"))) if part)
    # Contacts that people share at a business's request may have their name only on the vCard.
    names = (text(name.get("formatted_name")), whole, *written.get("FN", ()), company, *phones, *emails)
    label = next((candidate.strip() for candidate in names if candidate.strip()), "")
    if not label:
        return None
    return Card(label, phones, emails, company, vcard if len(vcard) <= MOST_VCARD else "")


def _phone(phone: dict[str, Any]) -> str:
    """The number as it was written; WhatsApp's own, which is international, where it is not."""
    digits = phone_number(phone.get("wa_id"))
    return text(phone.get("phone")) or (f"+{digits}" if digits.isdecimal() else identifier(phone.get("wa_id")))


def _lines(vcard: str) -> dict[str, tuple[str, ...]]:
    """What a vCard says under the names that are looked for."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _LINE.findall(vcard[:_SEARCHED]):
        said = value.strip().removeprefix("tel:").removeprefix("mailto:")
        if said:
            found[name.upper()] = (*found.get(name.upper(), ()), said)
    return found


def _distinct(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
