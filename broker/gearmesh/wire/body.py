"""The body of an envelope: content as `msgpack(map)`, closed and opened by endpoints only."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from gearmesh.errors import Malformed, TooLarge
from gearmesh.model.content import Content
from gearmesh.model.envelope import MAX_BYTES
from gearmesh.wire.codec import check_depth, pack, unpack

UNSEALED: Final = "none"

_decode: Final = msgspec.msgpack.Decoder(Content).decode
_encode: Final = msgspec.msgpack.Encoder().encode


def close_body(content: Content) -> bytes:
    """The bytes of a content, unsealed.

    Raises:
        Malformed: it is larger than an envelope may be, or a text in it is not Unicode.
    """
    data = pack(msgspec.to_builtins(content))
    if len(data) > MAX_BYTES:
        raise TooLarge(f"a body of {len(data)} bytes; at most {MAX_BYTES} are allowed")
    return data


def open_body(seal: str, body: bytes) -> Content:
    """The content in `body`. Keys that this release does not know are passed over.

    Raises:
        Malformed: another seal than `none`, an unknown type of content, a wrong field.
    """
    if seal != UNSEALED:
        raise Malformed(f"sealed with {seal!r}, which this release cannot open")
    return _open_known(body) or _open_any(body)


def _open_known(body: bytes) -> Content | None:
    """The content of a body that we would write in the same bytes, as nearly all are. None for any other one.

    What is written in the same bytes has nothing in it that is unknown, too deep or of a wrong kind. That costs 0.8 µs
    instead of the 9 of a careful look (tests/benchmarks).
    """
    if len(body) > MAX_BYTES:
        return None
    try:
        content = _decode(body)
        return content if _encode(content) == body else None
    except (msgspec.MsgspecError, ValueError):
        return None


def _open_any(body: bytes) -> Content:
    value = unpack(body, MAX_BYTES)
    check_depth(value)
    try:
        return cast("Content", msgspec.convert(value, Content))
    except (msgspec.ValidationError, ValueError) as error:
        raise Malformed(f"body: {error}") from None
