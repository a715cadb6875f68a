"""Looking at all phones: how much of what was typed they show, and in the end everything that they show."""

from __future__ import annotations

from collections.abc import Sequence

from tests.integration.phones import Phone, Phones, Shown

from .texts import Said, read


class Eyes:
    """Looks at all phones again and again, each time only at what is new there."""

    def __init__(self, phones: Phones, people: Sequence[Phone]) -> None:
        self.seen: set[Said] = set()
        self._phones = phones
        self._people = people
        self._next = 0

    async def look(self) -> int:
        """How many of the messages that people typed are shown, each counted once."""
        more = True
        while more:
            page = await self._phones.control("GET", f"shown?since={self._next}")
            self._next, more = page["next"], page["more"]
            arrived = (read(text) for _, _, _, direction, text, _ in page["shown"] if direction == "in")
            self.seen.update(said for said in arrived if said)
        return len(self.seen)

    async def everything(self) -> dict[str, list[Shown]]:
        """All that has arrived on each phone, oldest first, by its owner's handle; read anew, phone by phone."""
        return {phone.handle: await self._phones.arrived(phone) for phone in self._people}

    async def waiting(self) -> int:
        """Events that the networks have not been able to tell yet, and doubles of others that are still to come."""
        webhooks = (await self._phones.control("GET", "state"))["webhooks"]
        waiting: int = webhooks["waiting"] + webhooks["late"]
        return waiting
