"""JIDs that say nothing, for people from elsewhere in rooms: there everybody may see the JIDs of all who are present,
and nobody who joins a group has asked for their phone number to stand before strangers.

A veil is a keyed hash of the address, so it is the same in all rooms and for good, and its local part begins with `%`,
which no other JID of ours does. What it hides is kept, so whoever writes to it reaches that person, and is answered
from it: whom they wrote to in private is kept as well.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from typing import Final

import msgspec

from gearmesh import BridgeContext, BusUnavailable, InvalidAddress, Retry, Sender
from gearmesh_xmpp.names import VEIL, bare, ghost_of, meant_by
from gearmesh_xmpp.recent import Recent

KEY: Final = "veil-key"
HIDDEN: Final = "veil"
TALKS: Final = "veiled-talk"
BYTES: Final = 15
"""Of the hash: 24 characters, and no two of a billion people alike."""
FEWEST: Final = 6
"""Digits of what is taken for a number of somebody's own."""
REMEMBERED: Final = 10_000


def modest(sender: Sender) -> Sender:
    """Somebody without their number, where that is all that their name or handle is: of who has told no name, Gearmesh
    makes the handle of the user id."""
    number = _digits(sender.address)
    if len(number) < FEWEST:
        return sender
    name, handle = ("" if number in _digits(text) else text for text in (sender.name, sender.handle))
    return msgspec.structs.replace(sender, name=name, handle=handle)


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())


class Veils:
    """The veils of one component."""

    def __init__(self, context: BridgeContext, component: str) -> None:
        self._context = context
        self._component = component
        self._key = b""
        self._opening = asyncio.Lock()
        self._behind: Recent[str, str] = Recent(REMEMBERED)
        self._talks: Recent[tuple[str, str], bool] = Recent(REMEMBERED)

    async def open(self) -> None:
        """Read the key, or make it the first time.

        Raises:
            BusUnavailable: it cannot be had: nobody may get another JID for that.
        """
        async with self._opening:
            if self._key:
                return
            key = await self._context.recall(KEY)
            if not key:
                key = secrets.token_hex(32)
                await self._context.keep(KEY, key)
            self._key = bytes.fromhex(key)

    async def of(self, address: str) -> str:
        """The veil of somebody, by `app:user`.

        Raises:
            Retry: what it hides cannot be kept now.
        """
        try:
            await self.open()
            veil = self._veil(address)
            if veil not in self._behind:
                await self._context.keep(f"{HIDDEN}/{veil}", address)
                self._behind.put(veil, address)
        except BusUnavailable as error:
            raise Retry("nothing can be kept now") from error
        return veil

    async def behind(self, jid: str) -> str:
        """Whom a JID of ours stands for, as `meant_by` says it.

        Raises:
            InvalidAddress: it can be nobody.
            BusUnavailable: what a veil hides cannot be read.
        """
        veil = bare(jid)
        if not veil.startswith(VEIL):
            return meant_by(veil)
        address = self._behind.get(veil) or await self._context.recall(f"{HIDDEN}/{veil}")
        if not address:
            raise InvalidAddress(veil, "the JID of somebody in a room")
        self._behind.put(veil, address)
        return address

    async def written_to(self, user: str, jid: str) -> None:
        """Somebody wrote to one of us: from now on they are answered from that JID.

        Raises:
            BusUnavailable: it cannot be kept.
        """
        if "@" not in jid:
            return
        await self.open()
        address = await self.behind(jid)
        if ":" not in address:
            return  # a handle, which hides nothing
        is_veiled, veil = bare(jid).startswith(VEIL), self._veil(address)
        if await self._is_veiled(user, veil) != is_veiled:
            await self._context.keep(f"{TALKS}/{user}/{veil}", "yes" if is_veiled else "")
            self._talks.put((user, veil), is_veiled)

    async def towards(self, user: str, address: str, handle: str) -> str:
        """The JID from which somebody is shown to a user in private: the veil where they know only that; "" for none.

        Raises:
            Retry: that cannot be read now.
        """
        if address:
            try:
                await self.open()
                if await self._is_veiled(user, self._veil(address)):
                    return await self.of(address)
            except BusUnavailable as error:
                raise Retry("what is kept cannot be read now") from error
        return ghost_of(address, handle, self._component)

    async def _is_veiled(self, user: str, veil: str) -> bool:
        known = self._talks.get((user, veil))
        if known is None:
            known = bool(await self._context.recall(f"{TALKS}/{user}/{veil}"))
            self._talks.put((user, veil), known)
        return known

    def _veil(self, address: str) -> str:
        digest = hmac.digest(self._key, address.encode("utf-8", "surrogatepass"), hashlib.sha256)[:BYTES]
        return f"{VEIL}{base64.b32encode(digest).decode().lower()}@{self._component}"
