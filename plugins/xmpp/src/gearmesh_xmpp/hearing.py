"""Everything that the server sends, the moment it comes: what somebody waits for is settled, questions are answered,
the rest is put into the inbox for its turn."""

from __future__ import annotations

import asyncio
import uuid
from typing import Final

from gearmesh import (
    BridgeContext,
    Downloads,
    EchoReceived,
    InvalidAddress,
    MessageReceived,
    Profile,
    ReceiptReceived,
    Retry,
    Text,
)
from gearmesh.model.events import MembershipReceived
from gearmesh_xmpp import ids
from gearmesh_xmpp.adhoc import Impossible, Written, performed
from gearmesh_xmpp.answers import answer, caps, handle_wanted
from gearmesh_xmpp.archive import Kept
from gearmesh_xmpp.config import XmppConfig
from gearmesh_xmpp.contacts import Contacts
from gearmesh_xmpp.elements import COMMANDS, PING, Element, child, delayed, element, real_jid, result, sent_back
from gearmesh_xmpp.inbox import Inbox
from gearmesh_xmpp.known import Known
from gearmesh_xmpp.link import Link
from gearmesh_xmpp.names import bare
from gearmesh_xmpp.pictures import Pictures, update
from gearmesh_xmpp.refusals import refusal
from gearmesh_xmpp.replies import Replies
from gearmesh_xmpp.room import Others, Room
from gearmesh_xmpp.rooms import Rooms
from gearmesh_xmpp.telling import Arrived, Telling
from gearmesh_xmpp.underway import Underway
from gearmesh_xmpp.veils import Veils

REPLIED_WITHIN: Final = 10.0
"""Seconds for the core to say something to a command; clients wait for thirty and more."""
MOST_ANSWERING: Final = 1_000
"""Commands that wait for their answers at once."""
LOST_WITHIN: Final = 2.0
STOPPED_WITHIN: Final = 1.0
"""Seconds for what came before to be handed over when a connection has ended."""


class Hearing:
    """The incoming side of a bridge, and what belongs to it: its rooms, contacts and pictures."""

    def __init__(
        self, config: XmppConfig, context: BridgeContext, known: Known, underway: Underway, veils: Veils
    ) -> None:
        self.replies = Replies()
        self.downloads = Downloads(config.file_servers)
        self.pictures = Pictures(self.downloads, self._has_a_picture)
        self.rooms = Rooms(
            config, context, self._said_in_room, self._came_or_left, lambda: self._inbox.ready(), self._looks
        )
        self._config = config
        self._context = context
        self._jid = config.component
        self._known = known
        self._underway = underway
        self._contacts = Contacts(context, self.pictures, lambda jid: "@" not in jid or jid in known.faces)
        self._telling = Telling(context, config.component, self.rooms, self._contacts, known, veils)
        self._inbox: Inbox[Arrived] = Inbox(self._telling.tell)
        self._answering: set[asyncio.Task[None]] = set()
        self._link: Link | None = None

    async def work(self, link: Link) -> None:
        """Tell what comes, until cancelled."""
        self._link = self._telling.link = link
        await self._contacts.greet(link)
        await self._inbox.work()

    async def close(self, link: Link, *, is_stopped: bool) -> None:
        """The connection is not used any more. `is_stopped`: there may be no other one.

        What came is handed over all the same. Where that cannot be done soon, it waits for the next connection, before
        all that comes by that; where there is none, it goes back to whoever wrote it, as from a component that is
        away; rooms keep theirs.
        """
        self._link = self._telling.link = None
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)
        await self.pictures.close()
        await self._inbox.drain(STOPPED_WITHIN if is_stopped else LOST_WITHIN)
        for arrived in self._inbox.left() if is_stopped else ():
            if arrived.stanza.tag == "message" and arrived.room is None and arrived.event is None and link.is_up:
                link.send(sent_back(arrived.stanza, "wait", "recipient-unavailable"))

    def hear(self, stanza: Element) -> None:
        """Take a stanza that is no answer, in order, as it comes."""
        match stanza.tag:
            case "message" if stanza.get("type") == "error":
                self._came_back(stanza)
            case "message":
                if self._is_shown(stanza):
                    return
                if not self.rooms.take_message(stanza) and stanza.get("type") != "groupchat":
                    self._put(Arrived(self._sent_at(stanza), stanza, own_id=_unique(stanza.get("id", ""))))
            case "presence":
                if not self.rooms.take_presence(stanza) and stanza.get("type") in {"subscribe", "unsubscribe", "probe"}:
                    self._put(Arrived(self._now(), stanza))
            case _:
                self._answer(stanza)

    def _answer(self, stanza: Element) -> None:
        """Whoever asks gets an answer (RFC 6120, section 8.2.3)."""
        if stanza.get("type") not in {"get", "set"} or self._link is None:
            return
        command = child(stanza, "command", COMMANDS)
        if command is not None and stanza.get("type") == "set" and bare(stanza.get("to", "")) == self._jid:
            self._perform(stanza, command)
            return
        if handle_wanted(stanza) is not None:
            self._put(Arrived(self._now(), stanza))
            return
        try:
            ghost = bare(stanza.get("to", ""))
            face, picture = self._known.faces.get(ghost), self.pictures.get(ghost)
            payload = answer(stanza, self._jid, face, self._config.nick, picture)
        except InvalidAddress:
            self._link.send(sent_back(stanza, "modify", "item-not-found"))
            return
        if payload is not None:
            self._link.send(result(stanza, payload))
        elif child(stanza, "ping", PING) is not None:
            self._link.send(result(stanza))
        else:
            self._link.send(sent_back(stanza, "cancel", "service-unavailable"))

    def _perform(self, stanza: Element, command: Element) -> None:
        """Do what somebody has chosen from the menu of commands."""
        assert self._link is not None
        try:
            user, done = self._telling.user(stanza.get("from", "")), performed(command, self._jid)
        except InvalidAddress:
            self._link.send(sent_back(stanza, "auth", "forbidden"))
        except Impossible as error:
            self._link.send(sent_back(stanza, error.kind, error.name))
        else:
            if not isinstance(done, Written):
                self._link.send(result(stanza, done))
                return
            if len(self._answering) >= MOST_ANSWERING:
                self._link.send(sent_back(stanza, "wait", "resource-constraint"))
                return
            number = f"{user} {done.node}.{uuid.uuid4().hex}"
            at = self._now()
            written = MessageReceived(number, user, user, at, Text(done.words))
            if not self._inbox.put(Arrived(at, element("message"), event=written)):
                self._link.send(sent_back(stanza, "wait", "resource-constraint"))
                return
            task = asyncio.create_task(self._answer_written(self._link, stanza, user, done))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _answer_written(self, link: Link, stanza: Element, user: str, done: Written) -> None:
        """Give what the core says to a command as its answer; it comes as a message, too."""
        text = await self.replies.next(user, REPLIED_WITHIN)
        if link.is_up:
            link.send(result(stanza, done.answered(text)))

    def _came_back(self, stanza: Element) -> None:
        """A message of ours as an error: somebody waits for it, or believed it to be there."""
        error = refusal(stanza)
        if self.rooms.is_out(stanza):
            error = Retry("one of us is not in the room any more", code=error.code)
        if self._underway.came_back(stanza, error):
            return
        stanza_id = stanza.get("id", "")
        try:
            user = self._telling.user(stanza.get("from", ""))
        except InvalidAddress:
            return
        delivery_id = ids.delivery_of(user, stanza_id)
        if delivery_id:
            at = self._now()
            failed = ReceiptReceived(user, user, at, "failed", (stanza_id,), str(error), delivery_id, error)
            self._put(Arrived(at, stanza, event=failed))

    def _is_shown(self, message: Element) -> bool:
        """Whether a room shows what somebody waits for, who is not to wait until that room is caught up."""
        room, nick = self.rooms.of(message.get("from", "")), message.get("from", "").partition("/")[2]
        if room is None or message.get("type") != "groupchat" or bare(message.get("to", "")) != self._jid:
            return False
        own_id = message.get("id", "")
        if nick not in room.ours.values():
            return False
        return self._underway.is_shown(room.jid, own_id, self.rooms.stanza_id(room, message) or own_id)

    def _said_in_room(self, room: Room, message: Element, kept: Kept | None) -> None:
        """Something was said in a room, now or, with `kept`, before."""
        nick, own_id = message.get("from", "").partition("/")[2], message.get("id", "")
        stanza_id = kept.stanza_id if kept is not None else self.rooms.stanza_id(room, message)
        if not stanza_id and len(own_id) >= ids.SHORTEST:
            stanza_id = own_id  # a room that gives none: its people refer to each other's
        if stanza_id:
            self._known.given.put((room.jid, nick, own_id), stanza_id)
        at = kept.at if kept is not None else self._sent_at(message, room.jid)
        # Only in an archive is that the room's own word (XEP-0313, section 5.1.2): else somebody may have written it.
        told = real_jid(message) if kept is not None else ""
        jid = told if kept is not None else room.others.get(nick, "")
        delivery_id = ids.delivery_of(room.thread, own_id)
        is_ours = nick in room.ours.values() or told.rpartition("@")[2] == self._jid
        is_past = kept is not None or delayed(message, room.jid) is not None
        # Who spoke in the past is told by their nickname alone where JIDs are not: ours have ids that we gave them.
        if is_ours or (is_past and delivery_id and not told):
            self._echoed(room, own_id, stanza_id, at, nick)
        elif nick or child(message, "subject") is not None:
            self._put(Arrived(at, message, room, stanza_id or uuid.uuid4().hex, stanza_id, jid=jid))

    def _echoed(self, room: Room, own_id: str, stanza_id: str, at: int, nick: str) -> None:
        """A message of ours is shown: whoever sent it waits for that, or does not know of it yet."""
        if self._underway.is_shown(room.jid, own_id, stanza_id):
            return
        delivery_id = ids.delivery_of(room.thread, own_id)
        if delivery_id:
            native = ids.native_id(room.thread, stanza_id)
            jid = next((jid for jid, ours in room.ours.items() if ours == nick), self.rooms.jid)
            self._known.own.put(native, (jid, own_id))
            echo = EchoReceived(native, room.thread, room.thread, at, delivery_id)
            self._put(Arrived(at, element("message"), room, stanza_id, stanza_id, echo))

    def _came_or_left(self, room: Room, news: Others) -> None:
        at, user, profile = self._now(), room.user_of(news.nick, news.jid), Profile(name=news.nick)
        event = MembershipReceived(room.thread, user, at, "joined" if news.here else "left", news.reason, profile)
        if news.new_nick and room.shows_jids and news.jid:
            event = MembershipReceived(room.thread, user, at, "name", news.new_nick)
        self._put(Arrived(at, element("presence"), room, event=event))

    def _has_a_picture(self, ghost: str) -> None:
        """A picture was fetched: whoever sees the ghost is told."""
        if self._link is not None and self._link.is_up:
            self._contacts.show(self._link, ghost)
            self.rooms.show(self._link, ghost)

    def _looks(self, jid: str) -> tuple[Element, ...]:
        """What stands in the presences of one of us in rooms."""
        ours = bare(jid)
        return (caps(ours), update(self.pictures.get(ours)))

    def _put(self, arrived: Arrived) -> None:
        if self._inbox.put(arrived):
            return
        if arrived.room is not None:
            self.rooms.catch_up(arrived.room.jid)
        elif arrived.event is None and self._link is not None:
            self._link.send(sent_back(arrived.stanza, "wait", "resource-constraint"))

    def _sent_at(self, stanza: Element, by: str = "") -> int:
        """When it was sent, as it says itself, in a room as `by` says, where it comes late; never later than now."""
        now = self._now()
        return min(delayed(stanza, by) or now, now)

    def _now(self) -> int:
        return int(self._context.now() * 1000)


def _unique(own_id: str) -> str:
    """What names a message of somebody, as they do; with more to it where that is only a client's count."""
    return own_id if len(own_id) >= ids.SHORTEST else f"{own_id}.{uuid.uuid4().hex}"
