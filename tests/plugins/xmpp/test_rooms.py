"""Rooms on a real server: the bridge sits in them, people from elsewhere beside it."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gearmesh import (
    Delivery,
    EchoReceived,
    Edit,
    EditReceived,
    MessageReceived,
    Reaction,
    ReactionReceived,
    Redaction,
    RedactionReceived,
    Rejected,
    Sender,
    Text,
)
from gearmesh.model.events import MembershipReceived
from gearmesh_xmpp.elements import (
    CORRECT,
    DELAY,
    MUC_USER,
    REACTIONS,
    REPLY,
    RETRACT,
    SID,
    Element,
    child,
    element,
    said,
    with_children,
)

from .conftest import GRACE, GRACE_JID, ROOM, THREAD, Desk
from .person import Person


def room_id(message: Element) -> str:
    """The id that the room gave a message."""
    given = child(message, "stanza-id", SID)
    assert given is not None
    return given.get("id", "")


async def test_given_a_room_when_somebody_writes_there_then_it_comes_in_from_the_room(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM, "Ada")
    await desk.sits(THREAD)
    ada.says("Hello, room", to=ROOM, room=True)
    event = await desk.context.next_event(MessageReceived)
    assert (event.thread, event.user, event.content) == (THREAD, "ada@example.org", Text("Hello, room"))
    assert event.profile is not None
    assert event.profile.name == "Ada"
    shown = await ada.reads("Hello, room")
    assert event.native_id == f"{THREAD} {room_id(shown)}"


async def test_given_a_sender_when_their_message_goes_to_a_room_then_they_are_in_it_under_their_name(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    native = await desk.says("It is easier to ask forgiveness", sender=GRACE)
    shown = await ada.reads("It is easier to ask forgiveness")
    assert shown.get("from") == f"{ROOM}/Grace Hopper"
    assert native == f"{THREAD} {room_id(shown)}"
    assert ada.sees(f"{ROOM}/Grace Hopper")
    ada.says("Indeed", to=ROOM, room=True)
    event = await desk.context.next_event(MessageReceived)
    assert event.content == Text("Indeed"), "our own message came in"
    assert not desk.context.events_of(EchoReceived), "an echo was waited for, and told all the same"


async def test_given_no_sender_when_a_message_goes_to_a_room_then_the_bridge_says_it(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    await desk.says("Grace: hello")
    assert (await ada.reads("Grace: hello")).get("from") == f"{ROOM}/Gearmesh"


async def test_given_a_nickname_that_is_taken_when_a_ghost_enters_then_it_has_another_one(
    desk: Desk, ada: Person, ben: Person
) -> None:
    await ada.enters(ROOM, "Grace Hopper")
    await ben.enters(ROOM, "Gearmesh")
    await desk.sits(THREAD)
    await desk.says("It is me", sender=GRACE)
    assert (await ada.reads("It is me")).get("from") == f"{ROOM}/Grace Hopper (WhatsApp)"
    await desk.says("And me")
    assert (await ada.reads("And me")).get("from") == f"{ROOM}/Gearmesh 2"


async def test_given_messages_in_a_room_when_they_are_changed_felt_about_and_taken_back_then_it_comes_in(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    ours = await desk.says("Ours", sender=GRACE)
    shown = await ada.reads("Ours")
    felt = with_children(element("reactions", REACTIONS, id=room_id(shown)), element("reaction", REACTIONS, "👍"))
    ada.tells(felt, to=ROOM, room=True)
    reaction = await desk.context.next_event(ReactionReceived)
    assert (reaction.target, reaction.emoji, reaction.user) == (ours, "👍", "ada@example.org")
    own = ada.says("Teh words", to=ROOM, room=True)
    theirs = (await desk.context.next_event(MessageReceived)).native_id
    ada.says("The words", element("replace", CORRECT, id=own), to=ROOM, room=True)
    edit = await desk.context.next_event(EditReceived)
    assert (edit.target, edit.content) == (theirs, Text("The words"))
    ada.says("An answer", element("reply", REPLY, id=room_id(shown)), to=ROOM, room=True)
    assert (await desk.context.next_event(MessageReceived)).reply_to == ours
    ada.tells(element("retract", RETRACT, id=theirs.partition(" ")[2]), to=ROOM, room=True)
    assert (await desk.context.next_event(RedactionReceived)).target == theirs


async def test_given_a_message_of_ours_when_it_is_changed_felt_about_and_taken_back_then_the_room_sees_it(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    ghost = await desk.bridge.ghost(THREAD, GRACE)
    ours = await desk.says("Teh words", sender=GRACE)
    shown = await ada.reads("Teh words")

    def about(number: int, content: Edit | Reaction | Redaction, target: str) -> Delivery:
        return Delivery(f"{number:032x}:xmpp:0", THREAD, THREAD, content, GRACE, ghost=ghost, target=(target,))

    await desk.bridge.edit(about(90, Edit("", Text("The words")), ours))
    changed = await ada.reads("The words")
    replace = child(changed, "replace", CORRECT)
    assert replace is not None
    assert (changed.get("from"), replace.get("id")) == (shown.get("from"), shown.get("id"))
    ada.says("Nice", to=ROOM, room=True)
    theirs = (await desk.context.next_event(MessageReceived)).native_id
    await desk.bridge.react(about(91, Reaction("", "❤️"), theirs))
    reactions = child(await ada.gets("reactions", REACTIONS), "reactions", REACTIONS)
    assert reactions is not None
    assert (reactions.get("id"), said(reactions, "reaction", REACTIONS)) == (theirs.partition(" ")[2], "❤️")
    await desk.bridge.redact(about(92, Redaction(""), ours))
    retract = child(await ada.gets("retract", RETRACT), "retract", RETRACT)
    assert retract is not None
    assert retract.get("id") == room_id(shown)


async def test_given_an_edit_of_a_message_that_nobody_remembers_then_it_goes_in_words(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    old = Delivery("a" * 32 + ":xmpp:0", THREAD, THREAD, Edit("", Text("x")), target=(f"{THREAD} long-ago",))
    with pytest.raises(Rejected):
        await desk.bridge.edit(old)


async def test_given_a_room_when_somebody_comes_renames_themselves_sets_a_topic_and_goes_then_it_is_told(
    desk: Desk, ada: Person, ben: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    assert not desk.context.events_of(MembershipReceived), "who was there before has not come now"
    await ben.enters(ROOM, "Ben")
    joined = await desk.context.next_event(MembershipReceived)
    assert (joined.change, joined.user, joined.thread) == ("joined", "ben@example.org", THREAD)
    ben.send(element("presence", to=f"{ROOM}/Benjamin"))
    renamed = await desk.context.next_event(MembershipReceived)
    assert (renamed.change, renamed.user, renamed.text) == ("name", "ben@example.org", "Benjamin")
    subject = element("message", type="groupchat", to=ROOM, id="topic-1")
    ada.send(with_children(subject, element("subject", "", "Ships")))
    topic = await desk.context.next_event(MembershipReceived)
    assert (topic.change, topic.text, topic.user) == ("topic", "Ships", "ada@example.org")
    ben.send(element("presence", type="unavailable", to=f"{ROOM}/Benjamin"))
    left = await desk.context.next_event(MembershipReceived)
    assert (left.change, left.user) == ("left", "ben@example.org")


async def test_given_ghosts_when_they_come_then_that_is_not_told(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    await desk.says("Here I am", sender=GRACE)
    await ada.reads("Here I am")
    ada.says("Welcome", to=ROOM, room=True)
    await desk.context.next_event(MessageReceived)
    assert not desk.context.events_of(MembershipReceived)


async def test_given_a_room_that_is_linked_no_more_then_all_of_us_leave(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    await desk.says("Here I am", sender=GRACE)
    await ada.reads("Here I am")
    await desk.bridge.sit_in(())
    for nick in ("Gearmesh", "Grace Hopper"):
        await ada.until(lambda nick=nick: not ada.sees(f"{ROOM}/{nick}"), f"{nick} has left")


def moderated(nick: str, **item: str) -> Element:
    """What an owner asks of a room about somebody (XEP-0045, section 8 and 9)."""
    admin = "http://jabber.org/protocol/muc#admin"
    return with_children(element("query", admin), element("item", admin, nick=nick, **item))


async def test_given_a_bridge_that_is_kicked_then_it_comes_back(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    await ada.asks("set", ROOM, moderated("Gearmesh", role="none"))
    await desk.says("I am back")
    assert (await ada.reads("I am back")).get("from") == f"{ROOM}/Gearmesh"


async def test_given_a_bridge_that_is_banned_then_sending_is_rejected_with_the_reason(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    admin = "http://jabber.org/protocol/muc#admin"
    ban = element("item", admin, affiliation="outcast", jid="bridge.example.org")
    assert (await ada.asks("set", ROOM, with_children(element("query", admin), ban))).get("type") == "result"
    with pytest.raises(Rejected, match="forbidden"):
        await desk.says("Is anybody there?")
    assert any("banned" in report.detail for report in desk.context.reports)


async def test_given_a_ghost_that_is_kicked_then_what_they_say_goes_under_the_name_of_the_bridge(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    ghost = await desk.bridge.ghost(THREAD, GRACE)
    await ada.until(lambda: ada.sees(f"{ROOM}/Grace Hopper"), "Grace")
    await ada.asks("set", ROOM, moderated("Grace Hopper", role="none"))
    await ada.until(lambda: not ada.sees(f"{ROOM}/Grace Hopper"), "Grace has gone")
    delivery = desk.delivery("I was thrown out", THREAD, ghost=ghost)
    await desk.again(lambda: desk.bridge.send(delivery))
    assert (await ada.reads("Grace Hopper: I was thrown out")).get("from") == f"{ROOM}/Gearmesh"
    assert await desk.bridge.ghost(THREAD, GRACE) == ""


async def test_given_a_room_that_hides_jids_when_somebody_writes_then_they_are_who_they_are_there(
    desk: Desk, ada: Person, ben: Person
) -> None:
    await ada.enters(ROOM)
    owner, data = "http://jabber.org/protocol/muc#owner", "jabber:x:data"
    form = element("x", data, type="submit")
    for name, value in (
        ("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig"),
        ("muc#roomconfig_whois", "moderators"),
    ):
        form.append(with_children(element("field", data, var=name), element("value", data, value)))
    assert (await ada.asks("set", ROOM, with_children(element("query", owner), form))).get("type") == "result"
    await ben.enters(ROOM, "Ben B.")
    await desk.sits(THREAD)
    ben.says("Who am I?", to=ROOM, room=True)
    event = await desk.context.next_event(MessageReceived)
    assert event.user == f"{THREAD}/Ben B."
    assert desk.bridge.parse_address(event.user) == event.user
    await desk.says("You are Ben", event.user)
    private = await ben.reads("You are Ben")
    assert (private.get("from"), private.get("type")) == (f"{ROOM}/Gearmesh", "chat")
    ben.says("Between us", element("x", MUC_USER), to=f"{ROOM}/Gearmesh")
    between = await desk.context.next_event(MessageReceived)
    assert (between.thread, between.user, between.content) == (event.user, event.user, Text("Between us"))


async def test_given_two_who_write_at_once_in_a_room_then_the_order_is_the_rooms(
    desk: Desk, ada: Person, ben: Person
) -> None:
    await ada.enters(ROOM)
    await ben.enters(ROOM)
    await desk.sits(THREAD)
    for number in range(20):
        (ada, ben)[number % 2].says(f"line {number}", to=ROOM, room=True)
    came = [await desk.context.next_event(MessageReceived) for _ in range(20)]
    await ada.reads(came[-1].content.text if isinstance(came[-1].content, Text) else "")
    there = [one for one in ada.messages if said(one, "body").startswith("line")]
    assert [event.native_id for event in came] == [f"{THREAD} {room_id(one)}" for one in there]


async def test_given_many_senders_at_once_in_a_room_then_each_is_there_under_their_own_name(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    senders = [Sender(f"Person {n}", address=f"whatsapp:49151{n}") for n in range(10)]
    await asyncio.gather(*(desk.says(f"I am {n}", sender=sender) for n, sender in enumerate(senders)))
    for number in range(10):
        assert (await ada.reads(f"I am {number}")).get("from") == f"{ROOM}/Person {number}"


async def test_given_a_bridge_that_is_not_in_the_room_yet_then_a_sender_waits_for_it_instead_of_losing_their_name(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.runner.stop(5)
    await desk.bridge.sit_in((THREAD,))
    waiting = asyncio.create_task(desk.bridge.ghost(THREAD, GRACE))
    await desk.runner.start(10)
    assert await waiting


async def test_given_a_message_that_says_that_somebody_else_wrote_it_then_it_is_from_whom_the_room_says(
    desk: Desk, ada: Person, ben: Person
) -> None:
    await ada.enters(ROOM)
    await ben.enters(ROOM)
    await desk.sits(THREAD)
    claim = with_children(element("x", MUC_USER), element("item", MUC_USER, jid="ada@example.org/phone"))
    delay = element("delay", "urn:xmpp:delay", stamp="2026-01-01T00:00:00Z")
    ben.says("I am Ada", claim, delay, element("stanza-id", SID, by=ROOM, id="chosen-by-ben"), to=ROOM, room=True)
    event = await desk.context.next_event(MessageReceived)
    assert event.user == "ben@example.org"
    shown = await ada.reads("I am Ada")
    assert event.native_id == f"{THREAD} {room_id(shown)}"
    assert not event.native_id.endswith("chosen-by-ben")


async def test_given_an_archive_when_somebody_wrote_that_they_are_another_then_nobody_is_taken_for_that_one(
    desk: Desk, ada: Person, ben: Person
) -> None:
    """Prosody keeps what they wrote, and puts its own word behind it."""
    await ada.enters(ROOM)
    await ben.enters(ROOM)
    await desk.sits(THREAD)
    ben.says("Before", to=ROOM, room=True)
    await desk.context.next_event(MessageReceived)
    await desk.runner.stop(5)
    for claimed in ("ada@example.org", GRACE_JID):
        claim = with_children(element("x", MUC_USER), element("item", MUC_USER, jid=claimed))
        ben.says(f"I am {claimed}", claim, to=ROOM, room=True)
        await ada.reads(f"I am {claimed}")
    desk.make()
    await desk.bridge.sit_in((THREAD,))
    await desk.runner.start(10)
    for claimed in ("ada@example.org", GRACE_JID):
        event = await desk.context.next_event(MessageReceived)
        assert event.content == Text(f"I am {claimed}")
        assert event.user == f"{THREAD}/ben"


async def test_given_a_message_that_says_that_it_is_late_then_that_counts_only_from_the_room(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    before = desk.context.now() * 1000 - 5000
    ada.says(
        "Long ago", element("delay", DELAY, stamp="0001-01-01T00:00:00+14:00"), to=ROOM, room=True, id_="gr.chosen"
    )
    event = await desk.context.next_event(MessageReceived)
    assert (event.content, event.at > before) == (Text("Long ago"), True)


async def test_given_a_ghost_that_is_out_of_the_room_when_its_message_is_changed_then_that_goes_in_words(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    native = await desk.says("Teh words", sender=GRACE)
    await ada.asks("set", ROOM, moderated("Grace Hopper", role="none"))
    await ada.until(lambda: not ada.sees(f"{ROOM}/Grace Hopper"), "Grace is out")
    ghost = desk.bridge._known.own.get(native)
    assert ghost is not None
    for content in (Edit(native, Text("The words"), GRACE), Redaction(native, GRACE)):
        delivery = Delivery(f"{'e' * 32}:xmpp:0", THREAD, THREAD, content, GRACE, ghost=ghost[0], target=(native,))
        act = desk.bridge.edit if isinstance(content, Edit) else desk.bridge.redact
        with pytest.raises(Rejected):
            await desk.again(partial(act, delivery))


async def test_given_a_ghost_that_tries_a_nickname_then_who_has_it_is_heard(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM, "Grace Hopper")
    await desk.sits(THREAD)
    room = desk.bridge.rooms.place(THREAD)
    room.enters(f"{GRACE_JID}/gearmesh", "Grace Hopper")
    ada.says("I am here", to=ROOM, room=True)
    event = await desk.context.next_event(MessageReceived)
    assert (event.content, event.user) == (Text("I am here"), "ada@example.org")
    ada.send(element("presence", to=f"{ROOM}/Grace Hopper"))
    ada.says("And still", to=ROOM, room=True)
    assert (await desk.context.next_event(MessageReceived)).user == "ada@example.org"
    assert not [one for one in desk.context.events_of(MembershipReceived) if one.user == "ada@example.org"]


async def test_given_a_nickname_with_a_space_when_its_message_in_private_is_answered_then_it_is_that_message(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM, "Ada L.")
    await desk.sits(THREAD)
    number = ada.says("Between us", to=f"{ROOM}/Gearmesh")
    event = await desk.context.next_event(MessageReceived)
    assert event.user == f"{THREAD}/Ada L."
    await desk.says("Indeed", event.thread, reply_to=event.native_id)
    reply = child(await ada.reads("Indeed"), "reply", REPLY)
    assert reply is not None
    assert reply.get("id") == number


async def test_given_a_room_that_shows_a_picture_of_its_own_then_nobody_has_come(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    presence = element("presence", to="bridge.example.org")
    presence.set("from", ROOM)
    desk.bridge._hearing.hear(presence)
    ada.says("Hello", to=ROOM, room=True)
    await desk.context.next_event(MessageReceived)
    assert not desk.context.events_of(MembershipReceived)


async def test_given_somebody_who_writes_and_goes_while_nothing_can_be_stored_then_it_is_theirs(
    desk: Desk, ada: Person, ben: Person
) -> None:
    await ada.enters(ROOM)
    await ben.enters(ROOM, "Ben")
    await desk.sits(THREAD)
    desk.context.unavailable = True
    ben.says("Goodbye", to=ROOM, room=True)
    await desk.context.until(lambda: bool(desk.context.refused), awaited="it was handed over")
    ben.send(element("presence", to=f"{ROOM}/Ben", type="unavailable"))
    await ada.until(lambda: not ada.sees(f"{ROOM}/Ben"), "Ben has gone")
    await ada.enters(ROOM, "Ben")
    desk.context.unavailable = False
    assert (await desk.context.next_event(MessageReceived)).user == "ben@example.org"
