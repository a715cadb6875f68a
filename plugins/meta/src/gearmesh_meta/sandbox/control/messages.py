"""`/sandbox/phones/<network>/<user>/...`: sending, looking, reading."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from aiohttp import web

from gearmesh_meta.sandbox.changes import Changes, NotAllowed
from gearmesh_meta.sandbox.exchange import Draft, Exchange
from gearmesh_meta.sandbox.link_fetcher import LinkFailed, LinkFetcher
from gearmesh_meta.sandbox.media import Media, MediaStore
from gearmesh_meta.sandbox.media_rules import MB
from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.settings import Settings

from .answers import Refused, json_answer, read_json, read_number
from .drafts import NewMedia, NewMessage, NewReaction, check, draft
from .phones import PhonesControl

#: Largest file a person can send (WhatsApp docs, Jan 2026: incoming media up to 100 MB).
_FILE_LIMIT: Final = 100 * MB
#: Days that the media id in a WhatsApp webhook stays valid.
_WEBHOOK_MEDIA_DAYS: Final = 7


class MessagesControl:
    """What people do with their phones."""

    def __init__(
        self,
        settings: Settings,
        phones: PhonesControl,
        exchange: Exchange,
        changes: Changes,
        media: MediaStore,
        links: LinkFetcher,
    ) -> None:
        self._settings = settings
        self._phones = phones
        self._exchange = exchange
        self._changes = changes
        self._media = media
        self._links = links

    async def get(self, request: web.Request) -> web.StreamResponse:
        """`GET .../messages?after=&limit=`, oldest first."""
        phone = self._phones.find(request)
        history = phone.history(request.query.get("after"), read_number(request, "limit"))
        return json_answer([message.view() for message in history])

    async def post(self, request: web.Request) -> web.StreamResponse:
        """`POST .../messages`: the person sends; the webhook goes its own way. A reaction answers with its message."""
        phone = self._phones.find(request)
        new = await read_json(request, NewMessage)
        if new.reply_to is not None and new.reply_to not in phone.messages:
            raise Refused(f"reply_to {new.reply_to} is not a message on this phone; GET this address lists them", 404)
        return json_answer((await self._type(request, phone, new)).view(), 201)

    async def read(self, request: web.Request) -> web.StreamResponse:
        """`POST .../read`: the person looks at everything that arrived."""
        messages = self._exchange.read(self._phones.find(request))
        return json_answer({"read": len(messages)})

    async def _type(self, request: web.Request, phone: Phone, new: NewMessage) -> Message:
        thing = check(phone.network, new)
        if new.reaction is not None:
            if new.reply_to is not None:
                raise Refused("a reaction goes alone; leave out reply_to")
            return self._react(phone, new.reaction)
        if new.media is None:
            return self._exchange.type(phone, draft(phone.network, new, thing))
        media = await self._keep(phone, new.media)
        base = self._settings.public_url or f"{request.scheme}://{request.host}"
        on_whatsapp = phone.network == "whatsapp"
        url = self._media.protected_url(media, base, "webhook") if on_whatsapp else self._media.open_url(media, base)
        file = Draft(
            type=media.type,
            text=new.text if on_whatsapp else "",
            reply_to=new.reply_to,
            media=media,
            media_url=url,
            view_once=new.view_once,
        )
        if new.text and not on_whatsapp:
            # These apps have no captions: text typed with a file leaves as a message of its own, before it.
            self._exchange.type(phone, Draft(type="text", text=new.text))
        return self._exchange.type(phone, file)

    def _react(self, phone: Phone, reaction: NewReaction) -> Message:
        target = phone.messages.get(reaction.message_id)
        if target is None:
            raise Refused(f"reaction: {reaction.message_id} is not a message on this phone", 404)
        try:
            self._changes.react(phone, target, reaction.emoji or "")
        except NotAllowed as refusal:
            raise Refused(str(refusal), 409) from refusal
        return target

    async def _keep(self, phone: Phone, new: NewMedia) -> Media:
        if (new.base64 is None) == (new.url is None):
            raise Refused("media needs either base64 or url")
        mime = new.mime
        if new.url is not None:
            try:
                fetched = await self._links.fetch(new.url, _FILE_LIMIT)
            except LinkFailed as failed:
                raise Refused(f"media.url cannot be fetched: {failed.reason}") from failed
            data, mime = fetched.data, mime or fetched.mime
        else:
            try:
                data = base64.b64decode(new.base64 or "", validate=True)
            except binascii.Error as error:
                raise Refused(f"media.base64 is not base64: {error}") from error
        if not mime:
            raise Refused("media needs mime, such as image/jpeg")
        if len(data) > _FILE_LIMIT:
            raise Refused(f"media is larger than {_FILE_LIMIT} bytes; send a smaller file", 413)
        return self._media.keep(phone.network, new.type, mime, data, name=new.name, days=_WEBHOOK_MEDIA_DAYS)
