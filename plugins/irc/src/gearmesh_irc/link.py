"""One connection at work: each line that comes goes to whoever waits for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from irctokens.line import Line, build

from gearmesh import BridgeContext, Event, ReceiptReceived, Unparsed
from gearmesh_irc.batches import HISTORY, MULTILINE, Batches
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.confirmations import Confirmations, LateRefusal
from gearmesh_irc.connection import Connection, Lost, Pace
from gearmesh_irc.history import History, is_told_again
from gearmesh_irc.ids import Ids, time_of
from gearmesh_irc.incoming import Reader
from gearmesh_irc.intake import Intake
from gearmesh_irc.nicks import Nicks
from gearmesh_irc.outbox import Outbox
from gearmesh_irc.positions import Positions
from gearmesh_irc.rooms import Rooms
from gearmesh_irc.session import WANTED, Session

ALIVE: Final = "alive"
"""What we ask with whether the server is still there."""
WELCOME_WITHIN: Final = 30.0
FLOOD: Final = re.compile(r"flood|too (fast|many)|excess|sendq|recvq", re.IGNORECASE)
MOST_TOLD: Final = 500
"""Characters of what is reported of the app."""
MANY: Final = 5
"""Lines without an answer when a connection is lost: so many are a sign that they were too many."""
Take = Callable[[Event, int], Awaitable[None]]


def failed(refused: LateRefusal, at: int) -> ReceiptReceived:
    """A refusal behind a bouncer as an event; `at` in milliseconds."""
    one = refused.sending
    return ReceiptReceived(
        one.thread,
        one.thread,
        at,
        "failed",
        (one.native_id,),
        detail=str(refused.error),
        delivery_id=one.delivery_id,
        failure=refused.error,
    )


class Link:
    """A connection that has been let in."""

    def __init__(
        self,
        connection: Connection,
        session: Session,
        config: IrcConfig,
        context: BridgeContext,
        positions: Positions,
        rooms: Rooms,
        pace: Pace,
        ids: Ids,
        nicks: Nicks,
        intake: Intake,
        take: Take,
    ) -> None:
        self.connection, self.session = connection, session
        self.confirmations = Confirmations(connection, session, pace)
        self._config, self._context, self._rooms, self.pace = config, context, rooms, pace
        self._outbox = Outbox(connection, pace)
        self._take, self._nicks = take, nicks
        self._reader = Reader(ids)
        self._batches = Batches()
        self._history = History(self._outbox, session, positions, intake, self._read, context.log)
        self._listening = True
        self._last_words = ""
        self._troubles: dict[str, str] = {}
        self._welcomed_at = 0
        self._early: list[tuple[Line, bytes]] = []

    async def welcome(self, lines: AsyncIterator[tuple[Line, bytes]]) -> int:
        """Read on until the server has said all of itself: 376 or 422, the end of its message of the day. When that
        was, by its clock, in milliseconds.

        Raises:
            Lost: it hangs up, or does not come to an end.
        """
        try:
            async with asyncio.timeout(WELCOME_WITHIN):
                async for line, raw in lines:
                    if line.command in {"376", "422"}:
                        self._welcomed_at = time_of(line) or round(self._context.now() * 1000)
                        return self._welcomed_at
                    if line.command in {"PING", "ERROR", "CAP"}:
                        await self._hear(line, raw)
                    elif line.command.isdigit():
                        self.session.learn(line)
                    else:
                        self._early.append((line, raw))
        except TimeoutError:
            raise Lost("the server does not come to the end of its welcome") from None
        raise Lost(self._last_words or "the server hung up during its welcome")

    async def run(self, lines: AsyncIterator[tuple[Line, bytes]]) -> None:
        """Work until the connection is lost, or cancelled.

        Raises:
            Lost: it is, and why.
        """
        if bot := self.session.isupport.modes_bot:
            self._outbox.put(build("MODE", [self.session.nick, f"+{bot}"]))
        self._history.begin(self._welcomed_at, self._rooms.wanted)
        self._rooms.reconnected()
        tasks = [
            asyncio.create_task(work, name=f"irc {name}")
            for name, work in (
                ("lines", self._listen(lines)),
                ("rooms", self._rooms.keep_in(self.connection, self.session, self.pace)),
                ("outbox", self._outbox.work_off()),
                ("alive", self._keep_alive()),
                ("history", self._history.keep_time()),
                ("nick", self._regain()),
            )
        ]
        why = "the connection was closed"
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except OSError as error:
            why = self._last_words or str(error)
            raise Lost(why) from error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # Who is thrown out for flooding does not always get to read why: the reset overtakes the words.
            unanswered = self.confirmations.lost(why)
            if FLOOD.search(self._last_words):
                self.pace.flooded()
            elif unanswered >= MANY:
                self.pace.suspect()

    async def _listen(self, lines: AsyncIterator[tuple[Line, bytes]]) -> None:
        while self._early:
            await self._hear(*self._early.pop(0))
        async for line, raw in lines:
            self._listening = False
            await self._hear(line, raw)
            self._listening = True
            self.connection.heard_at = asyncio.get_running_loop().time()
        raise Lost(self._last_words or "the server hung up")

    async def _hear(self, line: Line, raw: bytes) -> None:
        """A line that lacks what its command needs is kept as it is, and costs no connection."""
        try:
            await self._handle(line, raw)
        except (IndexError, ValueError, OverflowError) as error:
            self._context.log.warning("a line makes no sense", line=raw.decode(errors="replace"), why=str(error))
            await self._take(Unparsed(raw, "a line that makes no sense"), 0)

    async def _handle(self, line: Line, raw: bytes) -> None:
        match line.command:
            case "":
                await self._take(Unparsed(raw, "no line that a server says"), 0)
                return
            case "PING":
                self.connection.write(build("PONG", line.params[-1:]))
                return
            case "ERROR":
                self._last_words = line.params[-1] if line.params else ""
                return
            case "CAP":
                self._capabilities_changed(line)
                return
            case "FAIL" if line.params[:1] == ["CHATHISTORY"]:
                await self._history.refused(line)
                return
        # What is refused while a message of ours is on its way was written before any JOIN that is.
        if self.confirmations.take(line):
            self.session.learn(line)
            for refused in self.confirmations.late():
                await self._take(failed(refused, round(self._context.now() * 1000)), 0)
            return
        is_refused = self._rooms.take(line, self.session)
        if self._rooms.troubles != self._troubles:
            await self._tell_of_rooms()
        if is_refused:
            return
        whole, closed = self._batches.feed(line)
        ours = closed is not None and closed.kind == MULTILINE and self._is_ours(closed.opening)
        if (
            closed is not None
            and whole is not None
            and ours
            and self.confirmations.confirm_batch(closed.opening, whole)
        ):
            return
        if whole is not None and self._history.is_old(whole, self._batches):
            whole = None
        if whole is not None and not self._history.holds(whole, self._batches):
            await self._read(whole, raw, told_again=is_told_again(whole, self._batches))
        if closed is not None:
            await self._history.closed(closed)

    async def _read(self, line: Line, raw: bytes = b"", *, told_again: bool = False) -> None:
        now = round(self._context.now() * 1000)
        raw = raw or line.format().encode()
        for event in self._reader.events(line, self.session, now, raw, told_again=told_again):
            await self._take(event, time_of(line))
        ours_before = self.session.nick
        self.session.learn(line)
        if self.session.nick != ours_before:
            self._nicks.renamed(time_of(line) or now)
            await self._report()
        if line.command == "JOIN" and line.params and line.source and self.session.is_me(line.hostmask.nickname):
            self._history.joined(line.params[0], time_of(line) or now)
        freed = line.command in {"QUIT", "NICK"} and line.source and self.session.nick == ours_before
        if freed and self.session.fold(line.hostmask.nickname) == self.session.fold(self._config.nick):
            self._ask_for_nick()

    async def _tell_of_rooms(self) -> None:
        """Nobody else tells an operator that a key is wrong before somebody writes."""
        before, self._troubles = self._troubles, self._rooms.troubles
        for room, trouble in self._troubles.items():
            if before.get(room) != trouble:
                self._context.log.warning("a room has a trouble", room=room, trouble=trouble)
        await self._report()

    async def _report(self) -> None:
        told = "; ".join((f"as {self.session.nick}", *self._troubles.values()))
        await self._context.status("connected", told[:MOST_TOLD])

    def has_read(self, thread: str) -> bool:
        """Whether what was said in a thread during an outage was read, also what we said."""
        return self._history.is_read(thread)

    def _is_ours(self, opening: Line) -> bool:
        inside = self._batches.is_in(opening, HISTORY) is not None
        return not inside and opening.source is not None and self.session.is_me(opening.hostmask.nickname)

    def _capabilities_changed(self, line: Line) -> None:
        """https://ircv3.net/specs/extensions/capability-negotiation: cap-notify."""
        match line.params:
            case [_, "NEW", listed]:
                for one in listed.split():
                    name, _, value = one.partition("=")
                    self.session.offered[name] = value
                    if name in WANTED:
                        self._outbox.put(build("CAP", ["REQ", name]))
            case [_, "DEL", listed]:
                self.session.agreed.difference_update(listed.split())
            case [_, "ACK", listed]:
                self.session.agreed.update(one for one in listed.split() if not one.startswith("-"))
            case _:
                pass

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        quiet = self._config.quiet
        while True:
            # As long as too much waits for Gearmesh nothing is read: that is no silence of the server.
            silence = loop.time() - self.connection.heard_at if self._listening else 0.0
            if silence >= 2 * quiet:
                raise Lost(f"the server has said nothing for {silence:.0f} s")
            if silence >= quiet:
                self.connection.write(build("PING", [ALIVE]))
                self.pace.owe()
            await asyncio.sleep(quiet / 2)

    async def _regain(self) -> None:
        """Ask for our own nickname until it is ours."""
        while True:
            await asyncio.sleep(self._config.regain)
            self._ask_for_nick()

    def _ask_for_nick(self) -> None:
        if self.session.nick != self._config.nick:
            self._outbox.put(build("NICK", [self._config.nick]))
