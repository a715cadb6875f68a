"""What a message of Messenger or Instagram has attached, and where the person came from (Messenger Platform and
Instagram messaging docs, mid-2026; locations and hearts: public client libraries)."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Final

from gearmesh_meta.sandbox.phone import Message
from gearmesh_meta.sandbox.things import Advertisement, Goods

#: Meta's name for a reaction with this emoji; every other emoji is "other" on Messenger.
REACTIONS: Final = {
    "😆": "smile",
    "😠": "angry",
    "😢": "sad",
    "😮": "wow",
    "❤": "love",
    "❤️": "love",
    "👍": "like",
    "👎": "dislike",
}

_ATTACHMENTS: Final = {"voice": "audio", "document": "file", "gif": "image"}
_POSTS: Final = {"post": "ig_post", "reel": "ig_reel"}


def attachments(message: Message, pictures: Set[str]) -> list[dict[str, Any]]:
    """The attachments of a message, mostly none or one. What is named in `pictures` arrives as an image."""
    if message.place is not None:
        coordinates = {"lat": message.place.latitude, "long": message.place.longitude}
        return [{"type": "location", "payload": {"coordinates": coordinates}}]
    if message.goods:
        return [{"type": "template", "payload": {"product": {"elements": [_product(each) for each in message.goods]}}}]
    if message.story is not None and message.story.kind == "mention":
        return [{"type": "story_mention", "payload": {"url": message.story.url}}]
    if message.post is not None:
        payload = {"url": message.post.url} | ({"title": message.post.title} if message.post.title else {})
        return [{"type": _POSTS[message.post.kind], "payload": payload}]
    if message.type == "like_heart" and message.direction == "out":
        return [{"type": "like_heart"}]
    if message.type == "text" or message.media_url is None:
        return []
    payload_of_file: dict[str, Any] = {"url": message.media_url}
    if message.type in pictures:
        return [{"type": "image", "payload": payload_of_file}]
    if message.type == "sticker" and message.media is not None:
        payload_of_file["sticker_id"] = int(message.media.id)
    return [{"type": _ATTACHMENTS.get(message.type, message.type), "payload": payload_of_file}]


def referral(advertisement: Advertisement) -> dict[str, Any]:
    """The advertisement from which the person came into the chat."""
    context = {"ad_title": advertisement.title, "photo_url": advertisement.picture, "post_id": advertisement.url}
    return {
        "ref": advertisement.ref,
        "ad_id": advertisement.id,
        "source": "ADS",
        "type": "OPEN_THREAD",
        "ads_context_data": {key: value for key, value in context.items() if value},
    }


def _product(goods: Goods) -> dict[str, Any]:
    subtitle = goods.price or goods.text
    told = {"id": goods.id, "retailer_id": goods.retailer_id, "image_url": goods.picture, "title": goods.title}
    return {key: value for key, value in (told | {"subtitle": subtitle}).items() if value}
