"""What people are told whose message goes nowhere: how to go on, or why it did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gearmesh.core.ids import raw_id
from gearmesh.host.app import App
from gearmesh.host.message_map import NativeRecord
from gearmesh.host.placing import Answered
from gearmesh.host.posting import PATIENCE
from gearmesh.host.repeats import Repeats
from gearmesh.host.writers import Writers
from gearmesh.model.address import Address
from gearmesh.model.content import Product
from gearmesh.model.conversation import Conversation
from gearmesh.model.events import ChangeReceived, MessageReceived, Unparsed

FOR_ROOMS: Final = frozenset({"too_large"})
"""What somebody who wrote in a room is told, in a chat of their own."""


class Replies:
    """Replies to the people of one app. `guard` raises when the app is not ours to write for any more."""

    def __init__(self, app: App, repeats: Repeats, writers: Writers, guard: Callable[[], None]) -> None:
        self._app = app
        self._shared = app.shared
        self._repeats = repeats
        self._writers = writers
        self._guard = guard

    async def notice(self, event: MessageReceived | ChangeReceived | Unparsed, key: str, args: dict[str, str]) -> None:
        """Tell whoever did something what became of it.

        Raises:
            BusUnavailable: it is not stored, and neither is what the other methods say.
        """
        if self._app.is_room(event.thread) and key not in FOR_ROOMS:
            return  # everybody there would read what is for one, and who wrote did not write to us
        named = event.native_id if isinstance(event, MessageReceived | Unparsed) else ""
        cause = named or raw_id(repr(event).encode("utf-8", "backslashreplace"))
        address = Address(self._app.name, event.user)
        self._guard()
        await self._shared.notifier.tell(
            address, key, args, cause=cause, now=self._shared.clock.millis(), patience=PATIENCE
        )

    async def answer(self, event: MessageReceived, sender: Address, answered: Answered) -> None:
        """Tell whoever wrote how to go on: their message goes nowhere."""
        if answered.opened:
            await self._writers.enter(event, answered.opened, starts=True)
        # An advertisement or a listing comes with words, and those are answered.
        if not isinstance(event.content, Product) or event.content.text:
            await self.notice(event, answered.key, answered.args)
        record = NativeRecord("", "", str(sender), parts=event.parts)
        await self._shared.messages.note(self._app.name, event.native_id, record, patience=PATIENCE)

    async def too_large(self, event: MessageReceived, sender: Address, conversation: Conversation) -> None:
        """Tell whoever wrote that so much does not go into an envelope."""
        others = conversation.others(sender)
        name = conversation.title or (await self._shared.name_of(others[0]) if others else "")
        await self.notice(event, "too_large", {"name": name})
        await self._writers.wrote(event.thread, event.at)

    async def not_understood(self, event: Unparsed) -> None:
        """Keep what nobody understands as a dead letter, and tell whoever sent it, once."""
        letter = raw_id(event.raw)
        self._guard()
        await self._shared.journal.bury(
            self._app.name, "unparsed", event.detail, event.raw, letter_id=letter, patience=PATIENCE
        )
        if not event.user or await self._repeats.has_letter(letter):
            return
        if event.kind:
            await self.notice(event, "unsupported", {"kind": event.kind})
        if event.thread and event.kind == "reaction":
            await self._writers.wrote(event.thread, self._shared.clock.millis())
        await self._repeats.note_letter(letter, Address(self._app.name, event.user))
