"""The verdict over a campaign: it must see each thing that can be wrong, and nothing else."""

from __future__ import annotations

import pytest
from tests.chaos.texts import Said, read
from tests.chaos.verdict import Stranger, judge, notice_key

from gearmesh.core.notices import ENGLISH, words

ADA_BEN, CLEO_BEN = ("ada", "ben"), ("cleo", "ben")


def shown(*numbers: int, writer: str = "ada") -> list[str]:
    """What stands on Ben's phone."""
    return [str(Said(writer, "ben", number)) for number in numbers]


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (shown(1, 2, 3), "lost 0, doubled 0, out of order 0, faults 7, messages 3"),
        (shown(1, 3), "lost 1, doubled 0, out of order 0, faults 7, messages 3"),
        ([], "lost 3, doubled 0, out of order 0, faults 7, messages 3"),
        (shown(1, 2, 2, 3), "lost 0, doubled 1, out of order 0, faults 7, messages 3"),
        (shown(1, 2, 2, 2, 3), "lost 0, doubled 2, out of order 0, faults 7, messages 3"),
        (shown(1, 2, 3, 1), "lost 0, doubled 1, out of order 0, faults 7, messages 3"),
        (shown(1, 3, 2), "lost 0, doubled 0, out of order 1, faults 7, messages 3"),
        (shown(3, 1, 2), "lost 0, doubled 0, out of order 2, faults 7, messages 3"),
        (shown(3, 1, 1), "lost 1, doubled 1, out of order 1, faults 7, messages 3"),
    ],
    ids=["clean", "lost", "all lost", "doubled", "twice doubled", "doubled late", "swapped", "overtaken", "everything"],
)
def test_given_what_a_phone_shows_then_the_line_says_what_is_wrong(texts: list[str], line: str) -> None:
    verdict = judge({ADA_BEN: 3}, {"ben": texts})

    assert verdict.line(7) == line
    assert verdict.clean == line.startswith("lost 0, doubled 0, out of order 0")


def test_given_two_writers_then_each_has_an_order_of_their_own() -> None:
    texts = [*shown(1), *shown(1, writer="cleo"), *shown(2, writer="cleo"), *shown(2)]

    assert judge({ADA_BEN: 2, CLEO_BEN: 2}, {"ben": texts}).clean


def test_given_a_reader_whose_phone_was_not_looked_at_then_everything_to_them_is_lost() -> None:
    assert judge({ADA_BEN: 2}, {}).lost == (Said("ada", "ben", 1), Said("ada", "ben", 2))


def test_given_lines_that_say_who_wrote_then_the_messages_below_are_read() -> None:
    texts = [f"Ada Lovelace (WhatsApp):\n{text}" for text in shown(1, 2)]

    assert judge({ADA_BEN: 2}, {"ben": texts}).clean


@pytest.mark.parametrize(
    "text",
    ["buy pigeons", "ada>cleo #1", "ada>ben #0", "ada>ben #3", "dora>ben #1"],
    ids=["advertisement", "misdirected", "number 0", "not typed yet", "stranger"],
)
def test_given_what_nobody_typed_to_this_reader_then_the_verdict_is_not_clean(text: str) -> None:
    verdict = judge({ADA_BEN: 2}, {"ben": [*shown(1, 2), text]})

    assert verdict.strangers == (Stranger("ben", text),)
    assert not verdict.clean


@pytest.mark.parametrize("key", ENGLISH)
def test_given_a_notice_then_it_is_counted_by_its_key_and_wrong_in_nothing(key: str) -> None:
    arguments = {"who": "zoe", "kind": "poll", "name": "Ben Okri", "detail": "131026\n(x)", "network": "WhatsApp"}
    text = f"⚙ {words(key, arguments)}"

    verdict = judge({ADA_BEN: 1}, {"ben": shown(1), "ada": [text]})

    assert verdict.clean
    assert list(verdict.notices.values()) == [1]
    assert ENGLISH[notice_key(text)] == ENGLISH[key]  # two keys may have the same words


def test_given_messages_that_were_refused_afterwards_then_as_many_late_ones_are_excused_and_not_more() -> None:
    texts = shown(3, 4, 1, 2)

    verdict = judge({ADA_BEN: 4}, {"ben": texts}, {"ben": 1})

    assert (verdict.excused, len(verdict.late)) == (1, 1)
    assert judge({ADA_BEN: 4}, {"ben": texts}, {"ben": 5}).clean
    assert not judge({ADA_BEN: 4}, {"ben": shown(1, 2, 2, 4)}, {"ben": 5}).clean


def test_given_a_message_when_it_was_typed_then_it_is_for_its_reader_and_reads_as_itself() -> None:
    said = Said("ada", "ben", 12)

    assert said.typed == "@ben ada>ben #12"
    assert read(said.typed.removeprefix("@ben ")) == said
    assert read("hello") is None
