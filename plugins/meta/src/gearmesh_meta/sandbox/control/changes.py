"""`/sandbox/phones/<network>/<user>/edit`, `unsend`, `forward`, `tap`, `play` and `number`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from gearmesh_meta.sandbox.changes import Changes, NotAllowed
from gearmesh_meta.sandbox.exchange import Draft, Exchange
from gearmesh_meta.sandbox.media import MediaStore
from gearmesh_meta.sandbox.phone import Message, Phone
from gearmesh_meta.sandbox.phones import PhoneTaken
from gearmesh_meta.sandbox.settings import Settings

from .answers import Refused, json_answer, read_json
from .phones import PhonesControl


class Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message that stands on the phone."""

    message_id: str


class NewWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a message says from now on."""

    message_id: str
    text: Annotated[str, Meta(min_length=1, max_length=65_536)]


class Tap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A button under a message, by its title."""

    message_id: str
    title: str


class NewNumber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number that the person has from now on."""

    user: Annotated[str, Meta(pattern=r"^\+?[0-9]{5,20}$")]


class ChangesControl:
    """What people do to messages that stand there, and to their number."""

    def __init__(
        self, settings: Settings, phones: PhonesControl, exchange: Exchange, changes: Changes, media: MediaStore
    ) -> None:
        self._settings = settings
        self._phones = phones
        self._exchange = exchange
        self._changes = changes
        self._media = media

    async def edit(self, request: web.Request) -> web.StreamResponse:
        """`POST .../edit`: the message with its new words."""
        phone = self._phones.find(request)
        new = await read_json(request, NewWords)
        message = _find(phone, new.message_id)
        with _allowed():
            self._changes.edit(phone, message, new.text)
        return json_answer(message.view())

    async def unsend(self, request: web.Request) -> web.StreamResponse:
        """`POST .../unsend`: what is left of the message."""
        phone, message = await self._which(request)
        with _allowed():
            self._changes.unsend(phone, message)
        return json_answer(message.view())

    async def play(self, request: web.Request) -> web.StreamResponse:
        """`POST .../play`: the person listens to a voice note."""
        phone, message = await self._which(request)
        with _allowed():
            self._changes.play(phone, message)
        return json_answer(message.view())

    async def tap(self, request: web.Request) -> web.StreamResponse:
        """`POST .../tap`: the message that the tap has made."""
        phone = self._phones.find(request)
        tap = await read_json(request, Tap)
        message = _find(phone, tap.message_id)
        with _allowed():
            said = self._changes.tap(phone, message, tap.title)
        return json_answer(said.view(), 201)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """`POST .../forward`: the person passes a message on to the business; the new message."""
        phone, message = await self._which(request)
        if message.deleted or message.ballot is not None or message.type == "unsupported":
            raise Refused("this message cannot be forwarded", 409)
        url = message.media_url
        if message.media is not None:
            base = self._settings.public_url or f"{request.scheme}://{request.host}"
            if phone.network == "whatsapp":
                url = self._media.protected_url(message.media, base, "webhook")
            else:
                url = self._media.open_url(message.media, base)
        draft = Draft(
            type=message.type if message.media or message.place or message.contacts or message.post else "text",
            text=message.text,
            media=message.media,
            media_url=url,
            place=message.place,
            contacts=message.contacts,
            post=message.post,
            forwarded=True,
        )
        return json_answer(self._exchange.type(phone, draft).view(), 201)

    async def number(self, request: web.Request) -> web.StreamResponse:
        """`POST .../number`: the phone, which from now on has another address in this API too."""
        phone = self._phones.find(request)
        new = await read_json(request, NewNumber)
        try:
            with _allowed():
                self._changes.renumber(phone, new.user.lstrip("+"))
        except PhoneTaken as taken:
            raise Refused(str(taken), 409) from taken
        return json_answer(phone.view())

    async def _which(self, request: web.Request) -> tuple[Phone, Message]:
        phone = self._phones.find(request)
        which = await read_json(request, Which)
        return phone, _find(phone, which.message_id)


def _find(phone: Phone, message_id: str) -> Message:
    message = phone.messages.get(message_id)
    if message is None:
        raise Refused(f"{message_id} is not a message on this phone; GET messages lists them", 404)
    return message


@contextmanager
def _allowed() -> Iterator[None]:
    try:
        yield
    except NotAllowed as refusal:
        raise Refused(str(refusal), 409) from refusal
