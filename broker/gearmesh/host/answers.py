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
    try:
        async with asyncio.timeout(within) as limit:
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
