"""What a bridge answers, whatever it does: it may raise anything, hang, or cancel itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import structlog

from gearmesh.errors import SendFailed, Unclear

log = structlog.get_logger("gearmesh.host")

Answer = TypeVar("Answer")


async def answer_of(question: Awaitable[Answer], within: float, **facts: str) -> Answer:
    """A bridge's answer, waited for `within` seconds at most. `facts` say in the log what was asked.

    Raises:
        SendFailed: of the class that the bridge raised; `Unclear` when it raised anything else or did not answer.
    """
    limit = asyncio.timeout(within)
    try:
        async with limit:
            return await question
    except SendFailed:
        raise
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(error, TimeoutError) and limit.expired():
            raise _silent(within) from None
        raise _astray(error, facts) from error


class _Asked:
    """Somebody waits for an answer, until `end`."""

    __slots__ = ("before", "end", "is_over", "task")

    def __init__(self, task: asyncio.Task[Any], end: float) -> None:
        self.task = task
        self.end = end
        self.before = task.cancelling()
        self.is_over = False

    def interrupt(self) -> None:
        self.is_over = True
        self.task.cancel()

    def was_interrupted(self) -> bool:
        """Whether the time was over, and nobody has cancelled the task besides (as in `asyncio.timeout`)."""
        return self.is_over and self.task.uncancel() <= self.before


class Watch:
    """Waits for each of many answers, `within` seconds at most, with one timer for all.

    One for each send was the twentieth part of what a leg costs, and hardly any ever runs out.
    """

    def __init__(self, within: float) -> None:
        self._within = within
        self._asked: dict[_Asked, None] = {}
        """Who waits, the first to wait no longer first."""
        self._timer: asyncio.TimerHandle | None = None

    async def answer_of(self, question: Awaitable[Answer], **facts: str) -> Answer:
        """A bridge's answer; see the function of this name."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        asked = _Asked(task, loop.time() + self._within)
        self._asked[asked] = None
        if self._timer is None:
            self._timer = loop.call_at(asked.end, self._look, loop)
        try:
            answer = await question
        except BaseException as error:
            interrupted = asked.was_interrupted()
            if isinstance(error, asyncio.CancelledError) and interrupted:
                raise _silent(self._within) from None
            if isinstance(error, SendFailed) or not isinstance(error, (Exception, asyncio.CancelledError)):
                raise
            raise _astray(error, facts) from error
        else:
            asked.was_interrupted()
            return answer
        finally:
            self._asked.pop(asked, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, now = None, loop.time()
        for asked in tuple(self._asked):
            if asked.end > now:
                self._timer = loop.call_at(asked.end, self._look, loop)
                return
            del self._asked[asked]
            asked.interrupt()


def _silent(within: float) -> Unclear:
    return Unclear(f"no answer within {within:g} s")


def _astray(error: BaseException, facts: dict[str, str]) -> Unclear:
    """What is raised instead of what a bridge should not raise."""
    if isinstance(error, asyncio.CancelledError) and told_to_stop():
        raise error
    log.error("the bridge failed in a way it should not", **facts, exc_info=error)
    return Unclear(f"{type(error).__name__}: {error}")


def told_to_stop() -> bool:
    """Whether somebody has cancelled the current task.

    If not, a CancelledError is only something that a bridge raised: one that waits for an answer and loses its
    connection cancels what it waits for. Taken for our own end it would stop a lane, or the bridge, for good.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
