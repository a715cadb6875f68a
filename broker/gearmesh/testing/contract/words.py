"""Rules about what a bridge does not claim to carry: it arrives in words, and can be recognised."""

from __future__ import annotations

from typing import Final, Literal

import pytest

from gearmesh.core.degrade import Quoted, recognised
from gearmesh.model.capabilities import Feature
from gearmesh.model.content import Content, MediaKind, Text, Vote, replaced
from gearmesh.testing.contract.harness import SENDER
from gearmesh.testing.contract.rule import must, rule
from gearmesh.testing.contract.samples import (
    BY_ITSELF,
    CHANGES,
    KINDS_OF_FILES,
    POLL,
    SIGNS,
    TARGET,
    file,
)
from gearmesh.testing.contract.sending import Sending

NOT_MARKED: Final[frozenset[Feature]] = frozenset({"formatting", "buttons"})
"""What are words from the beginning, and less of them is seen."""
QUOTED: Final = Quoted(Text("A question", SENDER), "Ada")


class WordsRules(Sending):
    """What capabilities say `fallback` of, or nothing."""

    @pytest.mark.parametrize("feature", tuple(BY_ITSELF))
    @rule("words", "what is not claimed arrives in words that say what it was")
    async def test_words_by_itself(self, feature: Feature) -> None:
        self._not_claimed(feature)
        await self.start()
        self._reads(feature, await self._arrives(BY_ITSELF[feature]))

    @pytest.mark.parametrize("kind", KINDS_OF_FILES)
    @rule("words", "a file of a kind that is not claimed arrives as a line with its link, or as another kind")
    async def test_words_files(self, kind: MediaKind) -> None:
        self._not_claimed(kind)
        await self.start()
        content = file(kind, self.offered(kind))
        carried = await self.carry(content)
        read = await self.arrives(carried)
        if all(isinstance(one.part, Text) for one in carried):
            link = self.context.media_link(content.ref)
            must(link in read, f"the link {link} is not in what is read: {read!r}")
            must(recognised(read) == kind, f"it is taken for {recognised(read)}: {read!r}")

    @rule("words", "a picture to be seen once arrives all the same where `view_once` is not claimed")
    async def test_words_view_once(self) -> None:
        self._not_claimed("view_once")
        await self.start()
        self._reads("view_once", await self._arrives(file("image", self.offered("image"), view_once=True)))

    @rule("words", "an answer says what it answers where replies are not claimed")
    async def test_words_reply(self) -> None:
        self._not_claimed("reply")
        await self.start()
        answer = Text("An answer", SENDER, TARGET)
        self._reads("reply", await self._arrives(answer, quoted=QUOTED))

    @rule("words", "a vote arrives in the words of what was chosen")
    async def test_words_vote(self) -> None:
        self._may_be_in_words("vote")
        await self.start()
        vote = Vote(TARGET, (POLL.options[1],), SENDER)
        self._reads("vote", await self._arrives(vote, quoted=Quoted(POLL, "Ada")))

    @pytest.mark.parametrize("change", tuple(CHANGES))
    @rule("words", "a reaction, a change, an unsend arrives in words where it is not claimed, or was Rejected")
    async def test_words_changes(self, change: Literal["reaction", "edit", "redaction"]) -> None:
        self._may_be_in_words(change)
        await self.start()
        carried = await self.carry(CHANGES[change], quoted=QUOTED, in_words=True)
        must(
            not any(isinstance(one.part, type(CHANGES[change])) for one in carried),
            f"in words it is {[one.part for one in carried]}",
        )
        self._reads(change, await self.arrives(carried))

    @rule("words", "a reaction that was taken back does not arrive as if it had just been given")
    async def test_words_reaction_taken_back(self) -> None:
        self._may_be_in_words("reaction")
        await self.start()
        reaction = CHANGES["reaction"]
        given = await self._arrives(reaction, quoted=QUOTED, in_words=True)
        taken = await self._arrives(replaced(reaction, removed=True), quoted=QUOTED, in_words=True)
        must(given != taken, f"both are read as {given!r}")

    async def _arrives(self, content: Content, *, quoted: Quoted | None = None, in_words: bool = False) -> str:
        return await self.arrives(await self.carry(content, quoted=quoted, in_words=in_words))

    def _reads(self, feature: Feature, read: str) -> None:
        for sign in SIGNS[feature]:
            must(sign.lower() in read.lower(), f"{sign!r} is not in what is read: {read!r}")
        if feature not in NOT_MARKED:
            found = recognised(read)
            must(found == feature, f"it is taken for {found or 'words from the beginning'}: {read!r}")

    def _not_claimed(self, feature: Feature) -> None:
        level = self.claimed.level(feature)
        if level != "fallback":
            self.cannot(f"{feature} is {level}")
        self.about(feature, "words")

    def _may_be_in_words(self, feature: Feature) -> None:
        """Also what is claimed: the network may refuse it for one message."""
        level = self.claimed.level(feature)
        if level in {"dropped", "rejected"}:
            self.cannot(f"{feature} is {level}")
        self.about(feature, "words")
