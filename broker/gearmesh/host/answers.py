"""What a bridge answers, whatever it does: it may raise anything, hang, or cancel itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from gearmesh.errors import SendFailed, Unclear

log = structlog.get_logger("gearmesh.host")

Answer = TypeVar("Answer")


async def answer_of(question: Awaitable[Answer], within: float, **facts: str) -> Answer:
    """A bridge's answer, waited for `within` seconds at most. `facts` say in the log what was asked.

    Raises:
        SendFailed: of the class that the bridge raised; `Unclear` when it raised anything else or did not answer.
    """
    return await _answer(question, asyncio.timeout(within), within, facts)


class Watch:
    """Waits for each of many answers, `within` seconds at most, with one timer for all.

    One for each send was the twentieth part of what a leg costs, and hardly any ever runs out.
    """

    def __init__(self, within: float) -> None:
        self._within = within
        self._ends: dict[asyncio.Timeout, float] = {}
        """When not to wait any longer, the earliest first."""
        self._timer: asyncio.TimerHandle | None = None

    async def answer_of(self, question: Awaitable[Answer], **facts: str) -> Answer:
        """A bridge's answer; see the function of this name."""
        loop, limit = asyncio.get_running_loop(), asyncio.timeout(None)
        self._ends[limit] = end = loop.time() + self._within
        if self._timer is None:
            self._timer = loop.call_at(end, self._look, loop)
        try:
            return await _answer(question, limit, self._within, facts)
        finally:
            self._ends.pop(limit, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, now = None, loop.time()
        for limit, end in tuple(self._ends.items()):
            if end > now:
                self._timer = loop.call_at(end, self._look, loop)
                return
            del self._ends[limit]
            limit.reschedule(now)


async def _answer(question: Awaitable[Answer], limit: asyncio.Timeout, within: float, facts: dict[str, str]) -> Answer:
    try:
        async with limit:
            return await question
    except SendFailed:
        raise
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(error, TimeoutError) and limit.expired():
            raise Unclear(f"no answer within {within:g} s") from None
        if isinstance(error, asyncio.CancelledError) and told_to_stop():
            raise
        log.exception("the bridge failed in a way it should not", **facts)
        raise Unclear(f"{type(error).__name__}: {error}") from error


def told_to_stop() -> bool:
    """Whether somebody has cancelled the current task.

    If not, a CancelledError is only something that a bridge raised: one that waits for an answer and loses its
    connection cancels what it waits for. Taken for our own end it would stop a lane, or the bridge, for good.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
