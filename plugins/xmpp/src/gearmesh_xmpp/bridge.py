"""The bridge to XMPP, as one component of one server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any, ClassVar

import msgspec

from gearmesh import (
    Bridge,
    BridgeContext,
    Capabilities,
    Delivery,
    Media,
    MediaRef,
    Profile,
    ReceiptDelivery,
    Rejected,
    Retry,
    Sender,
    Sent,
    Text,
)
from gearmesh_xmpp import ids, outgoing
from gearmesh_xmpp.capabilities import DIRECT, ROOM, with_files
from gearmesh_xmpp.config import XmppConfig
from gearmesh_xmpp.elements import (
    VCARD,
    Element,
    child,
    element,
    said,
)
from gearmesh_xmpp.entrance import SOMEBODY
from gearmesh_xmpp.hearing import Hearing
from gearmesh_xmpp.known import Known
from gearmesh_xmpp.link import Link, Refused
from gearmesh_xmpp.names import bare, ghost_of, is_room, jid_of, room_in, room_of, user_of
from gearmesh_xmpp.turns import Turn, Turns
from gearmesh_xmpp.underway import Underway
from gearmesh_xmpp.uploads import uploaded
from gearmesh_xmpp.veils import Veils, modest


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
        self._known = Known()
        self._underway = Underway()
        self._turns = Turns()
        self._veils = Veils(context, config.component)
        self._hearing = Hearing(config, context, self._known, self._underway, self._veils)
        self.rooms = self._hearing.rooms

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
        link = Link(self.config, self._hearing.hear)
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
                asyncio.create_task(self._hearing.work(link)),
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
            self._link = None
            self._underway.lost()
            await self._hearing.close(link, is_stopped=is_stopped)
            await link.close()

    async def send(self, delivery: Delivery) -> Sent:
        """Send a text, as the ghost of whoever wrote it."""
        with self._turns.take(delivery.thread) as turn:
            sender = await self._speaker(delivery)
            link = ""
            if isinstance(delivery.content, Media):
                link = await self._uploaded(delivery.content.ref)
            if delivery.ghost and sender == self.rooms.jid:
                # The ghost was thrown out between being asked for and speaking.
                delivery = _signed(delivery, self._shown(delivery.sender))
            answered = self._known.own.get(delivery.reply_to)
            replied = answered[0] if answered else "" if is_room(delivery.thread) else jid_of(delivery.user)
            stanza = outgoing.message(delivery, sender, link, replied)
            sent = Sent((await self._deliver(delivery, stanza, sender, turn),))
        if sender == self._jid and isinstance(delivery.content, Text):
            self._hearing.replies.said(delivery.user, delivery.content.text)
        return sent

    async def edit(self, delivery: Delivery) -> Sent:
        """Change a message of ours (XEP-0308)."""
        if len(delivery.target) > 1:
            raise Rejected("a message of several parts cannot be changed on XMPP")
        with self._turns.take(delivery.thread) as turn:
            own = self._known.own.get(delivery.target[0])
            if own is not None:
                sender, original = await self._author(delivery, own[0]), own[1]
            elif not is_room(delivery.thread) and ids.delivery_of(delivery.thread, delivery.target[0]):
                sender, original = await self._speaker(delivery), delivery.target[0]
            else:
                raise Rejected("it is not known any more how to change this message")
            await self._deliver(delivery, outgoing.correction(delivery, sender, original), sender, turn)
        return Sent(())

    async def react(self, delivery: Delivery) -> Sent:
        """React to a message (XEP-0444), or take that back."""
        if not ids.reference(delivery.thread, delivery.target[-1]):
            raise Rejected("there is no such message")
        with self._turns.take(delivery.thread) as turn:
            sender = await self._speaker(delivery)
            await self._deliver(delivery, outgoing.reactions(delivery, sender), sender, turn)
        return Sent(())

    async def redact(self, delivery: Delivery) -> Sent:
        """Take messages of ours back (XEP-0424), each for itself."""
        if not all(ids.reference(delivery.thread, target) for target in delivery.target):
            raise Rejected("there is no such message")
        with self._turns.take(delivery.thread) as turn:
            all_of_it: list[tuple[Delivery, Element, str]] = []
            for number, target in enumerate(delivery.target):
                own = self._known.own.get(target)
                sender = await (self._author(delivery, own[0]) if own else self._speaker(delivery))
                one = msgspec.structs.replace(delivery, id=f"{delivery.id}.{number}" if number else delivery.id)
                all_of_it.append((one, outgoing.retraction(one, sender, target), sender))
            sending = (self._deliver(one, stanza, sender, turn) for one, stanza, sender in all_of_it)
            for result in await asyncio.gather(*sending, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result
        return Sent(())

    async def typing(self, thread: str, user: str, on: bool, last: str) -> None:
        """Show it as whoever of us talked with them last."""
        self._signal(outgoing.typing(jid_of(user), self._known.talks.get(user) or self._jid, on))

    async def receipt(self, delivery: ReceiptDelivery) -> None:
        """Show it as whom the message was written to."""
        if is_room(delivery.thread):
            return
        for native in delivery.native_ids:
            sender = self._known.talks.get(native) or self._known.talks.get(delivery.user) or self._jid
            reference = ids.reference(delivery.thread, native)
            if reference:
                self._signal(outgoing.receipt(jid_of(delivery.user), sender, delivery.state, reference))

    async def ghost(self, thread: str, sender: Sender) -> str:
        """The JID of somebody from elsewhere, in a room with a nickname; "" where they have none or are not let in.

        Raises:
            Retry: nothing can be kept or read now, which is needed for a JID that hides whose it is.
        """
        room = room_in(thread)
        if not room:
            ghost = await self._veils.towards(thread, sender.address, sender.handle)
        elif sender.address and self.config.room_jids == "opaque":
            ghost, sender = await self._veils.of(sender.address), self._shown(sender)
        else:
            ghost = ghost_of(sender.address, sender.handle, self._jid)
        if not ghost:
            return ""
        self._known.faces.put(ghost, sender)
        self._hearing.pictures.want(ghost, sender)
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
        return self._hearing.downloads.stream(ref.source)

    # Going out

    def _shown(self, sender: Sender) -> Sender:
        """Somebody as rooms see them."""
        return modest(sender) if self.config.room_jids == "opaque" else sender

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
        return await self.rooms.ghost_in(thread, bare(delivery.ghost), self._shown(delivery.sender)) or self.rooms.jid

    async def _author(self, delivery: Delivery, author: str) -> str:
        """Which of us changes what `author` wrote: they alone can, and come back into a room for it.

        Raises:
            Retry: the bridge is not in the room now.
            Rejected: they are not let in.
        """
        thread = room_in(delivery.thread)
        if not thread or author in self.rooms.place(thread).ours:
            return author
        if await self.rooms.ghost_in(thread, bare(author), self._shown(delivery.sender)) != author:
            raise Rejected("whoever wrote it is not in the room any more")
        return author

    async def _deliver(self, delivery: Delivery, stanza: Element, sender: str, turn: Turn) -> str:
        """Let a stanza go out in its turn, and wait until it is there; returns its native id.

        Raises:
            SendFailed: it is not there, or that is not known.
        """
        await turn.comes()
        if self._link is None:
            raise Retry("there is no connection to the XMPP server")
        if not is_room(delivery.thread):
            self._known.talks.put(delivery.user, sender)
        given = await self._underway.deliver(self._link, stanza, turn.is_over)
        native = ids.native_id(delivery.thread, given)
        self._known.own.put(native, (sender, stanza.get("id", "")))
        return native

    def _signal(self, stanza: Element) -> None:
        if self._link is None:
            raise Retry("there is no connection to the XMPP server")
        self._link.send(stanza)


def _signed(delivery: Delivery, sender: Sender) -> Delivery:
    """The same with its writer's name before the words."""
    content = delivery.content
    name = sender.name or sender.handle or SOMEBODY
    if isinstance(content, Text):
        content = msgspec.structs.replace(content, text=f"{name}: {content.text}")
    return msgspec.structs.replace(delivery, content=content, ghost="")
