"""What a person sees on their side of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from gearmesh.model.content import Contacts, Location, MediaKind, Poll, Product

Shape = Location | Contacts | Poll | Product
"""What is shown as something of its own: neither words nor a file."""


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message as somebody sees it now.

    `id` is the network's own. `text` are its words, also those beside a file, as they are written with the network's
    marks for bold and the like. `author` is the name that it appears under where the network shows one, `reply_to` the
    native id of the message that it quotes, `link` where a file is fetched from; "" where there is none.

    `media` is the kind of its file, `shape` what else it shows by the network's own means. `buttons` can be tapped.
    `reactions` are those at it: the emoji by the name of whoever reacts, "" for our own account. `history` is what it
    said before each time it was changed, oldest first. `deleted`: it was taken back, and no more is shown of it.
    """

    id: str
    text: str
    thread: str = ""
    author: str = ""
    reply_to: str = ""
    link: str = ""
    media: MediaKind | Literal[""] = ""
    shape: Shape | None = None
    buttons: tuple[str, ...] = ()
    forwarded: bool = False
    view_once: bool = False
    reactions: Mapping[str, str] = {}
    history: tuple[str, ...] = ()
    deleted: bool = False
