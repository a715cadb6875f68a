"""The waves in which messages begin, as they stand in NATS: one ring of `ROUND` keys for each term.

    begun.<app>.<term>.<place>       wave n stands at place n % ROUND, over the one that stood there

A term is the time of one process as the owner of its app, as the lease counts them. Nobody writes into the ring of
another one: what a process writes that was paused, or cut off, and has a successor, stays in a ring that nobody reads
any more. Whoever takes over copies what is in doubt into a ring of its own. Only when all of it is there does a wave
there say so, by `since`; from then on this ring counts, and none before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import structlog

from gearmesh.bus.connection import Connection
from gearmesh.bus.log_reader import LogReader
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.errors import BusError, Malformed
from gearmesh.wire.subjects import Subjects, kv_token

log = structlog.get_logger("gearmesh.evidence")

ROUND: Final = 256
"""Waves that are kept of a term. A message that is longer on its way than so many waves is named by a further one."""
MOST_KEYS: Final = 100_000
"""Keys that are looked at, of all terms together: they are removed with each takeover, and by the bucket in the end."""
LONG_AGO: Final = 30 * 86_400_000
"""Milliseconds by which a message is older than the newest one when it is read no more: its leg has been out of the
log for weeks, and no clock was set by as much."""


class Begun(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A delivery that was about to be sent to a thread, and when (milliseconds); 0 when it clearly was not sent."""

    thread: str
    id: str
    at: int = 0


class Wave(msgspec.Struct, frozen=True, array_like=True):
    """What began at one moment, and what is not over of the wave that stood in its place. Since wave number `since`
    there is something that is not over; 0 while more is to come of what is taken over from another ring."""

    number: int = 0
    since: int = 0
    begun: list[Begun] = []


NONE_YET: Final = Wave()


def term_that_counts(rings: Mapping[int, Sequence[Wave]]) -> int:
    """The term whose ring has all that is in doubt; 0 when there is none."""
    return max((term for term, waves in rings.items() if any(wave.since for wave in waves)), default=0)


def not_over(waves: Sequence[Wave]) -> dict[tuple[str, str], tuple[Begun, int]]:
    """What is not over in the waves of one ring, given in order, with the number of the last wave that names it."""
    since = next((wave.since for wave in reversed(waves) if wave.since), 0)
    newest = max((begun.at for wave in waves for begun in wave.begun), default=0)
    last = {(one.thread, one.id): (one, wave.number) for wave in waves if wave.number >= since for one in wave.begun}
    return {key: (one, number) for key, (one, number) in last.items() if one.at and one.at > newest - LONG_AGO}


class Rings:
    """The rings of one app."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects, app: str) -> None:
        self._bucket = subjects.bucket("sends")
        self._store = Store(connection, publisher, self._bucket, Wave)
        self._reader = LogReader(connection)
        self._app = app
        self._keys = f"begun.{kv_token(app)}."

    def entry(self, term: int, place: int, wave: Wave) -> tuple[str, bytes]:
        """Subject and payload of a wave."""
        return self._store.entry(f"{self._keys}{term}.{place}", wave)

    async def read(self) -> dict[int, list[Wave]]:
        """The waves of each term, in order. What cannot be read is left out, and told.

        Raises:
            BusUnavailable: nats does not answer.
        """
        keys = await self._listed()
        while True:
            found = await asyncio.gather(*map(self._wave, keys))
            before, keys = keys, await self._listed()
            if set(keys) <= set(before):
                break
            # Somebody was still taking over, and may have removed what was about to be read here: after it was copied.
        rings: dict[int, list[Wave]] = {}
        for key, wave in zip(before, found, strict=True):
            if wave is not None:
                rings.setdefault(self._term(key), []).append(wave)
        for waves in rings.values():
            waves.sort(key=lambda wave: wave.number)
        return rings

    async def remove_before(self, term: int) -> None:
        """Remove the rings of all terms before this one, which has what was in doubt there."""
        try:
            old = [key for key in await self._listed() if self._term(key) < term]
            await asyncio.gather(*(self._store.delete(key, patience=30.0) for key in old))
        except BusError as error:
            # Nobody reads them, and they do not stay for ever.
            log.info("old waves are left to whoever comes next", app=self._app, error=str(error))

    async def _listed(self) -> list[str]:
        subject = f"$KV.{self._bucket}."
        # By the leader, which knows all that was answered.
        found = await self._reader.subjects(f"KV_{self._bucket}", f"{subject}{self._keys}*.*", most=MOST_KEYS)
        return [key.removeprefix(subject) for key in found]

    def _term(self, key: str) -> int:
        term = key.removeprefix(self._keys).partition(".")[0]
        return int(term) if term.isdecimal() else 0  # so wrote the releases before there were terms

    async def _wave(self, key: str) -> Wave | None:
        try:
            return await self._store.get(key, certain=True)
        except Malformed as error:
            log.error("what was about to be sent cannot be read", app=self._app, error=str(error))
            return None
