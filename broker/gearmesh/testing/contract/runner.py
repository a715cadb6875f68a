"""Runs a bridge as its host does: again after it has raised, until it is told to stop."""

from __future__ import annotations

import asyncio
from typing import Final

from gearmesh.bridge import Bridge
from gearmesh.errors import Unauthorized
from gearmesh.testing.context import FakeContext
from gearmesh.testing.contract.rule import Broken

PAUSE: Final = 0.02
"""Seconds before a bridge that raised is run again. The host's pauses grow; a test need not wait for that."""


class Runner:
    """One bridge at work. `raised` is what its `run` has raised so far."""

    def __init__(self, bridge: Bridge, context: FakeContext) -> None:
        self.raised: list[Exception] = []
        self._bridge = bridge
        self._context = context
        self._task: asyncio.Task[None] | None = None

    async def start(self, within: float) -> None:
        """Run it, and wait until it reports "connected" or comes back.

        Raises:
            Broken: it does neither within `within` seconds, or its credentials are refused.
        """
        before = len(self._context.reports)
        self._task = asyncio.create_task(self._keep_running(), name="bridge")
        connected = asyncio.create_task(
            self._context.until(
                lambda: any(report.status == "connected" for report in self._context.reports[before:]),
                within=within,
            )
        )
        await asyncio.wait({self._task, connected}, return_when=asyncio.FIRST_COMPLETED)
        if connected.done():
            if connected.exception() is not None:
                raise Broken(
                    f"after {within:g} s, run() has neither returned nor reported the status "
                    f'"connected"{self.last_words()}',
                    self.raised[-1] if self.raised else None,
                )
        else:
            connected.cancel()
            await asyncio.wait({connected})
        if self.raised and isinstance(self.raised[-1], Unauthorized):
            raise Broken("run() says that the credentials are refused", self.raised[-1])

    async def stop(self, within: float) -> None:
        """Cancel it.

        Raises:
            Broken: it goes on for more than `within` seconds.
        """
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=within)
        if not done:
            task.cancel()
            raise Broken(f"{within:g} s after it was cancelled, run() still goes on; does it catch CancelledError?")

    def last_words(self) -> str:
        """What `run` raised last, for messages; "" when it did not."""
        if not self.raised:
            return ""
        error = self.raised[-1]
        return f"; run() raised {type(error).__name__}: {error} (in all {len(self.raised)} exceptions)"

    async def _keep_running(self) -> None:
        while True:
            try:
                await self._bridge.run()
                return
            except Unauthorized as error:
                self.raised.append(error)
                return
            except Exception as error:
                self.raised.append(error)
                await asyncio.sleep(PAUSE)
