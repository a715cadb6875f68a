"""Events of one user that are told at the same time, each in a webhook of its own, until all are answered 200.

Theory. A business that wants order after a failure holds what came too early for a moment, until what belongs before
it has come too, and answers only what it has stored. Shuffled webhooks that each waited for the answer to the one
before would leave it nothing to sort; these are under way together, as a network's that tries again all at once. What
is held is answered late, and a network does not wait for that: meanwhile, whatever else has failed is told again.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import FIRST_COMPLETED
from collections.abc import Awaitable, Callable, Iterable

from .event import Event


class Scatter:
    """What is left of a scattered head of a lane, at first `pieces`: events in their order, each with its bytes.

    `chance` decides the order of each round, and `pause` (seconds) is how long a round in which something has failed
    waits for answers. The length is the number of events that were not answered 200 yet.
    """

    def __init__(self, pieces: Iterable[tuple[Event, bytes]], chance: random.Random, pause: float) -> None:
        self._left = dict(enumerate(pieces))
        self._chance = chance
        self._pause = pause
        self._under_way: dict[int, asyncio.Task[bool]] = {}

    def __len__(self) -> int:
        return len(self._left)

    async def round(self, post: Callable[[Event, bytes], Awaitable[bool]]) -> bool:
        """One attempt for each event that is left and not under way, begun in a new order.

        True when nothing is left afterwards. `post` makes one request and says whether it was answered 200. It is
        awaited for all events together; what is still under way at the end goes on.
        """
        # Tasks begin in the order of their creation, and each runs up to its request at once.
        for place in self._shuffled():
            self._under_way[place] = asyncio.ensure_future(post(*self._left[place]))
        failed = False
        try:
            while self._under_way:
                within = self._pause if failed else None
                done, _ = await asyncio.wait(self._under_way.values(), timeout=within, return_when=FIRST_COMPLETED)
                if not done:
                    break
                for place in [place for place, attempt in self._under_way.items() if attempt in done]:
                    if self._under_way.pop(place).result():
                        del self._left[place]
                    else:
                        failed = True
        except BaseException:
            for attempt in self._under_way.values():
                attempt.cancel()
            raise
        return not self._left

    def _shuffled(self) -> list[int]:
        places = [place for place in self._left if place not in self._under_way]
        # The good order is no disorder; one event alone has no other.
        while len(places) > 1 and places == sorted(places):
            self._chance.shuffle(places)
        return places
