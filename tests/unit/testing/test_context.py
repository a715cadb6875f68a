"""The context for tests."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh import BridgeContext, BusUnavailable, ChatOpened, MediaRef, MessageReceived, Rejected, Text
from gearmesh.testing import FakeClock, FakeContext


def message(number: int) -> MessageReceived:
    return MessageReceived(str(number), "ada", "ada", 0, Text(f"message {number}"))


async def test_it_is_a_bridge_context_with_what_the_fixture_opened(fake_context: FakeContext) -> None:
    context: BridgeContext = fake_context

    await context.receive(message(1), ChatOpened("ada", "ada", 0))
    await context.status("connected", "to nowhere")

    assert fake_context.events_of(MessageReceived) == [message(1)]
    assert [(report.status, report.detail) for report in fake_context.reports] == [("connected", "to nowhere")]


async def test_given_events_of_several_kinds_then_the_next_of_one_kind_is_awaited(fake_context: FakeContext) -> None:
    waiting = asyncio.create_task(fake_context.next_event(MessageReceived))
    await fake_context.receive(ChatOpened("ada", "ada", 0), message(1))
    await fake_context.receive(message(2))

    assert await waiting == message(1)
    assert await fake_context.next_event(MessageReceived) == message(2)
    with pytest.raises(TimeoutError, match="MessageReceived"):
        await fake_context.next_event(MessageReceived, within=0)


async def test_given_it_is_unavailable_then_nothing_is_kept_and_the_bridge_is_told(fake_context: FakeContext) -> None:
    fake_context.unavailable = True

    with pytest.raises(BusUnavailable):
        await fake_context.receive(message(1))

    assert (fake_context.events, fake_context.refused) == ([], [message(1)])


async def test_given_an_offered_file_then_its_link_gives_it(fake_context: FakeContext) -> None:
    ref = fake_context.offer(b"\x89PNG", mime="image/png")

    async with fake_context.http.get(fake_context.media_link(ref)) as response:
        assert (response.status, response.content_type, await response.read()) == (200, "image/png", b"\x89PNG")
    assert fake_context.media_link(MediaRef("elsewhere", "unknown")) == ""


async def test_given_a_fake_clock_then_now_is_its_time() -> None:
    assert FakeContext(clock=FakeClock(1234.5)).now() == 1234.5


def test_given_no_async_with_then_the_session_says_how_to_have_one() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = FakeContext().http


async def test_given_a_file_that_was_offered_then_its_bytes_are_there_also_without_links(
    fake_context: FakeContext,
) -> None:
    data = bytes(range(256)) * 600
    ref = fake_context.offer(data)
    fake_context.links = False

    assert fake_context.media_link(ref) == ""
    pieces = [piece async for piece in fake_context.media(ref)]
    assert len(pieces) > 1
    assert b"".join(pieces) == data
    with pytest.raises(Rejected):
        [piece async for piece in fake_context.media(MediaRef("elsewhere", "unknown"))]
