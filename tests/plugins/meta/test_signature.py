"""Only Meta can put something into a bridge."""

from __future__ import annotations

import hmac

import pytest

from gearmesh_meta.signature import answer_challenge, is_signed

SECRET = b"test-app-secret"
BODY = rb'{"object":"page","text":"\u00e4\u00f6\u00e5 https:\/\/example.org"}'


def sha256(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET, body, "sha256").hexdigest()


def test_given_metas_signature_when_the_body_is_as_sent_then_it_is_believed() -> None:
    assert is_signed({"x-hub-signature-256": sha256(BODY)}, BODY, SECRET)


@pytest.mark.parametrize("position", range(len(BODY)))
def test_when_one_byte_of_the_body_differs_then_it_is_forged(position: int) -> None:
    changed = BODY[:position] + bytes([BODY[position] ^ 1]) + BODY[position + 1 :]

    assert not is_signed({"x-hub-signature-256": sha256(BODY)}, changed, SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature": "sha1=" + hmac.new(SECRET, BODY, "sha1").hexdigest()},
        {"x-hub-signature-256": "sha1=" + hmac.new(SECRET, BODY, "sha1").hexdigest()},
        {"x-hub-signature-256": sha256(BODY).removeprefix("sha256=")},
        {"x-hub-signature-256": sha256(BODY).upper()},
        {"x-hub-signature-256": sha256(BODY)[:-1]},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": "sha256=ä" + "0" * 63},
        {"x-hub-signature-256": "sha256=\udcff"},
    ],
)
def test_when_the_signature_is_missing_or_of_another_kind_then_it_is_forged(headers: dict[str, str]) -> None:
    assert not is_signed(headers, BODY, SECRET)


def test_signatures_and_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    is_signed({"x-hub-signature-256": "sha256=0"}, BODY, SECRET)
    answer_challenge({"hub.verify_token": "guess"}, "word")

    assert compared == [(b"sha256=0", sha256(BODY).encode()), (b"guess", b"word")]


def test_given_the_verify_token_when_meta_asks_then_the_challenge_goes_back_bare() -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "wörd"}

    answer = answer_challenge(query, "wörd")

    assert (answer.status, answer.body, answer.outcome) == (200, "1158201444", "verified")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": "guess"},
        {"hub.mode": "subscribe", "hub.challenge": "1"},
        {"hub.mode": "unsubscribe", "hub.challenge": "1", "hub.verify_token": "word"},
        {"hub.mode": "subscribe", "hub.verify_token": "word"},
        {"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": "\ud800"},
    ],
)
def test_when_somebody_else_asks_then_it_is_refused_and_nothing_goes_back(query: dict[str, str]) -> None:
    answer = answer_challenge(query, "word")

    assert (answer.status, answer.body, answer.outcome) == (403, "", "refused")
