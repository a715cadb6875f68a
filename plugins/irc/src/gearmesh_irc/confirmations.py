"""What became of the lines that we wrote: TCP does not say, the server has to.

    has labeled-response and echo-message         has neither
    @label=g7 PRIVMSG #garden :Hello  ─▶          PRIVMSG #garden :Hello  ─▶
    ◀─ @label=g7;msgid=… :us PRIVMSG …            PING g7                 ─▶
                                                  ◀─ PONG server g7

A server works a client's lines off in order: a PONG with a later line's number says that all before it were taken, and
a numeric that refuses one comes before it. Many lines are on their way at once, to one target, too. Those that are
written in one moment to several targets share a PING. Between two lines to one target there is always one: a refusal
names the target alone, and so it is certain which of them is meant. A connection that is lost before all that leaves
it open. ZNC answers PING itself: behind it a PONG says that the bouncer has the line, and a refusal that comes later is
told as a receipt.
(https://ircv3.net/specs/extensions/labeled-response, https://ircv3.net/specs/extensions/echo-message)
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from typing import Final

import msgspec
from irctokens.line import Line, build

from gearmesh import Retry, SendFailed, Unclear
from gearmesh_irc.batches import whole_of
from gearmesh_irc.connection import Connection, Lost, Pace
from gearmesh_irc.isupport import number_in
from gearmesh_irc.refusals import failure_of, is_refusal
from gearmesh_irc.session import Session
from gearmesh_irc.turns import CROWDED, Turn, Turns

ANSWER_WITHIN: Final = 25.0
"""Seconds after which a line without an answer is unclear. `send` has 60 in all."""
REMEMBERED: Final = 100
"""Messages behind a bouncer that may still be refused: its PONG says that it has them, not that the server has."""
TURN_WITHIN: Final = 30.0
"""Seconds after which what was not yet written goes back to the log."""
_ECHOED: Final = frozenset({"PRIVMSG", "TAGMSG", "REDACT"})
_WORDS: Final = frozenset({"PRIVMSG", "BATCH"})


class Confirmed(msgspec.Struct, frozen=True):
    """The server has taken it. `echo` is how it shows it to us, where it does."""

    echo: Line | None = None


class Sending(msgspec.Struct, frozen=True):
    """Which message it is that is written, for what is learned of it later."""

    thread: str = ""
    native_id: str = ""
    delivery_id: str = ""


class LateRefusal(msgspec.Struct, frozen=True):
    """A message was refused that counted as taken."""

    sending: Sending
    error: SendFailed


_Said = tuple[tuple[str, ...], frozenset[tuple[str, str]]]


class Written(msgspec.Struct):
    """Lines that went out as one. `target` is as the server compares it; `said` is what stands behind it, with the
    tags that others get to see: who shares a bouncer with us says other things to the same target."""

    number: int
    command: str
    target: str
    said: _Said
    sent: Sending
    labelled: bool
    answer: asyncio.Future[Confirmed]
    due: float


NOBODYS: Final = Sending()
NO_LABEL: Final = "no label"
"""Where those wait for a turn whose refusal would name neither label nor target."""


class Confirmations:
    """Writes lines on one connection, and waits for what becomes of them."""

    def __init__(self, connection: Connection, session: Session, pace: Pace) -> None:
        self._connection, self._session, self._pace = connection, session, pace
        self._number = 0
        self._waiting: dict[int, Written] = {}
        """By number, the oldest first."""
        self._batches: dict[str, int] = {}
        self._turns = Turns()
        self._not_asked: set[str] = set()
        """Targets of lines that no PING stands behind yet."""
        self._barrier: asyncio.Handle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._passed_on: deque[Written] = deque(maxlen=REMEMBERED)
        self._late: list[LateRefusal] = []
        self._over = ""

    async def say(self, target: str, *lines: Line, sending: Sending = NOBODYS) -> Confirmed:
        """Write what is one message to a target, and wait until the server has taken it.

        Raises:
            SendFailed: what the server's no means; `Retry`, it was not written; `Unclear`, nobody knows.
        """
        until = asyncio.get_running_loop().time() + TURN_WITHIN
        async with self.turn(target, until):
            written = await self.write(target, *lines, until=until, sending=sending)
        return await self.outcome(written)

    def turn(self, target: str, until: float) -> Turn:
        """A turn to write to a target, in the order of the calls. Who waits for a turn can be told `Retry`."""
        return self._turns.at(self._session.fold(target), until)

    async def write(self, target: str, *lines: Line, until: float, sending: Sending = NOBODYS) -> Written:
        """Write what is one message, in our turn, as soon as the server takes more; `until` then.

        Raises:
            Retry: it was not written.
        """
        held = False
        batch = lines[0].command == "BATCH" and not self._session.labels
        if not batch and not self._connection.is_behind and self._pace.at_once():
            return self._write(self._session.fold(target), lines, sending)
        try:
            async with asyncio.timeout_at(until):
                if batch:
                    # What refuses one names no target (multiline, Errors): there is one at a time.
                    await self._turns.take(NO_LABEL)
                    held = True
                # A message of several lines is one for servers that know such messages.
                await self._pace.turn()
                await self._connection.drain()
            written = self._write(self._session.fold(target), lines, sending)
        except BaseException as error:
            if held:
                self._turns.pass_on(NO_LABEL)
            if isinstance(error, TimeoutError):
                raise Retry(CROWDED) from None
            if isinstance(error, Lost):
                raise Retry(str(error)) from error
            raise
        if held:
            written.answer.add_done_callback(lambda _: self._turns.pass_on(NO_LABEL))
        return written

    def _write(self, folded: str, lines: tuple[Line, ...], sending: Sending) -> Written:
        if self._over:
            raise Retry(self._over)
        loop = asyncio.get_running_loop()
        labelled = self._session.labels
        if folded in self._not_asked and not labelled:
            self._ask()
        self._number += 1
        number, first = self._number, lines[0]
        if labelled:
            lines = (Line({**(first.tags or {}), "label": f"g{number}"}, None, first.command, first.params), *lines[1:])
        if not labelled:
            self._not_asked.add(folded)
            if self._barrier is None:  # before the lines, which go out in the same moment after it
                self._barrier = loop.call_soon(self._ask)
        try:
            self._connection.write(*lines)
        except Lost as error:
            raise Retry(str(error)) from error
        said = _said(whole_of(lines) or first)
        due = loop.time() + ANSWER_WITHIN
        written = Written(number, first.command, folded, said, sending, labelled, loop.create_future(), due)
        self._waiting[number] = written
        if self._alarm is None:
            self._alarm = loop.call_at(due, self._expire)
        return written

    async def outcome(self, written: Written) -> Confirmed:
        """Wait for what becomes of it.

        Raises:
            SendFailed: what the server's no means; `Unclear`, nobody knows.
        """
        try:
            return await written.answer
        finally:
            self._waiting.pop(written.number, None)

    def _expire(self) -> None:
        """Of the lines that have no answer for too long nobody knows."""
        loop = asyncio.get_running_loop()
        while self._waiting and (oldest := next(iter(self._waiting.values()))).due <= loop.time():
            why = f"the server has not said within {ANSWER_WITHIN:g} s that it took the line"
            self._fail(oldest, Unclear(why))
        oldest_due = next((one.due for one in self._waiting.values()), None)
        self._alarm = loop.call_at(oldest_due, self._expire) if oldest_due is not None else None

    def _ask(self) -> None:
        if self._barrier is not None:
            self._barrier.cancel()
            self._barrier = None
        self._not_asked.clear()
        with contextlib.suppress(Lost):  # whoever waits is told by `lost`
            self._connection.write(build("PING", [f"g{self._number}"]))
            self._pace.owe()

    def take(self, line: Line) -> bool:
        """Take in a line from the server; whether it was an answer, and about nothing else."""
        tags = line.tags or {}
        if line.command == "PONG":
            return self._passed(line.params[-1] if line.params else "")
        if line.command == "BATCH":
            return self._batch(line, tags)
        number = _number_of(tags.get("label", "")) or self._batches.get(tags.get("batch", ""), 0)
        if (waiting := self._waiting.get(number)) is not None:
            return self._answered(waiting, line)
        return self._unlabelled(line)

    def lost(self, why: str) -> int:
        """The connection is over: of what has no answer yet nobody knows. How many lines that are."""
        self._over = why
        unanswered = len(self._waiting)
        for waiting in list(self._waiting.values()):
            self._fail(waiting, Unclear(f"{why}, before the server had said that it took the line"))
        for handle in (self._barrier, self._alarm):
            if handle is not None:
                handle.cancel()
        return unanswered

    def confirm_batch(self, opening: Line, whole: Line) -> bool:
        """Take in a message of several lines that is ours, when all of it is there."""
        tags = opening.tags or {}
        number = _number_of(tags.get("label", "")) or self._batches.get(tags.get("batch", ""), 0)
        waiting = self._waiting.get(number)
        if waiting is None:
            waiting = self._first(self._session.fold(whole.params[0]))
            if waiting is not None and _said(whole) != waiting.said:
                return False
        if waiting is not None:
            self._confirm(waiting, opening)
        return waiting is not None

    def _batch(self, line: Line, tags: dict[str, str]) -> bool:
        reference = line.params[0] if line.params else ""
        number = _number_of(tags.get("label", ""))
        if reference.startswith("+") and number and line.params[1:2] == ["labeled-response"]:
            self._batches[reference[1:]] = number
            return True
        if reference.startswith("-") and (number := self._batches.pop(reference[1:], 0)):
            if (waiting := self._waiting.get(number)) is not None:
                self._acknowledged(waiting)
            return True
        return False

    def _answered(self, waiting: Written, line: Line) -> bool:
        if line.command == "ACK":
            self._acknowledged(waiting)
        elif line.command == waiting.command and self._is_ours(line):
            if self._session.fold(line.params[0]) == waiting.target:
                self._confirm(waiting, line)
        elif is_refusal(line, labelled=True):
            self._refuse(waiting, line)
        return True

    def _refuse(self, waiting: Written, line: Line) -> None:
        error = failure_of(line)
        if self._session.is_channel(waiting.target) and waiting.target not in self._session.members:
            # A kick overtook it, and that is why: when we are in the channel again it may be let through.
            error = Retry(f"we were no longer in the channel when it arrived: {error}", code=line.command)
        self._fail(waiting, error)

    def _unlabelled(self, line: Line) -> bool:
        if line.command in _ECHOED:
            if not self._is_ours(line) or not self._session.has("echo-message") or "batch" in (line.tags or {}):
                return False
            waiting = self._first(self._session.fold(line.params[0]))
            if waiting is None or waiting.command != line.command or waiting.said != _said(line):
                return False
            self._confirm(waiting, line)
            return True
        if is_refusal(line):
            named = [self._session.fold(one) for one in line.params[1:]]
            waiting = next(filter(None, map(self._first, named)), None)
            if waiting is None and line.command in {"411", "412", "417"}:
                waiting = next((one for one in self._waiting.values() if not one.labelled), None)
            if waiting is None and line.command == "FAIL" and line.params[:1] == ["BATCH"]:
                waiting = next(
                    (one for one in self._waiting.values() if one.command == "BATCH" and not one.labelled), None
                )
            if waiting is None and self._session.is_bouncer:
                return self._refused_late(named, line)
            if waiting is not None:
                self._refuse(waiting, line)
            return waiting is not None
        return False

    def late(self) -> list[LateRefusal]:
        """What was refused since the last time, though it had counted as taken."""
        late, self._late = self._late, []
        return late

    def _refused_late(self, named: list[str], line: Line) -> bool:
        # Of several to one target the latest it is, most likely: people write slower than servers answer.
        for passed in reversed(self._passed_on):
            if passed.target in named and passed.sent.native_id:
                self._passed_on.remove(passed)
                self._late.append(LateRefusal(passed.sent, failure_of(line)))
                return True
        return False

    def _is_ours(self, line: Line) -> bool:
        return line.source is not None and bool(line.params) and self._session.is_me(line.hostmask.nickname)

    def _first(self, folded: str) -> Written | None:
        """The one line without a label that waits for this target."""
        return next((one for one in self._waiting.values() if one.target == folded and not one.labelled), None)

    def _passed(self, token: str) -> bool:
        number = _number_of(token)
        passed = itertools.takewhile(lambda waiting: waiting.number <= number, self._waiting.values())
        for waiting in [waiting for waiting in passed if not waiting.labelled]:
            if self._session.is_bouncer:
                self._passed_on.append(waiting)
            self._confirm(waiting, None)
        return number > 0

    def _confirm(self, waiting: Written, echo: Line | None) -> None:
        self._waiting.pop(waiting.number, None)
        if not waiting.answer.done():
            waiting.answer.set_result(Confirmed(echo))

    def _fail(self, waiting: Written, error: SendFailed) -> None:
        self._waiting.pop(waiting.number, None)
        if not waiting.answer.done():
            waiting.answer.set_exception(error)

    def _acknowledged(self, waiting: Written) -> None:
        """The server has worked it off, and shows nothing of it (labeled-response, ACK). Of words that says little
        where echo-message is on: they would be shown."""
        if waiting.command in _WORDS:
            self._fail(waiting, Unclear("the server has taken the line, and does not show that anybody read it"))
        else:
            self._confirm(waiting, None)


def _number_of(label: str) -> int:
    return number_in(label[1:], 0) if label[:1] == "g" else 0


def _said(line: Line) -> _Said:
    tags = {name: value for name, value in (line.tags or {}).items() if name.startswith("+")}
    return tuple(line.params[1:]), frozenset(tags.items())
