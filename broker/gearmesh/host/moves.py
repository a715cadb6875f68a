"""Who comes to a group and who goes: by command from a person's own chat, and in the rooms that are linked to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gearmesh.core.ids import envelope_id
from gearmesh.host.acquaintance import Acquaintance
from gearmesh.host.app import App
from gearmesh.host.placing import Moved
from gearmesh.host.posting import PATIENCE, Posting
from gearmesh.host.records import NativeRecord
from gearmesh.model.address import Address
from gearmesh.model.content import Membership
from gearmesh.model.conversation import Conversation
from gearmesh.model.envelope import Header
from gearmesh.model.events import MembershipReceived, MessageReceived
from gearmesh.wire.body import UNSEALED

Notice = Callable[[MessageReceived, str, dict[str, str]], Awaitable[None]]


class Moves:
    """The comings and goings of one app's people. `notice` tells whoever wrote something, by key and arguments."""

    def __init__(self, app: App, posting: Posting, acquaintance: Acquaintance, notice: Notice) -> None:
        self._app = app
        self._shared = app.shared
        self._posting = posting
        self._acquaintance = acquaintance
        self._notice = notice

    async def carry_out(
        self, event: MessageReceived, identity: bytes, sender: Address, moved: Moved, received: int
    ) -> None:
        """Do what a person has asked for, tell the others, and tell them. `identity` is that of their message.

        Raises:
            BusUnavailable: it is not all done; asked again it is, and nobody is told twice.
        """
        group = moved.group
        match moved.what:
            case "join":
                before, now = await self._shared.groups.change(group.id, lambda one: one.joined_by(sender))
                await self._app.portals.focus(event.thread, group.id)
                if str(sender) not in before.members:
                    await self._tell(now, identity, sender, Membership("joined"), event.at, received)
                told = "joined"
            case "leave":
                before, now = await self._shared.groups.change(group.id, lambda one: one.left_by(sender))
                if (await self._app.portals.get(event.thread)).focus == group.id:
                    await self._app.portals.change(event.thread, focus="")
                if str(sender) in before.members:
                    await self._tell(now, identity, sender, Membership("left"), event.at, received)
                told = "left"
            case what:
                muted = what == "mute"
                await self._shared.groups.change(group.id, lambda one: one.muted_by(sender, muted=muted))
                told = f"{what}d"
        await self._notice(event, told, {"title": group.title})
        record = NativeRecord("", "", str(sender), parts=event.parts)
        await self._shared.messages.note(self._app.name, event.native_id, record, patience=PATIENCE)

    async def seen(self, event: MembershipReceived, received: int) -> None:
        """A room tells of somebody, or of itself. Who comes and goes there is news for the other rooms alone: whoever
        takes part by a chat of their own would get a line for each connection that breaks.

        Raises:
            BusUnavailable: it is not stored.
        """
        room = Address(self._app.name, event.thread)
        group = self._shared.groups.of_room(room)
        if group is None:
            return
        sender = Address(self._app.name, event.user)
        await self._acquaintance.meet(sender, event.profile)
        what = f"{event.user} {event.change} {event.at} {event.text}"
        identity = envelope_id(self._shared.key, self._app.name, event.thread, what, "membership")
        await self._tell(group, identity, sender, Membership(event.change, event.text), event.at, received, room)

    async def _tell(
        self,
        group: Conversation,
        identity: bytes,
        sender: Address,
        content: Membership,
        at: int,
        received: int,
        room: Address | None = None,
    ) -> None:
        shared = self._shared
        others = group.others(sender, *([room] if room else []))
        if room and content.change in {"joined", "left"}:
            others = tuple(other for other in others if str(other) in group.rooms)
        if not others:
            return
        shown = await shared.directory.sender(sender, self._app.bridge.title)
        header = Header(identity, "event", sender, others, group.id, at, seal=UNSEALED)
        data = self._posting.closed(header, Membership(content.change, content.text, shown))
        stored = await self._posting.store(header, data, received)
        if not stored.duplicate:
            await self._posting.account(header)
