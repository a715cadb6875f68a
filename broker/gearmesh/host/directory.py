"""Who is who: people, their handles and their addresses."""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import Final

import msgspec
import structlog

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.core.cache import Cache
from gearmesh.errors import InvalidAddress
from gearmesh.model.address import Address
from gearmesh.model.content import Sender
from gearmesh.model.person import Disclosure, KnownAddress, Person, Profile, handle_from, parse_handle
from gearmesh.wire.subjects import Subjects, kv_token

log = structlog.get_logger("gearmesh.directory")

REMEMBERED: Final = 20_000
MOST_NAMESAKES: Final = 20


class Directory:
    """People of all apps. Handles are unique; the configuration's people win over those who came by themselves."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects) -> None:
        people = subjects.bucket("people")
        self._people = Store(connection, publisher, people, Person)
        self._handles = Store(connection, publisher, people, str)
        self._addresses = Store(connection, publisher, subjects.bucket("addresses"), KnownAddress)
        self._recent_people: Cache[str, Person] = Cache(REMEMBERED)
        self._recent_addresses: Cache[Address, KnownAddress] = Cache(REMEMBERED)
        self._registering = asyncio.Lock()

    async def known(self, address: Address) -> KnownAddress | None:
        """What is remembered of an address, or None.

        Raises:
            BusUnavailable: nats does not answer; so do all methods here.
        """
        known = self._recent_addresses.get(address) or await self._addresses.get(_address_key(address))
        if known:
            self._recent_addresses.put(address, known)
        return known

    async def person(self, person_id: str) -> Person | None:
        """A person by their id."""
        person = self._recent_people.get(person_id) or await self._people.get(f"p.{person_id}")
        if person:
            self._recent_people.put(person_id, person)
        return person

    async def find(self, handle: str) -> Person | None:
        """The person with this handle (with or without @, in any case), or None."""
        try:
            person_id = await self._handles.get(f"h.{kv_token(parse_handle(handle))}")
        except InvalidAddress:
            return None
        return await self.person(person_id) if person_id else None

    async def sender(self, address: Address, network: str) -> Sender:
        """How this address is shown elsewhere."""
        known = await self.known(address)
        person = await self.person(known.person) if known else None
        profile = known.profile if known else Profile()
        return Sender(
            name=profile.name or (person.name if person else ""),
            handle=person.handle if person else "",
            network=network,
            avatar=profile.avatar,
            address=str(address),
        )

    async def register(
        self, address: Address, profile: Profile | None, *, handle: str = "", now: int = 0
    ) -> KnownAddress:
        """Make sure that an address belongs to a person, and remember its profile.

        `handle` is the one they asked for; without it, one is made from the profile. `now` (milliseconds) is when the
        profile was read; None as profile leaves the remembered one.
        """
        known = await self.known(address)
        if known is None:
            async with self._registering:
                known = await self.known(address) or await self._add(address, profile or Profile(), handle, now)
        if profile is not None and (profile != known.profile or now > known.profiled_at + REFRESH_AFTER):
            known = msgspec.structs.replace(known, profile=profile, profiled_at=now)
            await self._write_address(address, known)
        return known

    async def disclosure(self, address: Address) -> Disclosure:
        """How much whoever writes to this address learns of what became of it."""
        known = await self.known(address)
        person = await self.person(known.person) if known else None
        return person.receipts if person else "read"

    async def seed(
        self, handle: str, name: str, addresses: tuple[Address, ...], *, receipts: Disclosure = "read"
    ) -> None:
        """Write down a person of the configuration."""
        person_id = blake2b(f"configured\0{handle}".encode(), digest_size=10).hexdigest()
        person = Person(person_id, handle, tuple(str(address) for address in addresses), name, receipts=receipts)
        async with self._registering:
            if await self.person(person_id) != person:
                self._recent_people.put(person_id, person)
                await self._people.put(f"p.{person_id}", person)
            await self._displace(handle, person_id)
            await self._handles.put(f"h.{kv_token(handle)}", person_id)
            for address in addresses:
                known = await self.known(address)
                if known is None or known.person != person_id:
                    await self._write_address(
                        address, msgspec.structs.replace(known or KnownAddress(person_id), person=person_id)
                    )

    async def _add(self, address: Address, profile: Profile, wanted: str, now: int) -> KnownAddress:
        try:
            first = parse_handle(wanted)
        except InvalidAddress:
            first = handle_from(profile, address)
        person_id = blake2b(f"address\0{address}".encode(), digest_size=10).hexdigest()
        handle = await self._claim(first, person_id)
        person = Person(person_id, handle, (str(address),), profile.name)
        self._recent_people.put(person_id, person)
        await self._people.put(f"p.{person_id}", person)
        known = KnownAddress(person_id, profile, now)
        await self._write_address(address, known)
        log.info("a new person", address=str(address), handle=handle)
        return known

    async def _claim(self, wanted: str, person_id: str) -> str:
        """A handle that is this person's from now on: the wanted one, else it with a number, else with their id."""
        for handle in (wanted, *(f"{wanted}-{number}" for number in range(2, MOST_NAMESAKES))):
            key = f"h.{kv_token(handle)}"
            # After a crash between the two writes the handle is there already, and theirs.
            if await self._handles.create(key, person_id) or await self._handles.get(key) == person_id:
                return handle
        handle = f"{wanted[:40]}-{person_id[:12]}"
        await self._handles.put(f"h.{kv_token(handle)}", person_id)
        return handle

    async def _displace(self, handle: str, owner: str) -> None:
        """The configuration gives this handle to `owner`: whoever came by it before gets another one."""
        before = await self._handles.get(f"h.{kv_token(handle)}")
        person = await self.person(before) if before and before != owner else None
        if person:
            changed = msgspec.structs.replace(person, handle=await self._claim(f"{handle}-2", person.id))
            self._recent_people.put(person.id, changed)
            await self._people.put(f"p.{person.id}", changed)
            log.warning("a handle now belongs to the configuration", handle=handle, renamed=changed.handle)

    async def _write_address(self, address: Address, known: KnownAddress) -> None:
        self._recent_addresses.put(address, known)
        await self._addresses.put(_address_key(address), known)


REFRESH_AFTER: Final = 24 * 3600 * 1000
"""Milliseconds after which a profile is read again: pictures' links expire in days."""


def _address_key(address: Address) -> str:
    return f"{kv_token(address.app)}.{kv_token(address.user)}"
