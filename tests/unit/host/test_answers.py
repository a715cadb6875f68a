"""How long a bridge's answer is waited for, and what its silence and its faults come to."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh.errors import Rejected, Unclear
from gearmesh.host.answers import Watch

WITHIN = 0.05


async def never() -> str:
    """A network that does not answer."""
    await asyncio.Event().wait()
    return ""


async def after(seconds: float) -> str:
    """A network that takes its time."""
    await asyncio.sleep(seconds)
    return "yes"


async def test_given_no_answer_then_it_is_unclear_when_the_time_is_over_and_not_before() -> None:
    loop, watch = asyncio.get_running_loop(), Watch(WITHIN)
    began = loop.time()
    with pytest.raises(Unclear, match=r"no answer within 0\.05 s"):
        await watch.answer_of(never())
    assert loop.time() - began >= WITHIN - 0.001


async def test_given_many_questions_then_each_has_its_own_time_and_those_answered_in_time_are_answered() -> None:
    watch = Watch(WITHIN)
    early = [asyncio.create_task(watch.answer_of(never())) for _ in range(3)]
    quick = asyncio.create_task(watch.answer_of(after(0)))
    await asyncio.sleep(WITHIN / 2)
    late = asyncio.create_task(watch.answer_of(never()))
    results = await asyncio.gather(*early, return_exceptions=True)
    assert [type(result) for result in results] == [Unclear] * 3
    assert not late.done(), "it was asked later"
    assert await quick == "yes"
    with pytest.raises(Unclear):
        await late


async def test_given_a_watch_that_was_idle_then_the_next_question_is_watched_as_well() -> None:
    watch = Watch(WITHIN)
    assert await watch.answer_of(after(0)) == "yes"
    await asyncio.sleep(WITHIN * 2)
    with pytest.raises(Unclear):
        await watch.answer_of(never())


async def test_given_a_bridge_that_raises_then_its_own_verdict_holds_and_any_other_error_is_unclear() -> None:
    watch = Watch(WITHIN)

    async def fails(error: BaseException) -> str:
        raise error

    with pytest.raises(Rejected):
        await watch.answer_of(fails(Rejected("no")))
    for error in (TimeoutError(), ValueError("odd"), asyncio.CancelledError()):
        with pytest.raises(Unclear, match=type(error).__name__):
            await watch.answer_of(fails(error))


async def test_given_whoever_asks_is_cancelled_then_they_end() -> None:
    asking = asyncio.create_task(Watch(WITHIN).answer_of(never()))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
