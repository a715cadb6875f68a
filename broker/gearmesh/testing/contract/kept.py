"""Rules about what a bridge writes down: whoever works on the app next can go on with it."""

from __future__ import annotations

from gearmesh.testing.context import FakeContext
from gearmesh.testing.contract.rule import must, rule
from gearmesh.testing.contract.runner import Runner
from gearmesh.testing.contract.sending import Sending


class KeptRules(Sending):
    """BridgeContext.keep and recall."""

    @rule("kept", "what a bridge keeps are texts under names, and small")
    async def test_kept_texts(self) -> None:
        await self._works()
        for key, value in self._kept().items():
            must(isinstance(key, str) and bool(key) and key.isprintable(), f"something is kept under {key!r}")
            must(isinstance(value, str) and len(value) <= LARGEST, f"under {key!r} is kept {str(value)[:80]!r}")

    @rule("kept", "another process that works on the app, with what was kept, knows the same people and threads")
    async def test_kept_by_whoever_comes(self) -> None:
        before = await self._works()
        kept = self._kept()
        await self.runner.stop(self.patience)
        async with FakeContext(self.app) as context:
            context.kept.update(kept)
            self.context, self.bridge = context, self.make_bridge(context)
            self.runner = Runner(self.bridge, context)
            try:
                after = await self._works()
            finally:
                await self.runner.stop(self.patience)
        must(after == before, f"the same person in the same thread is {after} now; they were {before}")
        must(kept.items() <= context.kept.items(), f"it wrote down anew {_changed(kept, context.kept)}")

    async def _works(self) -> tuple[str, str]:
        await self.start()
        await self.user_writes("Do you know me?")
        event = await self.message("the message")
        await self.appears(*await self.said("Of course"))
        return event.user, event.thread

    def _kept(self) -> dict[str, str]:
        if not self.context.kept:
            self.cannot("the bridge keeps nothing")
        return dict(self.context.kept)


LARGEST = 100_000
"""Characters; what is larger belongs elsewhere: all of it is read when the bridge begins to run."""


def _changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    return {key: after.get(key, "") for key, value in before.items() if after.get(key) != value}
