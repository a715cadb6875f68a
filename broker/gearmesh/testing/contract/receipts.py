"""Rules about receipts, in both directions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from gearmesh.bridge import SupportsReceipts
from gearmesh.errors import SendFailed
from gearmesh.model.delivery import ReceiptDelivery
from gearmesh.model.events import ReadUpTo, ReceiptReceived
from gearmesh.testing.contract.harness import LOOK_AGAIN, Harness
from gearmesh.testing.contract.rule import Broken, must, rule


class ReceiptRules(Harness):
    """What people have read, and what they are told was read."""

    @rule("receipts", "when somebody reads what was sent, a receipt with its native id or a later time comes in")
    async def test_receipts_read(self) -> None:
        self.about("read", "heard")
        await self.start()
        native_id = await self.send("Read me")
        (shown,) = await self.appears(native_id)
        await self.user_reads()
        try:
            await self.context.until(lambda: self._was_read(shown.id), within=self.patience)
        except TimeoutError:
            raise Broken(f"no receipt with the state 'read' came in for {native_id!r}") from None

    @rule(
        "receipts",
        "a receipt can be shown for every state that capabilities name, and raises SendFailed at most",
    )
    async def test_receipts_every_state(self) -> None:
        bridge = self._receipting()
        await self.start()
        thread = self.bridge.thread_of(self.a_user)
        states = self.bridge.capabilities(thread).receipts
        must(bool(states), "the bridge claims SupportsReceipts, and its capabilities name no receipts")
        native_id = await self.user_writes("Did you get this?")
        await self.message("the message")
        for state in sorted(states):
            for ids in ((native_id,), ("no-such-message",)):
                await self._receipt(bridge, ReceiptDelivery(thread, self.a_user, state, ids))

    @rule("receipts", "whoever wrote sees that their message was read")
    async def test_receipts_seen_by_the_writer(self) -> None:
        await self._is_seen("read", self.receipts_shown)

    @rule("receipts", "whoever wrote sees that their message was delivered, where capabilities claim it")
    async def test_receipts_delivered(self) -> None:
        await self._is_seen("delivered", self.deliveries_shown)

    async def _is_seen(
        self, state: Literal["delivered", "read"], shown: Callable[[], Awaitable[Sequence[str]]]
    ) -> None:
        bridge = self._receipting()
        if state not in self.claimed.receipts:
            self.cannot(f"the bridge cannot show that something was {state}")
        self.about(state, "native")
        await self.start()
        native_id = await self.user_writes("Did you get this?")
        await self.message("the message")
        await self._receipt(bridge, ReceiptDelivery(self.thread, self.a_user, state, (native_id,)))
        try:
            async with asyncio.timeout(self.patience):
                while native_id not in await shown():
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            raise Broken(f"{native_id!r} is never shown as {state} to whoever wrote it") from None

    def _was_read(self, native_id: str) -> bool:
        named = any(
            native_id in event.native_ids and event.state in {"read", "played"}
            for event in self.context.events_of(ReceiptReceived)
        )
        return named or any(event.state == "read" for event in self.context.events_of(ReadUpTo))

    async def _receipt(self, bridge: SupportsReceipts, delivery: ReceiptDelivery) -> None:
        with contextlib.suppress(SendFailed):  # the host logs and forgets it
            await self.ask(f"receipt({delivery})", bridge.receipt(delivery), allowed=(SendFailed,))

    def _receipting(self) -> SupportsReceipts:
        if not isinstance(self.bridge, SupportsReceipts):
            self.cannot("the bridge does not claim SupportsReceipts")
        return self.bridge
