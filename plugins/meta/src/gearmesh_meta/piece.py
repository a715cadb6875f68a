"""Pieces of a webhook: what nobody understands is kept with the smallest genuine webhook around it.

Such bytes can be read again by themselves. They hold what says whose the piece is (object, account, field, metadata),
so that what was meant for another account still is, and nothing of the pieces beside it.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from gearmesh import Unparsed
from gearmesh_meta.fields import compact


class Frame(Protocol):
    """What a piece stands in."""

    def around(self, key: str, item: object) -> dict[str, Any]:
        """A whole webhook whose one item under `key` this is."""


class Body(msgspec.Struct, frozen=True):
    """Around entries. `kind` is the webhook's `object`."""

    kind: str

    def around(self, key: str, item: object) -> dict[str, Any]:
        """A webhook with this one entry."""
        return {"object": self.kind, key: [item]}


class Entry(msgspec.Struct, frozen=True):
    """Around what an entry lists: `messaging`, `changes`, `standby`. `account` is its id, "" where it has none."""

    body: Body
    account: str

    def around(self, key: str, item: object) -> dict[str, Any]:
        """A webhook with one entry, and this one item in it."""
        named = {"id": self.account} if self.account else {}
        return self.body.around("entry", {**named, key: [item]})


class Value(msgspec.Struct, frozen=True):
    """Around what the value of a WhatsApp change lists: `messages`, `statuses`. `contact` is whom the item is from."""

    entry: Entry
    field: str
    metadata: dict[str, Any]
    contact: dict[str, Any] | None = None

    def around(self, key: str, item: object) -> dict[str, Any]:
        """A webhook with one change, and this one item in its value."""
        contacts = {"contacts": [self.contact]} if self.contact else {}
        value = {"messaging_product": "whatsapp", "metadata": self.metadata, **contacts, key: [item]}
        return self.entry.around("changes", {"field": self.field, "value": value})


class Piece(msgspec.Struct, frozen=True):
    """One item of a webhook. `key` is the list that it stands in."""

    frame: Frame
    key: str
    item: Any

    def kept(self, detail: str, user: str = "", kind: str = "", native_id: str = "") -> Unparsed:
        """The piece as input that is not understood. `user` is whose it is, where that is known."""
        return Unparsed(compact(self.frame.around(self.key, self.item)), detail, user, user, kind, native_id)

    def malformed(self, expected: str) -> Unparsed:
        """The piece as input of another shape than any that Meta documents."""
        return self.kept(f"expected {expected}", kind="malformed")
