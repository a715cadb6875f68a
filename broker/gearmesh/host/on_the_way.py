"""The legs of one app that are in work, and those that were sent and are not written down as sent yet."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from gearmesh.host.job import Job


class OnTheWay:
    """What has to come to its end before somebody else may have the app. `failed` is told why a task could not."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._loop = asyncio.get_running_loop()  # which takes a system call
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._numbers = itertools.count()
        self._unwritten: set[Job] = set()
        self._all_written = asyncio.Event()
        """For who waits until nothing is unwritten."""
        self._is_ending = False

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a task do some work."""
        number = next(self._numbers)
        self._tasks[number] = self._loop.create_task(self._run(number, work))

    async def _run(self, number: int, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError as error:
            if self._is_ending:
                raise
            self._failed(error)  # a bridge has cancelled the task that it was called in
        except Exception as error:
            self._failed(error)
        finally:
            self._tasks.pop(number, None)  # a callback of the task would do the same, at more cost

    def sent(self, jobs: Iterable[Job]) -> None:
        """Nothing is over before NATS has answered that these are written down."""
        self._unwritten.update([job for job in jobs if job.written is not None])

    def written(self, job: Job) -> None:
        """NATS has answered of this one."""
        job.written = None
        self._unwritten.discard(job)
        if not self._unwritten:
            self._all_written.set()

    async def finish(self, within: float) -> bool:
        """Wait for everything, so many seconds; what takes longer is cancelled, or not waited for. Whether nothing
        did."""
        end = self._loop.time() + within
        late: set[asyncio.Task[None]] = set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=within)
            self._is_ending = True
            try:
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)
            finally:
                self._is_ending = False
            self._tasks.clear()  # one that had not begun did not take itself out
        try:
            async with asyncio.timeout_at(end):
                while self._unwritten:
                    self._all_written.clear()
                    await self._all_written.wait()
        except TimeoutError:
            return False
        return not late
