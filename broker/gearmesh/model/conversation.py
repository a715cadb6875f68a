"""Conversations (what people talk in, across networks) and portals (a thread as one network sees it)."""

from __future__ import annotations

import base64
import unicodedata
from hashlib import blake2b
from typing import Literal

import msgspec

from gearmesh.model.address import Address


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people talk in. A DM has two members and an id made of them; members are in `app:user` form.

    A group has any number of members, and an id made of its `code`, with which people join it. A room of a network is
    a member like a person: `rooms` says which members are rooms, each of them standing for all who are in it.
    `configured` are those that came from a configuration, and go when they are no longer in it. `muted` are members to
    whom nothing is sent.
    """

    id: str
    kind: Literal["dm", "group"]
    members: tuple[str, ...]
    title: str = ""
    code: str = ""
    rooms: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    configured: tuple[str, ...] = ()

    def others(self, *own: Address) -> tuple[Address, ...]:
        """Everybody to whom it goes that one member says something: nobody of `own`, and nobody who has muted it."""
        left_out = {*map(str, own), *self.muted}
        return tuple(Address.parse(other) for other in self.members if other not in left_out)

    def reaches(self, member: Address) -> bool:
        """Whether what is said goes to this member."""
        name = str(member)
        return name in self.members and name not in self.muted

    def joined_by(self, member: Address, *, room: bool = False) -> Conversation:
        """The same with one member more, who gets all that is said from now on."""
        name = str(member)
        members = self.members if name in self.members else (*self.members, name)
        rooms = (*self.rooms, name) if room and name not in self.rooms else self.rooms
        return msgspec.structs.replace(self, members=members, rooms=rooms).muted_by(member, muted=False)

    def left_by(self, member: Address) -> Conversation:
        """The same without a member."""
        name = str(member)
        return msgspec.structs.replace(
            self,
            members=tuple(other for other in self.members if other != name),
            rooms=tuple(other for other in self.rooms if other != name),
            muted=tuple(other for other in self.muted if other != name),
            configured=tuple(other for other in self.configured if other != name),
        )

    def muted_by(self, member: Address, *, muted: bool) -> Conversation:
        """The same with one member to whom nothing is sent, or is again."""
        others = tuple(other for other in self.muted if other != str(member))
        return msgspec.structs.replace(self, muted=(*others, str(member)) if muted else others)


class Portal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of a thread on one network.

    `focus` is the conversation in which the person last wrote. `heard` are the conversations from which messages
    arrived there, the latest last, at most `MAX_HEARD` of them. `last_inbound` is when the person last wrote, to the
    minute (milliseconds since the epoch; 0: not known). `refused` is what the network did not take since then because
    its messaging window was closed: "" nothing, "open" an ordinary message, "late" also one that was marked as late.
    `invited` is the `last_inbound` for which they were invited to write; -1 when they were not.
    """

    focus: str = ""
    heard: tuple[str, ...] = ()
    last_inbound: int = 0
    refused: Literal["", "open", "late"] = ""
    invited: int = -1


MAX_HEARD = 8
MAX_MEMBERS = 1000
"""Members of a group: a header names 1024 recipients at most."""


def dm_id(one: Address, other: Address) -> str:
    """The id of the DM of two addresses: the same whoever starts it (26 characters of base32)."""
    first, second = sorted((str(one), str(other)))
    digest = blake2b(f"{first}\n{second}".encode(), digest_size=16).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def group_id(code: str) -> str:
    """The id of the group that people join with this code, in any case (26 characters of base32)."""
    folded = unicodedata.normalize("NFC", code.casefold())
    digest = blake2b(f"group\n{folded}".encode(), digest_size=16).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def dm(one: Address, other: Address) -> Conversation:
    """The DM of two addresses."""
    first, second = sorted((str(one), str(other)))
    return Conversation(dm_id(one, other), "dm", (first, second))
