"""Everybody writes to everybody else, and nothing may get lost."""

from __future__ import annotations

import asyncio
from typing import Final

from .patience import eventually
from .phones import PAIRS, PHONES, Phone, Phones

ARRIVES_WITHIN: Final = 90.0
"""Seconds, also for what is told of it: once order cannot be relied on, fifty events of a person take a second and a
half, and there are hundreds."""


class Traffic:
    """The six directions, each direction's messages numbered from 0: a person one after the other, all at once."""

    def __init__(self, phones: Phones) -> None:
        self._phones = phones
        self._typed: dict[Phone, int] = dict.fromkeys(PHONES, 0)

    @property
    def count(self) -> int:
        """Messages typed so far."""
        return sum(2 * typed for typed in self._typed.values())

    async def types(self, each: int) -> None:
        """All type `each` messages more to each of the two others."""
        await asyncio.gather(*(self._writes(writer, each) for writer in PHONES))

    async def _writes(self, writer: Phone, each: int) -> None:
        for _ in range(each):
            number = self._typed[writer]
            for reader in PHONES:
                if reader is not writer:
                    await self._phones.types(writer, f"@{reader.handle} {_words(writer, reader, number)}")
            self._typed[writer] = number + 1

    async def reached(self, count: int) -> None:
        """Wait until the phones show so many messages together."""
        await eventually(self.shown, lambda shown: shown >= count, awaited=f"{count} messages", within=ARRIVES_WITHIN)

    async def shown(self) -> int:
        """How many messages the phones show together."""
        return sum([len(await self._phones.arrived(reader)) for reader in PHONES])

    async def doubled(self) -> int:
        """Wait until everything typed has arrived; how many of the messages that the phones show are repetitions.

        Raises:
            AssertionError: something is missing, nobody's, or out of its sender's order.
        """
        await eventually(self._missing, lambda some: not some, awaited="all to arrive", within=ARRIVES_WITHIN)
        await self._phones.all_told(ARRIVES_WITHIN)
        doubled = 0
        for reader in PHONES:
            told = await self._told(reader)
            expected = 0
            for writer in PHONES:
                if writer is reader:
                    continue
                wanted = [_words(writer, reader, number) for number in range(self._typed[writer])]
                found = [text for text in told if text.startswith(f"{writer.handle} to {reader.handle} ")]
                # What comes a second time comes before anything newer.
                once = [text for place, text in enumerate(found) if not place or text != found[place - 1]]
                assert once == wanted, f"on {reader.handle}'s phone: {_first_difference(once, wanted)}"
                expected += len(found)
                doubled += len(found) - len(wanted)
            assert len(told) == expected, f"{reader.handle}'s phone shows what nobody wrote: {told}"
        return doubled

    async def _told(self, reader: Phone) -> list[str]:
        return [text.rpartition("\n")[2] for text in await self._phones.texts(reader)]

    async def _missing(self) -> set[str]:
        told = {text for reader in PHONES for text in await self._told(reader)}
        return {
            _words(writer, reader, number) for writer, reader in PAIRS for number in range(self._typed[writer])
        } - told


def _words(writer: Phone, reader: Phone, number: int) -> str:
    return f"{writer.handle} to {reader.handle} {number}"


def _first_difference(found: list[str], wanted: list[str]) -> str:
    place = next((place for place, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), -1)
    around = slice(max(place - 5, 0), place + 15)
    return f"{len(found)} instead of {len(wanted)}; at {place} {found[around]} instead of {wanted[around]}"
