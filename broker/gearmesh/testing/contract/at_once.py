"""Rules about `at_once`: many messages are on their way to one thread, and nobody overtakes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

import pytest

from gearmesh.errors import RateLimited, Rejected, Retry, SendFailed, Unclear
from gearmesh.model.delivery import Delivery, Sent
from gearmesh.testing.contract.harness import SENDER
from gearmesh.testing.contract.inside import LATER, Inside, Where
from gearmesh.testing.contract.people import ALAN
from gearmesh.testing.contract.rule import Broken, must, rule

MOST: Final = 40
LAST: Final = "That was all"
anywhere: Final = pytest.mark.parametrize("where", ["direct", "room"])


class AtOnceRules(Inside):
    """`Bridge.at_once` above 1. `send` is called for all of them in order, as the host does, before any returns."""

    @anywhere
    @rule("at_once", "messages on their way to one thread at once arrive in the order of the calls, each once")
    async def test_at_once_order(self, where: Where) -> None:
        texts = await self._ready(where)
        deliveries = await self._composed(texts, where)
        outcomes = await self._outcomes(self._begin(deliveries))
        for text, outcome in zip(texts, outcomes, strict=True):
            must(isinstance(outcome, Sent), f"nothing was in its way, and of {text!r} became {outcome!r}")
        await self._must_be_in_order(texts, deliveries, outcomes, where)

    @rule("at_once", "of messages on their way at once, one that the network refuses leaves the others in order")
    async def test_at_once_refused(self) -> None:
        texts = await self._ready("direct")
        deliveries = await self._composed(texts, "direct")
        outcomes = await self._fail_amid(Rejected, texts, deliveries)
        must(any(isinstance(outcome, Rejected) for outcome in outcomes), "the network refused one, and none failed")
        await self._must_be_in_order(texts, deliveries, outcomes, "direct")

    @pytest.mark.parametrize("kind", LATER, ids=lambda kind: kind.__name__)
    @rule("at_once", "of messages on their way at once, nothing arrives before one that may be sent again")
    async def test_at_once_later(self, kind: type[SendFailed]) -> None:
        texts = await self._ready("direct")
        deliveries = await self._composed(texts, "direct")
        outcomes = await self._fail_amid(kind, texts, deliveries)
        must(any(isinstance(outcome, kind) for outcome in outcomes), f"none failed with {kind.__name__}: {outcomes}")
        if not self.refuses_singly:
            await self._must_be_in_order(texts, deliveries, outcomes, "direct")
            return
        late = {text for text, outcome in zip(texts, outcomes, strict=True) if isinstance(outcome, LATER)}
        await self._must_be_in_order(texts, deliveries, outcomes, "direct", late=late)
        self.cannot(f"nothing is lost, and all others are in order; but {self.refuses_singly}")

    @anywhere
    @rule("at_once", "when the connection is cut with messages on their way at once, all that arrive are in order")
    async def test_at_once_cut(self, where: Where) -> None:
        texts = await self._ready(where)
        deliveries = await self._composed(texts, where)
        half = len(texts) // 2
        tasks = self._begin(deliveries[:half])
        try:
            await self.read(texts[0], where=where)
            tasks += self._begin(deliveries[half:])
            await asyncio.sleep(0)  # all of them have begun
            await self.cut()
        finally:
            outcomes = await self._outcomes(tasks)
        await self._must_be_in_order(texts, deliveries, outcomes, where)

    async def _ready(self, where: Where) -> list[str]:
        """Let the bridge run, where it can do this; returns what is to be said."""
        if self.bridge.at_once == 1:
            self.cannot("the bridge sends one message to a thread at a time (at_once is 1)")
        if where == "room":
            await self.enter()
        else:
            await self.start()
        # No text stands in another one.
        return [f"number {number}!" for number in range(1, min(self.bridge.at_once, MOST) + 1)]

    async def _composed(self, texts: Sequence[str], where: Where) -> list[Delivery]:
        return [
            await self.composed(text, where, sender=(SENDER, ALAN)[number % 2]) for number, text in enumerate(texts)
        ]

    def _begin(self, deliveries: Sequence[Delivery]) -> list[asyncio.Task[Sent]]:
        return [
            asyncio.create_task(self.ask("send()", self.bridge.send(delivery), allowed=(SendFailed,)))
            for delivery in deliveries
        ]

    async def _fail_amid(
        self, kind: type[SendFailed], texts: Sequence[str], deliveries: Sequence[Delivery]
    ) -> list[Sent | SendFailed]:
        """Begin all of them, and let the network fail when the first have arrived; what became of each."""
        half = len(texts) // 2
        tasks = self._begin(deliveries[:half])
        try:
            await self.read(texts[0], where="direct")
            await self.fail_next(kind)
            tasks += self._begin(deliveries[half:])
        finally:  # also where the network cannot fail so: none of them outlives the test
            outcomes = await self._outcomes(tasks)
        return outcomes

    async def _outcomes(self, tasks: Sequence[asyncio.Task[Sent]]) -> list[Sent | SendFailed]:
        outcomes: list[Sent | SendFailed] = []
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(result, Sent | SendFailed):
                raise result if isinstance(result, BaseException) else Broken(f"send() returned {result!r}")
            outcomes.append(result)
        return outcomes

    async def _must_be_in_order(
        self,
        texts: Sequence[str],
        deliveries: Sequence[Delivery],
        outcomes: Sequence[Sent | SendFailed],
        where: Where,
        *,
        late: Collection[str] = (),
    ) -> None:
        """As the host goes on: what is to be sent again is, in order. Then all is there, once, in the order of the
        calls, but what was refused; and perhaps what is `Unclear`. What is `late` may stand anywhere."""
        due: list[str] = []
        never: list[str] = []
        for text, delivery, outcome in zip(texts, deliveries, outcomes, strict=True):
            match outcome:
                case Rejected():
                    never.append(text)
                case Sent():
                    due.append(text)
                case Unclear() | Retry(perhaps=True):
                    continue
                case Retry() | RateLimited():
                    await self.goes(delivery)
                    due.append(text)
                case _:
                    raise Broken(f"of {text!r} became {outcome!r}", outcome)
        await self.goes(await self.composed(LAST, where))
        await self.read(*due, LAST, where=where)
        shown = await (self.shown_in_room() if where == "room" else self.shown())
        seen = [text for one in shown for text in texts if text in one.text]
        must(not (back := [text for text in never if text in seen]), f"{back} were Rejected, and arrived")
        twice = sorted({text for text in seen if seen.count(text) > 1})
        must(not twice, f"{twice} arrived more than once")
        timely = [text for text in seen if text not in late]
        in_order = [text for text in texts if text in timely]
        must(timely == in_order, f"they arrived in the order {seen}; of them had become at first {outcomes}")
