"""The nicknames that were ours: history shows what we said under the one that we had then.

They are kept for good, so that another process, under another nickname, does not take our own words for somebody
else's. What is said now is ours by the nickname of now alone: somebody else may have an old one.
"""

from __future__ import annotations

from typing import Final

from gearmesh import BridgeContext
from gearmesh_irc.names import canonical

GROUP: Final = "nicks"


class Nicks:
    """Nicknames in their canonical form."""

    def __init__(self, context: BridgeContext, configured: str) -> None:
        self._context = context
        self.ours = {canonical(configured)}
        self._new: set[str] = set()

    async def load(self) -> None:
        """Read what was kept.

        Raises:
            BusUnavailable: it cannot be read now.
        """
        self.ours.update(key.removeprefix(f"{GROUP}/") for key in await self._context.recall_all(GROUP))

    def note(self, nick: str) -> None:
        """This is ours now."""
        if (name := canonical(nick)) not in self.ours:
            self.ours.add(name)
            self._new.add(name)

    async def write(self) -> None:
        """Write down those that are new.

        Raises:
            BusUnavailable: not all of them are written down.
        """
        while self._new:
            name = next(iter(self._new))
            await self._context.keep(f"{GROUP}/{name}", "ours")
            self._new.discard(name)
