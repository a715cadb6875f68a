"""Signs that a message of ours arrived, though its network's answer never came.

Networks show us our own messages: an echo with our delivery id (Messenger), an echo with our words (Instagram), a
status with our delivery id (WhatsApp). One whose message we know says nothing new. One that we do not know is kept, in
NATS, before the network hears "200": whoever has to decide about an unclear message finds it, also after a crash.
"""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import Final

import msgspec
import structlog

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.clock import Clock
from gearmesh.core.cache import Cache
from gearmesh.host.begun import Begins
from gearmesh.host.message_map import MessageMap, NativeRecord
from gearmesh.host.turn import Turn
from gearmesh.host.undecided import envelope_of
from gearmesh.host.underway import Underway
from gearmesh.model.content import words_of
from gearmesh.model.delivery import Delivery
from gearmesh.model.events import EchoReceived
from gearmesh.wire.subjects import Subjects, kv_token

log = structlog.get_logger("gearmesh.evidence")

KEPT: Final = 10_000
TOLERANCE: Final = 5_000
"""Milliseconds by which a network's clock may be behind ours: an older echo is one of an earlier message."""


class Sign(msgspec.Struct, frozen=True):
    """A message of ours as its network shows it: its native id, and the network's time (milliseconds)."""

    native_id: str
    at: int


class _Search(msgspec.Struct, frozen=True):
    """Somebody waits for a sign of a message of this envelope (hex id), not older than `oldest` (milliseconds)."""

    envelope: str
    oldest: int
    shown: asyncio.Future[Sign]

    def fits(self, sign: Sign, known: NativeRecord | None) -> bool:
        """Whether a sign ends the search; `known` is what is known of its message: another one had the same words."""
        new = sign.at >= self.oldest and (known is None or known.envelope == self.envelope)
        return new and not self.shown.done()


class Evidence:
    """The signs of one app, in a bucket of their own, beside what is about to be sent."""

    def __init__(
        self,
        connection: Connection,
        publisher: Publisher,
        subjects: Subjects,
        app: str,
        messages: MessageMap,
        underway: Underway,
        clock: Clock,
    ) -> None:
        self._store = Store(connection, publisher, subjects.bucket("sends"), Sign)
        self.begins = Begins(connection, publisher, subjects, app)
        """What is about to be sent, in the same bucket."""
        self._app = app
        self._messages = messages
        self._underway = underway
        self._clock = clock
        self._signs: Cache[str, Sign] = Cache(KEPT)
        self._searches: dict[str, _Search] = {}

    async def show(self, echo: EchoReceived) -> None:
        """A network shows a message of ours. Returns when it is known, or kept.

        Raises:
            BusUnavailable: nats does not answer; the network must show it again.
        """
        key = _by_id(echo.thread, echo.delivery_id) if echo.delivery_id else _by_words(echo.thread, echo.text)
        sign = Sign(echo.native_id, echo.at)
        known = await self._known(key, sign, echo.thread)
        if known is None and not self._end_search(key, sign, None):
            # Its answer is often on its way to us at this moment.
            await self._underway.settled(echo.thread)
            known = await self._known(key, sign, echo.thread)
            if known is None:
                self._end_search(key, sign, None)
        # Until it is written down that it was sent, the sign is all that a process after this one would have.
        if known is None or not await self._messages.is_stored(known.envelope, self._app, echo.thread):
            self._signs.put(key, sign)
            await self._store.put(self._key(key), sign, patience=3.0)

    async def _known(self, key: str, sign: Sign, thread: str) -> NativeRecord | None:
        known = await self._messages.native(self._app, sign.native_id, thread)
        if known is not None:
            self._end_search(key, sign, known)
        return known

    def _end_search(self, key: str, sign: Sign, known: NativeRecord | None) -> bool:
        search = self._searches.get(key)
        if search is None or not search.fits(sign, known):
            return False
        search.shown.set_result(sign)
        return True

    async def seek(self, delivery: Delivery, since: int, within: float, turn: Turn) -> str:
        """The native id of a message that may have been sent after `since` (milliseconds); "" when nothing shows it.

        A sign is waited for, `within` seconds at most and not beyond the end of the turn. That of a message that we
        know says nothing of another one, though the words may be the same.

        Raises:
            BusUnavailable: nats does not answer.
        """
        content, shown = delivery.content, asyncio.get_running_loop().create_future()
        words = words_of(content)
        search = _Search(envelope_of(delivery.id), since - TOLERANCE, shown)
        keys: tuple[str, ...] = (_by_id(delivery.thread, delivery.id),)
        if words:
            # Any other message without words would be a sign of this one.
            keys = (*keys, _by_words(delivery.thread, words))
        self._searches |= dict.fromkeys(keys, search)
        try:
            sign = await self._kept(keys, search, delivery.thread)
            if sign is None and within > 0:
                await turn.pause(self._clock, within, shown)
                # Also when nobody here was told: another process may have been.
                sign = shown.result() if shown.done() else await self._kept(keys, search, delivery.thread)
        finally:
            for key in keys:
                self._searches.pop(key, None)
        if sign is None:
            return ""
        log.info("an unclear message had arrived", app=self._app, delivery=delivery.id, native_id=sign.native_id)
        return sign.native_id

    async def _kept(self, keys: tuple[str, ...], search: _Search, thread: str) -> Sign | None:
        for key in keys:
            sign = self._signs.get(key) or await self._store.get(self._key(key), certain=True)
            if sign is None:
                continue
            if search.fits(sign, await self._messages.native(self._app, sign.native_id, thread)):
                return sign
        return None

    def _key(self, key: str) -> str:
        return f"sent.{kv_token(self._app)}.{key}"


def _by_id(thread: str, delivery_id: str) -> str:
    return _digest("id", thread, delivery_id)


def _by_words(thread: str, words: str) -> str:
    return _digest("words", thread, words.strip())


def _digest(*texts: str) -> str:
    return blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
