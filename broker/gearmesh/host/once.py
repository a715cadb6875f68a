"""Work that is done once for all who ask for the same, and not again for a while when it cannot be done."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import structlog

from gearmesh.errors import FileFailed, FileTooLarge, FileUnusable

log = structlog.get_logger("gearmesh.files")

REFUSALS: Final = 2_000
REFUSED_FOR: Final = 600.0
"""Seconds for which it is remembered that a file cannot be had or made: its other recipients wait for nothing."""

Made = TypeVar("Made")


class Once:
    """What is being fetched and made now, by what it is."""

    def __init__(self) -> None:
        self._at_work: dict[str, asyncio.Task[Any]] = {}
        self._refusals: OrderedDict[str, tuple[float, FileFailed]] = OrderedDict()

    async def close(self) -> None:
        """Stop all of it."""
        tasks = list(self._at_work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def of(self, key: str, work: Callable[[], Coroutine[Any, Any, Made]]) -> Made:
        """What `work` gives, which is done once for all who ask for the same at the same time.

        Raises:
            FileFailed: it cannot be done.
        """
        refused = self._refusals.get(key)
        if refused and refused[0] > time.monotonic():
            raise _again(refused[1])
        task: asyncio.Task[Made] | None = self._at_work.get(key)
        if task is None:
            task = self._at_work[key] = asyncio.create_task(work(), name=f"file {key[:24]}")
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)

    def _ended(self, key: str, task: asyncio.Task[Any]) -> None:
        self._at_work.pop(key, None)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, FileFailed):
            log.warning("a file cannot be passed on", file=key, reason=str(error))
            self._refusals[key] = (time.monotonic() + REFUSED_FOR, error)
            self._refusals.move_to_end(key)
            while len(self._refusals) > REFUSALS:
                self._refusals.popitem(last=False)


def _again(error: FileFailed) -> FileFailed:
    match error:
        case FileTooLarge(size=size, limit=limit):
            return FileTooLarge(size, limit)
        case FileUnusable(reason=reason, size=size):
            return FileUnusable(reason, size=size)
    return error
