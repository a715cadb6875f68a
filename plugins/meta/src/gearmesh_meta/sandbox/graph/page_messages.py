"""`POST /{page-id}/messages`, `/{instagram-id}/messages` and `/me/messages`: sends and sender actions."""

from __future__ import annotations

from typing import Any, Final

from gearmesh_meta.sandbox.faults import GRAPH_KINDS
from gearmesh_meta.sandbox.media import Media
from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.settings import Network

from .attachments import Attachments
from .call import GraphCall
from .errors import bad_parameter, message_deleted, no_such_instagram_user, no_such_user, window_closed
from .misfortune import suffer
from .page_content import both_message_and_action, read_metadata, read_pieces
from .personas import Personas
from .world import DAY_MS, World

_MESSAGING_TYPES: Final = ("RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY")
_WINDOW_SUBCODES: Final[dict[Network, int]] = {"messenger": 2018278, "instagram": 2534022}
_NOTIFICATION_TYPES: Final = ("REGULAR", "SILENT_PUSH", "NO_PUSH")


class PageMessages:
    """The messages endpoint of the page and of the Instagram account linked to it."""

    def __init__(self, world: World, personas: Personas, attachments: Attachments) -> None:
        self._world = world
        self._personas = personas
        self._attachments = attachments

    async def post(self, call: GraphCall) -> dict[str, Any]:
        """Send, or act (typing, seen, reaction). Raises GraphError, NoAnswer.

        The page and `me` reach Messenger and Instagram users alike, by the recipient's id; the Instagram account
        reaches its own.
        """
        phone = self._recipient(call)
        action = call.text("sender_action")
        message = call.object("message")
        if action is not None:
            if message is not None:
                raise both_message_and_action()
            self._act(call, phone, action)
            return {"recipient_id": phone.user}
        if message is None:
            raise bad_parameter("Param message must be non-empty.")
        fault = self._world.faults.strike(GRAPH_KINDS, phone.network, phone.user)
        suffer(fault, phone.network, "before", self._world.settings)
        self._world.throttle.admit(phone)
        answer = await self._send(call, phone, message)
        suffer(fault, phone.network, "after", self._world.settings)
        return answer

    def _recipient(self, call: GraphCall) -> Phone:
        recipient = call.object("recipient")
        if not recipient:
            raise bad_parameter("Param recipient must be non-empty.")
        user = str(recipient.get("id") or "")
        instagram = self._world.phones.get("instagram", user)
        if call.subject == self._world.settings.instagram_id:
            if instagram is None:
                raise no_such_instagram_user()
            return instagram
        phone = self._world.phones.get("messenger", user) or instagram
        if phone is None:
            raise no_such_user()
        return phone

    def _act(self, call: GraphCall, phone: Phone, action: str) -> None:
        exchange = self._world.exchange
        if action == "typing_on":
            exchange.start_typing(phone)
        elif action == "typing_off":
            exchange.stop_typing(phone)
        elif action == "mark_seen":
            exchange.business_read(phone, None)
        elif action in ("react", "unreact"):
            self._react(call, phone, action)
        else:
            raise bad_parameter(f"Param sender_action cannot be {action}.")

    def _react(self, call: GraphCall, phone: Phone, action: str) -> None:
        payload = call.object("payload") or {}
        target, emoji = payload.get("message_id"), payload.get("reaction")
        if not target or (action == "react" and not emoji):
            raise bad_parameter("Param payload needs message_id, and reaction to react.")
        message = phone.messages.get(str(target))
        if message is None:
            raise bad_parameter(
                "The message to react to is not known.", 2534015 if phone.network == "instagram" else None
            )
        if message.deleted:
            raise message_deleted()
        text = str(emoji) if action == "react" else ""
        self._world.exchange.arrive(phone, self._message(phone, "reaction", text, reply_to=str(target)))

    async def _send(self, call: GraphCall, phone: Phone, body: dict[str, Any]) -> dict[str, Any]:
        self._check_window(call, phone)
        notification = call.text("notification_type")
        if notification is not None and notification not in _NOTIFICATION_TYPES:
            raise bad_parameter(f"Param notification_type must be one of {', '.join(_NOTIFICATION_TYPES)}.")
        sender_name = self._personas.name_of(call.text("persona_id"))
        metadata = read_metadata(body)
        reply_to = (call.object("reply_to") or {}).get("mid")
        pieces = read_pieces(phone.network, body)
        media = [await self._attachments.obtain(call, phone.network, piece) for piece in pieces]
        sent: list[Message] = []
        for piece, file in zip(pieces, media, strict=True):
            message = self._message(phone, piece.type, piece.text, reply_to=reply_to, media=file)
            message.goods, message.buttons = piece.goods, piece.buttons
            message.sender_name = sender_name
            message.metadata = metadata
            message.media_url = piece.url if file is None else self._world.media.open_url(file, call.base)
            self._world.exchange.arrive(phone, message)
            sent.append(message)
        answer = {"recipient_id": phone.user, "message_id": sent[0].id}
        if media[0] is not None and pieces[0].reusable:
            answer["attachment_id"] = media[0].id
        return answer

    def _check_window(self, call: GraphCall, phone: Phone) -> None:
        messaging_type, tag = call.text("messaging_type"), call.text("tag")
        if messaging_type is not None and messaging_type not in _MESSAGING_TYPES:
            raise bad_parameter(f"Param messaging_type must be one of {', '.join(_MESSAGING_TYPES)}.")
        if messaging_type == "MESSAGE_TAG" and tag is None:
            raise bad_parameter("Param tag is required with messaging_type MESSAGE_TAG.")
        if tag is not None and tag != "HUMAN_AGENT":
            raise bad_parameter(f"Message tag {tag} is not available; only HUMAN_AGENT is.")
        opened = phone.window_opened
        length = 7 * DAY_MS if tag == "HUMAN_AGENT" else DAY_MS
        if opened is None or self._world.clock.now_ms() - opened > length:
            raise window_closed(_WINDOW_SUBCODES[phone.network])

    def _message(
        self, phone: Phone, kind: str, text: str, *, reply_to: str | None = None, media: Media | None = None
    ) -> Message:
        return Message(
            id=self._world.exchange.new_message_id(phone),
            direction="in",
            type=kind,
            text=text,
            time=self._world.clock.now_ms(),
            status="delivered",
            reply_to=reply_to,
            media=media,
        )
