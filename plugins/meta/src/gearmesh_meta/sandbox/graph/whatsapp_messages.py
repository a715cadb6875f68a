"""`POST /{phone-number-id}/messages`: sends, read marks and typing indicators."""

from __future__ import annotations

from typing import Any, Final

from gearmesh_meta.sandbox import media_rules
from gearmesh_meta.sandbox.faults import GRAPH_KINDS
from gearmesh_meta.sandbox.link_fetcher import LinkFailed
from gearmesh_meta.sandbox.media import Media
from gearmesh_meta.sandbox.phone import Message, Phone

from .call import GraphCall
from .errors import bad_parameter, invalid_value, missing_parameter, status_error, undeliverable
from .misfortune import refusal, suffer
from .whatsapp_content import MEDIA_TYPES, OPAQUE_LIMIT, Content, read_content, template_unknown
from .world import DAY_MS, World

#: Days for which a message can be quoted and reacted to (WhatsApp docs on contextual replies and reactions, 2026).
ABOUT_DAYS: Final = 30
_WINDOW_CLOSED = (
    131047,
    "Re-engagement message",
    "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
)


class WhatsAppMessages:
    """The messages endpoint of the business's number."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def post(self, call: GraphCall) -> dict[str, Any]:
        """Send, or mark as read. Raises GraphError, NoAnswer."""
        if call.text("messaging_product") != "whatsapp":
            raise bad_parameter("The parameter messaging_product is required.")
        if "status" in call.params:
            return self._mark_read(call)
        phone, recipient = self._recipient(call)
        fault = self._world.faults.strike(GRAPH_KINDS, "whatsapp", phone.user)
        suffer(fault, "whatsapp", "before", self._world.settings)
        self._world.throttle.admit(phone)
        answer = await self._send(call, phone, recipient, refusal(fault))
        suffer(fault, "whatsapp", "after", self._world.settings)
        return answer

    def _mark_read(self, call: GraphCall) -> dict[str, Any]:
        if call.text("status") != "read":
            raise invalid_value("status can only be read.")
        message_id = call.text("message_id")
        if not message_id:
            raise missing_parameter("message_id")
        phone = next((phone for phone in self._world.phones if message_id in phone.messages), None)
        if phone is None or phone.network != "whatsapp" or phone.messages[message_id].direction != "out":
            raise invalid_value(f"Message {message_id} is none that a person wrote.")
        indicator = call.object("typing_indicator")
        if indicator is not None and indicator.get("type") != "text":
            raise invalid_value("typing_indicator['type'] can only be text.")
        self._world.exchange.business_read(phone, message_id)
        if indicator is not None:
            self._world.exchange.start_typing(phone)
        return {"success": True}

    def _recipient(self, call: GraphCall) -> tuple[Phone, str]:
        number, bsuid = call.text("to"), call.text("recipient")
        if number:
            phone = self._world.phones.get("whatsapp", "".join(filter(str.isdigit, number)))
            # A number that its owner does not show is one the business cannot write to.
            if phone is None or phone.hidden:
                raise undeliverable(number)
            return phone, number
        if bsuid:
            phone = self._world.phones.by_bsuid(bsuid)
            if phone is None:
                raise undeliverable(bsuid)
            return phone, bsuid
        raise missing_parameter("to")

    async def _send(
        self, call: GraphCall, phone: Phone, recipient: str, refused: dict[str, Any] | None
    ) -> dict[str, Any]:
        world = self._world
        content = read_content(call)
        opaque = call.text("biz_opaque_callback_data")
        if opaque is not None and len(opaque) > OPAQUE_LIMIT:
            raise bad_parameter(f"Param biz_opaque_callback_data must be at most {OPAQUE_LIMIT} characters long.")
        if (
            content.template is not None
            and world.settings.templates
            and content.template not in world.settings.templates
        ):
            raise template_unknown(content.template, "translation")
        media, failure = await self._media(content)
        by_bsuid = recipient == phone.bsuid
        context = call.object("context") or {}
        message = Message(
            id=world.exchange.new_message_id(phone),
            direction="in",
            type="file" if content.type == "document" else content.type,
            text=content.text,
            time=world.clock.now_ms(),
            status="delivered",
            reply_to=content.target or self._quoted(phone, content, context.get("message_id")),
            media=media,
            media_url=content.link,
            opaque=opaque,
            category="utility" if content.template is not None else "service",
            by_bsuid=by_bsuid,
            place=content.place,
            contacts=content.contacts,
            buttons=content.buttons,
            goods=content.goods,
        )
        error = refused or self._refusal(phone, content) or failure
        if error is not None:
            world.exchange.refuse(phone, message, error)
        else:
            world.exchange.arrive(phone, message)
        sent = {"id": message.id}
        if content.template is not None:
            sent["message_status"] = "accepted"
        contact = {"user_id": phone.bsuid} if by_bsuid else {"wa_id": phone.user}
        return {
            "messaging_product": "whatsapp",
            "contacts": [{"input": recipient, **contact}],
            "messages": [sent],
        }

    def _refusal(self, phone: Phone, content: Content) -> dict[str, Any] | None:
        """Why a well-formed message cannot be delivered; WhatsApp says so only afterwards."""
        if content.target is not None and self._there(phone, content.target) is None:
            details = f"Message {content.target} cannot be reacted to."
            return status_error(131009, "Parameter value is not valid", details)
        opened = phone.window_opened
        closed = opened is None or self._world.clock.now_ms() - opened > DAY_MS
        return status_error(*_WINDOW_CLOSED) if closed and content.template is None else None

    def _quoted(self, phone: Phone, content: Content, message_id: object) -> str | None:
        """The message that the phone shows above this one. Templates quote nothing, and what is gone is not quoted."""
        if content.template is not None or not isinstance(message_id, str):
            return None
        quoted = self._there(phone, message_id)
        return None if quoted is None else quoted.id

    def _there(self, phone: Phone, message_id: str) -> Message | None:
        """The message that a reaction or a quote is about, for as long as WhatsApp finds it."""
        message = phone.messages.get(message_id)
        if message is None or message.deleted or self._world.clock.now_ms() - message.time > ABOUT_DAYS * DAY_MS:
            return None
        return message

    async def _media(self, content: Content) -> tuple[Media | None, dict[str, Any] | None]:
        kind = "audio" if content.type == "voice" else content.type
        if kind not in MEDIA_TYPES:
            return None, None
        if content.media_id is not None:
            media = self._world.media.get(content.media_id)
            if media is None or media.network != "whatsapp":
                raise bad_parameter(f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID")
            mime, data, name = media.mime, media.data, content.filename or media.name
        elif content.link is not None and self._world.settings.fetch_links:
            try:
                fetched = await self._world.links.fetch(content.link, media_rules.WHATSAPP["document"].limit)
            except LinkFailed as failed:
                return None, status_error(131053, "Media upload error", f"Media could not be fetched: {failed.reason}.")
            mime, data, name = fetched.mime, fetched.data, content.filename
        else:
            return None, None
        rule = media_rules.WHATSAPP[kind]
        if not rule.takes(mime):
            allowed = ", ".join(rule.mimes)
            details = f"Unsupported {kind.title()} mime type {mime}. Please use one of {allowed}."
            return None, status_error(131053, "Media upload error", details)
        if media_rules.too_large(kind, rule, data):
            return None, status_error(131053, "Media upload error", f"The {kind} is larger than {rule.limit} bytes.")
        shown = "file" if kind == "document" else content.type
        return self._world.media.keep("whatsapp", shown, mime, data, name=name), None
