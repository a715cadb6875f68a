"""Turns: several things to send may be worked on at once, and go out in the order in which they were asked for.

What comes before going out can take long, such as entering a room or uploading a file; what comes after, too, such as
waiting for the room to show it. Neither holds up the others, but nobody overtakes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gearmesh import Rejected, Retry

LONGEST: Final = 45.0
"""Seconds from taking a place to going out; `send` has 60, in which a confirmation has to come, too."""


class Turn:
    """One place in a line, behind the place `before`. `gone`: whether this and all before it have gone out, when that
    is known."""

    def __init__(self, before: Turn | None) -> None:
        self.before = before
        self.gone: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._since = asyncio.get_running_loop().time()

    async def comes(self) -> None:
        """Wait until all before have gone out, or never will.

        Raises:
            Retry: one of them did not go out and is to be tried again: it would come after this one. Or it takes so
                long that whoever wants this to be sent would give up, and not know that it was not.
        """
        if self.before is None:
            return
        gone = self.before.gone
        if not gone.done():
            left = self._since + LONGEST - asyncio.get_running_loop().time()
            await asyncio.wait((gone,), timeout=max(0.0, left))
        if not gone.done():
            raise Retry("what is to go out before this takes long")
        if not gone.result():
            raise Retry("what was to go out before this did not")

    def is_over(self) -> None:
        """It has gone out: the next may."""
        self._ends(True)

    def is_void(self) -> None:
        """It never will: the next may when all before it have."""
        if self.before is None:
            self._ends(True)
        else:
            self.before.gone.add_done_callback(lambda before: self._ends(before.result()))

    def is_undone(self) -> None:
        """It has not, and is to come again, unless it has: then this says nothing."""
        self._ends(False)

    def still_there(self) -> Turn | None:
        """The nearest place, this one or one before it, of which it is not known yet whether it has gone."""
        turn: Turn | None = self
        while turn is not None and turn.gone.done():
            turn = turn.before
        return turn

    def _ends(self, has_gone: bool) -> None:
        if not self.gone.done():
            self.gone.set_result(has_gone)


class Turns:
    """The lines of all threads."""

    def __init__(self) -> None:
        self._last: dict[str, Turn] = {}

    @contextmanager
    def take(self, thread: str) -> Iterator[Turn]:
        """Take a place, behind all that have one: before anything is waited for. Whoever fails without having gone out
        holds back those behind, unless they never will: a rejected one leaves a gap."""
        turn = self._last[thread] = Turn(self._last.get(thread))
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
            turn.gone.add_done_callback(lambda _: self._forget(thread, turn))

    def _forget(self, thread: str, turn: Turn) -> None:
        """Nothing is to be known of a place any more but who was before it, while they are there."""
        turn.before = turn.still_there()
        if self._last.get(thread) is turn:
            if turn.before is not None:
                self._last[thread] = turn.before
            else:
                del self._last[thread]
