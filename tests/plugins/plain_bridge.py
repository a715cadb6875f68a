"""A bridge that claims as little as one can, one that writes down what it has learned, and one in a hurry."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from gearmesh.errors import Rejected, Retry
from gearmesh.model.content import Sender
from gearmesh.model.delivery import Delivery, Sent
from gearmesh.testing import FakeBridge


class WordsOnlyBridge(FakeBridge):
    """Sends words, and has no ability beyond."""

    # A method that is None is none: so says `typing.runtime_checkable`.
    react = None  # type: ignore[assignment]
    edit = None  # type: ignore[assignment]
    redact = None  # type: ignore[assignment]
    typing = None  # type: ignore[assignment]
    receipt = None  # type: ignore[assignment]
    ghost = None  # type: ignore[assignment]
    profile = None  # type: ignore[assignment]
    invite = None  # type: ignore[assignment]
    webhook = None  # type: ignore[assignment]
    replay = None  # type: ignore[assignment]


class KeepingBridge(FakeBridge):
    """Keeps under which id the network shows each person from elsewhere."""

    async def run(self) -> None:
        """Know again whoever was known, and go on as usual."""
        for key, ghost in (await self.context.recall_all()).items():
            self.messenger.ghosts[ghost] = key.removeprefix("ghost ")
        await super().run()

    async def ghost(self, thread: str, sender: Sender) -> str:
        """As usual, and written down."""
        ghost = await super().ghost(thread, sender)
        if ghost:
            await self.context.keep(f"ghost {sender.name}", ghost)
        return ghost


class HurryingBridge(FakeBridge):
    """Takes many messages to a thread at once. Each goes out behind those before it, unless one of them is to come
    again: then so is it."""

    at_once: ClassVar[int] = 20

    def __init__(self, config: Any, context: Any) -> None:
        super().__init__(config, context)
        self._last: dict[str, asyncio.Future[bool]] = {}

    async def send(self, delivery: Delivery) -> Sent:
        """Show it to the recipient, in its turn."""
        before = self._last.get(delivery.thread)
        gone = self._last[delivery.thread] = asyncio.get_running_loop().create_future()
        may_follow = False
        try:
            if before is not None and not await before:
                raise Retry("what was to go out before it comes again")
            sent = await super().send(delivery)
            may_follow = True
            return sent
        except Rejected:
            may_follow = True
            raise
        finally:
            gone.set_result(may_follow)
            if self._last[delivery.thread] is gone:
                del self._last[delivery.thread]
