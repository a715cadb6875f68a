"""The bridge to XMPP, as one component of one server."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Collection
from typing import Any, ClassVar, Final

import msgspec

from gearmesh import (
    Bridge,
    BridgeContext,
    Capabilities,
    ChatOpened,
    Delivery,
    EchoReceived,
    Event,
    InvalidAddress,
    Media,
    MediaRef,
    Profile,
    ReceiptDelivery,
    ReceiptReceived,
    Rejected,
    Retry,
    Sender,
    Sent,
    Text,
    Unclear,
    Unparsed,
)
from gearmesh.model.events import MembershipReceived
from gearmesh_xmpp import ids, outgoing
from gearmesh_xmpp.answers import answer, handle_wanted
from gearmesh_xmpp.archive import Kept, Position
from gearmesh_xmpp.capabilities import DIRECT, ROOM, with_files
from gearmesh_xmpp.config import XmppConfig
from gearmesh_xmpp.contacts import Contacts
from gearmesh_xmpp.downloads import fetched
from gearmesh_xmpp.elements import (
    MUC_USER,
    NICK,
    PING,
    REPLY,
    STANZAS,
    VCARD,
    Element,
    child,
    delayed,
    element,
    said,
    with_children,
    written,
)
from gearmesh_xmpp.inbox import Inbox
from gearmesh_xmpp.incoming import Heard, events_of
from gearmesh_xmpp.link import Link, Refused
from gearmesh_xmpp.names import ROOM as JOIN
from gearmesh_xmpp.names import bare, ghost_of, is_room, jid_of, meant_by, room_in, room_of, user_of
from gearmesh_xmpp.pictures import Pictures
from gearmesh_xmpp.recent import Recent
from gearmesh_xmpp.refusals import refusal
from gearmesh_xmpp.room import Others, Room
from gearmesh_xmpp.rooms import Rooms
from gearmesh_xmpp.uploads import uploaded

REMEMBERED: Final = 10_000
"""Messages, and people, of whom a little is known without asking anybody."""
REFLECTED_WITHIN: Final = 30.0


class Arrived(msgspec.Struct, frozen=True):
    """Something to be told, in its turn: a stanza with the `room` it came from, or what was read off one already.

    `at` is when it was sent, in milliseconds, `stanza_id` what the room or the archive calls it.
    """

    at: int
    stanza: Element
    room: Room | None = None
    stanza_id: str = ""
    event: Event | None = None


class Xmpp(Bridge):
    """One component. A user is a bare JID, or somebody in a room by their nickname; a room is its JID and `?join`."""

    network: ClassVar[str] = "xmpp"
    title: ClassVar[str] = "XMPP"
    api: ClassVar[int] = 1
    Config = XmppConfig

    def __init__(self, config: XmppConfig, context: BridgeContext) -> None:
        super().__init__(config, context)
        self._jid = config.component
        self._link: Link | None = None
        self._inbox: Inbox[Arrived] = Inbox(self._tell)
        self.rooms = Rooms(config, context, self._said_in_room, self._came_or_left)
        self._pictures = Pictures(config.file_servers, self._has_a_picture)
        self._contacts = Contacts(context, self._pictures)
        self._underway: dict[str, tuple[str, asyncio.Future[str]]] = {}
        """What goes out now, by the ids of stanzas: to whom, and what comes of it: a room's id, or an error."""
        self._given: Recent[tuple[str, str, str], str] = Recent(REMEMBERED)
        """By room, nickname and a sender's own id: the id that the room gave (corrections name the former)."""
        self._own: Recent[str, tuple[str, str]] = Recent(REMEMBERED)
        """By native id: which of us sent a message, and under which id of ours."""
        self._told: Recent[tuple[str, str], bool] = Recent(REMEMBERED)
        self._talks: Recent[str, str] = Recent(REMEMBERED)
        """By user, or native id of what they wrote: to which of us it was, or who of us wrote last."""
        self._faces: Recent[str, Sender] = Recent(REMEMBERED)
        """By JID: whom a ghost shows."""

    def capabilities(self, thread: str) -> Capabilities:
        """Rooms have no receipts; files need an upload service."""
        can = ROOM if is_room(thread) else DIRECT
        return with_files(can) if self.config.upload else can

    def parse_address(self, text: str) -> str:
        """A JID, or somebody in a room."""
        return user_of(text, self._jid)

    def format_address(self, user: str) -> str:
        """As it is."""
        return user

    def parse_room(self, text: str) -> str:
        """A room's JID, with or without `?join`."""
        return room_of(text)

    def is_room(self, thread: str) -> bool:
        """Rooms end with `?join`."""
        return is_room(thread)

    async def sit_in(self, rooms: Collection[str]) -> None:
        """Be in these rooms."""
        self.rooms.want(rooms)

    async def run(self) -> None:
        """Connect, and tell what comes, until the connection is lost."""
        link = Link(self.config, self._hear)
        tasks: set[asyncio.Task[Any]] = set()
        is_stopped = False
        try:
            await link.open()
            self._link = link
            await self.context.status("connected")
            ended = asyncio.create_task(link.lost())
            tasks = {
                ended,
                asyncio.create_task(link.beat()),
                asyncio.create_task(self.rooms.stay(link)),
                asyncio.create_task(self._work(link)),
            }
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            raise ConnectionError(f"the connection to the XMPP server was lost: {await link.lost()}")
        except asyncio.CancelledError:
            is_stopped = True
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if is_stopped:
                self._hand_back(link)
            self._link = None
            for _, waiting in self._underway.values():
                if not waiting.done():
                    waiting.set_exception(Unclear("the connection to the XMPP server was lost"))
            await self._pictures.close()
            await link.close()

    async def _work(self, link: Link) -> None:
        await self._contacts.greet(link)
        await self._inbox.work()

    async def send(self, delivery: Delivery) -> Sent:
        """Send a text, as the ghost of whoever wrote it."""
        sender = await self._speaker(delivery)
        link = ""
        if isinstance(delivery.content, Media):
            link = await self._uploaded(delivery.content.ref)
        if delivery.ghost and sender == self.rooms.jid:
            delivery = _signed(delivery)  # the ghost was thrown out between being asked for and speaking
        answered = self._own.get(delivery.reply_to)
        replied = answered[0] if answered else "" if is_room(delivery.thread) else jid_of(delivery.user)
        native = await self._deliver(delivery, outgoing.message(delivery, sender, link, replied), sender)
        return Sent((native,))

    async def edit(self, delivery: Delivery) -> Sent:
        """Change a message of ours (XEP-0308)."""
        if len(delivery.target) > 1:
            raise Rejected("a message of several parts cannot be changed on XMPP")
        own = self._own.get(delivery.target[0])
        if own is not None:
            sender, original = own
        elif not is_room(delivery.thread) and ids.delivery_of(delivery.thread, delivery.target[0]):
            sender, original = await self._speaker(delivery), delivery.target[0]
        else:
            raise Rejected("it is not known any more how to change this message")
        await self._deliver(delivery, outgoing.correction(delivery, sender, original), sender)
        return Sent(())

    async def react(self, delivery: Delivery) -> Sent:
        """React to a message (XEP-0444), or take that back."""
        if not ids.reference(delivery.target[-1]):
            raise Rejected("there is no such message")
        sender = await self._speaker(delivery)
        await self._deliver(delivery, outgoing.reactions(delivery, sender), sender)
        return Sent(())

    async def redact(self, delivery: Delivery) -> Sent:
        """Take messages of ours back (XEP-0424), each for itself."""
        if not all(ids.reference(target) for target in delivery.target):
            raise Rejected("there is no such message")
        for number, target in enumerate(delivery.target):
            own = self._own.get(target)
            sender = own[0] if own else await self._speaker(delivery)
            one = msgspec.structs.replace(delivery, id=f"{delivery.id}.{number}" if number else delivery.id)
            await self._deliver(one, outgoing.retraction(one, sender, target), sender)
        return Sent(())

    async def typing(self, thread: str, user: str, on: bool, last: str) -> None:
        """Show it as whoever of us talked with them last."""
        self._signal(outgoing.typing(jid_of(user), self._talks.get(user) or self._jid, on))

    async def receipt(self, delivery: ReceiptDelivery) -> None:
        """Show it as whom the message was written to."""
        if is_room(delivery.thread):
            return
        for native in delivery.native_ids:
            sender = self._talks.get(native) or self._talks.get(delivery.user) or self._jid
            if ids.reference(native):
                self._signal(outgoing.receipt(jid_of(delivery.user), sender, delivery.state, ids.reference(native)))

    async def ghost(self, thread: str, sender: Sender) -> str:
        """The JID of somebody from elsewhere, in a room with a nickname; "" where they have none or are not let in."""
        ghost = ghost_of(sender.address, sender.handle, self._jid)
        if not ghost:
            return ""
        self._faces.put(ghost, sender)
        self._pictures.want(ghost, sender)
        room = room_in(thread)
        return await self.rooms.ghost_in(room, ghost, sender) if room else ghost

    async def profile(self, user: str) -> Profile:
        """The name on somebody's card (XEP-0054). Its picture is in the card itself and has no address."""
        if self._link is None:
            raise Retry("there is no connection to the XMPP server")
        try:
            answer = await self._link.ask("get", jid_of(user), element("vCard", VCARD))
        except Refused:
            return Profile()
        card = child(answer, "vCard", VCARD)
        if card is None:
            return Profile()
        return Profile(name=said(card, "FN", VCARD).strip() or said(card, "NICKNAME", VCARD).strip())

    def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """A file that came in, from where its message said that it is."""
        return fetched(ref.source, self.config.file_servers)

    # Going out

    async def _uploaded(self, ref: MediaRef) -> str:
        if self._link is None:
            raise Retry("there is no connection to the XMPP server")
        if not self.config.upload:
            raise Rejected("files cannot be sent: no upload service is configured")
        return await uploaded(self._link, self.context, self.config.upload, ref)

    async def _speaker(self, delivery: Delivery) -> str:
        """Which of us sends this: the ghost, or the bridge itself.

        Raises:
            Retry, Rejected: we are not in the room.
        """
        thread = room_in(delivery.thread)
        if not thread:
            return delivery.ghost or self._jid
        room = self.rooms.place(thread)
        if not delivery.ghost:
            return self.rooms.jid
        if delivery.ghost in room.ours:
            return delivery.ghost
        return await self.rooms.ghost_in(thread, bare(delivery.ghost), delivery.sender) or self.rooms.jid

    async def _deliver(self, delivery: Delivery, stanza: Element, sender: str) -> str:
        """Let a stanza go out, and wait until it is there; returns its native id.

        Raises:
            SendFailed: it is not there, or that is not known.
        """
        link, stanza_id = self._link, stanza.get("id", "")
        if link is None:
            raise Retry("there is no connection to the XMPP server")
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._underway[stanza_id] = (bare(stanza.get("to", "")), waiting)
        try:
            link.send(stanza)
            if is_room(delivery.thread):
                async with asyncio.timeout(REFLECTED_WITHIN):
                    native = ids.native_id(delivery.thread, await waiting)
            else:
                await self._settled(link, waiting)
                native = stanza_id
                self._talks.put(delivery.user, sender)
        except TimeoutError:
            raise Unclear("the room never showed the message") from None
        finally:
            del self._underway[stanza_id]
            if waiting.done() and not waiting.cancelled():
                waiting.exception()
        self._own.put(native, (sender, stanza_id))
        return native

    async def _settled(self, link: Link, waiting: asyncio.Future[str]) -> None:
        """Wait until the server has taken what was sent, or has refused it."""
        try:
            await link.settled()
        except Unclear:
            if not waiting.done() or isinstance(waiting.exception(), Unclear):
                raise
        if waiting.done():
            waiting.result()

    def _signal(self, stanza: Element) -> None:
        if self._link is None:
            raise Retry("there is no connection to the XMPP server")
        self._link.send(stanza)

    # Coming in

    def _hear(self, stanza: Element) -> None:
        """Everything that is no answer, in order, as it comes."""
        match stanza.tag:
            case "message" if stanza.get("type") == "error":
                self._came_back(stanza)
            case "message":
                if not self.rooms.take_message(stanza) and stanza.get("type") != "groupchat":
                    self._put(Arrived(delayed(stanza) or self._now(), stanza))
            case "presence":
                if not self.rooms.take_presence(stanza) and stanza.get("type") in {"subscribe", "unsubscribe", "probe"}:
                    self._put(Arrived(self._now(), stanza))
            case _:
                self._answer(stanza)

    def _answer(self, stanza: Element) -> None:
        """Whoever asks gets an answer (RFC 6120, section 8.2.3)."""
        if stanza.get("type") not in {"get", "set"} or self._link is None:
            return
        if handle_wanted(stanza) is not None:
            self._put(Arrived(self._now(), stanza))
            return
        try:
            ghost = bare(stanza.get("to", ""))
            face, picture = self._faces.get(ghost), self._pictures.get(ghost)
            payload = answer(stanza, self._jid, face, self.config.nick, picture)
        except InvalidAddress:
            self._link.send(_error(stanza, "modify", "item-not-found"))
            return
        if payload is not None:
            self._link.send(_result(stanza, payload))
        elif child(stanza, "ping", PING) is not None:
            self._link.send(_result(stanza))
        else:
            self._link.send(_error(stanza, "cancel", "service-unavailable"))

    def _came_back(self, stanza: Element) -> None:
        """A message of ours as an error: somebody waits for it, or believed it to be there."""
        stanza_id, sender, error = stanza.get("id", ""), stanza.get("from", ""), refusal(stanza)
        if self.rooms.is_out(stanza):
            error = Retry("one of us is not in the room any more", code=error.code)
        to, waiting = self._underway.get(stanza_id, ("", None))
        if waiting is not None:
            if bare(sender) == to and not waiting.done():
                waiting.set_exception(error)
            return
        try:
            user = self._user(sender)
        except InvalidAddress:
            return
        delivery_id = ids.delivery_of(user, stanza_id)
        if delivery_id:
            at = self._now()
            failed = ReceiptReceived(user, user, at, "failed", (stanza_id,), str(error), delivery_id, error)
            self._put(Arrived(at, stanza, event=failed))

    def _said_in_room(self, room: Room, message: Element, kept: Kept | None) -> None:
        """Something was said in a room, now or, with `kept`, before."""
        nick, own_id = message.get("from", "").partition("/")[2], message.get("id", "")
        stanza_id = kept.stanza_id if kept is not None else self.rooms.stanza_id(room, message)
        if not stanza_id and len(own_id) >= ids.SHORTEST:
            stanza_id = own_id  # a room that gives none: its people refer to each other's
        if stanza_id:
            self._given.put((room.jid, nick, own_id), stanza_id)
        at = kept.at if kept is not None else delayed(message) or self._now()
        told = self._real_jid(message)
        delivery_id = ids.delivery_of(room.thread, own_id)
        is_ours = nick in room.nicks_of_ours() or told.rpartition("@")[2] == self._jid
        is_past = kept is not None or delayed(message) is not None
        # Who spoke in the past is told by their nickname alone where JIDs are not: ours have ids that we gave them.
        if is_ours or (is_past and delivery_id and not told):
            self._echoed(room, own_id, stanza_id, at, nick)
        elif nick or child(message, "subject") is not None:
            self._put(Arrived(at, message, room, stanza_id))

    def _echoed(self, room: Room, own_id: str, stanza_id: str, at: int, nick: str) -> None:
        to, waiting = self._underway.get(own_id, ("", None))
        if waiting is not None and to == room.jid:
            if not waiting.done():
                waiting.set_result(stanza_id)
            return
        delivery_id = ids.delivery_of(room.thread, own_id)
        if delivery_id:
            native = ids.native_id(room.thread, stanza_id)
            jid = next((jid for jid, ours in room.ours.items() if ours == nick), self.rooms.jid)
            self._own.put(native, (jid, own_id))
            echo = EchoReceived(native, room.thread, room.thread, at, delivery_id)
            self._put(Arrived(at, element("message"), room, stanza_id, echo))

    def _came_or_left(self, room: Room, news: Others) -> None:
        at, user, profile = self._now(), room.user_of(news.nick, news.jid), Profile(name=news.nick)
        event = MembershipReceived(room.thread, user, at, "joined" if news.here else "left", news.reason, profile)
        if news.new_nick and room.shows_jids and news.jid:
            event = MembershipReceived(room.thread, user, at, "name", news.new_nick)
        self._put(Arrived(at, element("presence"), room, event=event))

    def _put(self, arrived: Arrived) -> None:
        if self._inbox.put(arrived):
            return
        if arrived.room is not None:
            self.rooms.catch_up(arrived.room.jid)
        elif arrived.event is None and self._link is not None:
            self._link.send(_error(arrived.stanza, "wait", "resource-constraint"))

    async def _tell(self, arrived: Arrived) -> None:
        """Hand over what arrived.

        Raises:
            BusUnavailable: it is not stored.
        """
        if arrived.room is None and arrived.event is None and arrived.stanza.tag != "message":
            await self._introduced(arrived)
            return
        events = [arrived.event] if arrived.event is not None else self._events(arrived)
        place = (arrived.room.jid, arrived.stanza_id) if arrived.room is not None and arrived.stanza_id else None
        if place is not None and place in self._told:
            return  # the archive and the room have both told it
        if events:
            await self.context.receive(*events)
        if place is not None:
            self._told.put(place, True)
            self.rooms.is_told(place[0], Position(arrived.at, arrived.stanza_id))

    def _has_a_picture(self, ghost: str) -> None:
        """A picture was fetched: whoever sees the ghost is told, in its turn."""
        self._put(Arrived(self._now(), element("picture", "", ghost)))

    async def _introduced(self, arrived: Arrived) -> None:
        """Somebody wants to see one of us, or to have a handle: from then on they are known, and can be written to.

        Raises:
            BusUnavailable: it is not stored.
        """
        stanza, link = arrived.stanza, self._link
        if link is None:
            return  # the answer would go nowhere: they ask again
        if stanza.tag == "picture":
            with contextlib.suppress(Retry):
                await self._contacts.greet(link, stanza.text or "")
            return
        try:
            user = self._user(stanza.get("from", ""))
        except InvalidAddress:
            return
        handle = handle_wanted(stanza)
        with contextlib.suppress(Retry):
            if handle is None and not await self._contacts.take(link, stanza):
                return
            name = said(stanza, "nick", NICK)
            profile = Profile(name=name) if name else None
            await self.context.receive(ChatOpened(user, user, arrived.at, profile, handle or ""))
            if handle is not None:
                link.send(_result(stanza))

    def _events(self, arrived: Arrived) -> list[Event]:
        stanza, room = arrived.stanza, arrived.room
        if room is not None:
            nick = stanza.get("from", "").partition("/")[2]
            subject = child(stanza, "subject")
            user = room.user_of(nick, self._real_jid(stanza)) if nick else room.thread
            if subject is not None and child(stanza, "body") is None:
                return [MembershipReceived(room.thread, user, arrived.at, "topic", subject.text or "")]
            native = ids.native_id(room.thread, arrived.stanza_id or uuid.uuid4().hex)
            heard = Heard(self.context.app, room.thread, user, native, arrived.at, profile=Profile(name=nick))
            return events_of(stanza, heard, lambda own: self._in_room(room, nick, own))
        try:
            user, whom = self._user(stanza.get("from", "")), meant_by(bare(stanza.get("to", "")))
        except InvalidAddress as error:
            return [Unparsed(written(stanza).encode(), f"it is for or from nobody: {error}")]
        own_id = stanza.get("id", "")
        unique = own_id if len(own_id) >= ids.SHORTEST else f"{own_id}.{uuid.uuid4().hex}"
        native, to = f"{user} {unique}", bare(stanza.get("to", ""))
        self._talks.put(native, to)
        if child(stanza, "body") is not None:
            self._talks.put(user, to)
        name = said(stanza, "nick", NICK)
        if whom and self._answers_in_chat(stanza, user, to):
            whom = ""
        heard = Heard(self.context.app, user, user, native, arrived.at, whom, Profile(name=name) if name else None)
        return events_of(stanza, heard, lambda own: "" if own.startswith(ids.OURS) else ids.native_id(user, own))

    def _answers_in_chat(self, stanza: Element, user: str, to: str) -> bool:
        """Whether a message to a ghost answers one that is known to be of the same chat: then that says whom it is for.

        An answer to what is not known any more is told without it, so that it cannot go to somebody else.
        """
        reply = child(stanza, "reply", REPLY)
        if reply is None:
            return False
        quoted = ids.native_id(user, reply.get("id", ""))
        own = self._own.get(quoted)
        if to == (bare(own[0]) if own is not None else self._talks.get(quoted)):
            return True
        stanza.remove(reply)
        return False

    def _in_room(self, room: Room, nick: str, own_id: str) -> str:
        given = self._given.get((room.jid, nick, own_id))
        return ids.native_id(room.thread, given) if given else ""

    def _user(self, jid: str) -> str:
        """The id of who writes from a JID; somebody who writes out of a room in private is who they are there."""
        room, nick = self.rooms.of(jid), jid.partition("/")[2]
        return user_of(f"{room.jid}{JOIN}/{nick}" if room is not None and nick else jid, self._jid)

    def _real_jid(self, message: Element) -> str:
        """Who wrote it by their JID, where an archive tells (XEP-0313, section 5.1.2)."""
        told = child(message, "x", MUC_USER)
        item = child(told, "item", MUC_USER) if told is not None else None
        return bare(item.get("jid", "")) if item is not None else ""

    def _hand_back(self, link: Link) -> None:
        """What was not stored goes back to whoever wrote it, as from a component that is away; rooms keep theirs."""
        for arrived in self._inbox.left():
            if arrived.stanza.tag == "message" and arrived.room is None and arrived.event is None and link.is_up:
                link.send(_error(arrived.stanza, "wait", "recipient-unavailable"))

    def _now(self) -> int:
        return int(self.context.now() * 1000)


def _signed(delivery: Delivery) -> Delivery:
    """The same with its writer's name before the words."""
    content, sender = delivery.content, delivery.sender
    name = sender.name or sender.handle
    if isinstance(content, Text) and name:
        content = msgspec.structs.replace(content, text=f"{name}: {content.text}")
    return msgspec.structs.replace(delivery, content=content, ghost="")


def _result(stanza: Element, *payload: Element) -> Element:
    """The answer to a question."""
    made = element("iq", type="result", to=stanza.get("from", ""), id=stanza.get("id", ""))
    made.set("from", stanza.get("to", ""))
    return with_children(made, *payload)


def _error(stanza: Element, kind: str, name: str) -> Element:
    """A stanza sent back with an error (RFC 6120, section 8.3)."""
    answer = element(stanza.tag, type="error", to=stanza.get("from", ""), id=stanza.get("id", ""))
    answer.set("from", stanza.get("to", ""))
    return with_children(answer, with_children(element("error", type=kind), element(name, STANZAS)))
