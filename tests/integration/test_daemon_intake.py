"""What is remembered of those who write, and who has a say before anything is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from gearmesh import ChatOpened, EchoReceived, Event, Profile, ReceiptReceived, Unparsed
from gearmesh.errors import BusUnavailable
from gearmesh.host.records import QUIET_AFTER, WRITTEN_EVERY, Portals
from gearmesh.testing import FakeBridge, NatsServer

from .couple import Couple

HOUR = 3600 * 1000


@pytest.fixture
def couple(nats_server: NatsServer, tmp_path: Path) -> Couple:
    return Couple(nats_server, tmp_path)


async def writes(couple: Couple, bucket: str) -> int:
    """How often a bucket was written so far."""
    info = await couple.daemon.connection.js.stream_info(f"KV_{couple.shared.subjects.bucket(bucket)}")
    return info.state.last_seq


async def test_given_somebody_who_writes_then_it_is_remembered_when_and_at_most_one_write_a_minute_is_spent_on_it(
    couple: Couple,
) -> None:
    couple.south.reachable = False  # what arrives there is remembered, too
    async with couple.running():
        portals, start = couple.portals("north"), couple.now() - 10_000
        await couple.comes("north", couple.written("n-1", "@south:ben hello", at=start))
        written = await writes(couple, "portals")
        assert written == 1, "the focus and the time are one write"

        for number in range(5):
            await couple.comes("north", couple.written(f"more-{number}", "more", at=start + number * 100))

        assert await writes(couple, "portals") == written
        assert (await portals.get("ada")).last_inbound == start + 400
        couple.clock.ahead += WRITTEN_EVERY / 1000
        later = couple.now()
        await couple.comes("north", couple.written("later", "later", at=later))
        assert await writes(couple, "portals") == written + 1
        portals.forget()
        assert (await portals.get("ada")).last_inbound == later


async def test_given_a_message_from_before_or_from_the_future_then_the_time_goes_neither_back_nor_ahead(
    couple: Couple,
) -> None:
    async with couple.running():
        portals, start = couple.portals("north"), couple.now()
        await couple.comes("north", couple.written("n-1", "@south:ben hello", at=start))
        await couple.comes("north", couple.written("n-2", "older", at=start - HOUR))
        assert (await portals.get("ada")).last_inbound == start

        await couple.comes("north", couple.written("n-3", "from tomorrow", at=start + 24 * HOUR))
        assert start <= (await portals.get("ada")).last_inbound <= couple.now()


async def test_given_the_time_since_somebody_wrote_then_it_is_said_whether_the_window_may_have_been_closed(
    couple: Couple,
) -> None:
    async with couple.running():
        portals, start = couple.portals("north"), 1_800_000_000_000
        assert await portals.wrote("ada", start) is True
        assert await portals.wrote("ada", start) is False
        assert await portals.wrote("ada", start + QUIET_AFTER) is False
        assert await portals.wrote("ada", start) is False
        assert await portals.wrote("ada", start + 2 * QUIET_AFTER + 1) is True


async def test_given_small_steps_then_they_are_written_down_as_soon_as_they_are_a_minute_together(
    couple: Couple,
) -> None:
    async with couple.running():
        portals, start = couple.portals("north"), 1_800_000_000_000
        for step in range(0, WRITTEN_EVERY + 1, WRITTEN_EVERY // 4):
            await portals.wrote("ada", start + step)

        app = couple.daemon.apps["north"].app
        other = Portals(couple.daemon.connection, app.shared.publisher, app.shared.subjects, "north")
        assert (await other.get("ada")).last_inbound == start + WRITTEN_EVERY
        assert await writes(couple, "portals") == 2


async def test_given_somebody_who_writes_opens_the_chat_or_reacts_then_whoever_waits_for_their_window_is_told(
    couple: Couple,
) -> None:
    reaction = Unparsed(b"{}", "reaction is not understood", "ada", "ada", "reaction")
    async with couple.running():
        opened: list[str] = []
        before_that = couple.now() - 100_000
        portals = couple.portals("north")
        couple.ingress("north").on_inbound = opened.append
        for event, tells in (
            (couple.written("n-1", "is anybody there?", at=before_that), True),
            (ChatOpened("ada", "ada", before_that + 1), True),
            (reaction, True),
            (reaction, False),
            (couple.written("n-1", "is anybody there?"), False),
            (Unparsed(b"[]", "edit is not understood", "ada", "ada", "edit"), False),
            (Unparsed(b"{{", "no JSON", kind="reaction"), False),
            (couple.echoed("n-9", "ada"), False),
            (couple.reported("read", "n-9", user="ada"), False),
        ):
            before = (await portals.get("ada")).last_inbound
            opened.clear()
            await couple.comes("north", event)
            assert opened == (["ada"] if tells else []), event
            assert ((await portals.get("ada")).last_inbound > before) is tells


async def test_given_a_message_when_whoever_waits_is_told_then_it_is_stored_and_its_time_is_known(
    couple: Couple,
) -> None:
    async with couple.running():
        app, seen = couple.daemon.apps["north"].app, []
        portal = await app.portals.get("ada")

        def look(thread: str) -> None:
            known = app.portals._recent.get(thread)
            seen.append((app.shared.messages.recent("north", "n-1") is not None, known != portal))

        couple.ingress("north").on_inbound = look
        await couple.comes("north", couple.written("n-1", "@south:ben hello"))

        assert seen == [(True, True)]


async def test_given_a_host_that_takes_echoes_and_refusals_then_it_gets_them(couple: Couple) -> None:
    async with couple.running():
        taken: list[Event] = []

        async def take(event: EchoReceived | ReceiptReceived) -> None:
            taken.append(event)

        ingress = couple.ingress("south")
        ingress.on_echo = ingress.on_refusal = take
        echo, refusal = couple.echoed("s-1"), couple.reported("failed", "s-1")
        await couple.comes("south", echo, refusal, couple.reported("read", "s-1"))

        assert taken == [echo, refusal]


async def test_given_no_host_that_takes_refusals_then_whoever_wrote_is_told(couple: Couple) -> None:
    async with couple.running():
        await couple.comes("north", couple.written("n-1", "@south:ben hello"))
        native_id = await couple.sees("hello")
        await couple.remembered(native_id)
        await couple.comes("south", couple.echoed(native_id), couple.reported("failed", native_id))

        await couple.sees("was not delivered", "ada", side="north")


async def test_given_a_host_that_was_replaced_then_nothing_is_stored_any_more(couple: Couple) -> None:
    def replaced() -> None:
        raise BusUnavailable("another process is at work")

    couple.south.reachable = False
    async with couple.running():
        await couple.comes("north", couple.written("n-1", "@south:ben hello"))
        couple.ingress("north").guard = replaced
        logs = [await couple.stored(stream) for stream in ("GM_IN", "GM_DEAD")]
        buckets = [await writes(couple, bucket) for bucket in ("portals", "map", "people", "addresses")]

        for event in (
            couple.written("n-2", "goes on"),
            couple.written("n-3", "nobody", user="stranger"),
            ChatOpened("zoe", "zoe", couple.now(), handle="zoe"),
            Unparsed(b"{}", "poll is not understood", "ada", "ada", "poll"),
            couple.reported("read", "n-9", user="ada"),
        ):
            with pytest.raises(BusUnavailable, match="another process"):
                await couple.comes("north", event)

        assert [await couple.stored(stream) for stream in ("GM_IN", "GM_DEAD")] == logs
        assert [await writes(couple, bucket) for bucket in ("portals", "map", "people", "addresses")] == buckets


async def test_given_a_host_that_is_replaced_while_a_message_waits_for_a_name_then_it_is_not_stored(
    couple: Couple,
) -> None:
    class Replaced(FakeBridge):
        """Somebody else takes over while its network is asked for a profile."""

        async def profile(self, user: str) -> Profile:
            couple.ingress("north").guard = replaced
            return Profile(name="Ada")

    def replaced() -> None:
        raise BusUnavailable("another process is at work")

    async with couple.running(north=Replaced):
        with pytest.raises(BusUnavailable, match="another process"):
            await couple.comes("north", couple.written("n-1", "@south:ben hello"))

        assert await couple.stored("GM_IN") == []
        assert (await writes(couple, "portals"), await writes(couple, "addresses")) == (0, 0)
