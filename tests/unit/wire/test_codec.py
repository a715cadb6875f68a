"""Envelopes as bytes and back, and what must be refused."""

from __future__ import annotations

from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gearmesh.errors import Malformed, UnknownVersion, WireError
from gearmesh.model.address import Address
from gearmesh.model.envelope import MAX_BYTES, MAX_HOPS, Envelope, Header
from gearmesh.wire.codec import KINDS, KNOWN_KEYS, MAX_DEPTH, MAX_HEADER_KEYS, check_depth, decode, encode, unpack
from gearmesh.wire.known import MAX_RECIPIENTS, MAX_TEXT, MAX_TIME

LEAST: dict[str, Any] = {"id": bytes(16), "kind": "event", "from": "native:ada", "conv": "c", "at": 0, "seal": "none"}
NAMES = st.text(st.sampled_from("abzAZ09_-"), min_size=1, max_size=12)
ADDRESSES = st.builds(
    Address,
    NAMES,
    st.text(min_size=1, max_size=20).filter(str.isprintable),
)
TIMES = st.integers(0, MAX_TIME)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
EXTRAS = st.dictionaries(st.text(max_size=6).filter(lambda key: key not in KNOWN_KEYS), VALUES, max_size=4)
HEADERS = st.builds(
    Header,
    id=st.binary(min_size=16, max_size=16),
    kind=st.sampled_from(sorted(KINDS)),
    sender=ADDRESSES,
    to=st.lists(ADDRESSES, max_size=4).map(tuple),
    conversation=st.text(min_size=1, max_size=128),
    at=TIMES,
    expires=st.none() | TIMES,
    hops=st.lists(st.text(max_size=20), max_size=MAX_HOPS).map(tuple),
    seal=st.text(min_size=1, max_size=64),
    extra=EXTRAS,
)
ENVELOPES = st.builds(Envelope, HEADERS, st.binary(max_size=60))


def packed(*, body: object = b"", version: object = 1, **changes: object) -> bytes:
    """An envelope whose header differs from a right one in `changes`."""
    header = LEAST | {key.rstrip("_"): value for key, value in changes.items()}
    return bytes(msgpack.packb([version, header, body], use_bin_type=True))


def nested(levels: int) -> object:
    """A number inside so many lists."""
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def of_size(size: int) -> bytes:
    """A right envelope of exactly so many bytes."""
    filled = packed(body=bytes(size - 200))
    return packed(body=bytes(size - 200 + size - len(filled)))


@given(ENVELOPES)
def test_given_any_envelope_its_bytes_are_read_as_what_was_written(envelope: Envelope) -> None:
    assert decode(encode(envelope)) == envelope


@given(HEADERS, EXTRAS)
def test_given_header_keys_of_a_later_release_they_are_kept_and_written_back(
    header: Header, later: dict[str, Any]
) -> None:
    given_header = msgpack.unpackb(encode(Envelope(header, b"")))[1] | later
    read = decode(msgpack.packb([1, given_header, b"body"]))
    written = msgpack.unpackb(encode(read))
    assert written == [1, given_header, b"body"]


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xc1")
@example(b"\x91" * 1000 + b"\x01")
@example(b"\x93\x01" + b"\x81\xa1x" * 1000)
@example(b"\xdd\xff\xff\xff\xff")
def test_given_any_bytes_they_are_an_envelope_or_a_wire_error(data: bytes) -> None:
    assert_envelope_or_wire_error(data)


@given(ENVELOPES, st.data())
def test_given_an_envelope_with_bytes_changed_it_is_an_envelope_or_a_wire_error(
    envelope: Envelope, data: st.DataObject
) -> None:
    raw = bytearray(encode(envelope))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        until = data.draw(st.integers(at, min(at + 4, len(raw))))
        raw[at:until] = data.draw(st.binary(max_size=4))
    assert_envelope_or_wire_error(bytes(raw))


@given(st.lists(VALUES | st.just(1) | st.dictionaries(st.sampled_from(sorted(KNOWN_KEYS)), VALUES), max_size=4))
def test_given_any_array_it_is_an_envelope_or_a_wire_error(parts: list[Any]) -> None:
    assert_envelope_or_wire_error(msgpack.packb(parts))


@given(st.sampled_from(sorted(KNOWN_KEYS)), VALUES, VALUES)
def test_given_any_value_in_any_one_header_key_it_is_an_envelope_or_a_wire_error(
    key: str, value: object, body: object
) -> None:
    assert_envelope_or_wire_error(packed(**{key: value}, body=body))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.binary(min_size=15, max_size=17) | VALUES,
            "kind": st.sampled_from([*sorted(KINDS), "gossip"]) | VALUES,
            "from": ADDRESSES.map(str) | VALUES,
            "to": st.lists(ADDRESSES.map(str) | st.text(max_size=3), max_size=3) | VALUES,
            "conv": st.text(max_size=3) | VALUES,
            "at": st.integers(-1, 2) | st.sampled_from([1.0, True, MAX_TIME + 1]) | VALUES,
            "exp": st.integers(-1, 2) | VALUES,
            "hops": st.lists(st.text(max_size=3), max_size=MAX_HOPS + 1) | VALUES,
            "seal": st.text(max_size=3) | VALUES,
        },
    ),
    st.binary(max_size=4) | VALUES,
)
def test_given_any_header_it_is_read_or_refused_the_same_with_and_without_a_key_of_a_later_release(
    fields: dict[str, Any], body: object
) -> None:
    # Headers without unknown keys are read on a way of their own.
    header = LEAST | fields
    plain = outcome(msgpack.packb([1, header, body]))
    later = outcome(msgpack.packb([1, header | {"later": 0}, body]))
    if isinstance(plain, Envelope) and isinstance(later, Envelope):
        assert later.header.extra == {"later": 0}
        assert Envelope(msgspec.structs.replace(later.header, extra={}), later.body) == plain
    else:
        assert plain == later


def outcome(data: bytes) -> Envelope | str:
    """The envelope, or what is wrong with it."""
    try:
        return decode(data)
    except WireError as error:
        return str(error)


def assert_envelope_or_wire_error(data: bytes) -> None:
    """Nothing else comes out, and what is read can be written and read again."""
    try:
        envelope = decode(data)
    except WireError:
        return
    written = encode(envelope)
    # Compared as bytes: a mutated float may be a NaN, which equals nothing.
    assert encode(decode(written)) == written


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(0, id="zero"),
        pytest.param(2, id="the next one"),
        pytest.param(-1, id="a negative one"),
        pytest.param(2**64 - 1, id="the largest number"),
    ],
)
def test_given_another_version_it_is_named_in_the_error(version: int) -> None:
    with pytest.raises(UnknownVersion) as raised:
        decode(packed(version=version))
    assert raised.value.version == version
    assert str(version) in str(raised.value)


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("1", id="a text"),
        pytest.param(1.0, id="a float"),
        pytest.param(True, id="true"),
        pytest.param(None, id="nothing"),
        pytest.param([1], id="a list"),
    ],
)
def test_given_a_version_that_is_no_whole_number_the_envelope_is_malformed(version: object) -> None:
    with pytest.raises(Malformed, match="version"):
        decode(packed(version=version))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"kind": kind}, id=f"the kind {kind}")  # one line per kind
        for kind in sorted(KINDS)
    ]
    + [
        pytest.param({"conv": "c" * 128}, id="a conversation of 128 characters"),
        pytest.param({"at": MAX_TIME}, id="the largest time"),
        pytest.param({"exp": 0}, id="expired at the epoch"),
        pytest.param({"exp": None}, id="no expiry, said with nil"),
        pytest.param({"to": []}, id="no recipients, said with an empty array"),
        pytest.param({"to": ["a:b"] * MAX_RECIPIENTS}, id="the most recipients"),
        pytest.param({"hops": ["h" * MAX_TEXT] * MAX_HOPS}, id="the most hops, as long as may be"),
        pytest.param({"seal": "s" * 64}, id="a seal of 64 characters"),
        pytest.param({"from": "a:" + "u" * 512}, id="a user of 512 characters"),
        pytest.param({f"x{number}": 0 for number in range(MAX_HEADER_KEYS - len(LEAST))}, id="the most keys"),
        pytest.param({"x": nested(MAX_DEPTH)}, id="an unknown key as deep as may be"),
    ],
)
def test_given_a_header_at_a_limit_it_is_read(changes: dict[str, Any]) -> None:
    decode(packed(**changes))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"id": bytes(15)}, "id", id="an id too short"),
        pytest.param({"id": bytes(17)}, "id", id="an id too long"),
        pytest.param({"id": "0" * 16}, "id", id="an id that is a text"),
        pytest.param({"kind": "gossip"}, "kind", id="an unknown kind"),
        pytest.param({"kind": ["event"]}, "kind", id="a kind that is a list"),
        pytest.param({"conv": ""}, "conv", id="an empty conversation"),
        pytest.param({"conv": "c" * 129}, "conv", id="a conversation too long"),
        pytest.param({"at": MAX_TIME + 1}, "at", id="a time too late"),
        pytest.param({"at": -1}, "at", id="a time before the epoch"),
        pytest.param({"at": True}, "at", id="a time that is true"),
        pytest.param({"at": 1.0}, "at", id="a time that is a float"),
        pytest.param({"at": "1"}, "at", id="a time that is a text"),
        pytest.param({"conv": b"c"}, "conv", id="a conversation that is bytes"),
        pytest.param({"exp": -1}, "exp", id="expired before the epoch"),
        pytest.param({"exp": "1"}, "exp", id="an expiry that is a text"),
        pytest.param({"from": "nobody"}, "from", id="a sender without an app"),
        pytest.param({"from": None}, "from", id="no sender"),
        pytest.param({"from": "a:" + "u" * 513}, "from", id="a sender too long"),
        pytest.param({"from": "a:b\u200b"}, "from", id="a sender with a character that nobody sees"),
        pytest.param({"to": "a:b"}, "to", id="recipients that are a text"),
        pytest.param({"to": [b"a:b"]}, "to", id="a recipient that is no text"),
        pytest.param({"to": ["a:b"] * (MAX_RECIPIENTS + 1)}, "to", id="a recipient too many"),
        pytest.param({"to": ["a:" + "u" * MAX_TEXT]}, "to", id="a recipient too long"),
        pytest.param({"hops": ["a/b"] * (MAX_HOPS + 1)}, "hops", id="a hop too many"),
        pytest.param({"hops": ["h" * (MAX_TEXT + 1)]}, "hops", id="a hop too long"),
        pytest.param({"seal": ""}, "seal", id="an empty seal"),
        pytest.param({"seal": "s" * 65}, "seal", id="a seal too long"),
        pytest.param({"seal": None}, "seal", id="no seal"),
        pytest.param(
            {f"x{number}": 0 for number in range(MAX_HEADER_KEYS + 1 - len(LEAST))}, "keys", id="a key too many"
        ),
        pytest.param({"x": nested(MAX_DEPTH + 1)}, "deeper", id="an unknown key too deep"),
    ],
)
def test_given_a_header_beyond_a_limit_the_refusal_says_which(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(Malformed) as raised:
        decode(packed(**changes))
    assert named in raised.value.reason


@pytest.mark.parametrize("key", sorted(KNOWN_KEYS - {"to", "exp", "hops"}))
def test_given_a_header_without_a_key_that_it_needs_the_refusal_names_it(key: str) -> None:
    header = {name: value for name, value in LEAST.items() if name != key}
    with pytest.raises(Malformed, match=f"header key {key}:"):
        decode(msgpack.packb([1, header, b""]))


def test_given_an_envelope_of_the_largest_size_it_is_read_and_written() -> None:
    data = of_size(MAX_BYTES)
    assert len(data) == MAX_BYTES
    assert len(encode(decode(data))) == MAX_BYTES


def test_given_an_envelope_one_byte_larger_it_is_neither_read_nor_written() -> None:
    data = of_size(MAX_BYTES + 1)
    with pytest.raises(Malformed, match="at most"):
        decode(data)
    largest = decode(of_size(MAX_BYTES))
    with pytest.raises(Malformed, match="at most"):
        encode(Envelope(largest.header, largest.body + b"x"))


@pytest.mark.parametrize(
    "code_and_size",
    [pytest.param((5, 0), id="empty"), pytest.param((5, 1), id="with data"), pytest.param((-1, 4), id="a timestamp")],
)
def test_given_an_extension_type_it_is_refused(code_and_size: tuple[int, int]) -> None:
    code, size = code_and_size
    value = bytes([0xC7, size, code & 0xFF]) + bytes(size)
    with pytest.raises(Malformed):
        unpack(value, MAX_BYTES)


def test_given_half_of_a_surrogate_pair_nothing_is_written() -> None:
    header = decode(packed()).header
    broken = Header(header.id, header.kind, Address("native", "a\ud83d"), (), "c", 0)
    with pytest.raises(Malformed, match="UTF-8"):
        encode(Envelope(broken, b""))
    # What had been packed until then must not stand before the next envelope.
    assert decode(encode(Envelope(header, b"next"))) == Envelope(header, b"next")


@pytest.mark.parametrize("depth", [0, 1, 8])
def test_a_value_nested_as_deep_as_allowed_passes_and_one_deeper_does_not(depth: int) -> None:
    check_depth(nested(depth), depth)
    check_depth({"a": nested(depth - 1)} if depth else 1, depth)
    with pytest.raises(Malformed):
        check_depth(nested(depth + 1), depth)
    with pytest.raises(Malformed):
        check_depth({"a": nested(depth)}, depth)
