"""Rules about what is sent: it is shown as it was given, in order, and the network's ids come back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from gearmesh.model.capabilities import Limit
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.incoming import TEXTS
from gearmesh.testing.contract.rule import must, rule

SEVERAL: Final = 20
LONGEST_TESTED: Final = 200_000
"""A limit beyond this (no messenger has one) is not tested to its end."""


class OutgoingRules(Harness):
    """From Gearmesh to the network."""

    @rule("outgoing", "a text is shown under the native id that send() returns")
    async def test_outgoing_text(self) -> None:
        self.about("text", "native")
        await self.start()
        (shown,) = await self.appears(await self.send("Hello"))
        must(shown.text == "Hello", f"'Hello' is shown as {shown.text!r}")

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    @rule("outgoing", "text is shown exactly as it was sent")
    async def test_outgoing_text_unchanged(self, text: str) -> None:
        await self.start()
        (shown,) = await self.appears(await self.send(text))
        must(shown.text == text, f"{text!r} is shown as {shown.text!r}")

    @rule("outgoing", "a text of exactly the limit is taken, whole")
    async def test_outgoing_limit(self) -> None:
        await self.start()
        limit = self.bridge.capabilities(self.bridge.thread_of(self.a_user)).text
        if limit.value > LONGEST_TESTED:
            self.cannot(f"the limit is {limit.value} {limit.unit}")
        text = longest(limit)
        (shown,) = await self.appears(await self.send(text))
        must(
            shown.text == text,
            f"a text of {limit.value} {limit.unit} is shown with {limit.measure(shown.text)}",
        )

    @rule("outgoing", f"{SEVERAL} messages to one thread are shown in the order in which they were sent")
    async def test_outgoing_order(self) -> None:
        await self.start()
        sent = [await self.send(f"message {number}") for number in range(1, SEVERAL + 1)]
        shown = [message.id for message in await self.appears(*sent)]
        must(shown == sent, f"they are shown in the order {[sent.index(native_id) + 1 for native_id in shown]}")

    @rule("outgoing", "every message has a native id of its own")
    async def test_outgoing_ids(self) -> None:
        await self.start()
        sent = [await self.send("The same words") for _ in range(SEVERAL)]
        twice = sorted({native_id for native_id in sent if sent.count(native_id) > 1})
        must(not twice, f"send() returned more than once: {twice}")

    @rule("outgoing", "messages can be sent while others come in")
    async def test_outgoing_both_ways_at_once(self) -> None:
        await self.start()
        written, sent = await asyncio.gather(
            _several(self.user_writes, SEVERAL),
            _several(self.send, SEVERAL),
        )
        came = [(await self.message("what was written meanwhile")).native_id for _ in written]
        must(came == written, f"written were {written}, and {came} came in")
        await self.appears(*sent)

    @rule("outgoing", "where capabilities say `replies`, an answer quotes the message that it answers")
    async def test_outgoing_reply(self) -> None:
        if not self.bridge.capabilities(self.bridge.thread_of(self.a_user)).replies:
            self.cannot("the network has no replies")
        self.about("reply", "native")
        await self.start()
        question = await self.user_writes("A question")
        await self.message("the question")
        (shown,) = await self.appears(await self.send("An answer", reply_to=question))
        must(shown.reply_to == question, f"the answer quotes {shown.reply_to!r}; expected {question!r}")


def longest(limit: Limit) -> str:
    """A text that uses a limit up, of characters that count differently in every unit: no wrong one goes unnoticed."""
    thumbs = "👍" * (limit.value // limit.measure("👍"))
    return thumbs + "x" * (limit.value - limit.measure(thumbs))


async def _several(act: Callable[[str], Awaitable[str]], count: int) -> list[str]:
    return [await act(f"message {number}") for number in range(1, count + 1)]
