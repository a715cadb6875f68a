"""People: a human with one or more addresses and a handle."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from gearmesh.errors import InvalidAddress
from gearmesh.model.address import Address

Disclosure = Literal["none", "delivered", "read"]
"""How much whoever wrote to a person learns of what became of their message, at most."""
HANDLE: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a network tells about one of its users. Every field may be empty; `avatar` is a URL that expires."""

    name: str = ""
    username: str = ""
    avatar: str = ""


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """A human. `id` is random and never changes; `handle` (without the @) is unique within one NATS.

    `addresses` are in `app:user` form, the one that messages go to first. `receipts` is how much others learn.
    """

    id: str
    handle: str
    addresses: tuple[str, ...]
    name: str = ""
    language: str = "en"
    receipts: Disclosure = "read"


class KnownAddress(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of an address: whose it is, and the profile that the network gave for it.

    `profiled_at` is when the profile was read, in milliseconds since the epoch; 0 when it never was.
    """

    person: str
    profile: Profile = Profile()
    profiled_at: int = 0


def parse_handle(text: str) -> str:
    """A handle as it is stored: lower case, without the @.

    Raises:
        InvalidAddress: it has other characters than letters, digits, dot, dash and underscore.
    """
    handle = text.removeprefix("@").lower()
    if not HANDLE.fullmatch(handle):
        raise InvalidAddress(text, "a handle of a-z, 0-9, dot, dash, underscore")
    return handle


def handle_from(profile: Profile, address: Address) -> str:
    """The handle to offer a new person: their username, else their name, else their user id, made to fit."""
    for source in (profile.username, profile.name, address.user):
        slug = re.sub(r"[^a-z0-9._]+", "-", source.lower()).strip("-._")[:48].strip("-._")
        if slug:
            return slug
    return "someone"
