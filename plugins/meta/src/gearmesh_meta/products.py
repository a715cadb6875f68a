"""What is for sale: orders, products that are asked about, and advertisements that people come from.

Shapes of the Cloud API's webhooks (OpenAPI description v23.0) and of the Messenger Platform and Instagram webhook
references (mid-2026).
"""

from __future__ import annotations

from typing import Any, Final

from gearmesh import Listing, Product
from gearmesh_meta.fields import identifier, integer, mapping, mappings, number, text, web_address

MOST_CHARACTERS: Final = 1000
"""Of a title, or a line below it: the rest is cut off."""


NAMELESS: Final = "?"
"""What is ordered without being named: it counts all the same."""


def whatsapp_order(order: dict[str, Any]) -> Product | None:
    """What somebody puts into their cart and sends; WhatsApp names things by the seller's ids alone."""
    catalog = identifier(order.get("catalog_id"))
    listings = tuple(
        Listing(
            title=identifier(item.get("product_retailer_id")) or NAMELESS,
            price=price(item.get("item_price"), item.get("currency")),
            retailer_id=identifier(item.get("product_retailer_id")),
            catalog=catalog,
            quantity=integer(item.get("quantity")),
        )
        for item in mappings(order.get("product_items"))
        if item
    )
    return _product(listings, "order", text(order.get("text")))


def messenger_order(order: dict[str, Any]) -> Product | None:
    """What somebody orders in a Page's shop."""
    listings = tuple(
        listing
        for item in mappings(order.get("products"))
        if (listing := _listing(item, quantity=integer(item.get("quantity"))))
    )
    return _product(listings, "order", text(order.get("note")))


def whatsapp_subject(context: dict[str, Any]) -> Product | None:
    """The product that a message is about, where it was written from the page of one."""
    product = mapping(context.get("referred_product"))
    product_id = identifier(product.get("product_retailer_id"))
    if not product_id:
        return None
    return Product((Listing(product_id, retailer_id=product_id, catalog=identifier(product.get("catalog_id"))),))


def messenger_subject(referral: dict[str, Any]) -> Product | None:
    """The product that a message is about, where it was written from the page of one."""
    product_id = identifier(mapping(referral.get("product")).get("id"))
    return Product((Listing(product_id, catalog=product_id),)) if product_id else None


def whatsapp_advert(referral: dict[str, Any]) -> Product | None:
    """The advertisement or post from which a person came."""
    titles = (referral.get("headline"), referral.get("body"), referral.get("source_url"), referral.get("source_id"))
    pictures = (referral.get("image_url"), referral.get("thumbnail_url"))
    return _advert(titles, referral.get("body"), referral.get("source_url"), pictures)


def messenger_advert(referral: dict[str, Any]) -> Product | None:
    """The advertisement from which a person came; None where nothing of it is shown."""
    shown = mapping(referral.get("ads_context_data"))
    link = web_address(shown.get("video_url"))
    titles = (shown.get("ad_title"), shown.get("photo_url"), link, shown.get("post_id"), shown.get("product_id"))
    return _advert(titles, "", link, (shown.get("photo_url"),))


def elements(payload: dict[str, Any]) -> Product | None:
    """The things that a product template shows."""
    listed = mapping(payload.get("product")).get("elements")
    listings = tuple(listing for item in mappings(listed) if (listing := _listing(item)))
    return _product(listings, "listing", "")


def price(amount: object, currency: object) -> str:
    """A price with its currency, such as "29.50 USD"; "" when there is no amount."""
    found = number(amount)
    if found is None:
        return ""
    written = f"{found:.0f}" if found == int(found) else f"{found:.2f}"
    return f"{written} {text(currency)[:8]}".strip()


def _product(listings: tuple[Listing, ...], about: Any, said: str) -> Product | None:
    return Product(listings, about, said) if listings or said else None


def _listing(item: dict[str, Any], quantity: int = 0) -> Listing | None:
    """Something for sale, as Messenger shows it; None where nothing names it."""
    retailer_id, own_id = identifier(item.get("retailer_id")), identifier(item.get("id"))
    title = _short(item.get("title")) or _short(item.get("name")) or retailer_id or own_id
    if not title:
        return None
    return Listing(
        title=title,
        text=_short(item.get("subtitle")) or _short(item.get("description")),
        price=price(item.get("unit_price", item.get("price")), item.get("currency")),
        link=web_address(item.get("url")),
        picture=web_address(item.get("image_url")),
        retailer_id=retailer_id,
        catalog=own_id,
        quantity=quantity,
    )


def _advert(titles: tuple[object, ...], body: object, link: object, pictures: tuple[object, ...]) -> Product | None:
    title = next((known for known in map(_named, titles) if known), "")
    if not title:
        return None
    said = _short(body)
    listing = Listing(
        title=title,
        text=said if said != title else "",
        link=web_address(link),
        picture=next((picture for picture in map(web_address, pictures) if picture), ""),
    )
    return Product((listing,), "ad")


def _named(value: object) -> str:
    return _short(value) or identifier(value)


def _short(value: object) -> str:
    """A text that fits on a card."""
    said = text(value).strip()
    return said if len(said) <= MOST_CHARACTERS else said[: MOST_CHARACTERS - 1] + "…"
