"""Rules about what a bridge claims to carry: it is sent as it is, and the network shows it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from gearmesh.bridge import SupportsTyping
from gearmesh.core.degrade import recognised
from gearmesh.errors import Rejected, SendFailed
from gearmesh.model.capabilities import Feature, Level
from gearmesh.model.content import (
    Contacts,
    Edit,
    Location,
    MediaKind,
    Membership,
    Message,
    Notice,
    Poll,
    Product,
    Reaction,
    Redaction,
    Text,
    words_of,
)
from gearmesh.model.events import ReceiptReceived
from gearmesh.testing.contract.harness import LOOK_AGAIN, SENDER
from gearmesh.testing.contract.rule import Broken, must, rule
from gearmesh.testing.contract.samples import (
    BUTTONS,
    BY_ITSELF,
    CHANGES,
    KINDS_OF_FILES,
    TARGET,
    feeling,
    file,
    lacks,
)
from gearmesh.testing.contract.sending import Carried, Sending
from gearmesh.testing.shown import Shown

PLAIN: Final[tuple[Feature, ...]] = ("formatting", "buttons", "forward")
SHAPES: Final[tuple[Feature, ...]] = ("location", "contacts", "poll", "product")


class NativeRules(Sending):
    """What capabilities say `full` or `partial` of."""

    @pytest.mark.parametrize("feature", PLAIN)
    @rule("native", "what capabilities claim of words is shown: formatting, buttons, the mark of what was forwarded")
    async def test_native_words(self, feature: Feature) -> None:
        self._claims(feature)
        await self.start()
        carried = await self.carry(BY_ITSELF[feature])
        await self.arrives(carried)
        part, shown = await self._seen(carried)
        if not isinstance(part, Text):
            raise Broken(f"the bridge was given {part!r}")
        match feature:
            case "buttons":
                must(shown.buttons == BUTTONS, f"the buttons {BUTTONS} are shown as {shown.buttons}")
            case "forward":
                must(shown.forwarded, "it is not shown as forwarded")
            case _:
                bold = self.claimed.dialect.bold if self.claimed.dialect is not None else ""
                must(
                    shown.text == part.text and f"{bold}bold{bold}" in shown.text,
                    f"{part.text!r}, with a word that is bold by {bold!r}, is shown as {shown.text!r}",
                )

    @pytest.mark.parametrize("feature", SHAPES)
    @rule("native", "a place, cards, a poll or what is for sale is shown as such where capabilities claim it")
    async def test_native_shapes(self, feature: Feature) -> None:
        level = self._claims(feature)
        await self.start()
        carried = await self.carry(BY_ITSELF[feature])
        await self.arrives(carried)
        part, shown = await self._seen(carried)
        if not isinstance(part, Location | Contacts | Poll | Product):
            raise Broken(f"the bridge was given {part!r}")
        must(not (missing := lacks(part, shown.shape, level)), missing)

    @pytest.mark.parametrize("kind", KINDS_OF_FILES)
    @rule("native", "a file is shown as a file of the kind that capabilities claim")
    async def test_native_files(self, kind: MediaKind) -> None:
        level = self._claims(kind)
        shown = await self._sends_file(kind)
        must(bool(shown.media), f"it is shown as {shown!r}, without a file")
        if level == "full" and (kind, shown.media) != ("gif", "image"):  # a picture that moves is a picture
            must(shown.media == kind, f"the {kind} is shown as a file of the kind {shown.media}")

    @rule("native", "a picture that is to be seen once only is shown so where capabilities claim `view_once`")
    async def test_native_view_once(self) -> None:
        self._claims("view_once")
        shown = await self._sends_file("image", view_once=True)
        must(shown.view_once, f"it is shown as {shown!r}, as often as somebody likes")

    @rule("native", "a reaction is shown at its message, another one takes its place, and it can be taken back")
    async def test_native_reaction(self) -> None:
        self._claims("reaction")
        await self.start()
        theirs = await self.user_writes("Something to feel about")
        await self.message("the message")
        for emoji, removed in (("❤️", False), ("👍", False), ("👍", True)):
            await self.carry(Reaction(TARGET, emoji, removed, SENDER), about=(theirs,))
            due = [] if removed else [feeling(emoji)]

            def felt(shown: Shown | None, due: list[str] = due) -> bool:
                return shown is not None and [feeling(one) for one in shown.reactions.values()] == due

            await self._becomes(theirs, felt, f"the reactions at it are {due}")

    @rule("native", "a reaction at one of our own messages is shown, too, or is Rejected and then goes in words")
    async def test_native_reaction_at_our_own(self) -> None:
        self._claims("reaction")
        await self.start()
        ours = await self.said("Something else to feel about")
        await self.appears(*ours)
        try:
            await self.carry(Reaction(TARGET, "❤️", sender=SENDER), about=ours, allowed=(Rejected,))
        except Rejected:
            return
        await self._becomes(
            ours[0],
            lambda shown: shown is not None and "❤" in map(feeling, shown.reactions.values()),
            "the reaction at it is ❤",
        )

    @rule("native", "a message that is changed says what it says now, and nothing else")
    async def test_native_edit(self) -> None:
        self._claims("edit")
        await self.start()
        ours = await self.said("What is wrong")
        await self.appears(*ours)
        carried = await self.carry(Edit(TARGET, Text("What is right", SENDER), SENDER), about=ours)
        part = carried[0].part
        must(len(carried) == 1 and isinstance(part, Edit), f"the bridge was given {[one.part for one in carried]}")
        due = words_of(part)
        await self._becomes(ours[0], lambda shown: shown is not None and shown.text == due, f"it says {due!r}")

    @rule("native", "a message that is taken back is shown no more, with all of its parts")
    async def test_native_redaction(self) -> None:
        self._claims("redaction")
        await self.start()
        ours = (*await self.said("What should not have been said"), *await self.said("and this neither"))
        await self.appears(*ours)
        await self.carry(Redaction(TARGET, SENDER), about=ours)
        for native_id in ours:
            await self._becomes(native_id, lambda shown: shown is None or shown.deleted, "it is not there any more")

    @rule(
        "native", "a reaction, a change, an unsend of a message that is not there raises a SendFailed, or fails later"
    )
    async def test_native_no_such_message(self) -> None:
        claimed = [name for name in CHANGES if self.claimed.shows(name)]
        if not claimed:
            self.cannot("the bridge claims none of them")
        await self.start()
        for name in claimed:
            try:
                carried = await self.carry(CHANGES[name], about=("no-such-message",), allowed=(SendFailed,))
            except SendFailed:
                continue
            await self._fails_later(name, {native_id for one in carried for native_id in one.native_ids})

    @rule("native", "a line from Gearmesh itself is shown")
    async def test_native_notice(self) -> None:
        self._claims("notice")
        await self.start()
        read = await self.arrives(await self.carry(Notice("help")))
        must(bool(read.strip()), "nothing is shown")

    @rule("native", "who has joined a group is read, and that they have")
    async def test_native_membership(self) -> None:
        self._claims("membership")
        await self.start()
        read = await self.arrives(await self.carry(Membership("joined", sender=SENDER)))
        must(SENDER.name in read and recognised(read) == "membership", f"what is read is {read!r}")

    @rule("native", "the person sees that somebody is writing, and that they have stopped")
    async def test_native_typing(self) -> None:
        level = self._claims("typing")
        if not isinstance(self.bridge, SupportsTyping):
            raise Broken("capabilities claim `typing`, and the bridge has no typing()")
        await self.start()
        last = await self.user_writes("Are you there?")
        await self.message("the message")
        for on, what in ((True, "writes"), (False, "has stopped")):
            await self.ask(f"typing({on})", self.bridge.typing(self.thread, self.a_user, on, last))
            if on or level == "full":
                shown = functools.partial(self._typing_is, on)
                await self._until(shown, f"{self.a_user} never sees that somebody {what}")

    async def _fails_later(self, name: str, native_ids: set[str]) -> None:
        """Some networks say yes first, and no afterwards: of whatever they gave an id."""

        def failed() -> bool:
            receipts = self.context.events_of(ReceiptReceived)
            return any(one.state == "failed" and native_ids & {*one.native_ids} for one in receipts)

        taken = f"the {name} was taken for one that is shown"
        must(bool(native_ids), taken)
        try:
            await self.context.until(failed, within=self.patience)
        except TimeoutError:
            raise Broken(taken) from None

    def _claims(self, feature: Feature) -> Level:
        if not self.claimed.shows(feature):
            self.cannot(f"the bridge does not claim {feature}")
        return self.about(feature, "native")

    async def _sends_file(self, kind: MediaKind, *, view_once: bool = False) -> Shown:
        await self.start()
        carried = await self.carry(file(kind, self.offered(kind), view_once=view_once))
        await self.arrives(carried)
        _, shown = await self._seen(carried)
        return shown

    async def _seen(self, carried: list[Carried]) -> tuple[Message, Shown]:
        """The part that is more than its neighbours, and how it is seen."""
        chosen = next((one for one in carried if not isinstance(one.part, Text)), carried[0])
        part = chosen.part
        if isinstance(part, Reaction | Edit | Redaction):
            raise Broken(f"the bridge was given {part!r}")
        seen = await self.looks(*chosen.native_ids)
        telling = [shown for shown in seen if shown.media or shown.shape or shown.buttons]
        return part, (telling or seen)[0]

    async def _becomes(self, native_id: str, holds: Callable[[Shown | None], bool], awaited: str) -> None:
        async def looked() -> bool:
            return holds(await self.user_sees(native_id))

        await self._until(looked, f"it never holds of the message {native_id!r} that {awaited}")

    async def _typing_is(self, on: bool) -> bool:
        return await self.typing_shown() == on

    async def _until(self, holds: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        try:
            async with asyncio.timeout(self.patience):
                while not await holds():
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            raise Broken(otherwise) from None
