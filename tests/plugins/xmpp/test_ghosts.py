"""People from elsewhere as somebody on XMPP sees them: JIDs to write to, to look up, to have among one's contacts."""

from __future__ import annotations

import base64
import hashlib

import msgspec
import pytest

from gearmesh import ChatOpened, MessageReceived, Sender, Text
from gearmesh.model.events import Unparsed
from gearmesh.testing.contract.samples import PNG
from gearmesh_xmpp import contacts
from gearmesh_xmpp.answers import CAPS, GATEWAY, REGISTER, SEARCH, version_of
from gearmesh_xmpp.elements import (
    AVATAR_DATA,
    AVATAR_METADATA,
    DISCO_INFO,
    NICK,
    PING,
    PUBSUB,
    REPLY,
    VCARD,
    VCARD_UPDATE,
    child,
    children,
    condition,
    element,
    every,
    said,
    with_children,
)

from .conftest import GRACE, GRACE_JID, Desk
from .person import Person
from .server import BRIDGE

ADA = "ada@example.org"


async def test_given_a_ghost_when_somebody_writes_to_it_then_the_text_says_whom_it_is_for(
    desk: Desk, ada: Person
) -> None:
    ada.says("Hello", to=GRACE_JID)
    event = await desk.context.next_event(MessageReceived)
    assert (event.content, event.user, event.thread) == (Text("@whatsapp:4915112345678 Hello"), ADA, ADA)
    ada.says("Hello", to=f"grace@{BRIDGE}")
    assert (await desk.context.next_event(MessageReceived)).content == Text("@grace Hello")
    ada.says("Hello")
    assert (await desk.context.next_event(MessageReceived)).content == Text("Hello")


async def test_given_a_sender_when_they_write_then_it_comes_from_their_jid_with_their_name(
    desk: Desk, ada: Person
) -> None:
    await desk.says("Hello Ada", ADA, sender=GRACE)
    shown = await ada.reads("Hello Ada")
    assert (shown.get("from"), said(shown, "nick", NICK)) == (GRACE_JID, "Grace Hopper")
    await desk.says("No address", ADA, sender=Sender("Grace Hopper", "grace"))
    assert (await ada.reads("No address")).get("from") == f"grace@{BRIDGE}"
    await desk.says("From the broker", ADA)
    assert (await ada.reads("From the broker")).get("from") == BRIDGE


async def test_given_an_answer_in_the_chat_of_a_ghost_then_what_it_quotes_says_whom_it_is_for(
    desk: Desk, ada: Person
) -> None:
    native = await desk.says("A question", ADA, sender=GRACE)
    ada.says("An answer", element("reply", REPLY, id=native), to=GRACE_JID)
    event = await desk.context.next_event(MessageReceived)
    assert (event.content, event.reply_to) == (Text("An answer"), native)


async def test_given_an_answer_to_what_is_unknown_or_of_another_chat_then_it_is_for_whom_it_was_written_to(
    desk: Desk, ada: Person
) -> None:
    native = await desk.says("A question", ADA, sender=Sender("Alan", address="whatsapp:1"))
    for quoted in ("gm.unknown", native):
        ada.says("An answer", element("reply", REPLY, id=quoted), to=GRACE_JID)
        event = await desk.context.next_event(MessageReceived)
        assert (event.content, event.reply_to) == (Text("@whatsapp:4915112345678 An answer"), "")


async def test_given_a_jid_that_no_text_can_name_then_the_writer_is_told(desk: Desk, ada: Person) -> None:
    ada.says("Hello", to=rf"a\20b%whatsapp@{BRIDGE}")
    unparsed = await desk.context.next_event(Unparsed)
    assert unparsed.user == ADA


async def test_given_somebody_who_adds_a_ghost_then_they_see_it_there_and_are_known(desk: Desk, ada: Person) -> None:
    request = element("presence", type="subscribe", to=GRACE_JID)
    ada.send(with_children(request, element("nick", NICK, "Ada L.")))
    opened = await desk.context.next_event(ChatOpened)
    assert opened.user == ADA
    assert opened.profile is not None
    assert opened.profile.name == "Ada L."
    await ada.until(lambda: ada.sees(GRACE_JID), "the ghost is there")
    told = next(one for one in ada.presences if one.get("from") == GRACE_JID and one.get("type") is None)
    caps = child(told, "c", CAPS)
    assert caps is not None
    assert caps.get("ver") == version_of(GRACE_JID)


async def test_given_a_ghost_among_the_contacts_when_another_process_takes_over_then_it_is_there_again(
    desk: Desk, ada: Person
) -> None:
    ada.send(element("presence", type="subscribe", to=GRACE_JID))
    await ada.until(lambda: ada.sees(GRACE_JID), "the ghost is there")
    await desk.runner.stop(5)
    ada.presences.clear()
    desk.make()
    await desk.runner.start(10)
    await ada.until(lambda: ada.sees(GRACE_JID), "the ghost is there again")
    ada.send(element("presence", type="unsubscribe", to=GRACE_JID))
    await ada.until(lambda: not ada.sees(GRACE_JID), "the ghost is gone")
    assert not [key for key in desk.context.kept if key.startswith("contact/")]


async def test_given_a_ghost_when_it_is_asked_then_it_says_who_it_is_and_what_it_can(desk: Desk, ada: Person) -> None:
    await desk.says("Hello Ada", ADA, sender=GRACE)
    card = child(await ada.asks("get", GRACE_JID, element("vCard", VCARD)), "vCard", VCARD)
    assert card is not None
    assert (said(card, "FN", VCARD), said(card, "NOTE", VCARD)) == ("Grace Hopper", "On WhatsApp, by Gearmesh")
    info = child(await ada.asks("get", GRACE_JID, element("query", DISCO_INFO)), "query", DISCO_INFO)
    assert info is not None
    assert "urn:xmpp:reactions:0" in {one.get("var") for one in children(info, "feature", DISCO_INFO)}
    assert (await ada.asks("get", GRACE_JID, element("ping", PING))).get("type") == "result"
    refused = await ada.asks("get", GRACE_JID, element("query", "jabber:iq:nothing"))
    assert condition(refused)[0] == "service-unavailable"


@pytest.mark.parametrize("asked", ["whatsapp:4915112345678"])
async def test_given_an_address_when_it_is_searched_for_then_its_jid_is_found(
    desk: Desk, ada: Person, asked: str
) -> None:
    form = child(await ada.asks("get", BRIDGE, element("query", SEARCH)), "query", SEARCH)
    assert form is not None
    assert child(form, "nick", SEARCH) is not None
    filled = with_children(element("query", SEARCH), element("nick", SEARCH, asked))
    found = child(await ada.asks("set", BRIDGE, filled), "query", SEARCH)
    assert found is not None
    assert [one.get("jid") for one in children(found, "item", SEARCH)] == [GRACE_JID]
    prompt = with_children(element("query", GATEWAY), element("prompt", GATEWAY, "@Grace"))
    told = child(await ada.asks("set", BRIDGE, prompt), "query", GATEWAY)
    assert told is not None
    assert said(told, "jid", GATEWAY) == f"grace@{BRIDGE}"


async def test_given_somebody_who_registers_then_they_are_known_under_the_handle_that_they_chose(
    desk: Desk, ada: Person
) -> None:
    form = await ada.asks("get", BRIDGE, element("query", REGISTER))
    assert form.get("type") == "result"
    wanted = with_children(element("query", REGISTER), element("username", REGISTER, "countess"))
    assert (await ada.asks("set", BRIDGE, wanted)).get("type") == "result"
    opened = await desk.context.next_event(ChatOpened)
    assert (opened.user, opened.handle) == (ADA, "countess")


async def test_given_somebody_with_a_picture_then_who_has_them_among_the_contacts_sees_it(
    desk: Desk, ada: Person
) -> None:
    ada.send(element("presence", type="subscribe", to=GRACE_JID))
    await ada.until(lambda: ada.sees(GRACE_JID), "the ghost is there")
    avatar = desk.context.media_link(desk.context.offer(PNG))
    await desk.says("Look at me", ADA, sender=msgspec.structs.replace(GRACE, avatar=avatar))
    sha1 = hashlib.sha1(PNG).hexdigest()

    def shown() -> bool:
        told = [child(one, "x", VCARD_UPDATE) for one in ada.presences if one.get("from") == GRACE_JID]
        return any(one is not None and said(one, "photo", VCARD_UPDATE) == sha1 for one in told)

    await ada.until(shown, "the picture's hash")
    card = child(await ada.asks("get", GRACE_JID, element("vCard", VCARD)), "vCard", VCARD)
    assert card is not None
    photo = child(card, "PHOTO", VCARD)
    assert photo is not None
    assert base64.b64decode(said(photo, "BINVAL", VCARD)) == PNG
    query = with_children(element("pubsub", PUBSUB), element("items", PUBSUB, node=AVATAR_DATA))
    answer = await ada.asks("get", GRACE_JID, query)
    assert [base64.b64decode(one.text or "") for one in every(answer, "data", AVATAR_DATA)] == [PNG]


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/x.png", "no address", "http://example.org/x.png"])
async def test_given_a_picture_that_cannot_be_had_then_the_message_goes_without(
    desk: Desk, ada: Person, url: str
) -> None:
    await desk.says("Hello", ADA, sender=msgspec.structs.replace(GRACE, avatar=url))
    await ada.reads("Hello")
    card = child(await ada.asks("get", GRACE_JID, element("vCard", VCARD)), "vCard", VCARD)
    assert card is not None
    assert child(card, "PHOTO", VCARD) is None


async def test_given_a_client_whose_ids_are_a_count_then_each_of_its_messages_comes_in(desk: Desk, ada: Person) -> None:
    for text in ("one", "two"):
        ada.says(text, id_="1")
    came = [await desk.context.next_event(MessageReceived) for _ in range(2)]
    assert [event.content for event in came] == [Text("one"), Text("two")]
    assert came[0].native_id != came[1].native_id


async def test_given_somebody_who_has_added_as_many_as_they_may_then_strangers_are_refused_and_people_come_in(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "MOST_OF_ONE", 2)
    await ada.asks("get", "", element("query", "jabber:iq:roster"))  # else Prosody shows no answers
    strangers = [f"{number}%whatsapp@{BRIDGE}" for number in range(3)]

    def answer(jid: str) -> str | None:
        kinds = [one.get("type") for one in ada.presences if one.get("from") == jid]
        return next((kind for kind in reversed(kinds) if kind in {"subscribed", "unsubscribed"}), None)

    for jid, expected in zip(strangers, ("subscribed", "subscribed", "unsubscribed"), strict=True):
        ada.send(element("presence", type="subscribe", to=jid))
        await ada.until(lambda jid=jid, expected=expected: answer(jid) == expected, f"{jid} is {expected}")
    assert len(desk.context.events_of(ChatOpened)) == 2
    await desk.says("It is me", ADA, sender=GRACE)
    ada.send(element("presence", type="subscribe", to=GRACE_JID))
    await ada.until(lambda: ada.sees(GRACE_JID), "the ghost is there")
    await ada.until(lambda: answer(strangers[0]) == "unsubscribed", "the oldest has made room")
    kept = {key for key in desk.context.kept if key.startswith("contact/")}
    assert kept == {f"contact/{ADA}/{jid}" for jid in (strangers[1], GRACE_JID)}


async def test_given_as_many_contacts_as_there_may_be_in_all_then_no_more_are_taken(
    desk: Desk, ada: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "MOST", 1)
    await ben.asks("get", "", element("query", "jabber:iq:roster"))
    ada.send(element("presence", type="subscribe", to=GRACE_JID))
    await ada.until(lambda: ada.sees(GRACE_JID), "the ghost is there")
    ben.send(element("presence", type="subscribe", to=GRACE_JID))
    await ben.until(
        lambda: any(one.get("type") == "unsubscribed" and said(one, "status") for one in ben.presences), "a refusal"
    )


async def test_given_a_picture_that_is_another_one_then_who_sees_the_ghost_is_sent_what_is_known_of_it(
    desk: Desk, ada: Person
) -> None:
    ada.send(element("presence", type="subscribe", to=GRACE_JID))
    await ada.until(lambda: ada.sees(GRACE_JID), "the ghost is there")
    for data in (PNG, PNG + b"\0"):
        avatar = desk.context.media_link(desk.context.offer(data))
        await desk.says("Look at me", ADA, sender=msgspec.structs.replace(GRACE, avatar=avatar))
        sha1 = hashlib.sha1(data).hexdigest()

        def infos() -> list[str]:
            return [
                info.get("id", "")
                for one in ada.messages
                if one.get("from") == GRACE_JID and one.get("type") == "headline"
                for info in every(one, "info", AVATAR_METADATA)
            ]

        await ada.until(lambda sha1=sha1, infos=infos: sha1 in infos(), "the picture's hash")
        query = with_children(element("pubsub", PUBSUB), element("items", PUBSUB, node=AVATAR_METADATA))
        answer = await ada.asks("get", GRACE_JID, query)
        assert [one.get("id") for one in every(answer, "info", AVATAR_METADATA)] == [sha1]


@pytest.mark.parametrize("jid", [GRACE_JID, BRIDGE])
async def test_given_what_can_be_done_when_a_client_makes_its_hash_then_it_is_the_one_in_the_presence(
    desk: Desk, ada: Person, jid: str
) -> None:
    ada.send(element("presence", type="subscribe", to=jid))
    await ada.until(lambda: ada.sees(jid), "it is there")
    told = next(one for one in ada.presences if one.get("from") == jid and one.get("type") is None)
    caps = child(told, "c", CAPS)
    assert caps is not None
    node = f"{caps.get('node')}#{caps.get('ver')}"
    info = child(await ada.asks("get", jid, element("query", DISCO_INFO, node=node)), "query", DISCO_INFO)
    assert info is not None
    assert info.get("node") == node
    identities = [f"{one.get('category')}/{one.get('type')}//" for one in children(info, "identity", DISCO_INFO)]
    features = [one.get("var", "") for one in children(info, "feature", DISCO_INFO)]
    text = "<".join([*sorted(identities), *sorted(features), ""])
    assert base64.b64encode(hashlib.sha1(text.encode()).digest()).decode() == caps.get("ver")
