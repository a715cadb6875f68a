"""What was said while we were away, before what is said now.

A server with draft/chathistory is asked for what came after the last that we have, page by page; what is said meanwhile
in the same place waits until that is read. A bouncer (ZNC with its module `playback`) plays all of it by one command.
The others tell nothing: what was said there while we were away is not to be had.
(https://ircv3.net/specs/extensions/chathistory, https://wiki.znc.in/Playback)
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Final

import msgspec
from irctokens.line import Line, build

from gearmesh_irc.batches import HISTORY, PLAYBACK, TARGETS, Batch, Batches
from gearmesh_irc.ids import ODD, time_of, written
from gearmesh_irc.intake import Intake
from gearmesh_irc.outbox import Outbox
from gearmesh_irc.positions import PEOPLE, Positions
from gearmesh_irc.session import Session

if TYPE_CHECKING:
    import structlog

ANSWER_WITHIN: Final = 20.0
"""Seconds after which history that does not come is waited for no more."""
PAGE: Final = 200
HELD: Final = frozenset({"PRIVMSG", "NOTICE", "TAGMSG", "REDACT"})
CAPABILITIES: Final = ("batch", "draft/chathistory", "message-tags", "server-time")
FAR: Final = 4_102_444_800_000
"""The year 2100."""


def is_told_again(line: Line, batches: Batches) -> bool:
    """Whether it is in a batch of history, asked for or not."""
    return batches.is_in(line, HISTORY) is not None or batches.is_in(line, PLAYBACK) is not None


class _Chase(msgspec.Struct):
    """One place whose history is being read. `asked` are the names in questions that are open, `held` what waits."""

    since: int
    asked: set[str]
    held: list[Line] = []
    reached: dict[str, int] = {}
    """How far, in milliseconds, each name was asked for where the server knows places by times alone."""
    whole: bool = True
    """Nothing of it was refused so far."""
    due: float = math.inf
    """When it is given up, by the loop's clock: a while after the last question went out."""

    def written(self) -> None:
        """A question went out."""
        self.due = asyncio.get_running_loop().time() + ANSWER_WITHIN


class History:
    """The history of one connection. `read` takes a line in."""

    def __init__(
        self,
        outbox: Outbox,
        session: Session,
        positions: Positions,
        intake: Intake,
        read: Callable[[Line], Awaitable[None]],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._outbox, self._session, self._read = outbox, session, read
        self._positions, self._intake, self._log = positions, intake, log
        self._chases: dict[str, _Chase] = {}
        self._since: dict[str, int] = {}
        self._began = 0
        self._kept: dict[str, int] = {}
        """How far each place was taken in when this connection began."""
        self._played_from = FAR
        """Since when the bouncer was asked to play; `FAR` where it was not."""

    def begin(self, at: int, rooms: Collection[str]) -> None:
        """We are on the server since `at`, and are to be in these rooms: ask for direct messages, or the bouncer for
        everything."""
        self._began = at
        self._kept = {place: kept for place in (PEOPLE, *rooms) if (kept := self._positions.of(place))}
        since = self._since[PEOPLE] = self._kept.get(PEOPLE, at)
        if not self._positions.of(PEOPLE):
            self._positions.note(PEOPLE, at)  # whoever comes first has missed nothing
        elif self._session.has(*CAPABILITIES):
            chase = self._chase(PEOPLE, since)
            between = [f"timestamp={written(since - 1)}", f"timestamp={written(FAR)}"]
            self._outbox.put(build("CHATHISTORY", ["TARGETS", *between, str(self._page)]), chase.written)
        if self._session.has("znc.in/playback", "server-time"):
            self._played_from = min([since, *self._kept.values()])
            self._play("*", self._played_from)

    def joined(self, channel: str, at: int) -> None:
        """We are in a channel since `at`: ask for what we missed there."""
        thread = self._session.name_of(channel)
        since = self._since[self._session.fold(channel)] = self._start_of(thread, at)
        if not self._positions.of(thread):
            self._positions.note(thread, at)
        elif self._session.has(*CAPABILITIES):
            chase = self._chase(self._session.fold(channel), since)
            self._ask(chase, channel, f"timestamp={written(since - 1)}")
        elif since < self._played_from < FAR:
            self._play(channel, since)  # it was linked only now

    def _start_of(self, thread: str, at: int) -> int:
        """From where on what is told of a channel is news. A bouncer plays it before and after it says that we are
        there; then that is from where it was asked, however far we have come meanwhile."""
        if self._played_from < FAR:
            return self._kept.pop(thread, 0) or self._positions.of(thread) or min(at, self._began)
        return self._positions.of(thread) or at

    def _play(self, buffer: str, since: int) -> None:
        self._outbox.put(build("PRIVMSG", ["*playback", f"PLAY {buffer} {since / 1000:.3f}"]))

    def is_read(self, thread: str) -> bool:
        """Whether all that there is of a thread was read."""
        channel = self._session.is_channel(thread)
        return (self._session.fold(thread) if channel else PEOPLE) not in self._chases

    def holds(self, line: Line, batches: Batches) -> bool:
        """Whether a line has to wait for what was said before it; then it is kept."""
        if line.command not in HELD or not line.params or batches.is_in(line, HISTORY) is not None:
            return False
        chase = self._chases.get(self._place(line))
        if chase is not None:
            chase.held.append(line)
        return chase is not None

    def is_old(self, line: Line, batches: Batches) -> bool:
        """Whether it is told unasked, as InspIRCd and ZNC do to whoever comes, and was taken in, or before our time."""
        if line.command not in HELD or not line.params:
            return False
        if not is_told_again(line, batches):
            return False
        # InspIRCd keeps whole seconds: what was said within the same one is told apart by its id.
        place = self._place(line)
        since = self._since.get(place)
        if since is None:  # a bouncer tells it before it says that we are there
            since = self._kept.get(self._kept_as(place), self._began)
        return 0 < time_of(line) < since // 1000 * 1000

    def _place(self, line: Line) -> str:
        target = line.params[0]
        return self._session.fold(target) if self._session.is_channel(target) else PEOPLE

    async def closed(self, batch: Batch) -> None:
        """A batch is over: ask for the next page, or let what waited in."""
        if batch.kind == TARGETS and (chase := self._chases.get(PEOPLE)) is not None:
            for line in batch.lines:
                name = line.params[1] if len(line.params) > 1 else ""
                if name and not self._session.is_channel(name):
                    self._ask(chase, name, f"timestamp={written(chase.since - 1)}")
            if not chase.asked:
                await self._finish(PEOPLE)
        elif batch.kind == HISTORY:
            await self._page_read(batch)

    async def refused(self, line: Line) -> None:
        """The server does not tell (FAIL CHATHISTORY): nothing more can be had on this connection."""
        self._log.warning("the server does not tell its history", said=" ".join(line.params))
        named = {self._session.fold(one) for one in line.params[1:-1]}
        found = [place for place, chase in self._chases.items() if place in named or chase.asked & named]
        for place in found or list(self._chases):
            chase = self._chases[place]
            chase.asked -= named
            chase.whole = False
            if not chase.asked or not found:
                await self._finish(place, whole=False)

    async def keep_time(self) -> None:
        """Give up on what does not come, until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            now = asyncio.get_running_loop().time()
            for place in [place for place, chase in self._chases.items() if chase.due < now]:
                self._log.warning("history does not come", place=place, within=ANSWER_WITHIN)
                await self._finish(place, whole=False)

    @property
    def _page(self) -> int:
        most = self._session.isupport.history_most
        return min(most, PAGE) if most else PAGE

    def _chase(self, place: str, since: int) -> _Chase:
        self._intake.hold(self._kept_as(place))
        held = self._chases[place].held if place in self._chases else []
        chase = self._chases[place] = _Chase(since, set(), held)
        return chase

    def _ask(self, chase: _Chase, target: str, after: str) -> None:
        chase.asked.add(self._session.fold(target))
        chase.due = math.inf
        self._outbox.put(build("CHATHISTORY", ["AFTER", target, after, str(self._page)]), chase.written)

    async def _page_read(self, batch: Batch) -> None:
        target = self._session.fold(batch.target)
        place = target if target in self._chases else PEOPLE
        chase = self._chases.get(place)
        if chase is None or target not in chase.asked:
            return
        chase.asked.discard(target)
        if len(batch.lines) >= self._page:
            last = batch.lines[-1]
            msgid, at = (last.tags or {}).get("msgid", ""), time_of(last)
            if msgid and not ODD.search(msgid) and self._session.isupport.history_by_ids:
                self._ask(chase, batch.target, f"msgid={msgid}")
            elif at > 0 and at - 1 > chase.reached.get(target, 0):
                # A millisecond before it: others may have been said within the same one.
                chase.reached[target] = at - 1
                self._ask(chase, batch.target, f"timestamp={written(at - 1)}")
            else:
                self._log.warning("the server has more history than it can be asked for", place=place)
                chase.whole = False
        if not chase.asked:
            await self._finish(place, whole=chase.whole)

    async def _finish(self, place: str, *, whole: bool = True) -> None:
        """Let in what waited. What was not read as a `whole` is asked for again on the next connection, from where it
        began this time."""
        chase = self._chases[place]
        while chase.held:  # more may come to wait while these are read
            await self._read(chase.held.pop(0))
        self._chases.pop(place, None)
        if whole:
            await self._intake.release(self._kept_as(place))

    def _kept_as(self, place: str) -> str:
        return PEOPLE if place == PEOPLE else self._session.name_of(place)
