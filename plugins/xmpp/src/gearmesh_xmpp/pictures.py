"""Pictures of people from elsewhere, fetched once from where their own network has them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from gearmesh import Downloads, FileTooLarge, RateLimited, Retry, Sender, SendFailed
from gearmesh_xmpp.elements import (
    AVATAR_METADATA,
    PUBSUB_EVENT,
    VCARD,
    VCARD_UPDATE,
    Element,
    element,
    with_children,
)
from gearmesh_xmpp.recent import Recent

MOST: Final = 200
"""Pictures that are held at once."""
LARGEST: Final = 96 * 1024
"""Bytes. A picture goes inside a stanza, where it grows by a third; 64 KiB to 256 KiB are what servers take."""
AT_ONCE: Final = 4
TYPES: Final = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


class Picture(msgspec.Struct, frozen=True):
    """A picture, its MIME type, and its SHA-1 in hex, by which clients know that they have it (XEP-0153)."""

    data: bytes
    mime: str
    sha1: str


def picture_of(data: bytes) -> Picture | None:
    """What these bytes are, by their beginning; None for what is no picture that clients show."""
    mime = next((mime for start, mime in TYPES if data.startswith(start)), "")
    return Picture(data, mime, hashlib.sha1(data, usedforsecurity=False).hexdigest()) if mime else None


class Pictures:
    """By JID of a ghost. `arrived` is told when there is a new one."""

    def __init__(self, downloads: Downloads, arrived: Callable[[str], None]) -> None:
        self._downloads = downloads
        self._arrived = arrived
        self._pictures: Recent[str, Picture] = Recent(MOST)
        self._wanted: Recent[str, str] = Recent(MOST * 10)
        self._tasks: set[asyncio.Task[None]] = set()
        self._some = asyncio.Semaphore(AT_ONCE)

    def get(self, ghost: str) -> Picture | None:
        """The picture of a ghost, when it is there."""
        return self._pictures.get(ghost)

    def want(self, ghost: str, sender: Sender) -> None:
        """Fetch the picture of somebody, unless it was asked for already. Returns at once."""
        if not sender.avatar or self._wanted.get(ghost) == sender.avatar:
            return
        # What could not be had, or was not waited for, is asked for again with the next message.
        self._wanted.put(ghost, sender.avatar)
        task = asyncio.create_task(self._fetch(ghost, sender.avatar))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is being fetched."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _fetch(self, ghost: str, url: str) -> None:
        """A picture that cannot be had is gone without: nobody's message waits for it."""
        data = b""
        try:
            async with self._some:
                async for chunk in self._downloads.stream(url):
                    data += chunk
                    if len(data) > LARGEST:
                        return
        except asyncio.CancelledError:
            self._wanted.drop(ghost)
            raise
        except (Retry, RateLimited):
            self._wanted.drop(ghost)
            return
        except (SendFailed, FileTooLarge):
            return
        picture = picture_of(data)
        if picture is not None and picture != self._pictures.get(ghost):
            self._pictures.put(ghost, picture)
            self._arrived(ghost)


def photo(picture: Picture) -> Element:
    """A picture on a card (XEP-0054)."""
    data = base64.b64encode(picture.data).decode()
    return with_children(element("PHOTO", VCARD), element("TYPE", VCARD, picture.mime), element("BINVAL", VCARD, data))


def update(picture: Picture | None) -> Element:
    """What presences say of a picture (XEP-0153): its hash, or that there is none."""
    made = element("photo", VCARD_UPDATE, picture.sha1 if picture is not None else "")
    return with_children(element("x", VCARD_UPDATE), made)


def metadata(picture: Picture | None) -> Element:
    """What is known of a picture (XEP-0084, section 4.2.1); empty where there is none."""
    made = element("metadata", AVATAR_METADATA)
    if picture is not None:
        size = str(len(picture.data))
        made.append(element("info", AVATAR_METADATA, id=picture.sha1, type=picture.mime, bytes=size))
    return made


def avatar_news(picture: Picture | None) -> Element:
    """What subscribers are sent when a picture is another one (XEP-0163, section 4.3)."""
    item = element("item", PUBSUB_EVENT, id=picture.sha1 if picture is not None else "")
    items = element("items", PUBSUB_EVENT, node=AVATAR_METADATA)
    event = element("event", PUBSUB_EVENT)
    return with_children(event, with_children(items, with_children(item, metadata(picture))))
