"""What a bridge answers, whatever it does: it may raise anything, hang, or cancel itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from gearmesh.errors import SendFailed, Unclear
from gearmesh.host.connector import SENDING
from gearmesh.model.delivery import Delivery, Sent

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


class Watch:
    """Sends the messages of an app, and waits for each answer `within` seconds at most, with one timer for all.

    One for each was the twentieth part of what a leg costs, and hardly any ever runs out. What happens then is what
    `asyncio.timeout` does.
    """

    def __init__(self, app: str, within: float) -> None:
        self._app = app
        self._within = within
        self._loop = asyncio.get_running_loop()  # which takes a system call
        self._ends: dict[asyncio.Task[Any], float] = {}
        """When not to wait any longer, the earliest first, by who waits."""
        self._interrupted: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def sent(self, send: Callable[[Delivery], Awaitable[Sent]], delivery: Delivery) -> Sent:
        """As what a bridge's method has sent a message.

        Raises:
            SendFailed: see `answer_of`; also `Unclear` when it answers with something else.
        """
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._ends[task] = end = time.monotonic() + self._within
        if self._timer is None:
            self._set_timer(end)
        before = SENDING.set(True)
        try:
            answer = await send(delivery)  # which may fail before there is anything to wait for
        except SendFailed:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if task in self._interrupted and isinstance(error, asyncio.CancelledError) and task.cancelling() == 1:
                raise _silent(self._within) from None
            raise _astray(error, {"app": self._app, "delivery": delivery.id}) from error
        finally:
            SENDING.reset(before)
            self._ends.pop(task, None)
            if self._interrupted and task in self._interrupted:
                self._interrupted.discard(task)
                task.uncancel()
        return _sent_of(answer)

    def _set_timer(self, end: float) -> None:
        # An event loop's time is the monotonic clock's.
        self._timer = self._loop.call_at(end, self._look)

    def _look(self) -> None:
        self._timer, now = None, time.monotonic()
        for task, end in tuple(self._ends.items()):
            if end > now:
                self._set_timer(end)
                return
            del self._ends[task]
            self._interrupted.add(task)
            task.cancel()


def _sent_of(answer: object) -> Sent:
    """What a bridge says was sent, without ids that are none.

    Raises:
        Unclear: it says something else.
    """
    if not isinstance(answer, Sent):
        raise Unclear(f"the bridge says {type(answer).__name__} instead of what it has sent")
    for native_id in answer.native_ids:
        if not _is_id(native_id):
            log.error("the bridge names ids that are none", ids=repr(answer.native_ids)[:200])
            return Sent(tuple(filter(_is_id, answer.native_ids)))
    return answer


def _is_id(native_id: object) -> bool:
    try:
        return isinstance(native_id, str) and bool(native_id.encode())
    except UnicodeEncodeError:
        return False


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
