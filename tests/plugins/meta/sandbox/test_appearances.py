"""All phones in one sequence: complete, in order, and bounded."""

from __future__ import annotations

import pytest

from gearmesh_meta.sandbox.appearances import Appearances
from gearmesh_meta.sandbox.phone import Message, Phone

from .harness import ADA, BEN, CLEO, Start, World

PHONE = Phone("messenger", "7", "eve", "Eve")


def appeared(count: int, capacity: int) -> Appearances:
    """So many messages, whose texts are 0, 1, 2 and so on."""
    appearances = Appearances(capacity)
    for number in range(count):
        appearances.add(PHONE, Message(f"m_{number}", "in", "text", str(number), number, "delivered"))
    return appearances


@pytest.mark.parametrize(
    ("count", "cursor", "limit", "texts", "following", "more", "missed"),
    [
        (0, 0, 10, "", 0, False, 0),
        (3, 0, 10, "012", 3, False, 0),
        (5, 2, 2, "23", 4, True, 0),
        (5, 3, 2, "34", 5, False, 0),
        (5, 5, 2, "", 5, False, 0),
        (5, 2, 0, "", 2, True, 0),
        # Five are kept; the first three of eight are forgotten.
        (8, 0, 10, "34567", 8, False, 3),
        (8, 1, 2, "34", 5, True, 2),
        (8, 4, 2, "45", 6, True, 0),
    ],
)
def test_given_messages_when_asked_from_a_cursor_then_the_oldest_after_it_come_and_the_next_cursor(
    count: int, cursor: int, limit: int, texts: str, following: int, more: bool, missed: int
) -> None:
    page = appeared(count, capacity=5).since(cursor, limit)
    assert "".join(row[4] for row in page.shown) == texts
    assert (page.next, page.more, page.missed) == (following, more, missed)


async def test_given_messages_on_several_phones_when_asked_at_once_then_each_stands_there_as_on_its_phone(
    world: World,
) -> None:
    await world.type("whatsapp", ADA, text="@cleo hello")
    await world.page(CLEO, {"text": "hello"})
    await world.type("instagram", CLEO, text="hi")
    await world.page(BEN, {"text": "nobody else's"})
    await world.whatsapp_text("hi")
    status, page = await world.call("GET", "/sandbox/shown")
    assert (status, page["next"], page["more"], page["missed"]) == (200, 5, False, 0)
    assert [(row[0], row[1], row[3], row[4]) for row in page["shown"]] == [
        ("whatsapp", ADA, "out", "@cleo hello"),
        ("instagram", CLEO, "in", "hello"),
        ("instagram", CLEO, "out", "hi"),
        ("messenger", BEN, "in", "nobody else's"),
        ("whatsapp", ADA, "in", "hi"),
    ]
    for network, user in (("whatsapp", ADA), ("messenger", BEN), ("instagram", CLEO)):
        keys = ("id", "direction", "text", "time")
        there = [[message[key] for key in keys] for message in await world.shown(network, user)]
        assert [row[2:] for row in page["shown"] if row[:2] == [network, user]] == there


async def test_given_a_cursor_when_nothing_or_more_has_come_since_then_only_that_is_told(world: World) -> None:
    await world.whatsapp_text("one")
    _, page = await world.call("GET", "/sandbox/shown?since=0&limit=1")
    assert (await world.call("GET", f"/sandbox/shown?since={page['next']}"))[1]["shown"] == []
    await world.whatsapp_text("two")
    _, page = await world.call("GET", f"/sandbox/shown?since={page['next']}")
    assert [row[4] for row in page["shown"]] == ["two"]
    await world.call("POST", "/sandbox/reset")
    _, after = await world.call("GET", "/sandbox/shown")
    assert (after["shown"], after["next"], after["missed"]) == ([], 2, 2)
    await world.whatsapp_text("three")
    _, page = await world.call("GET", f"/sandbox/shown?since={page['next']}")
    assert [row[4] for row in page["shown"]] == ["three"]


@pytest.mark.parametrize(("query", "status"), [("since=9", 409), ("since=x", 400), ("since=-1", 400), ("limit=x", 400)])
async def test_given_a_cursor_that_cannot_be_when_asked_then_the_error_says_why(
    world: World, query: str, status: int
) -> None:
    got, answer = await world.call("GET", f"/sandbox/shown?{query}")
    assert (got, list(answer)) == (status, ["error"])


async def test_given_a_bound_when_more_appears_then_the_oldest_are_missed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearmesh_meta.sandbox.control.observation._PAGE", 2)
    world = await start(appearances=3)
    for number in range(5):
        await world.type("messenger", BEN, text=str(number))
    _, page = await world.call("GET", "/sandbox/shown?since=1&limit=100")
    assert ([row[4] for row in page["shown"]], page["more"], page["missed"]) == (["2", "3"], True, 1)
