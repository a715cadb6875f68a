"""`/sandbox/phones`: who is there, and new ones."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from gearmesh_meta.sandbox.exchange import Exchange
from gearmesh_meta.sandbox.identifiers import Identifiers, business_scoped_id
from gearmesh_meta.sandbox.phone import Phone
from gearmesh_meta.sandbox.phones import PhoneBook, PhoneTaken
from gearmesh_meta.sandbox.settings import NETWORKS, Network, Settings

from .answers import Refused, json_answer, read_json


class NewPhone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone to add; `user` is made up when absent, `name` is the handle then."""

    network: Network
    handle: Annotated[str, Meta(pattern=r"^@?[A-Za-z0-9._-]{1,64}$")]
    user: Annotated[str, Meta(pattern=r"^\+?[0-9]{5,20}$")] | None = None
    name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    hide_number: bool = False


class PhonesControl:
    """Lists and adds phones."""

    def __init__(self, settings: Settings, phones: PhoneBook, exchange: Exchange, identifiers: Identifiers) -> None:
        self._settings = settings
        self._phones = phones
        self._exchange = exchange
        self._identifiers = identifiers

    def seed(self) -> None:
        """Add the phones that are there from the start."""
        for seed in self._settings.seed_phones:
            self._exchange.add_phone(self._make(seed.network, seed.user, seed.handle, seed.name, hidden=False))

    async def get(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/phones`."""
        return json_answer([phone.view() for phone in self._phones])

    async def post(self, request: web.Request) -> web.StreamResponse:
        """`POST /sandbox/phones`: answers once the first attempt to tell the business has ended."""
        new = await read_json(request, NewPhone)
        if new.hide_number and new.network != "whatsapp":
            raise Refused("hide_number is for whatsapp phones only; leave it out")
        user = (new.user or self._identifiers.user(new.network)).lstrip("+")
        handle = new.handle.lstrip("@")
        phone = self._make(new.network, user, handle, new.name or handle, hidden=new.hide_number)
        attempted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._exchange.add_phone(phone, attempted)
        except PhoneTaken as taken:
            raise Refused(str(taken), 409) from taken
        await attempted
        return json_answer(phone.view(), 201)

    def find(self, request: web.Request) -> Phone:
        """The phone named by `/sandbox/phones/<network>/<user>/...`. Raises Refused."""
        name, user = request.match_info["network"], request.match_info["user"]
        network = next((known for known in NETWORKS if known == name), None)
        phone = self._phones.get(network, user) if network is not None else None
        if phone is None:
            raise Refused(f"there is no {name} phone {user}; GET /sandbox/phones lists all, POST adds one", 404)
        return phone

    def _make(self, network: Network, user: str, handle: str, name: str, *, hidden: bool) -> Phone:
        bsuid = business_scoped_id(self._settings.waba_id, user) if network == "whatsapp" else None
        capacity = self._settings.messages_per_phone
        return Phone(network, user, handle, name, bsuid=bsuid, hidden=hidden, capacity=capacity)
