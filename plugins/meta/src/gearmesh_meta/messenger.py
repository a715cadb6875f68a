"""The bridge to Facebook Messenger, for one Page."""

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
    Sender,
    Sent,
)
from gearmesh_meta.capabilities import MESSENGER, MESSENGER_WAYS, answered_late
from gearmesh_meta.config import MessengerConfig
from gearmesh_meta.graph import Graph
from gearmesh_meta.meta_bridge import MetaBridge
from gearmesh_meta.origin import Origin
from gearmesh_meta.outgoing import (
    HUMAN_AGENT,
    names_unknown_file,
    reaction_action,
    send_api_message,
    sender_action,
    whole_message,
)
from gearmesh_meta.parse_messaging import parse
from gearmesh_meta.personas import Personas
from gearmesh_meta.profiles import profile_of
from gearmesh_meta.uploads import attachment_uploads

_SCOPED_ID: Final = re.compile(r"[0-9]{1,40}")
"""Page-scoped and Instagram-scoped user ids are decimal."""


class Messenger(MetaBridge):
    """One Facebook Page. A user is a page-scoped id (PSID), which means nothing to any other Page."""

    network: ClassVar[str] = "messenger"
    title: ClassVar[str] = "Messenger"
    api: ClassVar[int] = 1
    # "Order by timestamp" after failures, says the webhook reference (Messenger Platform, mid-2026); times are in ms.
    in_order: ClassVar[bool] = False
    Config = MessengerConfig
    account_key = "page_id"

    def __init__(self, config: MessengerConfig, context: BridgeContext) -> None:
        graph = Graph(
            context,
            base=config.graph_url,
            version=config.version,
            token=config.token,
            proof_secret=config.app_secret,
        )
        super().__init__(config, context, account=config.page_id, graph=graph)
        self._messages = graph.url(f"{config.page_id}/messages")
        self._capabilities = answered_late(MESSENGER) if config.human_agent else MESSENGER
        self._downloads = Downloads((config.graph_url,))
        self._uploads = attachment_uploads(context, graph, config.page_id)
        self._personas: Personas | None = None
        if config.personas:
            self._personas = Personas(graph, context, config.page_id, config.persona_picture)

    def capabilities(self, thread: str) -> Capabilities:
        """The same everywhere."""
        return self._capabilities

    def parse_address(self, text: str) -> str:
        """A page-scoped id. There is no way to look one up by name: it becomes known when the person writes."""
        if not _SCOPED_ID.fullmatch(text.strip()):
            raise InvalidAddress(text, "a page-scoped id of digits, such as 7100000000000001")
        return text.strip()

    def format_address(self, user: str) -> str:
        """As it is."""
        return user

    def read(self, payload: object, origin: Origin) -> list[Event]:
        """The events of a webhook."""
        return parse(payload, "page", origin)

    async def run(self) -> None:
        """As of all three; what was uploaded long ago is forgotten first."""
        await self._uploads.forget_old()
        await super().run()

    async def send(self, delivery: Delivery) -> Sent:
        """Send a text, with answers to tap, or a file that is uploaded once, in the persona of whoever wrote it."""
        try:
            return await self._send(delivery)
        except Rejected as error:
            if not await names_unknown_file(delivery.content, MESSENGER_WAYS, self._uploads, error):
                raise
            return await self._send(delivery)

    async def _send(self, delivery: Delivery) -> Sent:
        message = await send_api_message(delivery.content, self.context, MESSENGER_WAYS, self._uploads, by_link=False)
        body: dict[str, Any] = {
            "recipient": {"id": delivery.user},
            "messaging_type": "MESSAGE_TAG" if delivery.late else "RESPONSE",
            "message": {**message, "metadata": delivery.id},
        }
        if delivery.late:
            body["tag"] = HUMAN_AGENT
        if delivery.reply_to:
            body["reply_to"] = {"mid": whole_message(delivery.reply_to)}
        if delivery.ghost:
            body["persona_id"] = delivery.ghost
        try:
            answer = await self.graph.post(self._messages, body, sends=True)
        except Rejected as error:
            # Nothing was shown yet: it goes out again, under a new persona if the old one was deleted at Meta.
            if self._personas is None or not await self._personas.is_gone(delivery.ghost, error):
                raise
            body["persona_id"] = await self._personas.of(delivery.sender)
            if not body["persona_id"]:
                raise
            answer = await self.graph.post(self._messages, body, sends=True)
        return Sent((self.accepted_id(answer.get("message_id")),))

    async def react(self, delivery: Delivery) -> Sent:
        """React to a message, or take that back: the Page has one reaction at each. It gets no id of its own."""
        await self.graph.post(self._messages, reaction_action(delivery))
        return Sent(())

    async def typing(self, thread: str, user: str, on: bool, last: str) -> None:
        """Show it, for 20 seconds at most, or that it is over."""
        await self.graph.post(self._messages, sender_action(user, "typing_on" if on else "typing_off"))

    async def ghost(self, thread: str, sender: Sender) -> str:
        """The persona of a sender, or "" where there is none."""
        return await self._personas.of(sender) if self._personas is not None else ""

    async def receipt(self, delivery: ReceiptDelivery) -> None:
        """Mark the whole thread as seen: Messenger marks nothing smaller."""
        if delivery.state == "read":
            await self.graph.post(self._messages, sender_action(delivery.user, "mark_seen"))

    async def profile(self, user: str) -> Profile:
        """Name and picture of a person who has written to the Page."""
        fields = "name,first_name,last_name,profile_pic"
        return await profile_of(self.graph, user, fields)

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """A file that came in, from Meta's file server."""
        async for chunk in self._downloads.stream(ref.source):
            yield chunk
