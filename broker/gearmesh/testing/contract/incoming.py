"""Rules about what people write: all of it comes in, unchanged, in order, and nothing is lost."""

from __future__ import annotations

from typing import Final

import pytest

from gearmesh.core.degrade import Fitting, fit
from gearmesh.model.content import Message, Text
from gearmesh.model.events import MessageReceived
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.rule import Broken, must, rule

MANY: Final = 50
FIRST_PLAUSIBLE: Final = 1_000_000_000_000
LAST_PLAUSIBLE: Final = 10_000_000_000_000
"""Milliseconds since the epoch: in 2001, and in 2286. Seconds are below, microseconds above."""
TEXTS: Final = {
    "one character": "k",
    "umlauts": "Zwölf Boxkämpfer jagen Größe über den Deich: äöüÄÖÜß",
    "emoji": "👍 🧑‍🚀 👨‍👩‍👧‍👦 🇪🇺 ❤️‍🔥",
    "many scripts": "Привет, 你好, שלום, नमस्ते, สวัสดี",
    "several lines": "first\nsecond\n\nfourth",
    "characters of protocols": "a\\n \"b\" 'c' <d> &e; {f} [g] %20 $h `i` \t #j",
}
"""What every network carries, or must be made to carry by its bridge."""


class IncomingRules(Harness):
    """From the network to Gearmesh."""

    @rule(
        "incoming",
        "what somebody writes comes in as MessageReceived, with the network's id, thread, user and text",
    )
    async def test_incoming_text(self) -> None:
        self.about("text", "heard")
        await self.start()
        native_id = await self.user_writes("Hello")
        event = await self.message("the message")
        must(bool(event.native_id), "native_id is empty")
        must(event.native_id == native_id, f"native_id is {event.native_id!r}; the network's is {native_id!r}")
        must(event.user == self.a_user, f"user is {event.user!r}; {self.a_user!r} wrote")
        must(event.content == Text("Hello"), f"content is {event.content!r}; expected {Text('Hello')!r}")
        there = self.bridge.thread_of(event.user)
        must(
            event.thread == there,
            f"thread is {event.thread!r}, but thread_of({event.user!r}) is {there!r}: an answer would go elsewhere",
        )

    @rule("incoming", "`at` is the time of the message in milliseconds since the epoch")
    async def test_incoming_time(self) -> None:
        await self.start()
        await self.user_writes("What time is it?")
        event = await self.message("the message")
        must(
            isinstance(event.at, int) and FIRST_PLAUSIBLE < event.at < LAST_PLAUSIBLE,
            f"at is {event.at!r}; is it in seconds or microseconds?",
        )

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    @rule("incoming", "text comes in exactly as it was written; where it is formatted, as what is written so there")
    async def test_incoming_text_unchanged(self, text: str) -> None:
        await self.start()
        await self.user_writes(text)
        event = await self.message(f"the message {text!r}")
        must(self._is_written(event.content, text), f"{text!r} came in as {event.content!r}")

    @rule(
        "incoming",
        f"{MANY} messages of one thread come in in the order in which they were written, none twice",
    )
    async def test_incoming_order(self) -> None:
        await self.start()
        written = [await self.user_writes(f"message {number}") for number in range(1, MANY + 1)]
        came = [(await self.message(f"message {number} of {MANY}")).native_id for number in range(1, MANY + 1)]
        for number, (expected, actual) in enumerate(zip(written, came, strict=True), start=1):
            place = f"message {written.index(actual) + 1}" if actual in written else f"the unknown message {actual!r}"
            must(actual == expected, f"{place} came in where message {number} was due")

    @rule(
        "incoming",
        "what cannot be stored (BusUnavailable) is not lost: it comes again, in order, and once it can",
    )
    async def test_incoming_nothing_is_lost(self) -> None:
        await self.start()
        self.context.unavailable = True
        written = [await self.user_writes("Patience")]
        try:
            await self.context.until(self._was_refused, within=self.patience)
        except TimeoutError:
            raise Broken(f"the message was not handed over within {self.patience:g} s") from None
        self.context.unavailable = False
        written.append(await self.user_writes("is a virtue"))
        seen: list[str] = []
        while not set(written) <= set(seen):
            seen.append((await self.message("what was refused while nothing could be stored")).native_id)
        first, second = (seen.index(native_id) for native_id in written)
        must(first < second, "the message that had to wait was overtaken by the one written after it")

    @rule("incoming", "an answer that quotes a message names that message")
    async def test_incoming_reply(self) -> None:
        self.about("reply", "heard")
        await self.start()
        question = await self.send("A question")
        await self.appears(question)
        native_id = await self.user_replies("An answer", question)
        event = await self.message("the answer")
        while event.native_id != native_id:
            event = await self.message("the answer")
        must(event.reply_to == question, f"reply_to is {event.reply_to!r}; {question!r} was quoted")

    @rule("incoming", "our own messages never come in as somebody else's")
    async def test_incoming_own_messages(self) -> None:
        await self.start()
        await self.appears(await self.send("Is anybody there?"))
        await self.user_writes("Yes")
        event = await self.message("the answer")
        must(event.content == Text("Yes"), f"{event.content!r} came in first; it was sent by us")
        own = [event for event in self.context.events_of(MessageReceived) if event.content != Text("Yes")]
        must(not own, f"our own message came in, too: {own}")

    def _is_written(self, content: Message, text: str) -> bool:
        """Whether it is this text; CommonMark is, when in the network's own marks it is the text again."""
        if isinstance(content, Text) and content.markup and self.claimed.shows("formatting"):
            return [
                part.text for part in fit(content, Fitting(self.claimed, attribute=False)) if isinstance(part, Text)
            ] == [text]
        return content == Text(text)

    def _was_refused(self) -> bool:
        """Whether the message was handed over, or something that the bridge wants to write down before."""
        return bool(self.context.refused or self.context.not_kept)
