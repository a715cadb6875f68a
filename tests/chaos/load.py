"""People typing: each at their own pace, chosen by chance and not by how fast anything is taken from them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from tests.integration.phones import Phone, Phones

from .people import others
from .texts import Pair, Said


class Load:
    """Everybody writes to everybody on other networks. A person types one message after the other.

    `typed_at` has, for each pair, when each of its messages was typed, in milliseconds since the epoch by the sandbox's
    clock. `room` is cleared by whoever sees too much waiting, and set again: people pause meanwhile.
    """

    def __init__(self, phones: Phones, people: Sequence[Phone], *, seed: int, messages: int, seconds: float) -> None:
        """`messages` in `seconds`, both in all; the same `seed` types the same."""
        self.typed_at: dict[Pair, list[int]] = {}
        self.room = asyncio.Event()
        self.room.set()
        self._phones = phones
        self._people = people
        self._seed = seed
        self._messages = messages
        self._seconds = seconds

    @property
    def count(self) -> int:
        """Messages typed so far."""
        return sum(map(len, self.typed_at.values()))

    @property
    def typed(self) -> dict[Pair, int]:
        """How many messages were typed, by pair."""
        return {pair: len(times) for pair, times in self.typed_at.items()}

    async def run(self, until: float) -> None:
        """Type all messages, or those that can be typed before `until`, by the event loop's clock."""
        share, more = divmod(self._messages, len(self._people))
        async with asyncio.TaskGroup() as tasks:
            for place, writer in enumerate(self._people):
                tasks.create_task(self._write(writer, share + (place < more), until))

    async def _write(self, writer: Phone, count: int, until: float) -> None:
        loop = asyncio.get_running_loop()
        source = random.Random(f"{self._seed} {writer.handle}")
        readers = others(writer, self._people)
        begun = loop.time()
        # By chance, and all within the time: so is what comes by itself, once it is known how much came.
        for at in sorted(source.uniform(0, self._seconds) for _ in range(count)):
            reader = source.choice(readers)
            await asyncio.sleep(begun + at - loop.time())
            while not self.room.is_set():
                before = loop.time()
                await self.room.wait()
                begun += loop.time() - before  # what was not typed meanwhile is typed later, not all at once
            if loop.time() > until:
                return
            pair = (writer.handle, reader.handle)
            times = self.typed_at.setdefault(pair, [])
            shown = await self._phones.types(writer, Said(*pair, len(times) + 1).typed)
            times.append(shown["time"])
