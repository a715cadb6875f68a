"""Envelopes whose header has known keys only, straight between bytes and structs.

The same format as in `codec`, and the same limits, by msgspec's MessagePack instead of dictionaries: a router's hop
spends 3 µs here instead of 9 (tests/benchmarks). What this refuses, for whatever reason, `codec` looks at again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec

from gearmesh.errors import InvalidAddress, Malformed
from gearmesh.model.address import Address
from gearmesh.model.envelope import MAX_BYTES, MAX_HOPS, VERSION, Envelope, Header, Kind

MAX_RECIPIENTS: Final = 1024
MAX_CONVERSATION: Final = 128
MAX_SEAL: Final = 64
MAX_TEXT: Final = 1024
"""Characters in any one text of the header."""
MAX_TIME: Final = 2**53 - 1
"""Times stay within what every language's numbers can hold."""

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Time = Annotated[int, msgspec.Meta(ge=0, le=MAX_TIME)]


class _Header(
    msgspec.Struct,
    frozen=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"sender": "from", "conversation": "conv", "expires": "exp"},
):
    id: Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
    kind: Kind
    sender: Text
    conversation: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CONVERSATION)]
    at: Time
    seal: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SEAL)]
    to: Annotated[tuple[Text, ...], msgspec.Meta(max_length=MAX_RECIPIENTS)] = ()
    expires: Time | None = None
    hops: Annotated[tuple[Text, ...], msgspec.Meta(max_length=MAX_HOPS)] = ()


class _Envelope(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    version: Literal[1]
    header: _Header
    body: bytes


_decode: Final = msgspec.msgpack.Decoder(_Envelope).decode
_encode: Final = msgspec.msgpack.Encoder().encode


@lru_cache(maxsize=16_384)
def parse_address(text: str) -> Address:
    """`Address.parse`, remembered: the same few thousand people write again and again, and every hop reads them."""
    return Address.parse(text)


def encode_known(envelope: Envelope) -> bytes:
    """The bytes of an envelope without `extra` keys.

    Raises:
        Malformed: a text in it is not Unicode.
    """
    header = envelope.header
    fields = _Header(
        header.id,
        header.kind,
        str(header.sender),
        header.conversation,
        header.at,
        header.seal,
        tuple(map(str, header.to)),
        header.expires,
        header.hops,
    )
    try:
        return _encode(_Envelope(VERSION, fields, envelope.body))
    except UnicodeEncodeError as error:
        raise Malformed(f"a text with {error.object[error.start]!a}, which no UTF-8 can hold") from None


def decode_known(data: bytes) -> Envelope | None:
    """The envelope in `data`; None when it has unknown keys, or anything is wrong with it."""
    if len(data) > MAX_BYTES:
        return None
    try:
        found = _decode(data)
        fields, to = found.header, found.header.to
        return Envelope(
            Header(
                fields.id,
                fields.kind,
                parse_address(fields.sender),
                (parse_address(to[0]),) if len(to) == 1 else tuple(map(parse_address, to)),
                fields.conversation,
                fields.at,
                fields.expires,
                fields.hops,
                fields.seal,
            ),
            found.body,
        )
    except (msgspec.MsgspecError, InvalidAddress, UnicodeDecodeError):
        return None
