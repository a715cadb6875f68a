"""The test vectors and our code say the same protocol."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gearmesh.core.ids import envelope_id, raw_id
from gearmesh.errors import Malformed, UnknownVersion
from gearmesh.model.address import Address
from gearmesh.model.content import Content
from gearmesh.model.conversation import dm_id
from gearmesh.model.envelope import Header
from gearmesh.wire.body import open_body
from gearmesh.wire.codec import decode, encode
from gearmesh.wire.subjects import kv_token, partition_of, token, untoken

FOLDER = Path(__file__).parents[2] / "data" / "vectors"
ENVELOPES = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("envelope-*.json"))]


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    """One test for each vector, by its name."""
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def as_json(value: Any) -> Any:
    """A header's value as the vectors show it."""
    match value:
        case bytes():
            return {"bin": value.hex()}
        case dict():
            return {key: as_json(item) for key, item in value.items()}
        case list():
            return [as_json(item) for item in value]
        case _:
            return value


def shown(header: Header) -> dict[str, Any]:
    """A header as the vectors show it."""
    known: dict[str, Any] = {
        "id": header.id.hex(),
        "kind": header.kind,
        "from": str(header.sender),
        "to": [str(address) for address in header.to] or None,
        "conv": header.conversation,
        "at": header.at,
        "exp": header.expires,
        "hops": list(header.hops) or None,
        "seal": header.seal,
    }
    extra: dict[str, Any] = as_json(header.extra)
    return {key: value for key, value in known.items() if value is not None} | extra


def test_there_are_vectors_for_every_outcome() -> None:
    outcomes = {(vector["error"], vector["header"] is None, vector["body"] is None) for vector in ENVELOPES}
    assert outcomes == {
        (None, False, False),
        (None, False, True),
        ("malformed", True, True),
        ("malformed", False, True),
        ("unknown_version", True, True),
    }


def test_the_files_are_exactly_what_make_writes() -> None:
    written: dict[str, str] = runpy.run_path(str(FOLDER / "make.py"))["files"]()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert there == written


@pytest.mark.parametrize("vector", named([vector for vector in ENVELOPES if vector["header"]]))
def test_given_a_right_envelope_its_header_is_read_as_the_vector_says(vector: dict[str, Any]) -> None:
    envelope = decode(bytes.fromhex(vector["hex"]))
    assert shown(envelope.header) == vector["header"]


@pytest.mark.parametrize("vector", named([vector for vector in ENVELOPES if vector["header"]]))
def test_given_a_right_envelope_what_we_write_of_it_is_read_the_same(vector: dict[str, Any]) -> None:
    envelope = decode(bytes.fromhex(vector["hex"]))
    assert decode(encode(envelope)) == envelope


@pytest.mark.parametrize("vector", named([vector for vector in ENVELOPES if vector["body"]]))
def test_given_an_open_body_its_content_is_read_as_the_vector_says(vector: dict[str, Any]) -> None:
    envelope = decode(bytes.fromhex(vector["hex"]))
    content = open_body(envelope.header.seal, envelope.body)
    expected: Any = msgspec.convert(vector["body"], Content)
    assert content == expected


@pytest.mark.parametrize("vector", named([vector for vector in ENVELOPES if vector["header"] and not vector["body"]]))
def test_given_a_body_that_we_cannot_open_only_the_body_is_refused(vector: dict[str, Any]) -> None:
    envelope = decode(bytes.fromhex(vector["hex"]))
    with pytest.raises(Malformed):
        open_body(envelope.header.seal, envelope.body)


@pytest.mark.parametrize("vector", named([vector for vector in ENVELOPES if not vector["header"]]))
def test_given_bytes_that_are_no_envelope_they_are_refused_for_the_reason_in_the_vector(vector: dict[str, Any]) -> None:
    expected = {"malformed": Malformed, "unknown_version": UnknownVersion}[vector["error"]]
    with pytest.raises(expected):
        decode(bytes.fromhex(vector["hex"]))


def test_tokens_partitions_and_dm_ids_are_those_of_the_vectors() -> None:
    subjects = json.loads((FOLDER / "subjects.json").read_text(encoding="utf-8"))
    for row in subjects["tokens"]:
        assert (token(row["text"]), kv_token(row["text"])) == (row["token"], row["key"])
        assert untoken(row["token"]) == row["text"]
    for row in subjects["digests"]:
        assert (token(row["text"]), kv_token(row["text"])) == (row["token"], row["key"])
    for row in subjects["partitions"]:
        ours = {"of_8": partition_of(row["conversation"], 8), "of_64": partition_of(row["conversation"], 64)}
        assert row == {"conversation": row["conversation"], "token": token(row["conversation"]), **ours}
    for row in subjects["dms"]:
        assert dm_id(Address.parse(row["one"]), Address.parse(row["other"])) == row["conversation"]


@pytest.mark.parametrize("text", json.loads((FOLDER / "subjects.json").read_text(encoding="utf-8"))["no_tokens"])
def test_what_the_vectors_call_no_token_is_none(text: str) -> None:
    with pytest.raises(Malformed):
        untoken(text)


def test_derived_ids_are_those_of_the_vectors() -> None:
    ids = json.loads((FOLDER / "ids.json").read_text(encoding="utf-8"))
    key = bytes.fromhex(ids["key"])
    for row in ids["messages"]:
        assert envelope_id(key, row["app"], row["thread"], row["native_id"], row["kind"]).hex() == row["id"]
    for row in ids["letters"]:
        assert raw_id(bytes.fromhex(row["raw"])) == row["id"]
