"""More bridges that each have one fault: in what they claim, send and tell beyond words.

They are run, and their suites are built, like those of broken_bridges.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec
from tests.plugins.plain_bridge import KeepingBridge, WordsOnlyBridge
from tests.unit.testing.broken_bridges import Suite as AnySuite

from gearmesh.errors import Rejected
from gearmesh.model.capabilities import ButtonRule, Capabilities, Limit, Support
from gearmesh.model.content import Card, Contacts, Listing, Location, Media, Poll, Product, Reaction, Sender, Text
from gearmesh.model.delivery import Delivery, Sent
from gearmesh.model.events import (
    EditReceived,
    Event,
    MessageReceived,
    ReactionReceived,
    RedactionReceived,
    TypingReceived,
    VoteReceived,
)
from gearmesh.testing import WORDS_ONLY, FakeBridge
from gearmesh.testing.contract.samples import BY_ITSELF, KINDS_OF_FILES
from gearmesh.testing.network import CAPABILITIES
from gearmesh.testing.updates import Typed, Update


class Suite(AnySuite):
    """Most of these faults are seen only when waiting is given up, and nothing here takes long."""

    patience = 0.5


def claiming(**changes: object) -> Capabilities:
    """All that the network can do, except what is changed."""
    return msgspec.structs.replace(CAPABILITIES, **changes)


# What is claimed


class ClaimsWithoutMethods(FakeBridge):
    react = None  # type: ignore[assignment]


class TestClaimsWithoutMethods(Suite):
    kind = ClaimsWithoutMethods
    kinds = ("claims",)
    red = frozenset({"test_claims_have_methods"})


class HidesWhatItCan(FakeBridge):
    def capabilities(self, thread: str) -> Capabilities:
        return claiming(features={**CAPABILITIES.features, "edit": Support("fallback", "it is shy")})


class TestHidesWhatItCan(Suite):
    kind = HidesWhatItCan
    kinds = ("claims",)
    red = frozenset({"test_claims_have_methods"})


class SaysNoWhy(FakeBridge):
    def capabilities(self, thread: str) -> Capabilities:
        return claiming(features={**CAPABILITIES.features, "location": Support("partial")})


class TestSaysNoWhy(Suite):
    kind = SaysNoWhy
    kinds = ("claims",)
    red = frozenset({"test_claims_are_explained"})


class ContradictsItself(FakeBridge):
    def capabilities(self, thread: str) -> Capabilities:
        return claiming(features={**CAPABILITIES.features, "voice": Support("fallback", "nobody listens")})


class TestContradictsItself(Suite):
    kind = ContradictsItself
    kinds = ("claims",)
    red = frozenset({"test_claims_agree"})


class TakesNoButtons(FakeBridge):
    def capabilities(self, thread: str) -> Capabilities:
        limit = Limit(20, "characters", "this test")
        return claiming(buttons=ButtonRule(0, limit, limit))


class TestTakesNoButtons(Suite):
    kind = TakesNoButtons
    kinds = ("claims",)
    red = frozenset({"test_claims_have_limits"})


# What is sent


class ForgetsTheRest(FakeBridge):
    """Of what is more than words, it sends the words."""

    async def send(self, delivery: Delivery) -> Sent:
        content = delivery.content
        if isinstance(content, Text):
            content = Text(content.text.replace("*", ""))
        elif isinstance(content, Media):
            content = msgspec.structs.replace(content, media="file", view_once=False)
        elif isinstance(content, Location | Contacts | Poll | Product):
            content = _SOMETHING_ELSE[type(content)]
        return await super().send(msgspec.structs.replace(delivery, content=content))


_SOMETHING_ELSE: dict[type, Location | Contacts | Poll | Product] = {
    Location: Location(13.377704, 52.516275, "Brandenburg Gate", "Pariser Platz, Berlin"),
    Contacts: Contacts((Card("Alan Turing"),)),
    Poll: Poll("Where do we meet?", ("At the lake",)),
    Product: Product((Listing("Red sofa", price="€ 4"),), text="Is it still there?"),
}


class TestForgetsTheRest(Suite):
    kind = ForgetsTheRest
    kinds = ("native",)
    red = frozenset(
        {
            *(f"test_native_words[{feature}]" for feature in ("formatting", "buttons", "forward")),
            *(f"test_native_shapes[{feature}]" for feature in ("location", "contacts", "poll", "product")),
            *(f"test_native_files[{kind}]" for kind in KINDS_OF_FILES if kind != "file"),
            "test_native_view_once",
        }
    )


class NeverTakesReactionsBack(FakeBridge):
    async def react(self, delivery: Delivery) -> Sent:
        assert isinstance(delivery.content, Reaction)
        if delivery.content.removed:
            return Sent(())
        return await super().react(delivery)


class TestNeverTakesReactionsBack(Suite):
    kind = NeverTakesReactionsBack
    kinds = ("native",)
    red = frozenset({"test_native_reaction"})


class ReactsToOthersOnly(FakeBridge):
    async def react(self, delivery: Delivery) -> Sent:
        if delivery.target[0] in {shown.id for shown in self.messenger.shown(delivery.user)}:
            return Sent(())
        return await super().react(delivery)


class TestReactsToOthersOnly(Suite):
    kind = ReactsToOthersOnly
    kinds = ("native",)
    red = frozenset({"test_native_reaction_at_our_own"})


class SaysItAgain(FakeBridge):
    async def edit(self, delivery: Delivery) -> Sent:
        await super().send(msgspec.structs.replace(delivery, content=Text("What is right")))
        if self.messenger.message(delivery.target[0]) is None:
            raise Rejected("no such message")
        return Sent(())


class TestSaysItAgain(Suite):
    kind = SaysItAgain
    kinds = ("native",)
    red = frozenset({"test_native_edit"})


class TakesBackHalf(FakeBridge):
    async def redact(self, delivery: Delivery) -> Sent:
        return await super().redact(msgspec.structs.replace(delivery, target=delivery.target[:1]))


class TestTakesBackHalf(Suite):
    kind = TakesBackHalf
    kinds = ("native",)
    red = frozenset({"test_native_redaction"})


class NeverSaysNo(FakeBridge):
    async def redact(self, delivery: Delivery) -> Sent:
        try:
            return await super().redact(delivery)
        except Rejected:
            return Sent(())


class TestNeverSaysNo(Suite):
    kind = NeverSaysNo
    kinds = ("native",)
    red = frozenset({"test_native_no_such_message"})


class NeverStopsTyping(FakeBridge):
    async def typing(self, thread: str, user: str, on: bool, last: str) -> None:
        if on:
            await super().typing(thread, user, on, last)


class TestNeverStopsTyping(Suite):
    kind = NeverStopsTyping
    kinds = ("native",)
    red = frozenset({"test_native_typing"})


class KeepsNoticesToItself(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        if isinstance(delivery.content, Text) and delivery.content.text.startswith("⚙"):
            self.messenger.drop()
        return await super().send(delivery)


class TestKeepsNoticesToItself(Suite):
    kind = KeepsNoticesToItself
    kinds = ("native",)
    red = frozenset({"test_native_notice"})


class KeepsArrivalsToItself(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        if isinstance(delivery.content, Text) and delivery.content.text.startswith("👥"):
            self.messenger.drop()
        return await super().send(delivery)


class TestKeepsArrivalsToItself(Suite):
    kind = KeepsArrivalsToItself
    kinds = ("native",)
    red = frozenset({"test_native_membership"})


class CutsTheEnd(WordsOnlyBridge):
    async def send(self, delivery: Delivery) -> Sent:
        assert isinstance(delivery.content, Text)
        return await super().send(msgspec.structs.replace(delivery, content=Text(delivery.content.text[:-1])))


class TestCutsTheEnd(Suite):
    kind = CutsTheEnd
    can = WORDS_ONLY
    kinds = ("words",)
    red = frozenset(
        {
            *(f"test_words_by_itself[{feature}]" for feature in BY_ITSELF),
            *(f"test_words_files[{kind}]" for kind in KINDS_OF_FILES),
            *(f"test_words_changes[{change}]" for change in ("reaction", "edit", "redaction")),
            "test_words_view_once",
            "test_words_reply",
            "test_words_vote",
            "test_words_reaction_taken_back",
        }
    )


# What is told


class TellsWordsOnly(FakeBridge):
    """Of whatever somebody sends, it tells the words."""

    def translate(self, update: Update) -> Event:
        event = super().translate(update)
        if isinstance(event, MessageReceived) and isinstance(update, Typed):
            return msgspec.structs.replace(event, content=Text(update.text))
        return event


class TestTellsWordsOnly(Suite):
    kind = TellsWordsOnly
    kinds = ("heard",)
    red = frozenset(
        {
            "test_heard_formatting",
            "test_heard_forward",
            *(f"test_heard_shapes[{feature}]" for feature in ("location", "contacts", "poll", "product")),
            *(f"test_heard_files[{kind}]" for kind in KINDS_OF_FILES),
            "test_heard_view_once",
        }
    )


class MisreadsChanges(FakeBridge):
    """Takes the wrong thing for what a change is about, and for what it says."""

    def translate(self, update: Update) -> Event:
        event = super().translate(update)
        match event:
            case ReactionReceived():
                return msgspec.structs.replace(event, removed=False)
            case EditReceived():
                return MessageReceived(f"{event.target}-2", event.thread, event.user, event.at, event.content)
            case RedactionReceived():
                return msgspec.structs.replace(event, target=str(event.at))
            case VoteReceived():
                return msgspec.structs.replace(event, options=("2",))
            case TypingReceived():
                return msgspec.structs.replace(event, on=False)
            case MessageReceived(reply_to=asked) if asked:
                return msgspec.structs.replace(event, content=Text("button 1"))
            case _:
                return event


class TestMisreadsChanges(Suite):
    kind = MisreadsChanges
    kinds = ("heard",)
    red = frozenset(
        {
            "test_heard_reaction",
            "test_heard_edit",
            "test_heard_redaction",
            "test_heard_vote",
            "test_heard_typing",
            "test_heard_buttons",
        }
    )


# What else it can do


class InvitesWithEverything(FakeBridge):
    async def invite(self, delivery: Delivery) -> Sent | None:
        if not self.config.invitation:
            raise KeyError("invitation")
        await super().send(delivery)
        return await super().invite(delivery)


class TestInvitesWithEverything(Suite):
    kind = InvitesWithEverything
    kinds = ("invitations",)
    red = frozenset({"test_invitations_by_default", "test_invitations_are_shown"})


class ReadsAnewEachTime(FakeBridge):
    def replay(self, raw: bytes) -> Sequence[Event]:
        raw.decode()
        events = super().replay(raw)
        return [
            msgspec.structs.replace(event, native_id=uuid.uuid4().hex) if isinstance(event, MessageReceived) else event
            for event in events
        ]


class TestReadsAnewEachTime(Suite):
    kind = ReadsAnewEachTime
    kinds = ("replay",)
    red = frozenset({"test_replay_of_nonsense[no text]", "test_replay_of_a_message"})


class KeepsTooMuch(KeepingBridge):
    async def ghost(self, thread: str, sender: Sender) -> str:
        await self.context.keep("all", "x" * 1_000_000)
        return await super().ghost(thread, sender)


class TestKeepsTooMuch(Suite):
    kind = KeepsTooMuch
    kinds = ("kept",)
    red = frozenset({"test_kept_texts"})


class KnowsNobodyAgain(KeepingBridge):
    async def run(self) -> None:
        self.messenger.ghosts.clear()
        await FakeBridge.run(self)

    async def ghost(self, thread: str, sender: Sender) -> str:
        await self.context.keep(f"ghost {sender.name}", uuid.uuid4().hex)
        return await FakeBridge.ghost(self, thread, sender)


class TestKnowsNobodyAgain(Suite):
    kind = KnowsNobodyAgain
    kinds = ("kept",)
    red = frozenset({"test_kept_by_whoever_comes"})
