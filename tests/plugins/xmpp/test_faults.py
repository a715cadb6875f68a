"""What breaks: the server dies, the wire is cut, the secret is wrong. Nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gearmesh import (
    EchoReceived,
    EditReceived,
    Event,
    MessageReceived,
    ReactionReceived,
    Retry,
    Secret,
    Text,
    Unauthorized,
    Unclear,
    Unparsed,
)
from gearmesh.model.events import ReceiptReceived
from gearmesh.testing import FakeContext
from gearmesh_xmpp import hearing, telling
from gearmesh_xmpp.archive import Archive, Kept
from gearmesh_xmpp.bridge import Xmpp
from gearmesh_xmpp.config import XmppConfig
from gearmesh_xmpp.elements import CORRECT, REACTIONS, RECEIPTS, VCARD, Element, child, element, said, sent_back
from gearmesh_xmpp.link import Refused

from .conftest import GRACE, GRACE_JID, ROOM, THREAD, Desk
from .person import Person
from .server import BRIDGE, SECRET, Prosody
from .wire import Wire

ADA = "ada@example.org"


async def reconnected(desk: Desk, before: int) -> None:
    await desk.context.until(
        lambda: any(one.status == "connected" for one in desk.context.reports[before:]), awaited="the bridge is back"
    )


async def test_given_a_server_that_is_killed_and_started_again_then_messages_go_both_ways_as_before(
    desk: Desk, server: Prosody
) -> None:
    async with Person(server, "ada") as ada:
        ada.says("Before")
        assert (await desk.context.next_event(MessageReceived)).content == Text("Before")
        await desk.says("Heard", ADA, sender=GRACE)
        await ada.reads("Heard")
    server.kill()
    with pytest.raises((Retry, Unclear)):
        await desk.bridge.send(desk.delivery("Into the void", ADA))
    before = len(desk.context.reports)
    server.start()
    await reconnected(desk, before)
    async with Person(server, "ada") as ada:
        ada.says("After")
        assert (await desk.context.next_event(MessageReceived)).content == Text("After")
        await desk.says("Heard again", ADA, sender=GRACE)
        assert (await ada.reads("Heard again")).get("from") == GRACE_JID


async def test_given_a_wire_that_is_cut_while_people_write_in_a_room_then_all_of_it_comes_in_once_and_in_order(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    ada.says("line 0", to=ROOM, room=True)
    await desk.context.next_event(MessageReceived)
    before = len(desk.context.reports)
    desk.wire.cut()
    # Two seconds without a wire, in which the room goes on.
    for number in range(1, 21):
        ada.says(f"line {number}", to=ROOM, room=True)
        await asyncio.sleep(0.1)
    desk.wire.mend()
    await reconnected(desk, before)
    ada.says("line 21", to=ROOM, room=True)
    for number in range(1, 22):
        assert (await desk.context.next_event(MessageReceived)).content == Text(f"line {number}")
    came = [event.content for event in desk.context.events_of(MessageReceived)]
    assert came == [Text(f"line {number}") for number in range(22)]


async def test_given_another_process_that_takes_over_then_it_catches_up_from_where_the_first_one_was(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    ada.says("Told", to=ROOM, room=True)
    await desk.context.next_event(MessageReceived)
    await desk.runner.stop(5)
    for number in range(150):  # more than a page of the archive
        ada.says(f"missed {number}", to=ROOM, room=True)
    await ada.reads("missed 149")
    desk.make()
    await desk.bridge.sit_in((THREAD,))
    await desk.runner.start(10)
    for number in range(150):
        event = await desk.context.next_event(MessageReceived)
        assert event.content == Text(f"missed {number}")
        assert event.user == ADA
    ada.says("Live", to=ROOM, room=True)
    assert (await desk.context.next_event(MessageReceived)).content == Text("Live")
    assert len(desk.context.events_of(MessageReceived)) == 152


async def test_given_a_room_message_whose_reflection_is_lost_then_it_is_unclear_and_the_archive_clears_it_up(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    ghost = await desk.bridge.ghost(THREAD, GRACE)

    async def reflected(data: bytes) -> bool:
        return b"Did it arrive?" not in data

    desk.wire.down = reflected
    delivery = desk.delivery("Did it arrive?", THREAD, ghost=ghost)
    with pytest.raises(Unclear):
        await desk.bridge.send(delivery)
    desk.wire.down = None
    shown = await ada.reads("Did it arrive?")
    echo = await desk.context.next_event(EchoReceived)
    assert (echo.delivery_id, echo.thread) == (delivery.id, THREAD)
    given = child(shown, "stanza-id", "urn:xmpp:sid:0")
    assert given is not None
    assert echo.native_id == f"{THREAD} {given.get('id')}"
    assert not desk.context.events_of(MessageReceived)


async def test_given_a_wire_that_is_cut_before_the_server_has_taken_a_message_then_it_is_unclear(
    desk: Desk, ada: Person
) -> None:
    async def lost(data: bytes) -> bool:
        return b"<message" not in data

    desk.wire.up = lost
    with pytest.raises(Unclear):
        await desk.bridge.send(desk.delivery("Lost", ADA))
    desk.wire.up = None
    await desk.says("Found", ADA)
    await ada.reads("Found")
    assert not [one for one in ada.messages if said(one, "body") == "Lost"]


async def test_given_a_wrong_secret_then_the_app_stops(server: Prosody) -> None:
    async with FakeContext("xmpp") as context:
        bridge = Xmpp(XmppConfig(component=BRIDGE, secret=Secret("wrong"), port=server.component), context)
        with pytest.raises(Unauthorized, match=BRIDGE):
            await bridge.run()
        assert not context.reports


async def test_given_a_domain_that_the_server_does_not_give_away_then_run_raises_and_says_which(
    server: Prosody,
) -> None:
    async with FakeContext("xmpp") as context:
        bridge = Xmpp(XmppConfig(component="other.example.org", secret=Secret(SECRET), port=server.component), context)
        with pytest.raises(ConnectionError, match=r"gives away no other\.example\.org: add it there"):
            await bridge.run()


async def test_given_no_server_then_run_raises_at_once_and_says_where(server: Prosody) -> None:
    server.stop()
    async with FakeContext("xmpp") as context:
        bridge = Xmpp(XmppConfig(component=BRIDGE, secret=Secret(SECRET), port=server.component), context)
        with pytest.raises(ConnectionError, match=str(server.component)):
            await bridge.run()


async def test_given_somebody_else_as_the_same_component_then_the_second_one_is_told(desk: Desk, ada: Person) -> None:
    async with FakeContext("xmpp") as context:
        bridge = Xmpp(XmppConfig(component=BRIDGE, secret=Secret(SECRET), port=desk.wire.port), context)
        with pytest.raises(ConnectionError, match="conflict"):
            await bridge.run()
    ada.says("Still there?")
    assert (await desk.context.next_event(MessageReceived)).content == Text("Still there?")


async def test_given_nothing_can_be_stored_when_the_bridge_is_stopped_then_the_writer_gets_the_message_back(
    desk: Desk, ada: Person
) -> None:
    desk.context.unavailable = True
    number = ada.says("Too late", element("request", RECEIPTS))
    await desk.context.until(lambda: bool(desk.context.refused), awaited="it was handed over")
    await desk.runner.stop(5)

    def back() -> list[str]:
        return [one.get("id", "") for one in ada.messages if one.get("type") == "error"]

    await ada.until(lambda: number in back(), "the error")


async def test_given_a_message_that_another_server_gives_back_later_then_it_has_failed_after_all(
    tmp_path: Path,
) -> None:
    """Prosody's own answer to a stanza comes before the ping; one from elsewhere after it, as here over the wire."""
    with Prosody(tmp_path / "other") as server:
        async with (
            Wire(server.component) as wire,
            FakeContext("xmpp") as context,
            Person(server, "ada") as ada,
        ):
            desk = Desk(wire, context)
            await desk.runner.start(10)
            native = await desk.says("Hello", ADA)
            await ada.reads("Hello")
            error = element("message", type="error", to=BRIDGE, id=native)
            stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
            wrapped = element("error", type="cancel")
            wrapped.append(element("item-not-found", stanzas))
            error.append(wrapped)
            ada.send(error)
            failed = await context.next_event(ReceiptReceived)
            assert (failed.state, failed.native_ids, failed.user) == ("failed", (native,), ADA)
            assert failed.failure is not None
            assert type(failed.failure).__name__ == "Rejected"
            await desk.runner.stop(5)


async def test_given_a_room_without_an_archive_when_the_wire_was_cut_then_its_history_tells_what_was_said(
    tmp_path: Path,
) -> None:
    with Prosody(tmp_path / "plain", archive=False) as server:
        async with Wire(server.component) as wire, FakeContext("xmpp") as context, Person(server, "ada") as ada:
            desk = Desk(wire, context)
            await desk.runner.start(10)
            await ada.enters(ROOM)
            await desk.sits(THREAD)
            own = await desk.says("Ours", sender=GRACE)
            shown = await ada.reads("Ours")
            assert own == f"{THREAD} {shown.get('id')}", "a room that gives no ids has those of its people"
            ada.says("line 0", to=ROOM, room=True)
            await context.next_event(MessageReceived)
            before = len(context.reports)
            wire.cut()
            for number in range(1, 6):
                ada.says(f"line {number}", to=ROOM, room=True)
            await ada.reads("line 5")
            wire.mend()
            await reconnected(desk, before)
            for number in range(1, 6):
                assert (await context.next_event(MessageReceived)).content == Text(f"line {number}")
            ada.says("line 6", to=ROOM, room=True)
            assert (await context.next_event(MessageReceived)).content == Text("line 6")
            came = [event.native_id for event in context.events_of(MessageReceived)]
            assert len(set(came)) == 7, "a message that is told again is the same message"
            await desk.runner.stop(5)


async def test_given_a_reaction_and_a_change_during_a_pause_then_they_are_caught_up_too(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    own = ada.says("Teh words", to=ROOM, room=True)
    first = await desk.context.next_event(MessageReceived)
    before = len(desk.context.reports)
    desk.wire.cut()
    ada.says("The words", element("replace", CORRECT, id=own), to=ROOM, room=True)
    felt = element("reactions", REACTIONS, id=first.native_id.partition(" ")[2])
    felt.append(element("reaction", REACTIONS, "👍"))
    ada.tells(felt, element("store", "urn:xmpp:hints"), to=ROOM, room=True)
    await ada.gets("reactions", REACTIONS)
    desk.wire.mend()
    await reconnected(desk, before)
    edit = await desk.context.next_event(EditReceived)
    assert (edit.target, edit.content) == (first.native_id, Text("The words"))
    assert (await desk.context.next_event(ReactionReceived)).target == first.native_id


async def test_given_a_message_that_cannot_be_read_then_it_is_kept_as_it_is_and_the_next_one_comes_in(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> list[Event]:
        raise LookupError("a mistake of ours")

    with monkeypatch.context() as patch:
        patch.setattr(telling, "events_of", fails)
        ada.says("First")
        kept = await desk.context.next_event(Unparsed)
    assert b"First" in kept.raw
    assert "a mistake of ours" in kept.detail
    ada.says("Second")
    assert (await desk.context.next_event(MessageReceived)).content == Text("Second")


async def test_given_nothing_can_be_kept_when_a_room_is_entered_then_what_is_said_there_comes_in_all_the_same(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    desk.context.unavailable = True
    await desk.sits(THREAD)
    await desk.context.until(lambda: f"room/{ROOM}" in desk.context.not_kept, awaited="it wanted to keep its place")
    desk.context.unavailable = False
    ada.says("Hello", to=ROOM, room=True)
    assert (await desk.context.next_event(MessageReceived)).content == Text("Hello")


async def test_given_an_archive_that_may_not_be_read_then_what_is_said_now_comes_in(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> AsyncIterator[Kept]:
        for answer in (sent_back(element("iq", to=ROOM), "auth", "forbidden"),):
            raise Refused(answer)
        yield Kept(element("message"), "", 0)

    await ada.enters(ROOM)
    await desk.sits(THREAD)
    ada.says("Before", to=ROOM, room=True)
    await desk.context.next_event(MessageReceived)
    await desk.runner.stop(5)
    monkeypatch.setattr(Archive, "since", refused)
    desk.make()
    await desk.bridge.sit_in((THREAD,))
    await desk.runner.start(10)
    await desk.sits(THREAD)
    ada.says("After", to=ROOM, room=True)
    assert (await desk.context.next_event(MessageReceived)).content == Text("After")
    assert any(ROOM in one.detail for one in desk.context.reports), "nobody is told of it"


async def test_given_more_than_the_bridge_holds_while_nothing_can_be_stored_then_the_archive_has_it_in_order(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.bridge._hearing._inbox, "_most", 3)
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    ada.says("line 0", to=ROOM, room=True)
    await desk.context.next_event(MessageReceived)
    desk.context.unavailable = True
    for number in range(1, 13):
        ada.says(f"line {number}", to=ROOM, room=True)
    await ada.reads("line 12")
    await desk.context.until(lambda: bool(desk.context.refused), awaited="it was handed over")
    desk.context.unavailable = False
    await desk.context.until(
        lambda: desk.context.events_of(MessageReceived)[-1].content == Text("line 3"), awaited="what was held"
    )
    ada.says("line 13", to=ROOM, room=True)  # there is room again, and this one must not come before what was lost
    await desk.context.until(
        lambda: any(event.content == Text("line 13") for event in desk.context.events_of(MessageReceived)),
        within=30,
        awaited="the last line",
    )
    came = [event.content for event in desk.context.events_of(MessageReceived)]
    assert came == [Text(f"line {number}") for number in range(14)]


async def test_given_a_room_that_is_caught_up_for_long_when_something_is_sent_there_then_its_showing_counts_at_once(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: object) -> AsyncIterator[Kept]:
        await asyncio.Event().wait()
        yield Kept(element("message"), "", 0)

    await ada.enters(ROOM)
    await desk.sits(THREAD)
    ada.says("Before", to=ROOM, room=True)
    await desk.context.next_event(MessageReceived)
    await desk.runner.stop(5)
    monkeypatch.setattr(Archive, "since", slow)
    desk.make()
    await desk.bridge.sit_in((THREAD,))
    await desk.runner.start(10)
    async with asyncio.timeout(5):
        await desk.says("Meanwhile")


async def test_given_an_answer_from_somebody_who_was_not_asked_then_it_does_not_count(desk: Desk, ada: Person) -> None:
    link = desk.bridge._link
    assert link is not None
    asking = asyncio.create_task(link.ask("get", ADA, element("vCard", VCARD)))
    await asyncio.sleep(0)  # the question is out, and nothing has been read yet
    (number,) = link._questions
    forged = element("iq", type="result", id=number)
    forged.set("from", "ben@example.org")
    link._answered(number, forged)
    with contextlib.suppress(Refused):
        assert (await asking).get("from") == ADA


async def test_given_what_came_before_the_connection_was_lost_then_it_is_handed_over_without_a_new_one(
    desk: Desk, ada: Person
) -> None:
    desk.context.unavailable = True
    for number in range(3):
        ada.says(f"line {number}")
    await desk.context.until(lambda: bool(desk.context.refused), awaited="it was handed over")
    await desk.bridge.send(desk.delivery("All of it has come", ADA))
    desk.wire.cut()
    desk.context.unavailable = False
    for number in range(3):
        assert (await desk.context.next_event(MessageReceived)).content == Text(f"line {number}")
    assert not any(report.status == "connected" for report in desk.context.reports[1:])


async def test_given_what_cannot_be_stored_for_long_then_it_comes_in_before_what_comes_by_the_next_connection(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "LOST_WITHIN", 0.1)
    desk.context.unavailable = True
    ada.says("Before")
    await desk.context.until(lambda: bool(desk.context.refused), awaited="it was handed over")
    desk.wire.cut()
    await desk.context.until(lambda: bool(desk.runner.raised), awaited="it is noticed")
    before = len(desk.context.reports)
    desk.wire.mend()
    await reconnected(desk, before)
    ada.says("After")
    desk.context.unavailable = False
    came = [await desk.context.next_event(MessageReceived) for _ in range(2)]
    assert [event.content for event in came] == [Text("Before"), Text("After")]


async def test_given_a_server_that_refuses_our_pings_then_a_message_is_unclear_and_the_connection_stays(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object, **__: object) -> Element:
        raise Refused(sent_back(element("iq", to=BRIDGE), "cancel", "service-unavailable"))

    link = desk.bridge._link
    assert link is not None
    with monkeypatch.context() as patch:
        patch.setattr(link, "ask", refused)
        patch.setattr("gearmesh_xmpp.link.HEARTBEAT", 0.01)
        with pytest.raises(Unclear):
            await desk.bridge.send(desk.delivery("Did it arrive?", ADA))
        beating = asyncio.create_task(link.beat())
        await asyncio.sleep(0.05)
        beating.cancel()
    await ada.reads("Did it arrive?")
    assert link.is_up


async def test_given_what_was_written_out_of_a_room_in_private_when_the_connection_is_lost_then_it_is_from_whom_it_was(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM, "Ada")
    await desk.sits(THREAD)
    desk.context.unavailable = True
    ada.says("Between us", to=f"{ROOM}/Gearmesh")
    await desk.context.until(lambda: bool(desk.context.refused), awaited="it was handed over")
    desk.wire.cut()
    desk.context.unavailable = False
    assert (await desk.context.next_event(MessageReceived)).user == f"{THREAD}/Ada"
