"""Ways to be in `a_room`, to say something there or to `a_user` as the host does, and to read what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from gearmesh.bridge import SupportsGhosts, SupportsRooms
from gearmesh.core.degrade import Fitting, fit
from gearmesh.errors import RateLimited, Retry, SendFailed
from gearmesh.model.content import Sender, Text
from gearmesh.model.delivery import Delivery, Sent
from gearmesh.model.events import MessageReceived
from gearmesh.testing.contract.author import NOT_GIVEN
from gearmesh.testing.contract.harness import LOOK_AGAIN, SENDER
from gearmesh.testing.contract.rule import Broken, must
from gearmesh.testing.contract.sending import Sending
from gearmesh.testing.shown import Shown

Where = Literal["direct", "room"]
"""To `a_user`, or into `a_room`."""
LATER: Final = (Retry, RateLimited)
"""After these the same is sent again."""


class Inside(Sending):
    """What rules about rooms, and about many messages at once, have in common."""

    def with_rooms(self) -> SupportsRooms:
        """The bridge; the test is skipped where it has no rooms, or its author gives none."""
        if not isinstance(self.bridge, SupportsRooms):
            self.cannot("the bridge does not claim SupportsRooms")
        if not self.a_room:
            self.cannot(f"{NOT_GIVEN}{type(self).__name__} has no a_room")
        return self.bridge

    async def sit_in(self, *rooms: str) -> None:
        """Say in which rooms the bridge is to be; it need not be there yet."""
        await self.ask("sit_in()", self.with_rooms().sit_in(rooms))

    async def enter(self) -> None:
        """Let the bridge run, in the room."""
        await self.sit_in(self.a_room)
        await self.start()
        await self.until_inside()

    async def until_inside(self, inside: bool = True) -> None:
        """Wait until `a_user` sees our account in the room, or no more.

        Raises:
            Broken: they never do.
        """

        async def holds() -> bool:
            return await self.we_are_in_room() is inside

        wish = "be in, and it is not there" if inside else "be in no more, and it is still there"
        await self.until(holds, lambda: f"the room {self.a_room!r} is one to {wish} after {self.patience:g} s")

    async def until(self, holds: Callable[[], Awaitable[bool]], happened: Callable[[], str]) -> None:
        """Wait until something holds on the network.

        Raises:
            Broken: it never does; `happened` says what is instead.
        """
        try:
            async with asyncio.timeout(self.patience):
                while not await holds():
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            raise Broken(happened() + self.runner.last_words()) from None

    async def composed(self, text: str, where: Where, *, sender: Sender = SENDER) -> Delivery:
        """A delivery as the host makes it: under the sender's name, or with a first line that names them."""
        thread, user = (self.a_room, self.a_room) if where == "room" else (self.thread, self.a_user)
        ghost = ""
        if isinstance(self.bridge, SupportsGhosts):
            ghost = await self.ask("ghost()", self.bridge.ghost(thread, sender))
        parts = fit(Text(text, sender), Fitting(self.bridge.capabilities(thread), not ghost))
        must(len(parts) == 1, f"with these capabilities {text!r} is {len(parts)} messages")
        self._sent += 1
        return Delivery(f"{self._sent:032x}:{self.app}:0", thread, user, parts[0], sender, ghost=ghost)

    async def goes(self, delivery: Delivery) -> Sent:
        """Send it as the host does: again when that is told to help.

        Raises:
            Broken: it never goes, or `send` raises something else.
        """
        why: SendFailed | None = None
        try:
            async with asyncio.timeout(self.patience):
                while True:
                    try:
                        return await self.ask("send()", self.bridge.send(delivery), allowed=LATER)
                    except LATER as error:
                        why = error
                        await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            raise Broken(f"for {self.patience:g} s send() raised {why!r}{self.runner.last_words()}", why) from None

    async def says_in_room(self, text: str, *, sender: Sender = SENDER) -> Shown:
        """Let somebody from elsewhere say something in the room; what `a_user` sees of it.

        Raises:
            Broken: it does not arrive.
        """
        await self.goes(await self.composed(text, "room", sender=sender))
        return (await self.read(text, where="room"))[0]

    async def read(self, *texts: str, where: Where) -> list[Shown]:
        """What `a_user` sees of messages with these words in them, when all of them are there.

        Raises:
            Broken: one never arrives.
        """
        missing: list[str] = []
        seen: list[Shown] = []

        async def all_there() -> bool:
            seen[:] = await (self.shown_in_room() if where == "room" else self.shown())
            missing[:] = [text for text in texts if not any(text in one.text for one in seen)]
            return not missing

        await self.until(all_there, lambda: f"{len(missing)} of {len(texts)} never arrived, first {missing[0]!r}")
        return [one for one in seen if any(text in one.text for text in texts)]

    async def heard(self, text: str) -> MessageReceived:
        """The next message with these words from the room; others before it are passed over.

        Raises:
            Broken: none comes.
        """
        while True:
            event = await self.message(f"{text!r}, which was said in the room,")
            if event.thread == self.a_room and event.content == Text(text):
                return event
