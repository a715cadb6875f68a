"""Which conversation a message belongs to, with everything that has to be looked up for it."""

from __future__ import annotations

from typing import Literal

import msgspec

from gearmesh.core.commands import Command, Join, command_in
from gearmesh.core.switchboard import Choice, Continue, Help, choose
from gearmesh.errors import InvalidAddress
from gearmesh.host.app import App
from gearmesh.host.message_map import NativeRecord
from gearmesh.host.underway import Underway
from gearmesh.model.address import Address
from gearmesh.model.content import Text, words_of
from gearmesh.model.conversation import MAX_MEMBERS, Conversation, dm
from gearmesh.model.events import MessageReceived


class Placed(msgspec.Struct, frozen=True):
    """A message goes to this conversation. `text` is what remains of its words; `starts`: it may be the first there."""

    conversation: Conversation
    text: str
    starts: bool = False


class Answered(msgspec.Struct, frozen=True):
    """A message goes nowhere, and whoever wrote is told why. `opened` is the conversation that it has opened, if any.

    `key` and `args` are those of the notice.
    """

    key: str
    args: dict[str, str] = {}
    opened: Conversation | None = None


class Moved(msgspec.Struct, frozen=True):
    """A message goes nowhere: it enters a group, leaves it, or turns its messages off or on."""

    what: Literal["join", "leave", "mute", "unmute"]
    group: Conversation


class Placing:
    """Chooses for the messages of one app. It writes nothing down."""

    def __init__(self, app: App, underway: Underway) -> None:
        self._app = app
        self._shared = app.shared
        self._underway = underway

    async def place(
        self, event: MessageReceived, sender: Address, quoted: NativeRecord | None
    ) -> Placed | Answered | Moved:
        """The conversation of a message. `quoted` is what it answers. What is said in a room has only one.

        Raises:
            BusUnavailable: nats does not answer.
        """
        if self._app.is_room(event.thread):
            group = self._shared.groups.of_room(Address(self._app.name, event.thread))
            return Placed(group, words_of(event.content)) if group else Answered("unlinked")
        if isinstance(event.content, Text) and (command := command_in(event.content.text)):
            moved = await self._moved(command, event, sender, quoted)
            if moved is not None:
                return moved
        choice = await self._choose(event, quoted)
        if isinstance(choice, Continue):
            conversation = await self._shared.conversations.get(choice.conversation)
            if conversation and str(sender) in conversation.members:
                return Placed(conversation, choice.text)
            choice = Help("help")
        if isinstance(choice, Help):
            joins = command_in(words_of(event.content))
            return Answered("unknown_code", {"code": joins.code}) if isinstance(joins, Join) else Answered(choice.key)
        target = await self.person(choice.who, sender)
        if target is None:
            return Answered("unknown_person", {"who": choice.who})
        if target == sender:
            return Answered("yourself", {"who": choice.who})
        conversation = dm(sender, target)
        if not choice.text and isinstance(event.content, Text):
            return Answered("now_with", {"name": await self._shared.name_of(target)}, conversation)
        return Placed(conversation, choice.text, starts=True)

    async def _moved(
        self, command: Command, event: MessageReceived, sender: Address, quoted: NativeRecord | None
    ) -> Moved | Answered | None:
        """What a command does; None where it can only be words for somebody."""
        portal, groups = await self._app.portals.get(event.thread), self._shared.groups
        if isinstance(command, Join):
            group = groups.of_code(command.code)
            if group is None:
                return None
            is_full = len(group.members) >= MAX_MEMBERS and str(sender) not in group.members
            return Answered("full", {"title": group.title}) if is_full else Moved("join", group)
        group = groups.get(quoted.conversation if quoted else portal.focus)
        # Who has left is still in it when the command comes again, since it was not finished.
        if group is None or (command.what != "leave" and str(sender) not in group.members):
            return None
        return Moved(command.what, group)

    async def quoted(self, event: MessageReceived) -> NativeRecord | None:
        """What is known of the message that this one answers. One that is just being sent is waited for."""
        if not event.reply_to:
            return None
        messages, app = self._shared.messages, self._app.name
        record = await messages.native(app, event.reply_to, event.thread)
        if record is None and await self._underway.settled(event.thread):
            record = await messages.native(app, event.reply_to, event.thread)
        return record

    async def _choose(self, event: MessageReceived, quoted: NativeRecord | None) -> Choice:
        text, portals = words_of(event.content), self._app.portals
        conversation = quoted.conversation if quoted else ""
        choice = choose(text, conversation, await portals.get(event.thread))
        if isinstance(choice, Help) and await self._underway.settled(event.thread):
            choice = choose(text, conversation, await portals.get(event.thread))
        return choice

    async def person(self, who: str, sender: Address) -> Address | None:
        """The address that is meant by a handle or `app:user`. Of several, the first that is not the sender's own."""
        app, colon, user = who.partition(":")
        # Phones write the first letter of a message large; names of apps differ in more than that.
        named = (name for name in self._shared.bridges if name.lower() == app.lower())
        name = app if app in self._shared.bridges else next(named, "")
        if colon and name:
            try:
                return Address(name, self._shared.bridges[name].parse_address(user))
            except InvalidAddress:
                return None
        person = await self._shared.directory.find(who)
        if person is None:
            return None
        addresses = [Address.parse(address) for address in person.addresses]
        return next((address for address in addresses if address != sender), addresses[0] if addresses else None)
