"""Messages in words: places, cards, polls, listings, files."""

from __future__ import annotations

from typing import Final

from gearmesh.core.degrade.naming import MEDIA_NAMES, attribution, on_one_line
from gearmesh.model.content import Card, Contacts, Listing, Location, Media, MediaKind, Membership, Poll, Product

PLACE: Final = "📍"
PERSON: Final = "👤"
ASKED: Final = "📊"
LISTED: Final = "🏷"
ORDERED: Final = "🛒"
ADVERTISED: Final = "📣"
MEMBERS: Final = "👥"
SEEN_ONCE: Final = "seen once: "
MAP: Final = "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}"


def moved(membership: Membership, place: str) -> str:
    """Who came or went, or what a room has become, in one line."""
    who, text, place = attribution(membership.sender), on_one_line(membership.text), on_one_line(place)
    match membership.change:
        case "joined":
            line = f"{who} joined {place}".rstrip()
        case "left":
            line = f"{who} left {place}".rstrip() + (f": {text}" if text else "")
        case "name":
            line = f"{who} is now called {text}"
        case "topic":
            topic = f"the topic of {place}" if place else "the topic"
            line = f"{who} set {topic}: {text}" if text else f"{who} took {topic} away"
    return f"{MEMBERS} {line}"


def located(place: Location) -> str:
    """A place: its name and address, a map, its coordinates, the link that came along."""
    named = ", ".join(on_one_line(fact) for fact in (place.name, place.address) if fact.strip()) or "a place"
    latitude, longitude = (degrees(value) for value in (place.latitude, place.longitude))
    link = MAP.format(latitude=latitude, longitude=longitude)
    lines = (f"{PLACE} {named}", link, f"{latitude}, {longitude}", place.link.strip())
    return "\n".join(line for line in lines if line)


def degrees(value: float) -> str:
    """Degrees with six decimals at most, which is a hand's breadth."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def listed_cards(contacts: Contacts) -> str:
    """Contact cards, one in each line."""
    return "\n".join(f"{PERSON} {card_line(card)}" for card in contacts.cards) or f"{PERSON} nobody"


def card_line(card: Card) -> str:
    """A card: `Ada Lovelace (Analytical Engines): +44 20 7946 0018, ada@example.org`."""
    name = on_one_line(card.name) or "somebody"
    if card.organisation.strip():
        name = f"{name} ({on_one_line(card.organisation)})"
    ways = ", ".join(on_one_line(way) for way in (*card.phones, *card.emails) if way.strip())
    return f"{name}: {ways}" if ways else name


def asked(poll: Poll) -> str:
    """A poll: its question, its numbered answers, and how to choose one."""
    how = "the numbers of your choices" if poll.several else "the number of your choice"
    lines = (f"{ASKED} {poll.question.strip()}", numbered(poll.options), f"Answer this message with {how}.")
    return "\n".join(line for line in lines if line)


def numbered(options: tuple[str, ...]) -> str:
    """Answers to choose from, each in a line with its number."""
    return "\n".join(f"{number}. {on_one_line(option)}" for number, option in enumerate(options, 1))


def for_sale(product: Product) -> str:
    """What is for sale or ordered, and what the person wrote with it."""
    if product.about == "order":
        lines = [f"{ORDERED} ordered:", *(line for listing in product.listings for line in ordered(listing))]
    else:
        sign = LISTED if product.about == "listing" else f"{ADVERTISED} from the ad:"
        lines = [line for listing in product.listings for line in listed(listing, sign)] or [f"{sign} a product"]
    return "\n".join([*lines, *([product.text] if product.text.strip() else [])])


def listed(listing: Listing, sign: str) -> list[str]:
    """A listing: title and price, its description, where it is, its picture."""
    described = [listing.text.strip()] if listing.text.strip() else []
    return [f"{sign} {_titled(listing)}", *described, *_links(listing)]


def ordered(listing: Listing) -> list[str]:
    """What is ordered: how many of it, its title and price, where it is, its picture."""
    count = f"{listing.quantity} × " if listing.quantity else ""
    return [f"{count}{_titled(listing)}", *_links(listing)]


def _titled(listing: Listing) -> str:
    title = on_one_line(listing.title) or on_one_line(listing.retailer_id) or "a product"
    return f"{title}, {on_one_line(listing.price)}" if listing.price.strip() else title


def _links(listing: Listing) -> list[str]:
    picture = f"picture: {listing.picture}" if listing.picture else ""
    return [line for line in (listing.link, picture) if line]


def filed(media: Media) -> str:
    """What a file is: `[picture: cat.jpg]`, `[seen once: video]`."""
    line = kind_line(media.media, media.view_once)
    return f"{line[:-1]}: {on_one_line(media.ref.name)}]" if media.ref.name.strip() else line


def kind_line(kind: MediaKind, once: bool) -> str:
    """Of which kind a file is: `[sticker]`."""
    return f"[{SEEN_ONCE if once else ''}{MEDIA_NAMES[kind]}]"
