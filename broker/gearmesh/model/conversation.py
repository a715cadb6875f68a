"""Conversations (what people talk in, across networks) and portals (a thread as one network sees it)."""

from __future__ import annotations

import base64
from hashlib import blake2b
from typing import Literal

import msgspec

from gearmesh.model.address import Address


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people talk in. A DM has two members and an id made of them; members are in `app:user` form."""

    id: str
    kind: Literal["dm", "group"]
    members: tuple[str, ...]
    title: str = ""

    def others(self, member: Address) -> tuple[Address, ...]:
        """Everybody but `member`."""
        own = str(member)
        return tuple(Address.parse(other) for other in self.members if other != own)


class Portal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of a thread on one network.

    `focus` is the conversation in which the person last wrote. `heard` are the conversations from which messages
    arrived there, the latest last, at most `MAX_HEARD` of them. `last_inbound` is when the person last did something
    there that opens the network's messaging window: milliseconds since the epoch, 0 when they never did.
    """

    focus: str = ""
    heard: tuple[str, ...] = ()
    last_inbound: int = 0


MAX_HEARD = 8


def dm_id(one: Address, other: Address) -> str:
    """The id of the DM of two addresses: the same whoever starts it (26 characters of base32)."""
    first, second = sorted((str(one), str(other)))
    digest = blake2b(f"{first}\n{second}".encode(), digest_size=16).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def dm(one: Address, other: Address) -> Conversation:
    """The DM of two addresses."""
    first, second = sorted((str(one), str(other)))
    return Conversation(dm_id(one, other), "dm", (first, second))
