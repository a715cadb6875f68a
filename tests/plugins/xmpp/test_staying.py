"""Rooms that do not exist, that throw us out, or that become others: what the bridge does, and what it says."""

from __future__ import annotations

import asyncio
import time

import pytest

from gearmesh import MessageReceived, Rejected, Retry, Text
from gearmesh.model.events import MembershipReceived
from gearmesh_xmpp.elements import DISCO_INFO, MUC_OWNER, XDATA, Element, condition, element, with_children
from gearmesh_xmpp.entrance import Entrance
from gearmesh_xmpp.link import Link
from gearmesh_xmpp.room import Room

from .conftest import GRACE, ROOM, THREAD, Desk
from .person import Person
from .server import ROOMS, Prosody
from .test_rooms import moderated

NOWHERE = f"tlak@{ROOMS}"


async def exists(person: Person, room: str) -> bool:
    answer = await person.asks("get", room, element("query", DISCO_INFO))
    if answer.get("type") == "error":
        assert condition(answer)[0] == "item-not-found"
        return False
    return True


def shows_jids_to(whom: str) -> Element:
    """What an owner asks of a room (XEP-0045, section 10.2)."""
    form = element("x", XDATA, type="submit")
    kind = "http://jabber.org/protocol/muc#roomconfig"
    for name, value in (("FORM_TYPE", kind), ("muc#roomconfig_whois", whom)):
        form.append(with_children(element("field", XDATA, var=name), element("value", XDATA, value)))
    return with_children(element("query", MUC_OWNER), form)


async def told(desk: Desk, words: str) -> None:
    await desk.context.until(lambda: words in desk.context.reports[-1].detail, awaited=f"a report with {words!r}")


async def test_given_a_room_that_does_not_exist_then_it_is_not_made_and_the_operator_is_told(
    desk: Desk, ada: Person
) -> None:
    await desk.bridge.sit_in((f"{NOWHERE}?join",))
    await told(desk, f"cannot enter {NOWHERE}: item-not-found")
    with pytest.raises(
        Rejected, match=r"^the bridge is not in the room: there is no such room[^\[]* \[item-not-found\]$"
    ):
        await desk.says("Is anybody there?", f"{NOWHERE}?join")
    assert not await exists(ada, NOWHERE)
    await ada.enters(NOWHERE)
    await ada.until(lambda: ada.sees(f"{NOWHERE}/Gearmesh"), "the bridge is there")
    await desk.context.until(lambda: not desk.context.reports[-1].detail, awaited="that all is well")
    await desk.says("Now it is there", f"{NOWHERE}?join")
    await ada.reads("Now it is there")
    assert desk.context.reports[-1].detail == ""


async def test_given_a_room_that_is_long_missing_then_it_is_looked_for_often_and_told_of_once(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearmesh_xmpp.rooms.PAUSES", (0.01, 3600.0))
    monkeypatch.setattr("gearmesh_xmpp.rooms.MISSING_AGAIN", 0.05)
    looks, often, features = 0, asyncio.Event(), Entrance.features

    async def counted(entrance: Entrance, link: Link, room: str) -> frozenset[str]:
        nonlocal looks
        looks += 1
        if looks > 4:
            often.set()
        return await features(entrance, link, room)

    monkeypatch.setattr(Entrance, "features", counted)
    before = len(desk.context.reports)
    await desk.bridge.sit_in((f"{NOWHERE}?join",))
    async with asyncio.timeout(10):
        await often.wait()
    assert [report.detail[:12] for report in desk.context.reports[before:]] == ["cannot enter"]
    await ada.enters(NOWHERE)
    await ada.until(lambda: ada.sees(f"{NOWHERE}/Gearmesh"), "the bridge is there")


async def test_given_a_room_that_is_gone_between_asking_and_entering_then_it_is_taken_away_again(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_there(*_: object) -> frozenset[str]:
        return frozenset()

    monkeypatch.setattr(Entrance, "features", is_there)
    await desk.bridge.sit_in((f"{NOWHERE}?join",))
    await told(desk, f"cannot enter {NOWHERE}: item-not-found")
    assert not await exists(ada, NOWHERE)


async def test_given_a_room_that_is_destroyed_then_it_stays_away_and_sending_says_so(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    await ada.asks("set", ROOM, with_children(element("query", MUC_OWNER), element("destroy", MUC_OWNER)))
    await told(desk, f"cannot enter {ROOM}: item-not-found")
    with pytest.raises(Rejected, match="there is no such room"):
        await desk.bridge.send(desk.delivery("Is anybody there?", THREAD))
    assert not await exists(ada, ROOM)


async def test_given_a_server_that_was_killed_when_its_room_is_made_again_then_what_was_to_go_there_goes_there(
    desk: Desk, server: Prosody
) -> None:
    async with Person(server, "ada") as ada:
        await ada.enters(ROOM)
        await desk.sits(THREAD)
        await desk.says("Before", sender=GRACE)
        await ada.reads("Before")
    server.kill()
    server.start()
    await told(desk, f"cannot enter {ROOM}: item-not-found")
    with pytest.raises(Retry):
        await desk.bridge.send(desk.delivery("In between", THREAD))
    async with Person(server, "ada") as ada:
        await ada.enters(ROOM)
        await desk.says("After", sender=GRACE)
        assert (await ada.reads("After")).get("from") == f"{ROOM}/Grace Hopper"
        ada.says("Heard", to=ROOM, room=True)
        assert (await desk.context.next_event(MessageReceived)).content == Text("Heard")


async def test_given_a_bridge_that_is_kicked_again_and_again_then_it_comes_back_ever_more_slowly(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    pauses = []
    for _ in range(2):
        begun = time.monotonic()
        await ada.asks("set", ROOM, moderated("Gearmesh", role="none"))
        await ada.until(lambda: not ada.sees(f"{ROOM}/Gearmesh"), "it is out")
        await told(desk, f"out of {ROOM}: kicked")
        with pytest.raises(Retry):
            await desk.bridge.send(desk.delivery("Wait for me", THREAD))
        await ada.until(lambda: ada.sees(f"{ROOM}/Gearmesh"), "it is back")
        pauses.append(time.monotonic() - begun)
    assert pauses[1] > max(1.9, pauses[0])


async def test_given_a_bridge_that_is_banned_then_it_does_not_knock_at_once(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    admin = "http://jabber.org/protocol/muc#admin"
    ban = element("item", admin, affiliation="outcast", jid="bridge.example.org")
    with_children(ban, element("reason", admin, "no robots"))
    await ada.asks("set", ROOM, with_children(element("query", admin), ban))
    await told(desk, f"out of {ROOM}: banned (no robots)")
    with pytest.raises(Rejected, match="no robots"):
        await desk.says("Is anybody there?")


async def test_given_a_room_that_hides_jids_from_now_on_then_nobody_is_told_by_theirs_and_back(
    desk: Desk, ada: Person, ben: Person
) -> None:
    await ada.enters(ROOM)
    await ben.enters(ROOM, "Ben")
    await desk.sits(THREAD)

    async def writer(text: str) -> str:
        ben.says(text, to=ROOM, room=True)
        return (await desk.context.next_event(MessageReceived)).user

    assert await writer("one") == "ben@example.org"
    assert (await ada.asks("set", ROOM, shows_jids_to("moderators"))).get("type") == "result"
    assert await writer("two") == f"{THREAD}/Ben"
    assert (await ada.asks("set", ROOM, shows_jids_to("anyone"))).get("type") == "result"
    assert await writer("three") in {f"{THREAD}/Ben", "ben@example.org"}, "who is who may have to be asked first"
    room = desk.bridge.rooms.of(ROOM)
    assert room is not None
    async with asyncio.timeout(10):
        while room.others.get("Ben") != "ben@example.org":
            await asyncio.sleep(0.01)
    assert await writer("four") == "ben@example.org"
    assert not [one for one in desk.context.events_of(MembershipReceived) if one.change == "joined"]


async def test_given_somebody_who_has_gone_while_we_were_out_then_they_are_not_taken_for_present(
    desk: Desk, ada: Person, ben: Person
) -> None:
    await ada.enters(ROOM)
    await ben.enters(ROOM, "Ben")
    await desk.sits(THREAD)
    room = desk.bridge.rooms.of(ROOM)
    assert room is not None
    assert set(room.others) == {"ada", "Ben"}
    await ada.asks("set", ROOM, moderated("Gearmesh", role="none"))
    await ada.until(lambda: not ada.sees(f"{ROOM}/Gearmesh"), "it is out")
    ben.send(element("presence", type="unavailable", to=f"{ROOM}/Ben"))
    await ada.until(lambda: ada.sees(f"{ROOM}/Gearmesh"), "it is back")
    await desk.sits(THREAD)
    assert set(room.others) == {"ada"}


async def test_given_a_ghost_whose_room_is_unlinked_then_nothing_is_remembered_of_it(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    await desk.says("Hello", sender=GRACE)
    await ada.reads("Hello")
    await desk.bridge.sit_in(())
    await ada.until(lambda: not ada.sees(f"{ROOM}/Gearmesh"), "it has left")
    assert not desk.bridge.rooms._entering
    assert desk.bridge.rooms.of(ROOM) is None


async def test_given_a_room_that_hides_jids_when_it_is_entered_again_then_the_last_word_counts() -> None:
    bridge, room, user = "bridge.example.org/gearmesh", Room(ROOM), "http://jabber.org/protocol/muc#user"
    for codes in (("100", "110"), ("110",)):
        room.enters(bridge, "Gearmesh")
        presence = element("presence", to=bridge)
        presence.set("from", f"{ROOM}/Gearmesh")
        told = with_children(element("x", user), *(element("status", user, code=code) for code in codes))
        room.take(with_children(presence, told), "bridge.example.org")
        room.entered(bridge)
        assert room.shows_jids == ("100" in codes)
        room.ours.pop(bridge)  # thrown out
