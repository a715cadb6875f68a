"""Turns: several things to send may be worked on at once, and go out in the order in which they were asked for.

What comes before going out can take long, such as entering a room or uploading a file; what comes after, too, such as
waiting for the room to show it. Neither holds up the others, but nobody overtakes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gearmesh import Rejected, Retry


class Turn:
    """One place in a line. `gone`: whether this and all before it have gone out, when that is known."""

    def __init__(self, before: asyncio.Future[bool] | None) -> None:
        self._before = before
        self.gone: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def comes(self) -> None:
        """Wait until all before have gone out, or never will.

        Raises:
            Retry: one of them did not go out and is to be tried again: it would come after this one.
        """
        if self._before is not None and not await asyncio.shield(self._before):
            raise Retry("what was to go out before this did not")

    def is_over(self) -> None:
        """It has gone out: the next may."""
        self._ends(True)

    def is_void(self) -> None:
        """It never will: the next may when all before it have."""
        if self._before is None:
            self._ends(True)
        else:
            self._before.add_done_callback(lambda before: self._ends(before.result()))

    def is_undone(self) -> None:
        """It has not, and is to come again, unless it has: then this says nothing."""
        self._ends(False)

    def _ends(self, has_gone: bool) -> None:
        if not self.gone.done():
            self.gone.set_result(has_gone)


class Turns:
    """The lines of all threads."""

    def __init__(self) -> None:
        self._last: dict[str, asyncio.Future[bool]] = {}

    @contextmanager
    def take(self, thread: str) -> Iterator[Turn]:
        """Take a place, behind all that have one: before anything is waited for. Whoever fails without having gone out
        holds back those behind, unless they never will: a rejected one leaves a gap."""
        turn = Turn(self._last.get(thread))
        self._last[thread] = turn.gone
        try:
            yield turn
        except Rejected:
            turn.is_void()
            raise
        except BaseException:
            turn.is_undone()
            raise
        else:
            turn.is_over()
        finally:
            turn.gone.add_done_callback(lambda gone: self._forget(thread, gone))

    def _forget(self, thread: str, gone: asyncio.Future[bool]) -> None:
        if self._last.get(thread) is gone:
            del self._last[thread]
