"""Ids that come out the same whenever the same thing is seen again."""

from __future__ import annotations

from hashlib import blake2b


def envelope_id(key: bytes, app: str, thread: str, native_id: str, kind: str) -> bytes:
    """16 bytes for one native message: a repeated webhook gives the same envelope.

    Keyed BLAKE2b, so that nobody outside can foresee the id of a message. `key` has 16 to 64 bytes.
    """
    text = "\0".join((app, thread, native_id, kind))
    return blake2b(text.encode(), digest_size=16, key=key).digest()


def raw_id(raw: bytes) -> str:
    """A name for input that has none of its own: 32 hex digits of its digest."""
    return blake2b(raw, digest_size=16).hexdigest()
