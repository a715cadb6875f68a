"""The legs of one app that are in work, and those that were sent and are not written down as sent yet."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from gearmesh.host.job import Job

Item = TypeVar("Item")
Given = ParamSpec("Given")


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

    def start(self, work: Callable[Given, Coroutine[Any, Any, None]], *given: Given.args, **more: Given.kwargs) -> None:
        """Let a task do some work."""
        number = next(self._numbers)
        self._tasks[number] = self._loop.create_task(self._run(number, partial(work, *given, **more)))

    async def _run(self, number: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except (Exception, asyncio.CancelledError) as error:
            self._ended(error)
        finally:
            self._tasks.pop(number, None)  # a callback of the task would do the same, at more cost

    def _ended(self, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError) and self._is_ending:
            raise error
        self._failed(error)  # a bridge may have cancelled the task that it was called in

    async def each(self, work: Callable[[Item], Coroutine[Any, Any, None]], items: Iterable[Item]) -> None:
        """Work on each of these at once.

        One that comes back at once needs no task of its own, which was the twentieth part of what a leg costs. As soon
        as one has to wait, those behind it get theirs.
        """
        task, rest = asyncio.current_task(self._loop), deque(items)
        assert task is not None
        relief = self._loop.call_soon(self._start_each, work, rest)
        try:
            while rest and not task.cancelling():  # whoever has cancelled its task has cancelled no other's work
                try:
                    await work(rest.popleft())
                except (Exception, asyncio.CancelledError) as error:
                    self._ended(error)
        finally:
            if not rest or self._is_ending:
                relief.cancel()

    def _start_each(self, work: Callable[[Item], Coroutine[Any, Any, None]], rest: deque[Item]) -> None:
        while rest and not self._is_ending:
            self.start(work, rest.popleft())

    def sent(self, job: Job) -> None:
        """Nothing is over before NATS has answered that this one is written down."""
        if job.written is not None:
            self._unwritten.add(job)

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
        while late := [task for task in self._tasks.values() if not task.done()]:
            # One may start others while it is waited for.
            _, missing = await asyncio.wait(late, timeout=max(end - self._loop.time(), 0.0))
            if missing:
                late = [task for task in self._tasks.values() if not task.done()]
                break
        if late:
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
