"""Many messages of one room or person, sent without waiting for each: nobody overtakes."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh import Rejected, Retry, Sender
from gearmesh_xmpp.elements import Element, said
from gearmesh_xmpp.link import Link
from gearmesh_xmpp.turns import Turns

from .conftest import GRACE, ROOM, THREAD, Desk
from .person import Person

ADA = "ada@example.org"


async def test_given_many_messages_at_once_when_some_of_their_senders_have_to_enter_first_then_nobody_overtakes(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    there = await desk.bridge.ghost(THREAD, GRACE)
    new = [Sender(f"Person {n}", address=f"whatsapp:49151{n}") for n in range(10)]
    ghosts = [await desk.bridge._veils.of(one.address) for one in new]
    deliveries = [
        desk.delivery(f"line {n}", THREAD, ghost=there, sender=GRACE)
        if n % 2
        else desk.delivery(f"line {n}", THREAD, ghost=f"{ghosts[n // 2]}/gearmesh", sender=new[n // 2])
        for n in range(20)
    ]
    sent = await asyncio.gather(*(desk.bridge.send(one) for one in deliveries))
    await ada.reads("line 19")
    shown = [said(one, "body") for one in ada.messages if said(one, "body").startswith("line")]
    assert shown == [f"line {n}" for n in range(20)]
    assert len({one.native_ids[0] for one in sent}) == 20


async def test_given_many_messages_to_one_person_at_once_then_they_come_in_order_and_confirmations_overlap(
    desk: Desk, ada: Person
) -> None:
    written: list[str] = []

    async def look(data: bytes) -> bool:
        written.append(data.decode())
        return True

    desk.wire.up = look
    await asyncio.gather(*(desk.bridge.send(desk.delivery(f"line {n}", ADA)) for n in range(20)))
    await ada.reads("line 19")
    shown = [said(one, "body") for one in ada.messages if said(one, "body").startswith("line")]
    assert shown == [f"line {n}" for n in range(20)]
    assert "line 5" in "".join(written).partition("line 4")[2][:2000]


async def test_given_one_that_cannot_go_out_then_those_behind_it_wait_for_the_next_time_too(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    real = Link.send

    def fails_once(self: Link, stanza: Element) -> None:
        if said(stanza, "body"):
            tries.append(said(stanza, "body"))
            if tries == ["one"]:
                raise Retry("not now")
        real(self, stanza)

    monkeypatch.setattr(Link, "send", fails_once)
    deliveries = [desk.delivery(text, ADA) for text in ("one", "two", "three")]
    results = await asyncio.gather(*(desk.bridge.send(one) for one in deliveries), return_exceptions=True)
    assert [type(one) for one in results] == [Retry, Retry, Retry]
    for one in deliveries:
        await desk.bridge.send(one)
    await ada.reads("three")
    assert [said(one, "body") for one in ada.messages if said(one, "body")] == ["one", "two", "three"]


async def test_given_one_that_never_goes_out_then_those_behind_it_wait_for_those_before_it_alone() -> None:
    turns, gone = Turns(), asyncio.Event()
    order: list[str] = []

    async def goes(name: str, *, slow: bool = False, rejected: bool = False) -> None:
        with turns.take("thread") as turn:
            if rejected:
                raise Rejected("never")
            if slow:
                await gone.wait()
            await turn.comes()
            order.append(name)

    tasks = [
        asyncio.create_task(goes("one", slow=True)),
        asyncio.create_task(goes("two", rejected=True)),
        asyncio.create_task(goes("three")),
    ]
    await asyncio.wait(tasks[1:2])
    await asyncio.sleep(0)
    assert not order
    gone.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert order == ["one", "three"]
    assert isinstance(results[1], Rejected)
    assert not turns._last, "a line that is over is remembered"


async def test_given_one_that_is_given_up_then_those_behind_it_are_not_stuck() -> None:
    turns = Turns()

    async def goes() -> None:
        with turns.take("thread") as turn:
            await turn.comes()
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(goes()) for _ in range(2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    with pytest.raises(Retry):
        await tasks[1]
    assert not turns._last


async def test_given_one_that_takes_long_then_those_behind_it_are_tried_again_and_still_do_not_overtake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gearmesh_xmpp.turns.LONGEST", 0.05)
    turns, order = Turns(), []
    ready = asyncio.Event()

    async def goes(name: str, *, slow: bool = False) -> None:
        with turns.take("thread") as turn:
            if slow:
                await ready.wait()
            await turn.comes()
            order.append(name)

    first = asyncio.create_task(goes("one", slow=True))
    await asyncio.sleep(0)
    with pytest.raises(Retry):
        await goes("two")
    again = asyncio.create_task(goes("two"))
    await asyncio.sleep(0)
    ready.set()
    await asyncio.gather(first, again)
    assert order == ["one", "two"]
    await asyncio.sleep(0)
    assert not turns._last
