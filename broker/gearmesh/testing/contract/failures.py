"""Rules about sends that fail: the class of the error says what happens next, so it must be the right one."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import pytest

from gearmesh.errors import RateLimited, Rejected, Retry, SendFailed, Unauthorized, Unclear, WindowClosed
from gearmesh.model.content import Text
from gearmesh.testing.contract.harness import LOOK_AGAIN, Harness
from gearmesh.testing.contract.rule import Broken, must, rule

CLASSES: Final[dict[type[SendFailed], str]] = {
    Retry: "tried again with growing pauses",
    RateLimited: "tried again after the time that the network named",
    WindowClosed: "given up; the sender is told to wait until the person writes",
    Unauthorized: "kept, and the app stops",
    Rejected: "given up; the sender is told why",
    Unclear: "sent again or parked, as the operator has configured",
}
"""What becomes of a message after each class."""


class FailureRules(Harness):
    """What `send` raises."""

    @pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
    @rule("failures", "a failed send raises the SendFailed class that fits it, and the next send works")
    async def test_failures_class(self, kind: type[SendFailed]) -> None:
        await self.start()
        await self.fail_next(kind)
        error = await self._failure()
        must(
            isinstance(error, kind),
            f"send() raised {type(error).__name__} ({error}), so that the message is {CLASSES[_known(error)]}; "
            f"expected {kind.__name__}: {CLASSES[kind]}",
        )
        if isinstance(error, RateLimited):
            must(error.scope in {"recipient", "app"}, f"RateLimited.scope is {error.scope!r}")
        if isinstance(error, (RateLimited, Retry)):
            must(
                error.after is None or error.after >= 0,
                f"{type(error).__name__}.after is {error.after!r} seconds",
            )
        must(
            bool(str(error).strip()),
            f"{type(error).__name__} has no message, and its text is what people are told",
        )
        await self.appears(*await self._send_until_it_works())

    @rule("failures", "a send after run() has ended raises a SendFailed, or works; it never hangs")
    async def test_failures_send_without_run(self) -> None:
        await self.start()
        await self.runner.stop(self.patience)
        sending = self.bridge.send(self.delivery(Text("Is anybody there?")))
        with contextlib.suppress(SendFailed):
            await self.ask("send()", sending, allowed=(SendFailed,))

    async def _send_until_it_works(self) -> tuple[str, ...]:
        """As the host does: again after `Retry`, for the connection may have to be made anew."""
        retry: Retry | None = None
        try:
            async with asyncio.timeout(self.patience):
                while True:
                    sending = self.bridge.send(self.delivery(Text("Another one")))
                    try:
                        return (await self.ask("the next send()", sending, allowed=(Retry,))).native_ids
                    except Retry as error:
                        retry = error
                        await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            raise Broken(f"for {self.patience:g} s after the failure, send() raised {retry!r}") from None

    async def _failure(self) -> SendFailed:
        sending = self.bridge.send(self.delivery(Text("This one fails")))
        try:
            sent = await self.ask("send()", sending, allowed=(SendFailed,))
        except SendFailed as error:
            return error
        raise Broken(f"send() returned {sent!r} as if all were well")


def _known(error: SendFailed) -> type[SendFailed]:
    return next((kind for kind in CLASSES if isinstance(error, kind)), Unclear)
