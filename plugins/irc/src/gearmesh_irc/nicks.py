"""The nicknames that were ours, and when: history shows what we said under the one that we had then.

A server lets one connection have a nickname at a time. So what was said under one while it was ours was said by us,
and what was said under it before or afterwards was not: somebody else may have had it. When a connection is lost, the
server may hold on to it for a while, and what we wrote last is worked off only then; when a process ends at once, it
does not write down until when it had the nickname. In the while after that the rest of the mask decides.

Times are by the server's clock, in milliseconds. They are kept, so that another process, under another nickname, knows
our own words. What is said now is ours by the nickname of now alone.
"""

from __future__ import annotations

import math
import re
from typing import Final

import msgspec

from gearmesh import BridgeContext
from gearmesh_irc.names import canonical
from gearmesh_irc.session import Session

GROUP: Final = "nicks"
MOST: Final = 20
"""Times that are kept of a nickname: the latest."""
WRITTEN_EVERY: Final = 30_000
LINGERS: Final = 600_000
"""How long after its end a connection may still be there for the server: ping timeouts are two to five minutes."""
GIVEN_UP: Final = "!"
"""The mask of a time whose end the server has told: nothing of ours comes after it. No user@host is so."""
SECOND: Final = 1000
"""InspIRCd keeps whole seconds of its history."""
_KEPT: Final = re.compile(r"(\d{1,15})-(\d{1,15}):(\S*)")


class Held(msgspec.Struct):
    """A time in which a nickname was ours. `mask` is user@host, "" where it was not known; an open one has no end."""

    start: int
    end: float = math.inf
    mask: str = ""

    def has(self, at: int, mask: str) -> bool:
        """Whether what was said at a time under this mask was said by us."""
        if at < self.start // SECOND * SECOND or at > self.end + LINGERS:
            return False
        return at <= self.end or mask == self.mask or not self.mask


class Nicks:
    """The times by nickname, in its canonical form."""

    def __init__(self, context: BridgeContext) -> None:
        self._context = context
        self._held: dict[str, list[Held]] = {}
        self._changed: set[str] = set()
        self._session: Session | None = None
        self._open: tuple[str, Held] | None = None
        self._ahead = 0
        self._written_at = 0

    async def load(self) -> None:
        """Read what was kept.

        Raises:
            BusUnavailable: it cannot be read now.
        """
        for key, value in (await self._context.recall_all(GROUP)).items():
            kept = [Held(int(one[1]), int(one[2]), one[3]) for one in _KEPT.finditer(value)]
            self._held.setdefault(key.removeprefix(f"{GROUP}/"), []).extend(kept)

    def were_ours(self, nick: str, at: int, mask: str) -> bool:
        """Whether we said what was said under a nickname at a time, with this user@host. `at` 0: at any time."""
        held = self._held.get(canonical(nick), [])
        return any(one.has(at, mask) for one in held) if at else bool(held)

    def connected(self, session: Session, at: int) -> None:
        """The session's nickname is ours since `at`, as long as nothing else is said."""
        self._session, self._ahead = session, at - self._now()
        self._begin(session.nick, at)

    def renamed(self, at: int) -> None:
        """The session has another nickname since `at`."""
        if self._session is not None:
            self._end(at, GIVEN_UP)
            self._begin(self._session.nick, at)

    def disconnected(self, silence: float) -> None:
        """The connection is over, on which the server has said nothing for so many seconds: so long ago it is that the
        nickname was ours for certain."""
        self._end(self._now() + self._ahead - math.ceil(silence * 1000))
        self._session = None

    async def write(self) -> None:
        """Write down what has changed, and now and then until when we had the nickname.

        Raises:
            BusUnavailable: not all of it is written down.
        """
        now = self._now()
        if self._open is not None and now - self._written_at >= WRITTEN_EVERY:
            self._changed.add(self._open[0])
            self._written_at = now
        while self._changed:
            name = next(iter(self._changed))
            kept = [
                f"{one.start}-{int(one.end)}:{one.mask}"
                if one.end < math.inf
                else f"{one.start}-{max(now + self._ahead, one.start)}:{self._mask()}"
                for one in self._held[name]
            ]
            await self._context.keep(f"{GROUP}/{name}", " ".join(kept))
            self._changed.discard(name)

    def _begin(self, nick: str, at: int) -> None:
        name, held = canonical(nick), Held(at)
        self._open = name, held
        self._held[name] = [*self._held.get(name, []), held][-MOST:]
        self._changed.add(name)

    def _end(self, at: int, mask: str = "") -> None:
        if self._open is not None:
            name, held = self._open
            held.end, held.mask = max(at, held.start), mask or self._mask()
            self._changed.add(name)
            self._open = None

    def _mask(self) -> str:
        session = self._session
        return f"{session.user}@{session.host}" if session is not None and session.host else ""

    def _now(self) -> int:
        return int(self._context.now() * 1000)
