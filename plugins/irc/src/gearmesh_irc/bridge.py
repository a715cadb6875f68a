"""The bridge to one IRC network, for one account there."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection
from typing import ClassVar, Final

from irctokens.line import Line, build

from gearmesh import (
    Bridge,
    BridgeContext,
    BusUnavailable,
    Capabilities,
    Delivery,
    EchoReceived,
    Event,
    Reaction,
    Rejected,
    Retry,
    Sender,
    Sent,
    Text,
    Unclear,
)
from gearmesh_irc.capabilities import capabilities_of
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.confirmations import TURN_WITHIN, Sending, Written
from gearmesh_irc.connection import Connection, Pace
from gearmesh_irc.ids import Ids, digest, is_known_to_server, known_as, time_of
from gearmesh_irc.intake import Intake
from gearmesh_irc.link import Link
from gearmesh_irc.names import attribution, canonical, is_room, parse_nick, parse_room
from gearmesh_irc.nicks import Nicks
from gearmesh_irc.outgoing import messages_of
from gearmesh_irc.positions import Positions
from gearmesh_irc.registration import Banned, register
from gearmesh_irc.rooms import Rooms
from gearmesh_irc.session import Session
from gearmesh_irc.unfinished import AllUnfinished, Unfinished

PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds until the connection is tried again; each is a little longer or shorter by chance."""
BANNED_PAUSE: Final = 60.0
STABLE: Final = 30.0
"""Seconds after which a connection counts as a good one: the next pause is short again."""
NOTES_EVERY: Final = 1.0
MOST_REACTIONS: Final = 1000
TYPING_EVERY: Final = 3.0
"""Seconds: more often says nothing new (https://ircv3.net/specs/client-tags/typing)."""


class Irc(Bridge):
    """One account. A user is a nickname, a room a channel."""

    network: ClassVar[str] = "irc"
    title: ClassVar[str] = "IRC"
    api: ClassVar[int] = 1
    at_once: ClassVar[int] = 128
    Config = IrcConfig

    def __init__(self, config: IrcConfig, context: BridgeContext) -> None:
        super().__init__(config, context)
        self._settings = config
        self._positions = Positions(context)
        self._nicks = Nicks(context)
        self._intake = Intake(context, self._positions)
        self._rooms = Rooms(config.keys, config.rejoin)
        self._ids = Ids()
        self._pace = Pace(config.burst, config.every)
        self._link: Link | None = None
        self._session: Session | None = None
        self._unfinished = AllUnfinished()
        self._reactions: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._typed: dict[str, float] = {}

    # Names

    def capabilities(self, thread: str) -> Capabilities:
        """What the server can do as long as it is there, and the last time that it was."""
        return capabilities_of(self._settings, self._session, thread)

    def parse_address(self, text: str) -> str:
        """A nickname."""
        return parse_nick(text)

    def format_address(self, user: str) -> str:
        """As it is."""
        return user

    def parse_room(self, text: str) -> str:
        """A channel."""
        return parse_room(text)

    def is_room(self, thread: str) -> bool:
        """Whether it begins as channels do."""
        return is_room(thread)

    async def sit_in(self, rooms: Collection[str]) -> None:
        """Join these, and leave the others."""
        self._rooms.want(rooms)
        self._positions.forget_others(self._rooms.wanted)

    async def ghost(self, thread: str, sender: Sender) -> str:
        """`<name/app>`, which stands before each line of theirs."""
        return attribution(sender)

    # Connection

    async def run(self) -> None:
        """Connect, again and again, until cancelled or refused."""
        await self._positions.load()
        self._positions.forget_others(self._rooms.wanted)
        await self._nicks.load()
        handing_over = asyncio.create_task(self._intake.hand_over(), name="irc intake")
        writing = asyncio.create_task(self._keep_notes(), name="irc notes")
        connecting = asyncio.create_task(self._stay_connected(), name="irc connection")
        tasks = (connecting, handing_over, writing)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(BusUnavailable):  # then some of it comes again, and is recognised
                await self._write_notes()

    async def _keep_notes(self) -> None:
        """Write down what the next process has to know, until cancelled."""
        while True:
            await asyncio.sleep(NOTES_EVERY)
            with contextlib.suppress(BusUnavailable):  # it is tried again a second later
                await self._write_notes()

    async def _write_notes(self) -> None:
        await self._nicks.write()
        await self._positions.write()

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            try:
                await self._connect_once()
            except Banned as error:
                pause, why = BANNED_PAUSE, str(error)
            except OSError as error:
                why = str(error) or type(error).__name__
            if loop.time() - began > STABLE:
                failures, pause = 0, PAUSES[0]
            failures += 1
            await self.context.status("reconnecting", why)
            self.context.log.info("connection lost", why=why, again_after=pause)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))

    async def _connect_once(self) -> None:
        """One connection from beginning to end.

        Raises:
            OSError: it cannot be made, or is lost.
            Unauthorized: the server does not accept a password.
        """
        connection, lines, session = await self._enter()
        try:
            link = Link(
                connection,
                session,
                self._settings,
                self.context,
                self._positions,
                self._rooms,
                self._pace,
                self._ids,
                self._nicks,
                self._intake,
                self._take,
            )
            self._nicks.connected(session, await link.welcome(lines))
            self._link, self._session = link, session
            await self.context.status("connected", f"as {session.nick}")
            await link.run(lines)
        finally:
            self._link = None
            self._nicks.disconnected(asyncio.get_running_loop().time() - connection.heard_at)
            with contextlib.suppress(OSError):
                connection.write(build("QUIT", ["Gearmesh"]))
            await connection.close()

    async def _enter(self) -> tuple[Connection, AsyncIterator[tuple[Line, bytes]], Session]:
        """A connection, what the server says on it, and what is known of it after the welcome.

        Raises:
            OSError: the server is not there, or lets us not in now.
            Unauthorized: it does not accept a password.
        """
        try:
            connection = await Connection.open(self._settings)
            try:
                lines = connection.lines()
                session = await register(connection, lines, self._settings, self._nicks.were_ours)
            except BaseException:
                await connection.close()
                raise
        except OSError:
            self._pace.acquit()
            raise
        self._pace.convict()
        return connection, lines, session

    async def _take(self, event: Event, at: int) -> None:
        """An event from the server. What it says of our own messages settles those of which nobody knows."""
        if isinstance(event, EchoReceived):
            event = self._unfinished.settled(event)
        await self._intake.put(event, at)

    # Sending

    async def send(self, delivery: Delivery) -> Sent:
        """Send words. What was confirmed when it failed is not sent again: the next try goes on behind it."""
        if not isinstance(delivery.content, Text):
            raise Rejected("IRC carries words")
        link = self._linked(delivery.thread)
        begun = unfinished = self._unfinished.of(delivery.id)
        if unfinished is None:
            messages = messages_of(delivery, link.session)
            if not messages:
                raise Rejected("there are no words in it")
            unfinished = self._unfinished.begin(delivery.id, delivery.thread, messages)
        if unfinished.open_ and not link.has_read(delivery.thread):
            raise Retry("the history is read first, to see whether it has arrived", after=0.5)
        if begun:
            unfinished.fit(delivery, link.session)
        until = asyncio.get_running_loop().time() + TURN_WITHIN
        waiting: tuple[int, Written] | None = None
        async with link.confirmations.turn(delivery.thread, until):
            # The last one is confirmed when our turn is over: then the next delivery is on its way already.
            for number in range(len(unfinished.ids), len(unfinished.messages)):
                if waiting is not None:
                    await self._confirm(link, delivery, unfinished, *waiting)
                if waiting is not None and asyncio.get_running_loop().time() > until:
                    raise Retry("the rest of a long message waits for its turn", after=0)
                unfinished.open_.discard(number)  # who sends again has found no sign of it
                sending = Sending(delivery.thread, digest(delivery.id, str(number)), delivery.id)
                lines = unfinished.messages[number].lines
                waiting = number, await link.confirmations.write(delivery.thread, *lines, until=until, sending=sending)
        if waiting is not None:
            await self._confirm(link, delivery, unfinished, *waiting)
        self._unfinished.end(delivery.id)
        return Sent(tuple(unfinished.ids[number] for number in range(len(unfinished.messages))))

    async def _confirm(
        self, link: Link, delivery: Delivery, unfinished: Unfinished, number: int, written: Written
    ) -> None:
        """Wait until the server has taken a message, and note what it is called.

        Raises:
            SendFailed: it has not, or nobody knows.
        """
        try:
            confirmed = await link.confirmations.outcome(written)
        except (Unclear, asyncio.CancelledError):
            unfinished.open_.add(number)
            raise
        except Rejected:
            self._unfinished.end(delivery.id)
            raise
        native_id = unfinished.ids[number] = _id_of(confirmed.echo, delivery, number)
        self._intake.confirmed(delivery.thread, native_id, time_of(confirmed.echo) if confirmed.echo else 0)

    def _linked(self, thread: str) -> Link:
        """The connection, in the channel that is written to.

        Raises:
            SendFailed: there is none, or we are not in the channel; nothing has gone out.
        """
        if self._link is None:
            raise Retry("there is no connection to the server")
        session = self._link.session
        inside = self._rooms.is_wanted(thread) and session.fold(thread) in session.members
        if is_room(thread) and not inside:
            raise self._rooms.absence(thread)
        return self._link

    # More than words

    async def react(self, delivery: Delivery) -> Sent:
        """Show a reaction by a tag: our account has one at each message, the latest."""
        link = self._linked(delivery.thread)
        reaction, target = delivery.content, delivery.target[-1] if delivery.target else ""
        if not isinstance(reaction, Reaction) or not link.session.has("message-tags"):
            raise Rejected("the server carries no reactions")
        if not is_known_to_server(target) or not self._intake.knows(target):
            raise Rejected("the message is not known any more")
        place = (delivery.thread, target)
        before = self._reactions.get(place, "") or (reaction.emoji if reaction.removed else "")
        if before and (reaction.removed or before != reaction.emoji):
            await self._tag(link, delivery.thread, {"+draft/unreact": before, "+draft/reply": target})
            self._reactions.pop(place, None)
        if not reaction.removed:
            await self._tag(link, delivery.thread, {"+draft/react": reaction.emoji, "+draft/reply": target})
            self._reactions[place] = reaction.emoji
            if len(self._reactions) > MOST_REACTIONS:
                self._reactions.popitem(last=False)
        return Sent(())

    async def redact(self, delivery: Delivery) -> Sent:
        """Take messages back that the server knows by their ids."""
        link = self._linked(delivery.thread)
        known = bool(delivery.target) and all(map(is_known_to_server, delivery.target))
        if not link.session.has("draft/message-redaction") or not known:
            raise Rejected("the server cannot take the message back")
        for target in delivery.target:
            await link.confirmations.say(delivery.thread, build("REDACT", [delivery.thread, target]))
        return Sent(())

    async def typing(self, thread: str, user: str, on: bool, last: str) -> None:
        """Show it by a tag, where the server lets it through."""
        link = self._link
        if link is None or not link.session.has("message-tags") or link.session.isupport.denies("typing"):
            return
        now = asyncio.get_running_loop().time()
        if on and now - self._typed.get(thread, -TYPING_EVERY) < TYPING_EVERY:
            return
        if not link.pace.at_once():
            return  # words are more urgent, and that somebody types is soon not true any more
        self._typed = {other: at for other, at in self._typed.items() if now - at < TYPING_EVERY and other != thread}
        if on:
            self._typed[thread] = now
        link.connection.write(Line({"+typing": "active" if on else "done"}, None, "TAGMSG", [thread]))

    async def _tag(self, link: Link, thread: str, tags: dict[str, str]) -> None:
        await link.confirmations.say(thread, Line(tags, None, "TAGMSG", [thread]))


def _id_of(echo: Line | None, delivery: Delivery, number: int) -> str:
    """The id of a message of ours: the server's, or the one that its history leads to, or one of the delivery."""
    tags = (echo.tags or {}) if echo is not None else {}
    if told := tags.get("msgid"):
        return known_as(told)
    if echo is not None and (when := tags.get("time")) and echo.source and len(echo.params) > 1:
        return digest(delivery.thread, canonical(echo.hostmask.nickname), when, echo.params[1])
    return digest(delivery.id, str(number))
