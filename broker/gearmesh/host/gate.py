"""Where every message of an app passes before it is sent: not faster than its network allows, and not into a wall."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from gearmesh.clock import Clock
from gearmesh.core.pace import Brake, Debts, Stream
from gearmesh.errors import RateLimited, Retry, SendFailed, Unauthorized, Unclear
from gearmesh.host.turn import Turn
from gearmesh.model.capabilities import Capabilities, Rate

LONGEST_LOOK: Final = 5.0
"""Seconds after which somebody who waits for another one's try looks by themselves."""


class Gate:
    """The gate of one app. `rate` and `recipient_every` replace what the network tells of itself; 0 is no bound."""

    def __init__(self, clock: Clock, *, rate: float | None = None, recipient_every: float | None = None) -> None:
        self._rate = rate
        self._every = recipient_every
        self._stream: Stream | None = None
        self._debts: Debts | None = None
        self._known: Capabilities | None = None
        self._brake = Brake()
        self._clock = clock
        self._changed: asyncio.Future[None] | None = None
        self._in_line = asyncio.Lock()

    @property
    def is_closed(self) -> bool:
        """Whether the network itself is in trouble: then nothing passes, whoever it is for."""
        return self._brake.is_on

    def debt(self, thread: str, capabilities: Capabilities) -> float:
        """Seconds until this thread, with these capabilities, may be written to again, for its own sake."""
        if self._known is None:
            self._know(capabilities)
        return 0.0 if self._debts is None else self._debts.wait(thread, self._clock.seconds())

    def lets_through(self, thread: str, capabilities: Capabilities) -> bool:
        """Whether a message to `thread` may go at once; then it counts as gone."""
        if self._known is None:
            self._know(capabilities)
        if self._debts is None:
            return self._stream is None and not self._brake.is_on
        return not self.debt(thread, capabilities) and self.passes(thread)

    def _know(self, capabilities: Capabilities) -> None:
        self._known = capabilities
        app, each = capabilities.app_rate, capabilities.recipient_rate
        if self._rate is not None:
            app = Rate(1 / self._rate) if self._rate else None
        if self._every is not None:
            each = Rate(self._every) if self._every else None
        self._stream = Stream(app) if app else None
        self._debts = Debts(each) if each else None

    def passes(self, thread: str) -> bool:
        """Whether nothing holds up a message to `thread`: then it has passed, and need not wait for its `passage`."""
        if self._stream is not None or self._brake.is_on:
            return False
        if self._debts is not None:
            self._debts.sent(thread, self._clock.seconds())
        return True

    async def passage(self, thread: str, turn: Turn, until: float) -> bool:
        """Wait until a message may go to `thread`. False: the turn is over, or it is later than `until` (seconds)."""
        clock, has_slot = self._clock, False
        while not turn.has_ended() and (now := clock.seconds()) < until:
            wait = self._brake.wait(now)
            if wait != 0:
                # Whoever has waited here takes a new slot: all at once would be too fast.
                has_slot = False
                pause = LONGEST_LOOK if wait is None else wait
                await turn.pause(clock, min(pause, until - now), self._next_change())
            elif self._stream is None or has_slot:
                if self._debts is not None:
                    self._debts.sent(thread, now)
                return True
            else:
                has_slot = True
                await self._await_slot(self._stream, turn)
        return False

    async def _await_slot(self, stream: Stream, turn: Turn) -> None:
        """Wait for a slot: one after the other, so that whoever goes away has taken none for later.

        Whoever was let through meanwhile to try the ground asks for that again afterwards.
        """
        tries = self._brake.is_on
        try:
            async with self._in_line:
                if not turn.has_ended():
                    await turn.pause(self._clock, stream.slot(self._clock.seconds()))
        finally:
            if tries:
                self.left()

    def worked(self) -> None:
        """The network has answered, be it with a no that is about this message alone."""
        if self._brake.is_calm:
            return
        was_on = self._brake.is_on
        self._brake.worked(self._clock.seconds())
        if was_on:
            self._change()

    def failed(self, thread: str, error: SendFailed) -> None:
        """A message to `thread` did not get through."""
        match error:
            case Retry() | Unclear():
                self._brake.failed(thread, self._clock.seconds(), random.random())
                self._change()
            case RateLimited(scope="app") | Unauthorized():
                self.left()  # that it holds everybody is said by who decides
            case _:
                self.worked()

    def hold(self, pause: float) -> None:
        """The network asks everybody to wait."""
        self._brake.hold(self._clock.seconds(), pause)
        self._change()

    def left(self) -> None:
        """Whoever had passed has sent nothing."""
        self._brake.gave_up()
        self._change()

    def _next_change(self) -> asyncio.Future[None]:
        if self._changed is None or self._changed.done():
            self._changed = asyncio.get_running_loop().create_future()
        return self._changed

    def _change(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
