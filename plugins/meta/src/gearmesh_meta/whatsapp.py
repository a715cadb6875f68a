"""The bridge to WhatsApp through the Cloud API."""

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
    Media,
    MediaRef,
    ReceiptDelivery,
    Rejected,
    Sent,
)
from gearmesh_meta.aliases import BSUID, PHONE
from gearmesh_meta.capabilities import WHATSAPP, WHATSAPP_WAYS, way_for
from gearmesh_meta.config import WhatsAppConfig
from gearmesh_meta.fields import mappings, text
from gearmesh_meta.graph import Graph
from gearmesh_meta.invitation import invitation_id, template_message
from gearmesh_meta.kept_aliases import KeptAliases
from gearmesh_meta.meta_bridge import MetaBridge
from gearmesh_meta.origin import Origin
from gearmesh_meta.outgoing import as_text, reaction_of, whole_message
from gearmesh_meta.parse_whatsapp import parse
from gearmesh_meta.uploads import whatsapp_uploads
from gearmesh_meta.whatsapp_bodies import body_of, reaction_body, text_body

_SEPARATORS: Final = re.compile(r"[\s\-./()\u00a0\u2010-\u2015]+")
_MEDIA_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class WhatsApp(MetaBridge):
    """One phone number on the WhatsApp Cloud API. A user is a phone number in digits, or a business-scoped id."""

    network: ClassVar[str] = "whatsapp"
    title: ClassVar[str] = "WhatsApp"
    api: ClassVar[int] = 1
    # Times are whole seconds here: sorting by them would put nothing right.
    in_order: ClassVar[bool] = True
    Config = WhatsAppConfig
    account_key = "phone_number_id"

    def __init__(self, config: WhatsAppConfig, context: BridgeContext) -> None:
        graph = Graph(
            context,
            base=config.graph_url,
            version=config.version,
            token=config.token,
            proof_secret=config.app_secret,
        )
        super().__init__(config, context, account=config.phone_number_id, graph=graph)
        self._messages = graph.url(f"{config.phone_number_id}/messages")
        self._known = KeptAliases(context)
        self._downloads = Downloads((config.graph_url,))
        self._uploads = whatsapp_uploads(context, graph, config.phone_number_id)

    def capabilities(self, thread: str) -> Capabilities:
        """The same everywhere."""
        return WHATSAPP

    def parse_address(self, text: str) -> str:
        """Digits of a phone number in international form, from any common way to write it; or a BSUID as it is."""
        if BSUID.fullmatch(text.strip()):
            return text.strip()
        digits = _SEPARATORS.sub("", text)
        digits = digits.removeprefix("+") if digits.startswith("+") else digits.removeprefix("00")
        if not PHONE.fullmatch(digits):
            raise InvalidAddress(text, "a phone number with its country code, such as +49 151 12345678")
        return digits

    def format_address(self, user: str) -> str:
        """`+4915112345678`; business-scoped ids as they are."""
        return f"+{user}" if PHONE.fullmatch(user) else user

    async def run(self) -> None:
        """Read what is known of ids first: whoever was at work until now may have learned more."""
        try:
            await self._known.load()
            await self._uploads.forget_old()
            await super().run()
        finally:
            self._known.forget()

    async def before_reading(self, payload: object) -> None:
        """Look up the people in it."""
        await self._known.look_up(payload)

    def read(self, payload: object, origin: Origin) -> list[Event]:
        """The events of a webhook."""
        return parse(payload, origin, self._known.aliases)

    async def after_reading(self) -> None:
        """Write down who turned out to be whom."""
        await self._known.note()

    async def send(self, delivery: Delivery) -> Sent:
        """Send a text, with answers to tap, a place, contact cards, or a file that is uploaded once."""
        try:
            return await self._send(delivery)
        except Rejected as error:
            content = delivery.content
            if not isinstance(content, Media) or not await self._uploads.is_unknown(content.ref, content.media, error):
                raise
            return await self._send(delivery)

    async def _send(self, delivery: Delivery) -> Sent:
        message = await self._message(delivery)
        if delivery.reply_to:
            message["context"] = {"message_id": whole_message(delivery.reply_to)}
        return await self._post(delivery.user, message, delivery.id)

    async def react(self, delivery: Delivery) -> Sent:
        """React to a message, or take that back. What WhatsApp thinks of it comes afterwards, as for any message.

        Twice is as good as once: an answer that is lost is no reason to ask what became of it.
        """
        target, emoji = reaction_of(delivery)
        return await self._post(delivery.user, reaction_body(target, emoji), delivery.id, sends=False)

    async def typing(self, thread: str, user: str, on: bool, last: str) -> None:
        """Show it for 25 seconds, or until the next message. WhatsApp does so only at a message, which it marks as
        read; and it has no way to say that it is over."""
        if on and last:
            body = {"messaging_product": "whatsapp", "status": "read", "message_id": whole_message(last)}
            await self.graph.post(self._messages, {**body, "typing_indicator": {"type": "text"}})

    async def invite(self, delivery: Delivery) -> Sent | None:
        """Send the configured template: WhatsApp takes one at any time."""
        config: WhatsAppConfig = self.config
        if not config.template:
            return None
        message = template_message(
            config.template, config.template_language, config.template_parameters, delivery.sender
        )
        return await self._post(delivery.user, message, invitation_id(delivery.id))

    async def receipt(self, delivery: ReceiptDelivery) -> None:
        """Show blue ticks: WhatsApp marks the named message and all before it. It has no way to show "delivered"."""
        if delivery.state == "read" and delivery.native_ids:
            last = whole_message(delivery.native_ids[-1])
            body = {"messaging_product": "whatsapp", "status": "read", "message_id": last}
            await self.graph.post(self._messages, body)

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        """A file that came in: its id gives a link that lives five minutes, and the link needs the token."""
        if not _MEDIA_ID.fullmatch(ref.source):
            raise Rejected("this is no WhatsApp media id")
        answer = await self.graph.get(self.graph.url(ref.source, phone_number_id=self.account))
        url = text(answer.get("url"))
        if not url:
            raise Rejected("WhatsApp names no link for this file")
        async for chunk in self._downloads.stream(url, headers=self.graph.bearer()):
            yield chunk

    async def _post(self, user: str, message: dict[str, Any], ours: str, *, sends: bool = True) -> Sent:
        """Send to a user. The answer also tells other ids of the person, which are remembered.

        `sends`: as for `Graph.post`.
        """
        body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
        recipient = await self._known.recipient(user)
        body["recipient" if BSUID.fullmatch(recipient) else "to"] = recipient
        # Learned before the answer: a status can be faster than it.
        self._known.aliases.same(user, recipient)
        body |= {**message, "biz_opaque_callback_data": ours}
        answer = await self.graph.post(self._messages, body, sends=sends)
        await self._known.told(user, mappings(answer.get("contacts")))
        messages = mappings(answer.get("messages"))
        return Sent((self.accepted_id(messages[0].get("id") if messages else None),))

    async def _message(self, delivery: Delivery) -> dict[str, Any]:
        content = delivery.content
        if not isinstance(content, Media):
            return body_of(content)
        way = way_for(content.media, content.ref, WHATSAPP_WAYS)
        if way is None:
            return text_body(as_text(content, self.context.media_link(content.ref)))
        file: dict[str, Any] = {"id": await self._uploads.id_of(content.ref, content.media)}
        # Sounds and stickers show no text; the others do.
        if content.caption and way.type in {"image", "video", "document"}:
            file["caption"] = content.caption
        if way.type == "document":
            file["filename"] = content.ref.name or content.media
        # WhatsApp plays only Opus in Ogg as a voice message (media docs, 2026); others are shown as a recording.
        if content.media == "voice" and way.type == "audio" and content.ref.mime.startswith("audio/ogg"):
            file["voice"] = True
        return {"type": way.type, way.type: file}
