"""What replaying a dead letter comes to, before anything is done."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gearmesh.bus.letters import Letter, Wanted
from gearmesh.bus.replay import HandOver, PutBack, plan
from gearmesh.errors import ReplayRefused
from gearmesh.model.address import Address
from gearmesh.model.envelope import Envelope, Header
from gearmesh.wire.codec import decode, encode
from gearmesh.wire.subjects import Subjects

ADA, BEN, CLEO, DAN = (
    Address("whatsapp", "1"),
    Address("messenger", "2"),
    Address("instagram", "3"),
    Address("whatsapp", "4"),
)
HEADER = Header(b"\xab" * 16, "event", ADA, (BEN, CLEO, DAN), "c", 1000, extra={"later": 1})
NOW = 5000


def letter(**changes: Any) -> Letter:
    """A leg to Messenger that died."""
    dead = Letter("a-letter", "messenger", 7, 1000, "unclear", "", "gm.out.messenger.c", 10, 0, {}, HEADER)
    return msgspec.structs.replace(dead, **changes)


def raw(**changes: Any) -> bytes:
    """An envelope with a body that nobody opens here."""
    return encode(Envelope(msgspec.structs.replace(HEADER, **changes), b"closed"))


def put_back(dead: Letter, data: bytes, **more: Any) -> PutBack:
    """The plan for what goes into a log."""
    planned = plan(dead, data, Subjects(), now=NOW, **more)
    assert isinstance(planned, PutBack)
    return planned


def test_given_a_leg_then_its_bytes_go_back_and_each_recipient_gets_a_step() -> None:
    planned = put_back(letter(), raw(to=(BEN, Address("messenger", "5"))))

    assert planned.data == raw(to=(BEN, Address("messenger", "5")))
    assert planned.subject == "gm.out.messenger.c"
    assert planned.message_id == f"{'ab' * 16}:messenger:replay:7"
    assert [(step.app, step.to, step.state, step.at, step.detail) for step in planned.steps] == [
        ("messenger", "messenger:2", "accepted", NOW, "replayed"),
        ("messenger", "messenger:5", "accepted", NOW, "replayed"),
    ]


def test_given_an_envelope_that_was_not_routed_then_all_of_it_goes_back_into_the_inbound_log() -> None:
    planned = put_back(letter(app="whatsapp", reason="loop", subject="gm.in.3.whatsapp.c"), raw())

    assert (planned.subject, planned.data) == ("gm.in.whatsapp.c", raw())
    assert planned.message_id == f"{'ab' * 16}:replay:7"
    assert [(step.app, step.to) for step in planned.steps] == [("whatsapp", "")]


@pytest.mark.parametrize(
    ("app", "to", "members", "left"),
    [
        ("instagram", (BEN, CLEO, DAN), (), (CLEO,)),
        ("whatsapp", (BEN, ADA, DAN), (), (DAN,)),
        ("instagram", (), (ADA, BEN, CLEO), (CLEO,)),
        ("whatsapp", (), (ADA,), ()),
    ],
    ids=["named", "the sender's own app", "members", "nobody else was there"],
)
def test_given_an_envelope_that_one_app_did_not_get_then_it_goes_back_for_that_app_alone(
    app: str, to: tuple[Address, ...], members: tuple[Address, ...], left: tuple[Address, ...]
) -> None:
    dead = letter(app=app, reason="unreachable", subject="gm.in.whatsapp.c")

    again = decode(put_back(dead, raw(to=to), members=members).data)

    assert again == Envelope(msgspec.structs.replace(HEADER, to=left), b"closed")


def test_given_an_envelope_that_cannot_be_read_then_its_bytes_go_back_under_the_letters_name() -> None:
    planned = put_back(letter(header=None), b"of a version to come")
    assert (planned.data, planned.message_id, planned.steps) == (b"of a version to come", "a-letter:replay:7", ())


def test_given_what_is_past_its_time_then_it_goes_only_anyway_and_without_an_end() -> None:
    with pytest.raises(ReplayRefused, match="--anyway"):
        put_back(letter(), raw(expires=NOW))

    assert decode(put_back(letter(), raw(expires=NOW), anyway=True).data).header.expires is None
    assert put_back(letter(), raw(expires=NOW + 1), anyway=True).data == raw(expires=NOW + 1)


def test_given_input_of_a_network_then_it_is_for_the_host() -> None:
    assert plan(letter(subject="", header=None), b"{}", Subjects(), now=NOW) == HandOver("messenger", b"{}")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cut_from": 9}, "its end was cut off"),
        ({"cut_from": 9, "subject": ""}, "its end was cut off"),
        ({"subject": "gm.ledger.a.b"}, "no place of ours"),
        ({"subject": "gm.out.a"}, "no place of ours"),
        ({"subject": "other.out.a.b"}, "no place of ours"),
    ],
)
def test_given_a_letter_that_cannot_go_back_then_the_reason_is_said(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ReplayRefused, match=why):
        plan(letter(**changes), raw(), Subjects(), now=NOW)


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (Wanted(), True),
        (Wanted("messenger", "unclear", before=1001, after=999), True),
        (Wanted(app="whatsapp"), False),
        (Wanted(reason="loop"), False),
        (Wanted(before=1000), False),
        (Wanted(after=1000), False),
    ],
)
def test_given_a_letter_then_the_filters_agree_all_together(wanted: Wanted, matches: bool) -> None:
    assert wanted.matches(letter()) is matches
