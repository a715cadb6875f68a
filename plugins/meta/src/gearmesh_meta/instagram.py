"""The bridge to Instagram direct messages, for one professional account."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Final

from gearmesh import (
    BridgeContext,
    Capabilities,
    Delivery,
    Downloads,
    Event,
    InvalidAddress,
    MediaRef,
    Profile,
    ReceiptDelivery,
    Rejected,
    Sent,
)
from gearmesh_meta.capabilities import INSTAGRAM, INSTAGRAM_WAYS, answered_late
from gearmesh_meta.config import InstagramConfig
from gearmesh_meta.graph import Graph
from gearmesh_meta.meta_bridge import MetaBridge
from gearmesh_meta.origin import Origin
from gearmesh_meta.outgoing import (
    HUMAN_AGENT,
    names_unknown_file,
    reaction_action,
    send_api_message,
    sender_action,
)
from gearmesh_meta.parse_messaging import parse
from gearmesh_meta.profiles import profile_of
from gearmesh_meta.uploads import attachment_uploads

_SCOPED_ID: Final = re.compile(r"[0-9]{1,40}")


class Instagram(MetaBridge):
    """One Instagram professional account. A user is an Instagram-scoped id (IGSID)."""

    network: ClassVar[str] = "instagram"
    title: ClassVar[str] = "Instagram"
    api: ClassVar[int] = 1
    # "Order by timestamp" after failures, says the webhook reference (Messenger Platform, mid-2026); times are in ms.
    in_order: ClassVar[bool] = False
    Config = InstagramConfig
    account_key = "instagram_id"

    def __init__(self, config: InstagramConfig, context: BridgeContext) -> None:
        by_page = config.login == "facebook"
        graph = Graph(
            context,
            base=config.base,
            version=config.version,
            token=config.token,
            # Documented for graph.facebook.com only; and which of an app's two secrets would be the right one for
            # Instagram's own login is documented nowhere.
            proof_secret=config.app_secret if by_page else None,
        )
        super().__init__(config, context, account=config.instagram_id, graph=graph)
        # A Page's token sends for the account linked to the Page: "me" is what that token stands for.
        self._messages = graph.url("me/messages" if by_page else f"{config.instagram_id}/messages")
        platform = "instagram" if by_page else ""
        account = "me" if by_page else config.instagram_id
        self._uploads = attachment_uploads(context, graph, account, platform=platform)
        self._capabilities = answered_late(INSTAGRAM) if config.human_agent else INSTAGRAM
        self._downloads = Downloads((config.base,))

    def capabilities(self, thread: str) -> Capabilities:
        """The same everywhere."""
        return self._capabilities

    def parse_address(self, text: str) -> str:
        """An Instagram-scoped id. Meta gives no way from a user name to it: it becomes known when the person writes."""
        if not _SCOPED_ID.fullmatch(text.strip()):
            raise InvalidAddress(text, "an Instagram-scoped id of digits, such as 17841405793187218")
        return text.strip()

    def format_address(self, user: str) -> str:
        """As it is."""
        return user

    def read(self, payload: object, origin: Origin) -> list[Event]:
        """The events of a webhook."""
        return parse(payload, "instagram", origin)

    async def run(self) -> None:
        """As of all three; what was uploaded long ago is forgotten first."""
        await self._uploads.forget_old()
        await super().run()

    async def send(self, delivery: Delivery) -> Sent:
        """Send a text, with answers to tap, or a file by link (uploaded where there is none).

        Instagram takes no id of ours and quotes nothing.
        """
        try:
            return await self._send(delivery)
        except Rejected as error:
            if not await names_unknown_file(delivery.content, INSTAGRAM_WAYS, self._uploads, error):
                raise
            return await self._send(delivery)

    async def _send(self, delivery: Delivery) -> Sent:
        message = await send_api_message(delivery.content, self.context, INSTAGRAM_WAYS, self._uploads, by_link=True)
        body: dict[str, Any] = {"recipient": {"id": delivery.user}, "message": message}
        if delivery.late:
            body["tag"] = HUMAN_AGENT
        answer = await self.graph.post(self._messages, body, sends=True)
        return Sent((self.accepted_id(answer.get("message_id")),))

    async def react(self, delivery: Delivery) -> Sent:
        """React to a message, or take that back: the account has one reaction at each. It gets no id of its own."""
        await self.graph.post(self._messages, reaction_action(delivery))
        return Sent(())

    async def typing(self, thread: str, user: str, on: bool, last: str) -> None:
        """Show it, or that it is over. Client libraries do so; Meta's documents do not say that it works here."""
        await self.graph.post(self._messages, sender_action(user, "typing_on" if on else "typing_off"))

    async def receipt(self, delivery: ReceiptDelivery) -> None:
        """Mark the whole thread as seen."""
        if delivery.state == "read":
            await self.graph.post(self._messages, sender_action(delivery.user, "mark_seen"))

    async def profile(self, user: str) -> Profile:
        """Name, user name and picture of a person who has written to the account."""
        return await profile_of(self.graph, user, "name,username,profile_pic")

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """A file that came in, from Meta's file server."""
        async for chunk in self._downloads.stream(ref.source):
            yield chunk
