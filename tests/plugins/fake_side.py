"""`FakeNetwork` as the network's side of the contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

from gearmesh.bridge import Bridge, BridgeContext, WebhookRequest
from gearmesh.errors import (
    RateLimited,
    Rejected,
    Retry,
    SendFailed,
    Unauthorized,
    Unclear,
    WindowClosed,
)
from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import Media, MembershipChange, Message, Text
from gearmesh.testing import FakeBridge, FakeConfig, FakeNetwork, Shown, bridge_for
from gearmesh.testing.contract import BridgeContract
from gearmesh.testing.network import CAPABILITIES

FAILURES: dict[type[SendFailed], SendFailed] = {
    Retry: Retry("try again", after=1.0),
    RateLimited: RateLimited("too fast", scope="recipient", after=2.0),
    WindowClosed: WindowClosed("too late"),
    Unauthorized: Unauthorized("who are you?"),
    Rejected: Rejected("never"),
    Unclear: Unclear("no answer"),
}


class FakeSide(BridgeContract):
    """The contract for `FakeBridge`, or for a bridge made from it."""

    kind: ClassVar[type[FakeBridge]] = FakeBridge
    """The bridge to be tested."""

    can: ClassVar[Capabilities] = CAPABILITIES
    """What its network carries."""

    delay: ClassVar[float] = 0.0
    """Seconds that a message to somebody is on its way."""

    a_user = "ada"
    addresses = {"Ada": "ada", " ada ": "ada"}  # noqa: RUF012  # a constant of the contract
    bad_addresses = ("ada lovelace",)
    a_room = "#club"
    rooms = {" #Club ": "#club"}  # noqa: RUF012
    bad_rooms = ("club", "#", "# club")

    @asynccontextmanager
    async def network(self) -> AsyncIterator[None]:
        self.messenger = FakeNetwork(capabilities=self.can)
        self.messenger.add("ada", "Ada Lovelace")
        self.messenger.retells = True
        self.messenger.delay = self.delay
        yield

    def make_bridge(self, context: BridgeContext) -> Bridge:
        return bridge_for(self.messenger, self.kind)(FakeConfig(), context)

    def make_unauthorized_bridge(self, context: BridgeContext) -> Bridge:
        stranger = FakeNetwork()
        stranger.lets_in = False
        return bridge_for(stranger, self.kind)(FakeConfig(), context)

    async def user_writes(self, text: str) -> str:
        return await self.messenger.type("ada", text)

    async def user_replies(self, text: str, quoted: str) -> str:
        return await self.messenger.type("ada", text, quoted)

    async def user_sends_file(self, data: bytes) -> str:
        return await self.messenger.type("ada", "", file=data)

    async def user_reads(self) -> None:
        await self.messenger.read("ada")

    async def shown(self) -> Sequence[Shown]:
        return self.messenger.shown("ada")

    async def receipts_shown(self) -> Sequence[str]:
        return [native_id for native_id, state in self.messenger.receipts if state == "read"]

    async def deliveries_shown(self) -> Sequence[str]:
        return [native_id for native_id, _ in self.messenger.receipts]

    async def user_sees(self, message: str) -> Shown | None:
        return self.messenger.message(message)

    async def typing_shown(self) -> bool:
        return self.messenger.sees_typing("ada")

    async def user_sends(self, content: Message, data: bytes = b"") -> str:
        match content:
            case Text(text=text, markup=markup, forwarded=forwarded):
                return await self.messenger.type("ada", text, markup=markup, forwarded=forwarded)
            case Media(media=media, ref=ref, caption=caption, view_once=view_once):
                return await self.messenger.type(
                    "ada", caption, file=data, media=media, mime=ref.mime, name=ref.name, view_once=view_once
                )
            case _:
                return await self.messenger.share("ada", content)

    async def user_reacts(self, message: str, emoji: str) -> None:
        await self.messenger.react("ada", message, emoji)

    async def user_edits(self, message: str, text: str) -> None:
        await self.messenger.edit("ada", message, text)

    async def user_unsends(self, message: str) -> None:
        await self.messenger.unsend("ada", message)

    async def user_votes(self, message: str, option: str) -> None:
        await self.messenger.vote("ada", message, option)

    async def user_taps(self, message: str, button: str) -> str:
        return await self.messenger.tap("ada", message, button)

    async def user_types(self, on: bool) -> None:
        await self.messenger.writing("ada", on)

    async def user_says(self, text: str) -> str:
        return await self.messenger.type("ada", text, thread="#club")

    async def shown_in_room(self) -> Sequence[Shown]:
        return self.messenger.shown("#club")

    async def we_are_in_room(self) -> bool:
        return "#club" in self.messenger.rooms

    async def user_moves(self, change: MembershipChange, text: str = "") -> None:
        await self.messenger.move("ada", "#club", change, text)

    async def cut(self) -> None:
        self.messenger.reachable = False
        asyncio.get_running_loop().call_later(0.03, setattr, self.messenger, "reachable", True)

    def make_inviting_bridge(self, context: BridgeContext) -> Bridge:
        return bridge_for(self.messenger, self.kind)(FakeConfig(invitation="Somebody wrote to you"), context)

    async def kept_input(self, text: str) -> bytes:
        return self.messenger.request(self.messenger.typed("ada", text)).body

    async def fail_next(self, kind: type[SendFailed]) -> None:
        self.messenger.fail(FAILURES[kind])

    async def genuine_request(self, text: str) -> WebhookRequest:
        return self.messenger.request(self.messenger.typed("ada", text))

    def signed(self, body: bytes) -> WebhookRequest:
        return self.messenger.signed(body)
