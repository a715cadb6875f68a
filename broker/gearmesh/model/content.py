"""What people send: the body of an envelope, opened only by endpoints.

Every kind is a struct tagged by `type`. A new kind is a new struct in `Content`; the degrade table then says how it
looks where it is not known.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ReceiptState = Literal["delivered", "read", "played", "failed"]
MediaKind = Literal["image", "video", "audio", "voice", "file", "sticker", "gif"]


class Sender(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who wrote, as they are shown elsewhere. `network` is the display name, such as "WhatsApp"."""

    name: str = ""
    handle: str = ""
    network: str = ""
    avatar: str = ""


class Text(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="text"):
    """A text. `reply_to` is the hex id of the envelope that it answers."""

    text: str
    sender: Sender = Sender()
    reply_to: str = ""


class MediaRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a file is, without its bytes.

    `app` and `source` name it: `source` is minted by that app's bridge, which alone can open it. `size` is in bytes,
    `duration` in seconds, `sha256` in hex; 0 and "" where the network does not tell.
    """

    app: str
    source: str
    mime: str = ""
    size: int = 0
    sha256: str = ""
    name: str = ""
    width: int = 0
    height: int = 0
    duration: float = 0.0


class Media(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="media"):
    """A picture, a recording, a file. `reply_to` is the hex id of the envelope that it answers."""

    media: MediaKind
    ref: MediaRef
    caption: str = ""
    sender: Sender = Sender()
    reply_to: str = ""


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="receipt"):
    """What became of messages on the receiving side. `targets` are hex ids of envelopes."""

    state: ReceiptState
    targets: tuple[str, ...]
    sender: Sender = Sender()


class Notice(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="notice"):
    """A line from Gearmesh itself: a key with arguments, put into words by the receiving side."""

    key: str
    args: dict[str, str] = {}
    sender: Sender = Sender()


Content = Text | Media | Receipt | Notice


def replaced(content: Content, **changes: Any) -> Content:
    """A copy of `content` with fields changed."""
    return msgspec.structs.replace(content, **changes)
