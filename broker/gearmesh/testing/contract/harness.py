"""The test bench that the rules stand on: a context, a bridge, and ways to use them that say what went wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from typing import Final, TypeVar

import pytest
import pytest_asyncio

from gearmesh.bridge import Bridge
from gearmesh.model.capabilities import Capabilities, Feature, Level
from gearmesh.model.content import Media, Sender, Text
from gearmesh.model.delivery import Delivery, Sent
from gearmesh.model.events import Event, MessageReceived
from gearmesh.testing.context import FakeContext
from gearmesh.testing.contract.author import Author
from gearmesh.testing.contract.rule import Broken
from gearmesh.testing.contract.runner import Runner
from gearmesh.testing.contract.table import CHECK, Way
from gearmesh.testing.shown import Shown

LOOK_AGAIN: Final = 0.01
"""Seconds between looks at a network that is somebody else's."""
END_WITHIN: Final = 1.0
SENDER: Final = Sender("Grace Hopper", "grace", "Elsewhere")
"""Who writes what is sent to `a_user`."""
Answer = TypeVar("Answer")
Kind = TypeVar("Kind", bound=Event)


@pytest.mark.asyncio
class Harness(Author):
    """What every test has: `context`, `bridge` (made, not yet running) and its `runner`."""

    context: FakeContext
    bridge: Bridge
    runner: Runner

    @pytest_asyncio.fixture(autouse=True)
    async def _around_each_test(self, request: pytest.FixtureRequest) -> AsyncIterator[None]:
        self._properties = request.node.user_properties
        async with self.network(), FakeContext(self.app) as context:
            self.context = context
            self.bridge = self.make_bridge(context)
            self.runner = Runner(self.bridge, context)
            self._sent = 0
            yield
            # Whether it ends in time has a rule of its own: here it only has to be out of the way.
            with contextlib.suppress(Broken):
                await self.runner.stop(END_WITHIN)

    @property
    def thread(self) -> str:
        """Where `a_user` is written to."""
        return self.bridge.thread_of(self.a_user)

    @property
    def claimed(self) -> Capabilities:
        """What the bridge claims there."""
        return self.bridge.capabilities(self.thread)

    def about(self, feature: Feature, way: Way) -> Level:
        """Note for the table what this test is about; returns how the bridge claims it."""
        level = self.claimed.level(feature)
        self._properties.append((CHECK, f"{feature} {level} {way}"))
        return level

    async def start(self) -> None:
        """Let the bridge run."""
        await self.runner.start(self.patience)

    async def next(self, kind: type[Kind], awaited: str) -> Kind:
        """The next event of this kind.

        Raises:
            Broken: none comes.
        """
        try:
            return await self.context.next_event(kind, within=self.patience)
        except TimeoutError:
            raise Broken(
                f"{awaited} did not come in within {self.patience:g} s{self.runner.last_words()}",
                self.runner.raised[-1] if self.runner.raised else None,
            ) from None

    async def message(self, awaited: str) -> MessageReceived:
        """The next message."""
        return await self.next(MessageReceived, awaited)

    def delivery(self, content: Text | Media, *, reply_to: str = "", ghost: str = "") -> Delivery:
        """A delivery to `a_user`, with an id of its own."""
        self._sent += 1
        name = f"{self._sent:032x}:{self.app}:0"
        return Delivery(name, self.thread, self.a_user, content, SENDER, reply_to, ghost)

    async def ask(self, what: str, answer: Awaitable[Answer], *, allowed: tuple[type[Exception], ...] = ()) -> Answer:
        """What the bridge answers. Exceptions in `allowed` pass; `what` names the call in messages.

        Raises:
            Broken: it raises anything else, or does not come back.
        """
        try:
            async with asyncio.timeout(self.patience) as limit:
                return await answer
        except allowed:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if limit.expired():
                raise Broken(f"{what} did not come back within {self.patience:g} s") from None
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # it is the test that is cancelled
            raise Broken(f"{what} raised {type(error).__name__}: {error}", error) from None

    async def send(self, content: Text | Media | str, *, reply_to: str = "", ghost: str = "") -> str:
        """Send something to `a_user`, and return its (one or last) native id.

        Raises:
            Broken: `send` raises, or names no ids.
        """
        content = Text(content) if isinstance(content, str) else content
        delivery = self.delivery(content, reply_to=reply_to, ghost=ghost)
        sent: object = await self.ask("send()", self.bridge.send(delivery))
        if not isinstance(sent, Sent) or not sent.native_ids:
            raise Broken(f"send() returned {sent!r}; expected Sent with at least one native id")
        for native_id in sent.native_ids:
            if not isinstance(native_id, str) or not native_id:
                raise Broken(f"send() returned the native id {native_id!r}; expected a text that is not empty")
        return sent.native_ids[-1]

    async def appears(self, *native_ids: str) -> list[Shown]:
        """What `a_user` sees under these ids, in the order in which they see it.

        Raises:
            Broken: not all of it is ever shown.
        """
        missing: list[str] = []
        try:
            async with asyncio.timeout(self.patience):
                while True:
                    shown = await self.shown()
                    there = {message.id for message in shown}
                    missing = [native_id for native_id in native_ids if native_id not in there]
                    if not missing:
                        return [message for message in shown if message.id in native_ids]
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            raise Broken(
                f"the network never showed {len(missing)} of {len(native_ids)} messages; "
                f"the first of them is {missing[0]!r}"
            ) from None
