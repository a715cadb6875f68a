"""Rules about `run`: it connects, says so, can be cancelled, and can be called again."""

from __future__ import annotations

from gearmesh.errors import Unauthorized
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.rule import Broken, must, rule


class RunningRules(Harness):
    """Connecting and disconnecting."""

    @rule("running", 'when the connection works, operators are told: status("connected")')
    async def test_running_connected_is_reported(self) -> None:
        await self.start()
        said = [report.status for report in self.context.reports]
        must("connected" in said, f"run() came back and reported {said or 'nothing'}")

    @rule("running", "run() ends promptly when it is cancelled")
    async def test_running_cancelled(self) -> None:
        await self.start()
        await self.runner.stop(self.patience)

    @rule("running", "run() can be called again after it was cancelled, and the bridge works as before")
    async def test_running_again(self) -> None:
        await self.start()
        await self.runner.stop(self.patience)
        await self.start()
        await self.user_writes("Are you back?")
        event = await self.message("a message after the second start")
        must(
            getattr(event.content, "text", "") == "Are you back?",
            f"after the second start {event.content!r} came in; expected the text 'Are you back?'",
        )
        await self.appears(await self.send("I am."))

    @rule("running", "what is written while the bridge is not running comes in when it runs")
    async def test_running_written_before(self) -> None:
        if not self.keeps_messages:
            self.cannot("the network forgets what is written while nobody is connected")
        native_id = await self.user_writes("Too early?")
        await self.start()
        event = await self.message("what was written before the start")
        must(event.native_id == native_id, f"the message {event.native_id!r} came in; expected {native_id!r}")

    @rule("running", "run() raises Unauthorized when the network refuses the credentials")
    async def test_running_unauthorized(self) -> None:
        bridge = self.make_unauthorized_bridge(self.context)
        try:
            await self.ask("run()", bridge.run(), allowed=(Unauthorized,))
        except Unauthorized:
            return
        raise Broken("run() came back as if all were well")
