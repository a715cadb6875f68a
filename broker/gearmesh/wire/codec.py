"""Envelopes as bytes: `msgpack([1, header, body])`, with strict limits. Pure functions, both ways.

The header is a map with short keys; the body stays a closed byte string. Keys that this release does not know are kept
in `Header.extra` and written back.
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgpack

from gearmesh.errors import InvalidAddress, Malformed, TooLarge, UnknownVersion
from gearmesh.model.address import Address
from gearmesh.model.envelope import MAX_BYTES, MAX_HOPS, VERSION, Envelope, Header, Kind
from gearmesh.wire.known import (
    MAX_CONVERSATION,
    MAX_RECIPIENTS,
    MAX_SEAL,
    MAX_TEXT,
    MAX_TIME,
    decode_known,
    encode_known,
    parse_address,
)

MAX_DEPTH: Final = 8
MAX_HEADER_KEYS: Final = 64
KINDS: Final = frozenset({"event", "receipt", "story", "signal"})
KNOWN_KEYS: Final = frozenset({"id", "kind", "from", "to", "conv", "at", "exp", "hops", "seal"})


# One for all: msgpack.packb makes a new one, with a buffer of 256 KiB, at each call.
_packer: Final = msgpack.Packer(use_bin_type=True)


def encode(envelope: Envelope) -> bytes:
    """The bytes of an envelope.

    Raises:
        Malformed: it is larger than `MAX_BYTES`, or a text in it is not Unicode.
    """
    header = envelope.header
    data = pack([VERSION, _fields(header), envelope.body]) if header.extra else encode_known(envelope)
    if len(data) > MAX_BYTES:
        raise TooLarge(f"an envelope of {len(data)} bytes; at most {MAX_BYTES} are allowed")
    return data


def decode(data: bytes) -> Envelope:
    """The envelope in `data`, its header checked, its body still closed.

    Raises:
        UnknownVersion: another version of the protocol.
        Malformed: anything else that is wrong; `reason` says what.
    """
    # Nearly every envelope has known keys only, and right ones. What is refused there is read with care here, which
    # keeps unknown keys and says what is wrong.
    return decode_known(data) or _decode_any(data)


def _decode_any(data: bytes) -> Envelope:
    parts = unpack(data, MAX_BYTES)
    if type(parts) is not list or not parts:
        raise Malformed("not an array of [version, header, body]")
    if type(parts[0]) is not int:
        raise Malformed("the version is not a whole number")
    if parts[0] != VERSION:
        raise UnknownVersion(parts[0])
    if len(parts) != 3:
        raise Malformed(f"an array of {len(parts)} elements; expected [version, header, body]")
    fields, body = parts[1], parts[2]
    if type(fields) is not dict:
        raise Malformed("the header is not a map")
    if type(body) is not bytes:
        raise Malformed("the body is not a byte string")
    return Envelope(_header(fields), body)


def _fields(header: Header) -> dict[str, Any]:
    fields: dict[str, Any] = dict(header.extra)
    fields["id"] = header.id
    fields["kind"] = header.kind
    fields["from"] = str(header.sender)
    if header.to:
        fields["to"] = [str(address) for address in header.to]
    fields["conv"] = header.conversation
    fields["at"] = header.at
    if header.expires is not None:
        fields["exp"] = header.expires
    if header.hops:
        fields["hops"] = header.hops
    fields["seal"] = header.seal
    return fields


def pack(value: object) -> bytes:
    """The MessagePack of a value made of maps, lists, texts, numbers and byte strings.

    Raises:
        Malformed: a text in it is not Unicode: half of a surrogate pair, as a broken network may send.
    """
    try:
        return cast("bytes", _packer.pack(value))
    except UnicodeEncodeError as error:
        raise Malformed(f"a text with {error.object[error.start]!a}, which no UTF-8 can hold") from None


def unpack(data: bytes, limit: int) -> Any:
    """The one MessagePack value in `data`: no extension types, no trailing bytes, bounded in every dimension.

    Raises:
        Malformed: a limit is broken, or it is no MessagePack.
    """
    if len(data) > limit:
        raise Malformed(f"{len(data)} bytes; at most {limit} are allowed")
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=True, max_ext_len=0, ext_hook=_no_extension)
    except Exception as error:  # msgpack raises ValueError, its own types, and UnicodeDecodeError, all for bad input
        raise Malformed(f"no valid MessagePack: {type(error).__name__}") from None


def check_depth(value: object, depth: int = MAX_DEPTH) -> None:
    """Refuse values nested deeper than `depth`.

    Raises:
        Malformed: it is nested deeper.
    """
    level: list[Any] = [value]
    for _ in range(depth + 1):
        inner: list[Any] = []
        for item in level:
            if type(item) is dict:
                inner.extend(item.values())
            elif type(item) is list:
                inner.extend(item)
        if not inner:
            return
        level = inner
    raise Malformed(f"nested deeper than {depth}")


def _no_extension(code: int, data: bytes) -> Any:
    # msgpack's own limit lets through those that have no data.
    raise ValueError(f"extension type {code}")


def _header(fields: dict[Any, Any]) -> Header:
    identity = fields.get("id")
    if type(identity) is not bytes or len(identity) != 16:
        raise Malformed("header key id: expected 16 bytes")
    kind = fields.get("kind")
    if type(kind) is not str or kind not in KINDS:
        raise Malformed("header key kind: expected event, receipt, story or signal")
    conversation = fields.get("conv")
    if type(conversation) is not str or not 0 < len(conversation) <= MAX_CONVERSATION:
        raise Malformed("header key conv: expected a text of 1 to 128 characters")
    at = fields.get("at")
    if type(at) is not int or not 0 <= at <= MAX_TIME:
        raise Malformed("header key at: expected milliseconds since the epoch")
    expires = fields.get("exp")
    if expires is not None and (type(expires) is not int or not 0 <= expires <= MAX_TIME):
        raise Malformed("header key exp: expected milliseconds since the epoch")
    seal = fields.get("seal")
    if type(seal) is not str or not 0 < len(seal) <= MAX_SEAL:
        raise Malformed("header key seal: expected a name")
    return Header(
        id=identity,
        kind=cast("Kind", kind),
        sender=_address("from", fields.get("from")),
        to=tuple([_address("to", address) for address in _texts("to", fields.get("to"), MAX_RECIPIENTS)]),
        conversation=conversation,
        at=at,
        expires=expires,
        hops=tuple(_texts("hops", fields.get("hops"), MAX_HOPS)),
        seal=seal,
        extra=_extra(fields),
    )


def _texts(key: str, value: object, most: int) -> list[str]:
    if value is None:
        return []
    if type(value) is not list or len(value) > most:
        raise Malformed(f"header key {key}: expected an array of at most {most} texts")
    for item in value:
        if type(item) is not str or len(item) > MAX_TEXT:
            raise Malformed(f"header key {key}: expected texts of at most {MAX_TEXT} characters")
    return value


def _address(key: str, value: object) -> Address:
    if type(value) is not str or len(value) > MAX_TEXT:
        raise Malformed(f"header key {key}: expected an address")
    try:
        return parse_address(value)
    except InvalidAddress as error:
        raise Malformed(f"header key {key}: {error}") from None


def _extra(fields: dict[Any, Any]) -> dict[str, Any]:
    if fields.keys() <= KNOWN_KEYS:
        return {}
    if len(fields) > MAX_HEADER_KEYS:
        raise Malformed(f"a header of {len(fields)} keys; at most {MAX_HEADER_KEYS} are allowed")
    extra: dict[str, Any] = {}
    for key, value in fields.items():
        if key not in KNOWN_KEYS:
            if type(key) is not str:
                raise Malformed("a header key that is no text")
            check_depth(value)
            extra[key] = value
    return extra
