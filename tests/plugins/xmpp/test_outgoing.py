"""Deliveries as stanzas, and errors as what to do next."""

from __future__ import annotations

import base64
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh import Delivery, Media, MediaRef, RateLimited, Rejected, Retry, SendFailed, Text
from gearmesh_xmpp import outgoing
from gearmesh_xmpp.elements import STANZAS, child, element, every, said, settle, with_children, written
from gearmesh_xmpp.refusals import refusal
from gearmesh_xmpp.sims import sharing_in

BRIDGE = "bridge.example.org"


def error(kind: str, name: str, text: str = "") -> ET.Element:
    inner = with_children(element("error", type=kind), element(name, STANZAS))
    if text:
        inner.append(element("text", STANZAS, text))
    return with_children(element("message", type="error"), inner)


@pytest.mark.parametrize(
    ("kind", "name", "raised"),
    [
        ("cancel", "service-unavailable", Rejected),
        ("cancel", "item-not-found", Rejected),
        ("auth", "forbidden", Rejected),
        ("auth", "registration-required", Rejected),
        ("modify", "jid-malformed", Rejected),
        ("cancel", "gone", Rejected),
        ("wait", "resource-constraint", Retry),
        ("wait", "remote-server-timeout", Retry),
        ("cancel", "remote-server-not-found", Retry),
        ("wait", "recipient-unavailable", Retry),
        ("wait", "undefined-condition", Retry),
        ("wait", "policy-violation", RateLimited),
        ("modify", "policy-violation", RateLimited),
        ("cancel", "policy-violation", Rejected),
    ],
)
def test_given_an_error_then_its_class_says_what_happens_next(kind: str, name: str, raised: type[SendFailed]) -> None:
    failure = refusal(error(kind, name))
    assert type(failure) is raised
    assert failure.code == name
    assert str(refusal(error(kind, name, "In their words"))).startswith("In their words")


def test_given_an_error_without_a_condition_then_it_is_rejected() -> None:
    assert isinstance(refusal(element("message", type="error")), Rejected)


@given(st.text(max_size=200))
def test_given_any_text_then_a_server_can_read_the_stanza_and_finds_the_text(text: str) -> None:
    delivery = Delivery("f" * 32 + ":xmpp:0", "ada@example.org", "ada@example.org", Text(text))
    read = settle(ET.fromstring(written(outgoing.message(delivery, BRIDGE))))
    expected = "".join(one if is_legal(one) else "\ufffd" for one in text)
    # XML's own line ends (section 2.11) are one line feed each.
    assert said(read, "body") == expected.replace("\r\n", "\n").replace("\r", "\n")
    assert child(read, "origin-id", "urn:xmpp:sid:0") is not None


def is_legal(character: str) -> bool:
    return (
        character in "\t\n\r"
        or 0x20 <= ord(character) <= 0xD7FF
        or 0xE000 <= ord(character) <= 0xFFFD
        or ord(character) > 0xFFFF
    )


def test_given_a_file_then_newer_clients_are_told_what_it_is_and_older_ones_find_its_address() -> None:
    ref = MediaRef("gearmesh", "x", "image/png", 10, "ab" * 32, "a b.png", 3, 4)
    link = "https://up.example.org/1/a%20b.png"
    delivery = Delivery("f" * 32 + ":xmpp:0", "ada@example.org", "ada@example.org", Media("image", ref))
    read = settle(ET.fromstring(written(outgoing.message(delivery, BRIDGE, link))))
    there = sharing_in(read, "xmpp")
    assert there == MediaRef("xmpp", link, "image/png", 10, "", "a b.png", 3, 4)
    assert said(read, "body") == link
    oob = child(read, "x", "jabber:x:oob")
    assert oob is not None
    assert said(oob, "url", "jabber:x:oob") == link
    digests = [one.text for one in every(read, "hash", "urn:xmpp:hashes:2")]
    assert digests == [base64.b64encode(bytes.fromhex(ref.sha256)).decode()]
