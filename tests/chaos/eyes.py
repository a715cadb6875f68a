"""Looking at all phones: how much of what was typed they show, and in the end everything that they show."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

from tests.integration.phones import Phone, Phones, Shown

from .texts import Said, read


class Eyes:
    """Looks at the phones again and again, each time only at what is new there."""

    def __init__(self, phones: Phones, people: Sequence[Phone]) -> None:
        self.seen: set[Said] = set()
        self._phones = phones
        self._people = people
        self._last: dict[Phone, str] = {}

    async def look(self) -> int:
        """How many of the messages that people typed are shown, each counted once."""
        await asyncio.gather(*(self._look_at(phone) for phone in self._people))
        return len(self.seen)

    async def everything(self) -> dict[str, list[Shown]]:
        """All that has arrived on each phone, oldest first, by its owner's handle; read anew."""
        return {phone.handle: await self._phones.arrived(phone) for phone in self._people}

    async def waiting(self) -> int:
        """Events that the networks have not been able to tell yet, and doubles of others that are still to come."""
        webhooks = (await self._phones.control("GET", "state"))["webhooks"]
        waiting: int = webhooks["waiting"] + webhooks.get("late", 0)
        return waiting

    async def _look_at(self, phone: Phone) -> None:
        last = self._last.get(phone)
        after = f"?after={quote(last, safe='')}" if last else ""
        new: list[Shown] = await self._phones.control("GET", phone.messages + after)
        if new:
            self._last[phone] = new[-1]["id"]
            arrived = (read(message["text"]) for message in new if message["direction"] == "in")
            self.seen.update(said for said in arrived if said)
