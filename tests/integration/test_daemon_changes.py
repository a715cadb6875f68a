"""What is about another message goes where that one went; who is writing is seen, and stored nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import pytest

from gearmesh import (
    Delivery,
    Edit,
    EditReceived,
    Location,
    Poll,
    ReactionReceived,
    RedactionReceived,
    Rejected,
    Sent,
    Text,
    TypingReceived,
)
from gearmesh.bus import streams
from gearmesh.errors import BusUnavailable
from gearmesh.model.address import Address
from gearmesh.model.envelope import Envelope
from gearmesh.testing import FakeBridge, NatsServer
from gearmesh.testing.network import CAPABILITIES, WORDS_ONLY
from gearmesh.testing.shown import Shown
from gearmesh.wire.body import close_body, open_body
from gearmesh.wire.codec import decode, encode

from .couple import SHORTEST_WINDOW, Couple
from .patience import eventually

WITHIN: Final = 20.0


@pytest.fixture
def couple(nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Couple:
    """Two networks whose logs forget ids almost at once: what is told twice must not be hidden by them."""
    monkeypatch.setattr(streams, "DUPLICATE_WINDOW", SHORTEST_WINDOW)
    return Couple(nats_server, tmp_path)


async def talk(couple: Couple) -> tuple[str, str]:
    """Ada writes to Ben, and he answers: the native ids of both on his side."""
    await couple.comes("north", couple.written("n-1", "@south:ben the first words"))
    hers = await couple.sees("the first words")
    await couple.remembered(hers)
    await couple.comes("south", couple.written("s-1", "his answer", user="ben"))
    answer = await couple.sees("his answer", "ada", side="north")
    await couple.remembered(answer, "north")
    return hers, answer


async def on_bens(couple: Couple, native_id: str, *, reactions: dict[str, str]) -> None:
    def holds() -> bool:
        shown = couple.south.message(native_id)
        return shown is not None and dict(shown.reactions) == reactions

    await couple.south.until(holds, within=WITHIN, awaited=f"the reactions {reactions} at {native_id}")


def last(couple: Couple, user: str = "ben") -> Shown:
    return couple.south.shown(user)[-1]


async def test_a_reaction_stands_at_its_message_is_changed_and_goes_again(couple: Couple) -> None:
    async with couple.running():
        hers, _ = await talk(couple)
        now = couple.now()
        for number, (emoji, removed, seen) in enumerate(
            [("❤️", False, {"Ada": "❤️"}), ("👍", False, {"Ada": "👍"}), ("", True, {})]
        ):
            await couple.comes("north", ReactionReceived("ada", "ada", now + number, "n-1", emoji, removed))
            await on_bens(couple, hers, reactions=seen)


async def test_a_reaction_to_what_came_from_there_stands_at_the_original(couple: Couple) -> None:
    async with couple.running():
        _, answer = await talk(couple)
        await couple.south.type("ben", "typed on a real phone")
        theirs = await couple.sees("typed on a real phone", "ada", side="north")
        await couple.remembered(theirs, "north")
        await couple.comes("north", ReactionReceived("ada", "ada", couple.now(), theirs, "🎉"))
        original = next(
            message for n in range(1, 9) if (message := couple.south.message(f"south-{n}")) and "real" in message.text
        )
        await on_bens(couple, original.id, reactions={"Ada": "🎉"})
        assert answer != theirs


async def test_a_reaction_that_is_repeated_days_later_comes_once(couple: Couple) -> None:
    couple.south.capabilities = WORDS_ONLY
    async with couple.running():
        await talk(couple)
        event = ReactionReceived("ada", "ada", couple.now(), "n-1", "❤️")
        await couple.comes("north", event)
        await couple.sees("❤️")
        await couple.logs_have_forgotten()
        couple.forgets()
        await couple.comes("north", event)
        await couple.comes("north", couple.written("n-9", "behind it"))
        await couple.sees("behind it")
        assert sum("❤️" in shown.text for shown in couple.south.shown("ben")) == 1


async def test_an_edit_changes_the_message(couple: Couple) -> None:
    async with couple.running():
        hers, _ = await talk(couple)
        await couple.comes("north", EditReceived("ada", "ada", couple.now(), "n-1", Text("other words"), "1"))

        def is_changed() -> bool:
            shown = couple.south.message(hers)
            return shown is not None and "other words" in shown.text and len(shown.history) == 1

        await couple.south.until(is_changed, within=WITHIN, awaited="the changed message")


async def test_an_edit_begins_with_the_handle_and_says_it_no_more(couple: Couple) -> None:
    async with couple.running():
        hers, _ = await talk(couple)
        now = couple.now()
        await couple.comes("north", EditReceived("ada", "ada", now, "n-1", Text("@south:ben the first words"), "1"))
        await couple.comes("north", EditReceived("ada", "ada", now + 1, "n-1", Text("@south:ben other words"), "2"))

        def is_changed() -> bool:
            shown = couple.south.message(hers)
            return shown is not None and shown.text == "other words"

        await couple.south.until(is_changed, within=WITHIN, awaited="the changed message")
        changed = couple.south.message(hers)
        assert changed is not None
        assert len(changed.history) == 1, "what says the same is no change"


async def test_what_is_taken_back_goes_there_and_out_of_our_logs(couple: Couple) -> None:
    async with couple.running():
        hers, _ = await talk(couple)
        await couple.comes("north", RedactionReceived("ada", "ada", couple.now(), "n-1"))

        def is_gone() -> bool:
            shown = couple.south.message(hers)
            return shown is not None and shown.deleted

        await couple.south.until(is_gone, within=WITHIN, awaited="the message to be gone")

        async def no_copy() -> bool:
            stored = [*await couple.stored("GM_IN"), *await couple.stored("GM_OUT")]
            return not any(b"the first words" in data for data in stored)

        await eventually(no_copy, awaited="our copies to be gone")


async def test_all_parts_of_a_message_are_taken_back(couple: Couple) -> None:
    async with couple.running():
        await talk(couple)
        first = msgspec.structs.replace(couple.written("n-2", "one half"), parts=2)
        await couple.comes("north", first, couple.written("n-2#1", "other half"))
        shown = [await couple.sees(half) for half in ("one half", "other half")]
        for native_id in shown:
            await couple.remembered(native_id)
        await couple.comes("north", RedactionReceived("ada", "ada", couple.now(), "n-2"))

        def all_gone() -> bool:
            return all((message := couple.south.message(one)) and message.deleted for one in shown)

        await couple.south.until(all_gone, within=WITHIN, awaited="both parts to be gone")


async def test_nobody_changes_what_another_one_wrote(couple: Couple) -> None:
    async with couple.running():
        _, answer = await talk(couple)
        await couple.comes("north", EditReceived("ada", "ada", couple.now(), answer, Text("never said"), "1"))
        await couple.comes("north", couple.written("n-3", "behind it"))
        await couple.sees("behind it")
        stored = [decode(data) for data in await couple.stored("GM_IN")]
        assert not any(b"never said" in envelope.body for envelope in stored)


async def test_a_network_without_them_is_told_in_words(couple: Couple) -> None:
    couple.south.capabilities = WORDS_ONLY
    async with couple.running():
        await talk(couple)
        now = couple.now()
        await couple.comes("north", ReactionReceived("ada", "ada", now, "n-1", "❤️"))
        await couple.sees("❤️ to “the first words”")
        await couple.comes("north", EditReceived("ada", "ada", now + 1, "n-1", Text("the last words"), "1"))
        await couple.sees("now says:\nthe *last* words")
        await couple.comes("north", RedactionReceived("ada", "ada", now + 2, "n-1"))
        await couple.sees("deleted")
        assert "words" not in last(couple).text, "what was taken back is not said again"
        await couple.comes("north", couple.written("n-4", "an answer", at=now + 3))
        await couple.sees("an answer")


async def test_an_answer_quotes_in_words_where_the_network_cannot(couple: Couple) -> None:
    couple.south.capabilities = WORDS_ONLY
    async with couple.running():
        _, answer = await talk(couple)
        await couple.comes("north", msgspec.structs.replace(couple.written("n-5", "indeed"), reply_to=answer))
        await couple.sees("indeed")
        assert "his answer" in last(couple).text


async def test_quotes_survive_a_restart(couple: Couple) -> None:
    couple.south.capabilities = WORDS_ONLY
    async with couple.running():
        await talk(couple)
    async with couple.running():
        await couple.comes("north", ReactionReceived("ada", "ada", couple.now(), "n-1", "❤️"))
        await couple.sees("❤️ to “the first words”")


class TooLate(FakeBridge):
    """Its network lets nobody react to what is old."""

    async def react(self, delivery: Delivery) -> Sent:
        raise Rejected("this message is too old")


async def test_what_the_network_refuses_at_the_message_is_told_in_words(couple: Couple) -> None:
    async with couple.running(south=TooLate):
        await talk(couple)
        await couple.comes("north", ReactionReceived("ada", "ada", couple.now(), "n-1", "❤️"))
        await couple.sees("❤️ to “the first words”")


class RefusesLater(FakeBridge):
    """Its network says yes to a reaction, and thinks better of it."""

    async def react(self, delivery: Delivery) -> Sent:
        return Sent(("reaction-1",))


async def test_what_the_network_refuses_after_its_yes_is_told_in_words(couple: Couple) -> None:
    async with couple.running(south=RefusesLater):
        await talk(couple)
        await couple.comes("north", ReactionReceived("ada", "ada", couple.now(), "n-1", "❤️"))
        await couple.remembered("reaction-1")
        await couple.comes("south", couple.reported("failed", "reaction-1"))
        await couple.sees("❤️ to “the first words”")


async def test_a_change_waits_for_its_message(couple: Couple) -> None:
    async with couple.running():
        await talk(couple)
        event = ReactionReceived("ada", "ada", couple.now(), "n-6", "❤️")
        with pytest.raises(BusUnavailable, match="not known yet"):
            await couple.comes("north", event)
        await couple.comes("north", couple.written("n-6", "late"))
        late = await couple.sees("late")
        await couple.remembered(late)
        await couple.comes("north", event)
        await on_bens(couple, late, reactions={"Ada": "❤️"})


async def test_whoever_reacts_to_what_nobody_knows_is_told_so(couple: Couple) -> None:
    async with couple.running():
        await talk(couple)
        await couple.comes("north", ReactionReceived("ada", "ada", couple.now() - 60_000, "n-old", "❤️"))
        await couple.sees("⚙", "ada", side="north")


async def test_an_edit_of_what_went_nowhere_is_a_message(couple: Couple) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("n-1", "@nobody hello"))
        await couple.sees("⚙", "ada", side="north")
        mended = EditReceived("ada", "ada", couple.now(), "n-1", Text("@south:ben hello after all"), "1")
        await couple.comes("north", mended)
        shown = await couple.sees("hello after all")
        await couple.remembered(shown)
        again = EditReceived("ada", "ada", couple.now() + 1, "n-1", Text("hello again"), "2")
        await couple.comes("north", again)
        await couple.south.until(
            lambda: bool((one := couple.south.message(shown)) and one.text.endswith("hello again")),
            within=WITHIN,
            awaited="its second edit",
        )
        assert len(couple.south.shown("ben")) == 1
        await couple.comes("north", RedactionReceived("ada", "ada", couple.now() + 2, "n-1"))
        await couple.south.until(
            lambda: bool((one := couple.south.message(shown)) and one.deleted), within=WITHIN, awaited="it to be gone"
        )


async def test_a_number_in_answer_to_a_poll_is_a_vote(couple: Couple) -> None:
    couple.south.capabilities = msgspec.structs.replace(WORDS_ONLY, replies=True)
    async with couple.running():
        await talk(couple)
        poll = msgspec.structs.replace(couple.written("n-7", ""), content=Poll("Pizza?", ("yes", "no")))
        await couple.comes("north", poll)
        shown = await couple.sees("Pizza?")
        await couple.remembered(shown)
        vote = msgspec.structs.replace(couple.written("s-7", "2", user="ben"), reply_to=shown)
        await couple.comes("south", vote)
        await couple.sees("no", "ada", side="north")
        kinds = [type(open_body("none", decode(data).body)).__name__ for data in await couple.stored("GM_IN")]
        assert kinds.count("Vote") == 1


async def test_the_words_of_an_option_in_answer_to_a_poll_are_a_vote_and_other_words_are_none(couple: Couple) -> None:
    async with couple.running():
        await talk(couple)
        poll = msgspec.structs.replace(couple.written("n-7", ""), content=Poll("Pizza?", ("yes", "no")))
        await couple.comes("north", poll)
        await couple.south.until(lambda: isinstance(last(couple).shape, Poll), within=WITHIN, awaited="the poll")
        shown = last(couple).id
        await couple.remembered(shown)
        for number, said in enumerate(("perhaps", "Yes")):
            answer = msgspec.structs.replace(couple.written(f"s-{7 + number}", said, user="ben"), reply_to=shown)
            await couple.comes("south", answer)
        await couple.sees("perhaps", "ada", side="north")
        kinds = [type(open_body("none", decode(data).body)).__name__ for data in await couple.stored("GM_IN")]
        assert kinds.count("Vote") == 1


async def test_a_program_changes_nothing_that_another_one_wrote(couple: Couple) -> None:
    async with couple.running():
        hers, _ = await talk(couple)
        written = next(decode(data) for data in await couple.stored("GM_IN") if b"first words" in data)
        ben = Address("south", "ben")
        forged = msgspec.structs.replace(written.header, id=b"x" * 16, sender=Address("north", "eve"), to=(ben,))
        body = close_body(Edit(written.header.hex_id, Text("never said")))
        await couple.shared.publisher.publish(
            couple.shared.subjects.inbound("north", forged.conversation), encode(Envelope(forged, body))
        )
        await couple.comes("north", couple.written("n-9", "behind it"))
        await couple.sees("behind it")
        shown = couple.south.message(hers)
        assert shown is not None
        assert "first words" in shown.text
        assert not any("never said" in one.text for one in couple.south.shown("ben"))


async def test_a_place_goes_as_a_place(couple: Couple) -> None:
    async with couple.running():
        await talk(couple)
        place = Location(52.5163, 13.3777, "Brandenburg Gate")
        await couple.comes("north", msgspec.structs.replace(couple.written("n-8", ""), content=place))
        await couple.south.until(
            lambda: isinstance(last(couple).shape, Location), within=WITHIN, awaited="the place on Ben's side"
        )


async def test_who_is_writing_is_seen_and_stored_nowhere(couple: Couple) -> None:
    async with couple.running():
        await talk(couple)
        before = len(await couple.stored("GM_IN"))
        await couple.comes("north", TypingReceived("ada", "ada", couple.now()))
        await couple.south.until(lambda: couple.south.sees_typing("ben"), within=WITHIN, awaited="Ben to see it")
        await couple.comes("north", TypingReceived("ada", "ada", couple.now(), on=False))
        await couple.south.until(lambda: not couple.south.sees_typing("ben"), within=WITHIN, awaited="its end")
        assert len(await couple.stored("GM_IN")) == before


async def test_whoever_keeps_their_reading_to_themselves_is_not_seen_writing(couple: Couple) -> None:
    async with couple.running():
        await couple.shared.directory.seed("ada", "Ada", (Address("north", "ada"),), receipts="delivered")
        await talk(couple)
        await couple.comes("north", TypingReceived("ada", "ada", couple.now()))
        await couple.comes("north", couple.written("n-3", "behind it"))
        await couple.sees("behind it")
        assert couple.south.signals == []


async def test_who_is_writing_is_not_shown_where_there_is_no_way(couple: Couple) -> None:
    couple.south.capabilities = msgspec.structs.replace(CAPABILITIES, features={})
    async with couple.running():
        await talk(couple)
        await couple.comes("north", TypingReceived("ada", "ada", couple.now()))
        await couple.comes("north", couple.written("n-3", "behind it"))
        await couple.sees("behind it")
        assert couple.south.signals == []
