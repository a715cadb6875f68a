"""Subjects and keys, both ways."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gearmesh.errors import Malformed
from gearmesh.wire.subjects import (
    LONGEST,
    PARTITIONS,
    Route,
    Subjects,
    is_digest,
    kv_token,
    partition_of,
    token,
    untoken,
    whole_kv_token,
    whole_kv_untoken,
    whole_token,
    whole_untoken,
)

TEXTS = st.text(min_size=1, max_size=60)
LONG = st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=8), st.integers(LONGEST + 1, 1500))
TOKEN = re.compile(r"~{0,2}[A-Za-z0-9_-]+")
KV_KEY = re.compile(r"[-/_=A-Za-z0-9]+")
"""What nats-server and its clients take as one piece of a key (NATS ADR-8)."""


@given(TEXTS)
@example("~")
@example("a.b.*.>")
@example(" ")
def test_any_text_comes_back_from_its_token(text: str) -> None:
    assert untoken(token(text)) == text


@given(TEXTS | LONG)
def test_a_token_is_one_piece_of_a_subject(text: str) -> None:
    assert TOKEN.fullmatch(token(text))


@given(TEXTS | LONG)
def test_a_kv_token_is_one_piece_of_a_key(text: str) -> None:
    assert KV_KEY.fullmatch(kv_token(text))


@given(TEXTS | LONG, TEXTS | LONG)
def test_two_texts_never_share_a_token(one: str, other: str) -> None:
    assert (token(one) == token(other)) == (kv_token(one) == kv_token(other)) == (one == other)


@given(LONG)
def test_given_a_long_text_its_token_is_short_and_only_a_whole_one_leads_back_to_it(text: str) -> None:
    assert len(token(text)) == len(kv_token(text)) == 66
    assert is_digest(kv_token(text))
    assert whole_untoken(whole_token(text)) == whole_kv_untoken(whole_kv_token(text)) == text
    for piece in (token(text), whole_token(text)):
        with pytest.raises(Malformed):
            untoken(piece)


@given(TEXTS)
def test_given_a_text_that_is_not_long_there_is_nothing_but_its_whole_token(text: str) -> None:
    assert (token(text), kv_token(text)) == (whole_token(text), whole_kv_token(text))
    assert not is_digest(kv_token(text))


def test_given_a_thread_and_an_id_as_long_as_networks_like_the_subject_of_what_was_sent_is_short() -> None:
    longest = "👍" * LONGEST
    for text in (longest, longest + "👍", "." * 100_000):
        assert len(Subjects().sent("a" * 64, text, "0" * 32, text)) < 2_500


def test_given_a_long_thread_it_is_read_from_the_subject_of_a_leg_that_waits() -> None:
    thread = "ä" * 512
    subject = Subjects().later("xmpp", thread, early=True)
    assert Subjects().read_later(subject) == ("xmpp", thread)


@given(st.text(max_size=20) | st.text(max_size=20).map(lambda text: f"~{text}"))
@example("~é")
@example("~YQ==")
@example("~YR")
def test_given_any_text_as_a_token_it_is_read_or_refused_and_what_is_read_is_written_the_same(piece: str) -> None:
    try:
        text = untoken(piece)
    except Malformed:
        return
    assert token(text) == piece


@given(st.text(st.sampled_from("ABab01_-~="), max_size=8))
def test_given_texts_that_look_like_tokens_no_token_has_two_spellings(piece: str) -> None:
    try:
        text = untoken(piece)
    except Malformed:
        return
    assert token(text) == piece


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="an empty text"),
        pytest.param("a\ud83d", id="half of a surrogate pair"),
        pytest.param("a\ud83d" * 200, id="many such halves"),
    ],
)
def test_a_text_that_has_no_token_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        token(text)


@given(TEXTS, st.integers(1, 64))
def test_a_partition_is_one_of_those_there_are_and_always_the_same(conversation: str, partitions: int) -> None:
    number = partition_of(conversation, partitions)
    assert 0 <= number < partitions
    assert partition_of(conversation, partitions) == number


def test_conversations_spread_over_all_partitions() -> None:
    assert {partition_of(f"conversation-{number}") for number in range(200)} == set(range(PARTITIONS))


@given(TEXTS, TEXTS, st.integers(0, 63))
def test_given_a_published_or_a_stored_subject_app_and_conversation_come_back(
    app: str, conversation: str, number: int
) -> None:
    subjects = Subjects("gm-2")
    published = subjects.inbound(app, conversation)
    stored = published.replace("gm-2.in.", f"gm-2.in.{number}.", 1)
    route = Route(app, conversation)
    assert subjects.read_inbound(published) == route
    assert subjects.read_inbound(stored) == route
    assert subjects.read_outbound(subjects.outbound(app, conversation)) == route


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("gm.out.whatsapp.c", id="the other log"),
        pytest.param("other.in.whatsapp.c", id="another prefix"),
        pytest.param("gm.in.whatsapp", id="no conversation"),
        pytest.param("gm.in.x.whatsapp.c", id="a partition that is no number"),
        pytest.param("gm.in.1.2.whatsapp.c", id="a piece too many"),
        pytest.param("gm.in.whatsapp.~", id="a broken token"),
        pytest.param("gm.in.whatsapp.~é", id="a token that is not ASCII"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_subject_that_is_none_of_ours_is_refused(subject: str) -> None:
    with pytest.raises(Malformed):
        Subjects().read_inbound(subject)


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        pytest.param(Subjects().inbound("native", "a b"), "gm.in.native.~YSBi", id="where envelopes are published"),
        pytest.param(Subjects().partition(3), "gm.in.3.*.*", id="one partition of the inbound log"),
        pytest.param(Subjects().outbound("native", "c"), "gm.out.native.c", id="where legs are published"),
        pytest.param(Subjects().outbound_of("native"), "gm.out.native.*", id="all legs of an app"),
        pytest.param(Subjects().stored_of("north"), "gm.in.*.north.*", id="all that an app has put into the log"),
        pytest.param(Subjects().ledger("native", "00ff"), "gm.ledger.native.00ff", id="an envelope in the ledger"),
        pytest.param(Subjects().sent("x", "+49", "00ff", "m.1"), "gm.ledger.x.~KzQ5.00ff.~bS4x", id="what was sent"),
        pytest.param(Subjects().sent("x", "t", "00ff", ""), "gm.ledger.x.t.00ff.~", id="what was sent without an id"),
        pytest.param(Subjects().sent_to("x", "t", "00ff"), "gm.ledger.x.t.00ff.*", id="an envelope sent to a thread"),
        pytest.param(Subjects().sent_to("x", "t"), "gm.ledger.x.t.*.*", id="all that was sent to a thread"),
        pytest.param(Subjects().sent_as("x", "m.1", "t"), "gm.ledger.x.t.*.~bS4x", id="a native message in a thread"),
        pytest.param(Subjects().sent_as("x", "m.1"), "gm.ledger.x.*.*.~bS4x", id="a native message in any thread"),
        pytest.param(Subjects().ledger_all(), "gm.ledger.>", id="the whole ledger"),
        pytest.param(Subjects().dead("native", "00ff-x"), "gm.dead.native.00ff-x", id="a dead letter"),
        pytest.param(Subjects().stream("IN"), "GM_IN", id="a stream"),
        pytest.param(Subjects("my-gm").stream("IN"), "MY_GM_IN", id="a stream under a prefix with a dash"),
        pytest.param(Subjects("my-gm").bucket("map"), "my-gm-map", id="a bucket under a prefix with a dash"),
    ],
)
def test_names_are_built_as_the_protocol_says(built: str, expected: str) -> None:
    assert built == expected
