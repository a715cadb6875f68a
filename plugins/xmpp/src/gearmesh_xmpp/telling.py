"""What arrived, told in its turn: translated, handed over, and noted as told."""

from __future__ import annotations

import contextlib

import msgspec

from gearmesh import BridgeContext, BusUnavailable, ChatOpened, Event, InvalidAddress, Profile, Unparsed
from gearmesh.model.events import MembershipReceived
from gearmesh_xmpp import ids
from gearmesh_xmpp.answers import handle_wanted
from gearmesh_xmpp.archive import Position
from gearmesh_xmpp.contacts import Contacts
from gearmesh_xmpp.elements import NICK, REPLY, Element, child, result, said, written
from gearmesh_xmpp.incoming import Heard, events_of
from gearmesh_xmpp.known import Known
from gearmesh_xmpp.link import Link
from gearmesh_xmpp.names import ROOM, bare, room_in, user_of
from gearmesh_xmpp.room import Room
from gearmesh_xmpp.rooms import Rooms
from gearmesh_xmpp.veils import Veils


class Arrived(msgspec.Struct, frozen=True):
    """Something to be told: a stanza with the `room` that it came from, or what was read off one already.

    `at` is when it was sent, in milliseconds, `own_id` what names it where it came from: what a room or its archive
    calls it, or its sender. `stored_as` is what the room's archive goes on from, "" where it has none. `jid` is who
    had the nickname when it was said, where that is known: somebody else may have it now.
    """

    at: int
    stanza: Element
    room: Room | None = None
    own_id: str = ""
    stored_as: str = ""
    event: Event | None = None
    jid: str = ""


class Telling:
    """Hands over what arrived. `link` is the connection over which questions are answered, while there is one."""

    def __init__(
        self,
        context: BridgeContext,
        component: str,
        rooms: Rooms,
        contacts: Contacts,
        known: Known,
        veils: Veils,
    ) -> None:
        self.link: Link | None = None
        self._context = context
        self._jid = component
        self._rooms = rooms
        self._contacts = contacts
        self._known = known
        self._veils = veils

    async def tell(self, arrived: Arrived) -> None:
        """Hand over what arrived.

        Raises:
            BusUnavailable: it is not stored.
        """
        if arrived.room is None and arrived.event is None and arrived.stanza.tag != "message":
            await self._introduced(arrived)
            return
        events = [arrived.event] if arrived.event is not None else await self._read(arrived)
        place = (arrived.room.jid, arrived.stored_as) if arrived.room is not None and arrived.stored_as else None
        if place is not None and place in self._known.told:
            return  # the archive and the room have both told it
        if events:
            await self._context.receive(*events)
        if place is not None:
            self._known.told.put(place, True)
            self._rooms.positions.put(place[0], Position(arrived.at, arrived.stored_as))

    def user(self, jid: str) -> str:
        """The id of who writes from a JID; somebody who writes out of a room in private is who they are there.

        Raises:
            InvalidAddress: nobody writes from there.
        """
        room, _, nick = jid.partition("/")
        return user_of(f"{room}{ROOM}/{nick}" if nick and self._rooms.is_wanted(room) else jid, self._jid)

    async def _introduced(self, arrived: Arrived) -> None:
        """Somebody wants to see one of us, or to have a handle: from then on they are known, and can be written to.

        Raises:
            BusUnavailable: it is not stored.
        """
        stanza = arrived.stanza
        try:
            user = self.user(stanza.get("from", ""))
        except InvalidAddress:
            return
        handle = handle_wanted(stanza)
        if handle is None and not await self._contacts.take(self.link, stanza):
            return
        if handle is None:
            with contextlib.suppress(InvalidAddress):
                await self._veils.written_to(user, bare(stanza.get("to", "")))
        name = said(stanza, "nick", NICK)
        profile = Profile(name=name) if name else None
        await self._context.receive(ChatOpened(user, user, arrived.at, profile, handle or ""))
        if handle is not None and self.link is not None and self.link.is_up:
            self.link.send(result(stanza))

    async def _read(self, arrived: Arrived) -> list[Event]:
        """What a message says. Anybody may send anything: one that we fail at must not keep others from coming in."""
        try:
            return await self._events(arrived)
        except BusUnavailable:
            raise
        except Exception as error:
            self._context.log.exception("a message could not be read")
            return [Unparsed(written(arrived.stanza).encode(), f"{type(error).__name__}: {error}")]

    async def _events(self, arrived: Arrived) -> list[Event]:
        if arrived.room is not None:
            return self._from_room(arrived, arrived.room)
        stanza = arrived.stanza
        try:
            user, whom = self.user(stanza.get("from", "")), await self._veils.behind(stanza.get("to", ""))
        except InvalidAddress as error:
            return [Unparsed(written(stanza).encode(), f"it is for or from nobody: {error}")]
        native, to = f"{user} {arrived.own_id}", stanza.get("to", "")
        if not room_in(user):
            to = bare(to)  # in a room we are full JIDs, also in private
        self._known.talks.put(native, to)
        if child(stanza, "body") is not None:
            self._known.talks.put(user, to)
            if not room_in(user):
                await self._veils.written_to(user, to)
        name = said(stanza, "nick", NICK)
        if whom and self._answers_in_chat(stanza, user, to):
            whom = ""
        heard = Heard(self._context.app, user, user, native, arrived.at, whom, Profile(name=name) if name else None)
        return events_of(stanza, heard, lambda own: "" if own.startswith(ids.OURS) else ids.native_id(user, own))

    def _from_room(self, arrived: Arrived, room: Room) -> list[Event]:
        stanza = arrived.stanza
        nick = stanza.get("from", "").partition("/")[2]
        subject = child(stanza, "subject")
        user = room.user_of(nick, arrived.jid) if nick else room.thread
        if subject is not None and child(stanza, "body") is None:
            return [MembershipReceived(room.thread, user, arrived.at, "topic", subject.text or "")]
        native = ids.native_id(room.thread, arrived.own_id)
        heard = Heard(self._context.app, room.thread, user, native, arrived.at, profile=Profile(name=nick))
        return events_of(stanza, heard, lambda own: self._in_room(room, nick, own))

    def _answers_in_chat(self, stanza: Element, user: str, to: str) -> bool:
        """Whether a message to a ghost answers one that is known to be of the same chat: then that says whom it is for.

        An answer to what is not known any more is told without it, so that it cannot go to somebody else.
        """
        reply = child(stanza, "reply", REPLY)
        if reply is None:
            return False
        quoted = ids.native_id(user, reply.get("id", ""))
        own = self._known.own.get(quoted)
        if bare(to) == bare(own[0] if own is not None else self._known.talks.get(quoted) or ""):
            return True
        stanza.remove(reply)
        return False

    def _in_room(self, room: Room, nick: str, own_id: str) -> str:
        given = self._known.given.get((room.jid, nick, own_id))
        return ids.native_id(room.thread, given) if given else ""
