"""Rules about what else people do on the network: it comes in as what it is."""

from __future__ import annotations

from typing import Final, TypeVar

import pytest

from gearmesh.bridge import SupportsMedia
from gearmesh.model.capabilities import Feature
from gearmesh.model.content import (
    Contacts,
    Location,
    Media,
    MediaKind,
    MediaRef,
    Message,
    Poll,
    Product,
    Sender,
    Text,
    replaced,
)
from gearmesh.model.events import (
    ChangeReceived,
    EditReceived,
    MessageReceived,
    ReactionReceived,
    RedactionReceived,
    TypingReceived,
    VoteReceived,
    part_id,
)
from gearmesh.testing.contract.rule import Broken, must, rule
from gearmesh.testing.contract.samples import (
    ASKED,
    BUTTONS,
    BY_ITSELF,
    FORMATTED,
    FORWARDED,
    KINDS_OF_FILES,
    PICTURES,
    PNG,
    POLL,
    feeling,
    lacks,
)
from gearmesh.testing.contract.sending import Sending

SHAPES: Final[tuple[Feature, ...]] = ("location", "contacts", "poll", "product")
BOLD: Final = ("**bold**", "__bold__")
"""Both ways of CommonMark."""
Kind = TypeVar("Kind", bound=ChangeReceived | TypingReceived)


class HeardRules(Sending):
    """From the network to Gearmesh, beyond words and pictures."""

    @rule("heard", "formatted words come in as CommonMark with `markup`")
    async def test_heard_formatting(self) -> None:
        content = await self._heard("formatting", replaced(FORMATTED, sender=Sender()))
        must(
            isinstance(content, Text) and content.markup and any(bold in content.text for bold in BOLD),
            f"'This is **bold** news' came in as {content!r}",
        )

    @rule("heard", "a message that was forwarded comes in with `forwarded`")
    async def test_heard_forward(self) -> None:
        content = await self._heard("forward", replaced(FORWARDED, sender=Sender()))
        must(isinstance(content, Text) and content.forwarded, f"it came in as {content!r}")

    @pytest.mark.parametrize("feature", SHAPES)
    @rule("heard", "a place, cards, a poll or what is for sale comes in as such, with all that the network tells")
    async def test_heard_shapes(self, feature: Feature) -> None:
        due = replaced(BY_ITSELF[feature], sender=Sender())
        content = await self._heard(feature, due)
        assert isinstance(due, Location | Contacts | Poll | Product)
        must(not (missing := lacks(due, content, "partial")), missing)

    @pytest.mark.parametrize("kind", KINDS_OF_FILES)
    @rule(
        "heard",
        "a file comes in as Media of its kind, as far as the network tells it, and media() gives its very bytes",
    )
    async def test_heard_files(self, kind: MediaKind) -> None:
        media = await self._file(kind, Media(kind, self._ref(kind)))
        due = self.comes_as.get(kind, kind)
        must(media.media == due, f"the {kind} came in as {media!r}; expected the kind {due}")
        if isinstance(self.bridge, SupportsMedia):
            chunks = self.bridge.media(media.ref)

            async def read() -> bytes:
                return b"".join([chunk async for chunk in chunks])

            data = await self.ask("media()", read())
            must(data == PNG, f"media() gave {len(data)} bytes; {len(PNG)} other ones were sent")

    @rule("heard", "a picture to be seen once comes in with `view_once`")
    async def test_heard_view_once(self) -> None:
        media = await self._file("view_once", Media("image", self._ref("image"), view_once=True))
        must(media.view_once, f"it came in as {media!r}")

    @rule("heard", "the tap on a button comes in as a message with the button's words")
    async def test_heard_buttons(self) -> None:
        self.about("buttons", "heard")
        if not self.claimed.shows("buttons"):
            self.cannot("the bridge claims no buttons")
        await self.start()
        asked = (await self.carry(ASKED))[-1].native_ids[-1]
        await self.appears(asked)
        native_id = await self.user_taps(asked, BUTTONS[0])
        event = await self.message("the tap")
        must(event.native_id == native_id, f"native_id is {event.native_id!r}; the network's is {native_id!r}")
        must(
            isinstance(event.content, Text) and event.content.text == BUTTONS[0],
            f"the tap on {BUTTONS[0]!r} came in as {event.content!r}",
        )

    @rule("heard", "a reaction comes in with its message and its emoji, and again when it is taken back")
    async def test_heard_reaction(self) -> None:
        self.about("reaction", "heard")
        await self.start()
        ours = await self._ours()
        await self.user_reacts(ours, "❤️")
        event = await self._change(ReactionReceived, "the reaction", ours)
        must(
            feeling(event.emoji) == feeling("❤️") and not event.removed,
            f"the reaction ❤️ came in as {event.emoji!r}, removed: {event.removed}",
        )
        await self.user_reacts(ours, "")
        event = await self._change(ReactionReceived, "that the reaction was taken back", ours)
        must(event.removed, f"that it was taken back came in as {event!r}")

    @rule("heard", "a change of a message comes in with all that the message says now")
    async def test_heard_edit(self) -> None:
        self.about("edit", "heard")
        await self.start()
        theirs = await self._theirs()
        await self.user_edits(theirs, "The right words")
        event = await self._change(EditReceived, "the change", theirs)
        must(event.content == Text("The right words"), f"the change came in with {event.content!r}")

    @rule("heard", "that a message was taken back comes in")
    async def test_heard_redaction(self) -> None:
        self.about("redaction", "heard")
        await self.start()
        theirs = await self._theirs()
        await self.user_unsends(theirs)
        await self._change(RedactionReceived, "that the message was taken back", theirs)

    @rule("heard", "a vote comes in with its poll and the words of what was chosen")
    async def test_heard_vote(self) -> None:
        self.about("vote", "heard")
        if not self.claimed.shows("poll"):
            self.cannot("the bridge claims no polls")
        await self.start()
        poll = (await self.carry(POLL))[-1].native_ids[-1]
        await self.appears(poll)
        await self.user_votes(poll, POLL.options[1])
        event = await self._change(VoteReceived, "the vote", poll)
        must(event.options == (POLL.options[1],), f"the vote for {POLL.options[1]!r} came in as {event.options}")

    @rule("heard", "that somebody is writing comes in")
    async def test_heard_typing(self) -> None:
        self.about("typing", "heard")
        await self.start()
        await self.user_types(True)
        event = await self.next(TypingReceived, "that somebody is writing")
        must(event.on, "it came in as if they had stopped")
        self._is_theirs(event)

    async def _heard(self, feature: Feature, content: Message, data: bytes = b"") -> Message:
        self.about(feature, "heard")
        await self.start()
        native_id = await self.user_sends(content, data)
        event = await self.message(f"the {feature}")
        must(event.native_id == native_id, f"native_id is {event.native_id!r}; the network's is {native_id!r}")
        self._is_theirs(event)
        said = [event.content]
        for number in range(1, event.parts):
            part = await self.message(f"part {number + 1} of {event.parts} of the {feature}")
            due = part_id(native_id, number)
            must(part.native_id == due, f"the id of part {number + 1} is {part.native_id!r}; expected {due!r}")
            said.append(part.content)
        return next((one for one in said if not isinstance(one, Text)), said[0])

    async def _file(self, feature: Feature, content: Media) -> Media:
        heard = await self._heard(feature, content, PNG)
        if not isinstance(heard, Media):
            raise Broken(f"it came in as {heard!r}; expected Media")
        return heard

    def _ref(self, kind: MediaKind) -> MediaRef:
        mime, name = PICTURES[kind]
        return MediaRef("", "", mime, len(PNG), name=name)

    async def _theirs(self) -> str:
        native_id = await self.user_writes("The wrong words")
        await self.message("the message")
        return native_id

    async def _ours(self) -> str:
        ours = await self.said("Words to feel about")
        await self.appears(*ours)
        return ours[0]

    async def _change(self, kind: type[Kind], awaited: str, target: str) -> Kind:
        event = await self.next(kind, awaited)
        about = getattr(event, "target", "")
        must(about == target, f"{awaited} came in about {about!r}; expected {target!r}")
        self._is_theirs(event)
        return event

    def _is_theirs(self, event: ChangeReceived | TypingReceived | MessageReceived) -> None:
        must(event.user == self.a_user, f"user is {event.user!r}; it was {self.a_user!r}")
        must(event.thread == self.thread, f"thread is {event.thread!r}; expected {self.thread!r}")
