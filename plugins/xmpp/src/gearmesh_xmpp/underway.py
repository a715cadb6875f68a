"""What goes out just now, and what comes of it: a room shows it, the server has taken it, or it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gearmesh import SendFailed, Unclear
from gearmesh_xmpp.elements import Element
from gearmesh_xmpp.link import Link
from gearmesh_xmpp.names import bare

REFLECTED_WITHIN: Final = 30.0
"""Seconds for a room to show what it was told."""


class Underway:
    """By the ids of stanzas: to whom each goes, and a future of the id that a room gives, or of an error."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[str, asyncio.Future[str]]] = {}

    async def deliver(self, link: Link, stanza: Element, gone: Callable[[], None]) -> str:
        """Let a stanza go out, at once, and wait until it is there; returns the id that a room gave it, else its own.

        `gone` is called in between.

        Raises:
            SendFailed: it is not there, or that is not known.
        """
        stanza_id = stanza.get("id", "")
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[stanza_id] = (bare(stanza.get("to", "")), waiting)
        try:
            link.send(stanza)
            gone()
            if stanza.get("type") != "groupchat":
                await self._settled(link, waiting)
                return stanza_id
            async with asyncio.timeout(REFLECTED_WITHIN):
                return await waiting
        except TimeoutError:
            raise Unclear("the room never showed the message") from None
        finally:
            del self._waiting[stanza_id]
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # it is looked at: nobody is to complain of it later

    def came_back(self, stanza: Element, error: SendFailed) -> bool:
        """Take an error; False: nobody waits for this. It counts only from where the message went."""
        to, waiting = self._waiting.get(stanza.get("id", ""), ("", None))
        if waiting is None:
            return False
        if bare(stanza.get("from", "")) == to and not waiting.done():
            waiting.set_exception(error)
        return True

    def is_shown(self, room: str, stanza_id: str, given: str) -> bool:
        """Take what a room (by its JID) shows of ours; False: nobody waits for this."""
        to, waiting = self._waiting.get(stanza_id, ("", None))
        if waiting is None or to != room:
            return False
        if not waiting.done():
            waiting.set_result(given)
        return True

    def lost(self) -> None:
        """The connection is gone: of what was underway nobody knows."""
        for _, waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Unclear("the connection to the XMPP server was lost"))

    async def _settled(self, link: Link, waiting: asyncio.Future[str]) -> None:
        """Wait until the server has taken what was sent, or has refused it."""
        try:
            await link.settled()
        except Unclear:
            if not waiting.done() or isinstance(waiting.exception(), Unclear):
                raise
        if waiting.done():
            waiting.result()
