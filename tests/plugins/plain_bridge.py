"""A bridge that claims as little as one can, and one that writes down what it has learned."""

from __future__ import annotations

from gearmesh.model.content import Sender
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
