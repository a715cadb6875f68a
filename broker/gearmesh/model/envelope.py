"""What travels on NATS: a header that the router reads, and a body that only endpoints open."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from gearmesh.model.address import Address

VERSION: Final = 1
MAX_BYTES: Final = 256 * 1024
"""Header and body together; media travels by reference."""
MAX_HOPS: Final = 16

Kind = Literal["event", "receipt", "story", "signal"]


class Header(msgspec.Struct, frozen=True, gc=False):
    """Everything that the router needs, and nothing else.

    `id` is 16 bytes. `at` and `expires` are milliseconds since the epoch. `to` is empty where the envelope goes to
    the members of `conversation`. `hops` are `broker/app`, in the order they were passed. `extra` holds keys that this
    release does not know: they are passed on untouched.
    """

    id: bytes
    kind: Kind
    sender: Address
    to: tuple[Address, ...]
    conversation: str
    at: int
    expires: int | None = None
    hops: tuple[str, ...] = ()
    seal: str = "none"
    extra: dict[str, Any] = {}

    @property
    def hex_id(self) -> str:
        """The id as it stands in subjects, logs and references."""
        return self.id.hex()


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A header and its body, still closed."""

    header: Header
    body: bytes
