"""People from elsewhere in rooms whose JIDs everybody sees: nobody learns numbers, everybody can write to them."""

from __future__ import annotations

import base64
import hashlib

import msgspec
import pytest

from gearmesh import ChatOpened, InvalidAddress, MessageReceived, Retry, Sender, Text
from gearmesh.testing import FakeContext
from gearmesh.testing.contract.samples import PNG
from gearmesh_xmpp.elements import MUC_USER, VCARD, VCARD_UPDATE, child, element, every, said, written
from gearmesh_xmpp.names import bare
from gearmesh_xmpp.veils import Veils, modest

from .conftest import GRACE, GRACE_JID, ROOM, THREAD, Desk
from .person import Person
from .server import BRIDGE

ADA = "ada@example.org"
NUMBER = "4915112345678"


def shown_jid(person: Person, occupant: str) -> str:
    """The bare JID that the room shows of an occupant; "" for none."""
    told = [one for one in person.presences if one.get("from") == occupant]
    about = child(told[-1], "x", MUC_USER)
    item = child(about, "item", MUC_USER) if about is not None else None
    return bare(item.get("jid", "")) if item is not None else ""


async def grace_in_room(desk: Desk, ada: Person) -> str:
    """Let Grace write in a room; returns the JID that is seen of her."""
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    await desk.says("Good morning", sender=GRACE)
    await ada.reads("Good morning")
    return shown_jid(ada, f"{ROOM}/Grace Hopper")


async def test_given_a_room_that_shows_jids_when_somebody_is_in_it_then_nothing_there_has_their_number(
    desk: Desk, ada: Person
) -> None:
    jid = await grace_in_room(desk, ada)
    assert jid.endswith(f"@{BRIDGE}")
    assert not [one for one in (*ada.messages, *ada.presences) if NUMBER in written(one)]
    card = await ada.asks("get", f"{ROOM}/Grace Hopper", element("vCard", VCARD))
    assert "Grace Hopper" in written(card)
    assert NUMBER not in written(card)


async def test_given_a_jid_that_hides_a_number_when_somebody_writes_to_it_then_both_talk_and_it_stays_hidden(
    desk: Desk, ada: Person, ben: Person
) -> None:
    jid = await grace_in_room(desk, ada)
    ada.says("A word with you", to=jid)
    event = await desk.context.next_event(MessageReceived)
    assert (event.content, event.user) == (Text(f"@whatsapp:{NUMBER} A word with you"), ADA)
    await desk.says("Yes?", ADA, sender=GRACE)
    assert (await ada.reads("Yes?")).get("from") == jid
    await desk.says("And you?", "ben@example.org", sender=GRACE)
    assert (await ben.reads("And you?")).get("from") == GRACE_JID, "she writes to him of her own accord"
    ada.says("I have your number now", to=GRACE_JID)
    await desk.context.next_event(MessageReceived)
    await desk.says("Well then", ADA, sender=GRACE)
    assert (await ada.reads("Well then")).get("from") == GRACE_JID


async def test_given_a_jid_that_hides_a_number_when_another_process_takes_over_then_it_is_the_same_and_still_known(
    desk: Desk, ada: Person
) -> None:
    jid = await grace_in_room(desk, ada)
    ada.send(element("presence", type="subscribe", to=jid))
    assert (await desk.context.next_event(ChatOpened)).user == ADA
    await desk.runner.stop(5)
    desk.make()
    await desk.runner.start(10)
    ada.says("Still you?", to=jid)
    assert (await desk.context.next_event(MessageReceived)).content == Text(f"@whatsapp:{NUMBER} Still you?")
    await desk.says("Still me", ADA, sender=GRACE)
    assert (await ada.reads("Still me")).get("from") == jid
    await desk.bridge.sit_in((THREAD,))
    assert bare(await desk.bridge.ghost(THREAD, GRACE)) == jid


async def test_given_an_operator_who_wants_addresses_in_rooms_then_they_are_there(desk: Desk, ada: Person) -> None:
    await desk.runner.stop(5)
    desk.make(room_jids="addresses")
    await desk.runner.start(10)
    assert await grace_in_room(desk, ada) == GRACE_JID


async def test_given_nothing_can_be_kept_then_nobody_gets_a_jid_that_leads_nowhere() -> None:
    async with FakeContext("xmpp") as context:
        veils = Veils(context, BRIDGE)
        context.unavailable = True
        with pytest.raises(Retry):
            await veils.of("whatsapp:1")
        context.unavailable = False
        veil = await veils.of("whatsapp:1")
        assert veil == await Veils(context, BRIDGE).of("whatsapp:1")
        assert veil != await veils.of("whatsapp:2")
        assert await Veils(context, BRIDGE).behind(veil) == "whatsapp:1"
        with pytest.raises(InvalidAddress):
            await veils.behind(f"%made-up@{BRIDGE}")


async def test_given_somebody_known_by_a_handle_alone_then_that_is_what_a_room_sees(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    await desk.says("Hello", sender=Sender("Alan", "alan"))
    await ada.reads("Hello")
    assert shown_jid(ada, f"{ROOM}/Alan") == f"alan@{BRIDGE}"


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        (Sender("", NUMBER, "WhatsApp", address=f"whatsapp:{NUMBER}"), Sender("", "", "WhatsApp")),
        (Sender("+49 151 1234 5678", "x", address=f"whatsapp:{NUMBER}"), Sender("", "x")),
        (Sender("ada", "ada", address="irc:ada"), Sender("ada", "ada")),
        (Sender("Ada 7", "ada7", address="irc:ada7"), Sender("Ada 7", "ada7")),
    ],
)
def test_given_somebody_who_is_called_by_their_number_then_they_are_not_in_rooms(sender: Sender, shown: Sender) -> None:
    assert modest(sender) == msgspec.structs.replace(shown, address=sender.address)


async def test_given_somebody_without_a_name_when_they_write_in_a_room_then_their_number_is_not_there(
    desk: Desk, ada: Person
) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    await desk.says("Hello", sender=Sender("", NUMBER, "WhatsApp", address=f"whatsapp:{NUMBER}"))
    assert (await ada.reads("Hello")).get("from") == f"{ROOM}/WhatsApp"
    card = await ada.asks("get", f"{ROOM}/WhatsApp", element("vCard", VCARD))
    assert not [one for one in (*ada.messages, *ada.presences, card) if NUMBER in written(one)]


async def test_given_somebody_with_a_picture_then_a_room_sees_it(desk: Desk, ada: Person) -> None:
    await ada.enters(ROOM)
    await desk.sits(THREAD)
    avatar = desk.context.media_link(desk.context.offer(PNG))
    await desk.says("Look at me", sender=msgspec.structs.replace(GRACE, avatar=avatar))
    sha1 = hashlib.sha1(PNG).hexdigest()

    def shown() -> bool:
        told = [child(one, "x", VCARD_UPDATE) for one in ada.presences if one.get("from") == f"{ROOM}/Grace Hopper"]
        return any(one is not None and said(one, "photo", VCARD_UPDATE) == sha1 for one in told)

    await ada.until(shown, "the picture's hash")
    card = await ada.asks("get", f"{ROOM}/Grace Hopper", element("vCard", VCARD))
    assert [base64.b64decode(one.text or "") for one in every(card, "BINVAL", VCARD)] == [PNG]
