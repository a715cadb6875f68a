"""Events of one user that are told at the same time, each in a webhook of its own, until all are answered 200.

Theory. A business that wants order after a failure holds what came too early for a moment, until what belongs before
it has come too, and answers only what it has stored. Shuffled webhooks that each waited for the answer to the one
before would leave it nothing to sort; these are under way together, as a network's that tries again all at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable

from .event import Event


class Scatter:
    """What is left of a scattered head of a lane, at first `pieces`: events in their order, each with its bytes.

    `chance` decides the order of each round. The length is the number of events that were not answered 200 yet.
    """

    def __init__(self, pieces: Iterable[tuple[Event, bytes]], chance: random.Random) -> None:
        self._left = dict(enumerate(pieces))
        self._chance = chance

    def __len__(self) -> int:
        return len(self._left)

    async def round(self, post: Callable[[Event, bytes], Awaitable[bool]]) -> bool:
        """One attempt for each event that is left, begun in a new order; True when nothing is left afterwards.

        `post` makes one request and says whether it was answered 200. It is awaited for all events together.
        """
        async with asyncio.TaskGroup() as attempts:
            # Tasks begin in the order of their creation, and each runs up to its request at once.
            for place in self._shuffled():
                attempts.create_task(self._attempt(place, post))
        return not self._left

    async def _attempt(self, place: int, post: Callable[[Event, bytes], Awaitable[bool]]) -> None:
        if await post(*self._left[place]):
            del self._left[place]

    def _shuffled(self) -> list[int]:
        places = list(self._left)
        # The good order is no disorder; one event alone has no other.
        while len(places) > 1 and places == sorted(places):
            self._chance.shuffle(places)
        return places
