"""Who comes to a group and who goes: by command from a person's own chat, and in the rooms that are linked to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gearmesh.core.ids import envelope_id
from gearmesh.host.acquaintance import Acquaintance
from gearmesh.host.app import App
from gearmesh.host.message_map import NativeRecord
from gearmesh.host.placing import Moved
from gearmesh.host.posting import PATIENCE, Posting
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

    async def carry_out(self, event: MessageReceived, sender: Address, moved: Moved, received: int) -> None:
        """Do what a person has asked for, tell the others, and tell them.

        Every step can be done again, and the ones that a repeat goes by come last: so a command that was interrupted
        is finished by its repeat, and nobody is told twice.

        Raises:
            BusUnavailable: it is not all done.
        """
        group, shared = moved.group, self._shared
        told = {"title": group.title, "code": group.code}
        match moved.what:
            case "join":
                if str(sender) not in group.members:
                    await self._announce(group, event, sender, Membership("joined"), received)
                await shared.groups.change(group.id, lambda one: one.joined_by(sender))
                await self._app.portals.focus(event.thread, group.id)
                await self._notice(event, "joined", told)
            case "leave":
                if str(sender) in group.members:
                    await self._announce(group, event, sender, Membership("left"), received)
                await shared.groups.change(group.id, lambda one: one.left_by(sender))
                await self._notice(event, "left", told)
            case "mute":
                await shared.groups.change(group.id, lambda one: one.muted_by(sender, muted=True))
                await self._notice(event, "muted", told)
            case "unmute":
                await shared.groups.change(group.id, lambda one: one.muted_by(sender, muted=False))
                await self._notice(event, "unmuted", told)
        record = NativeRecord("", "", str(sender), parts=event.parts)
        await shared.messages.note(self._app.name, event.native_id, record, patience=PATIENCE)
        if moved.what == "leave" and (await self._app.portals.get(event.thread)).focus == group.id:
            await self._app.portals.change(event.thread, focus="")

    async def _announce(
        self, group: Conversation, event: MessageReceived, sender: Address, content: Membership, received: int
    ) -> None:
        identity = envelope_id(self._shared.key, self._app.name, event.thread, event.native_id, "membership")
        await self._tell(group, identity, sender, content, event.at, received)

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
