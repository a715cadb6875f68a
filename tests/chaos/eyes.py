"""Looking at all phones: how much they show, and in the end everything they show."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

from tests.integration.phones import Phone, Phones, Shown


class Eyes:
    """Looks at the phones again and again, each time only at what is new there."""

    def __init__(self, phones: Phones, people: Sequence[Phone]) -> None:
        self.arrived = 0
        self._phones = phones
        self._people = people
        self._last: dict[Phone, str] = {}

    async def look(self) -> int:
        """How many messages have arrived on all phones together."""
        await asyncio.gather(*(self._look_at(phone) for phone in self._people))
        return self.arrived

    async def everything(self) -> dict[str, list[Shown]]:
        """All that has arrived on each phone, oldest first, by its owner's handle; read anew."""
        return {phone.handle: await self._phones.arrived(phone) for phone in self._people}

    async def waiting(self) -> int:
        """Events that the networks have not been able to tell yet."""
        state = await self._phones.control("GET", "state")
        waiting: int = state["webhooks"]["waiting"]
        return waiting

    async def _look_at(self, phone: Phone) -> None:
        last = self._last.get(phone)
        after = f"?after={quote(last, safe='')}" if last else ""
        new: list[Shown] = await self._phones.control("GET", phone.messages + after)
        if new:
            self._last[phone] = new[-1]["id"]
            self.arrived += sum(message["direction"] == "in" for message in new)
