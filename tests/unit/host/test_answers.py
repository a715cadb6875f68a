"""How long a bridge's answer is waited for, and what its silence and its faults come to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from gearmesh.errors import Rejected, Unclear
from gearmesh.host.answers import Watch
from gearmesh.host.connector import SENDING
from gearmesh.model.content import Text
from gearmesh.model.delivery import Delivery, Sent

WITHIN = 0.05
HELLO = Delivery("e1:messenger:0", "ada", "ada", Text("hello"))
YES = Sent(("m1",))


async def never(delivery: Delivery) -> Sent:
    """A network that does not answer."""
    await asyncio.Event().wait()
    return YES


async def soon(delivery: Delivery) -> Sent:
    """A network that takes a moment."""
    await asyncio.sleep(0)
    return YES


def watch() -> Watch:
    """Waits for a moment only."""
    return Watch("messenger", WITHIN)


async def test_given_no_answer_then_it_is_unclear_when_the_time_is_over_and_not_before() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(Unclear, match=r"no answer within 0\.05 s"):
        await watch().sent(never, HELLO)
    assert loop.time() - began >= WITHIN - 0.001


async def test_given_many_questions_then_each_has_its_own_time_and_those_answered_in_time_are_answered() -> None:
    watching = watch()
    early = [asyncio.create_task(watching.sent(never, HELLO)) for _ in range(3)]
    quick = asyncio.create_task(watching.sent(soon, HELLO))
    await asyncio.sleep(WITHIN / 2)
    late = asyncio.create_task(watching.sent(never, HELLO))
    results = await asyncio.gather(*early, return_exceptions=True)
    assert [type(result) for result in results] == [Unclear] * 3
    assert not late.done(), "it was asked later"
    assert await quick == YES
    with pytest.raises(Unclear):
        await late


async def test_given_a_watch_that_was_idle_then_the_next_question_is_watched_as_well() -> None:
    watching = watch()
    assert await watching.sent(soon, HELLO) == YES
    await asyncio.sleep(WITHIN * 2)
    with pytest.raises(Unclear):
        await watching.sent(never, HELLO)


async def test_given_a_bridge_that_raises_then_its_own_verdict_holds_and_any_other_error_is_unclear() -> None:
    watching = watch()

    def fails(error: BaseException, *, at_once: bool) -> Callable[[Delivery], Awaitable[Sent]]:
        async def later(delivery: Delivery) -> Sent:
            raise error

        def now(delivery: Delivery) -> Awaitable[Sent]:
            raise error

        return now if at_once else later

    for at_once in (True, False):
        with pytest.raises(Rejected):
            await watching.sent(fails(Rejected("no"), at_once=at_once), HELLO)
        for error in (TimeoutError(), ValueError("odd"), asyncio.CancelledError()):
            with pytest.raises(Unclear, match=type(error).__name__):
                await watching.sent(fails(error, at_once=at_once), HELLO)


@pytest.mark.parametrize("answer", [None, "m1", ("m1",)])
async def test_given_an_answer_that_is_none_then_it_is_unclear_what_was_sent(answer: object) -> None:
    async def says(delivery: Delivery) -> Any:
        return answer

    with pytest.raises(Unclear, match=type(answer).__name__):
        await watch().sent(says, HELLO)


async def test_given_ids_that_are_none_then_the_others_count() -> None:
    async def says(delivery: Delivery) -> Sent:
        return Sent(cast("tuple[str, ...]", ("m1", "", 7, "\ud800", "m2")))

    assert await watch().sent(says, HELLO) == Sent(("m1", "m2"))


async def test_given_a_message_then_what_is_asked_of_the_network_meanwhile_is_part_of_it() -> None:
    async def looks(delivery: Delivery) -> Sent:
        return Sent((str(SENDING.get()),))

    assert await watch().sent(looks, HELLO) == Sent(("True",))
    assert not SENDING.get()


async def test_given_whoever_asks_is_cancelled_then_they_end() -> None:
    asking = asyncio.create_task(watch().sent(never, HELLO))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
