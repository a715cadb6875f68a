"""The contract, on a server that can do all that the bridge can; what is about rooms, and about many lines at once,
also on real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final, Protocol

import msgspec
from irctokens.line import Line

from gearmesh import (
    BridgeContext,
    Message,
    RateLimited,
    Rejected,
    Retry,
    Secret,
    SendFailed,
    Text,
    Unclear,
)
from gearmesh.model.content import MembershipChange
from gearmesh.testing import Shown
from gearmesh.testing.contract import Author, BridgeContract
from gearmesh.testing.contract.at_once import AtOnceRules
from gearmesh.testing.contract.rooms import RoomRules
from gearmesh_irc.batches import Batches
from gearmesh_irc.bridge import Irc
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.incoming import ATTRIBUTION, REACT, REPLY, UNREACT

from .ircd import Ircd
from .person import Person
from .proxy import Proxy
from .servers import Server, inspircd, ngircd

ROOM: Final = "#garden"
REFUSALS = {Rejected: "404", RateLimited: "439", Retry: "437", Unclear: "silence"}


class IrcSide(Author):
    """Ada, on any server, and in a channel there. `port` is where the bridge connects."""

    a_user = "ada"
    a_room = ROOM
    rooms = {" #Garden ": ROOM, "&Local": "&local"}  # noqa: RUF012
    bad_rooms = ("garden", "#", "#the garden", "#a,#b")
    keeps_messages = False
    refuses_singly = "a server that refuses a line for the moment has read those behind it by then"
    ada: Person
    port: int

    def make_bridge(self, context: BridgeContext, password: str = "sesame") -> Irc:
        return Irc(
            IrcConfig(
                host="127.0.0.1",
                port=self.port,
                nick="gearmesh",
                tls=False,
                password=Secret(password),
                burst=1000,
                every=0.001,
            ),
            context,
        )

    async def user_writes(self, text: str) -> str:
        return await self.ada.says("gearmesh", text)

    async def user_says(self, text: str) -> str:
        return await self.ada.says(ROOM, text)

    async def shown(self) -> Sequence[Shown]:
        return [self._shown(line) for line in self._lines_to("ada")]

    async def shown_in_room(self) -> Sequence[Shown]:
        return [self._shown(line) for line in self._lines_to(ROOM)]

    async def we_are_in_room(self) -> bool:
        inside = False
        for line in self.ada.lines:
            if line.source and line.hostmask.nickname == "gearmesh" and line.command in {"JOIN", "PART", "QUIT"}:
                inside = line.command == "JOIN"
        return inside

    async def user_moves(self, change: MembershipChange, text: str = "") -> None:
        if change == "joined":
            await self.ada.join(ROOM)
            return
        command, params = ("PART", [ROOM]) if change == "left" else ("TOPIC", [ROOM, text])
        start = len(self.ada.lines)
        self.ada.say_raw(command, *params)
        await self.ada.hears(lambda line: line.command == command, start)

    def _lines_to(self, target: str) -> list[Line]:
        """The lines of the bridge to somebody or to a channel, with those of several lines as one."""
        batches = Batches()
        lines = [batches.feed(raw)[0] for raw in self.ada.lines]
        return [
            line
            for line in lines
            if line is not None
            and line.source
            and line.command == "PRIVMSG"
            and line.params[0].lower() == target
            and line.hostmask.nickname == "gearmesh"
        ]

    def _shown(self, line: Line) -> Shown:
        """As a person reads it: who is named before the words has written them."""
        words, tags = line.params[1], line.tags or {}
        named = ATTRIBUTION.match(words)
        author = named[0].replace("\u200d", "") if named else ""
        about = next((tags[name] for name in REPLY if name in tags), "")
        return Shown(tags.get("msgid", ""), words[named.end() :] if named else words, author=author, reply_to=about)


class TestIrc(IrcSide, BridgeContract):
    """A server with the drafts."""

    addresses = {" Ada ": "ada", "ADA": "ada"}  # noqa: RUF012
    bad_addresses = ("#garden", "ada ben", "ada!user@host", "1st")

    @asynccontextmanager
    async def network(self) -> AsyncIterator[None]:
        async with Ircd(password="sesame") as self.ircd, Person("ada", self.ircd.port, password="sesame") as self.ada:
            self.port = self.ircd.port
            self.written: dict[str, str] = {}
            await self.ada.join(ROOM)
            yield

    def make_unauthorized_bridge(self, context: BridgeContext) -> Irc:
        return self.make_bridge(context, "mustard")

    async def user_writes(self, text: str) -> str:
        native_id = await self.ada.says("gearmesh", text)
        self.written[native_id] = text
        return native_id

    async def user_replies(self, text: str, quoted: str) -> str:
        return await self.ada.says("gearmesh", text, tags={"+draft/reply": quoted})

    async def user_sends(self, content: Message, data: bytes = b"") -> str:
        if not isinstance(content, Text) or content.forwarded:
            self.cannot("IRC carries words")
        return await self.user_writes(content.text.replace("**", "\x02"))

    async def user_reacts(self, message: str, emoji: str) -> None:
        tag = {"+draft/react": emoji} if emoji else {"+draft/unreact": "❤️"}
        self.ada.say_raw("TAGMSG", "gearmesh", tags={**tag, "+draft/reply": message})

    async def user_edits(self, message: str, text: str) -> None:
        self.cannot("IRC has no way to change a message")

    async def user_unsends(self, message: str) -> None:
        self.ada.say_raw("REDACT", "gearmesh", message)

    async def user_types(self, on: bool) -> None:
        self.ada.say_raw("TAGMSG", "gearmesh", tags={"+typing": "active" if on else "done"})

    async def user_reads(self) -> None:
        self.cannot("IRC has no receipts")

    async def user_sends_file(self, data: bytes) -> str:
        self.cannot("IRC carries words")

    async def typing_shown(self) -> bool:
        states = [tags["+typing"] for line in self.ada.lines if "+typing" in (tags := line.tags or {})]
        return states[-1:] == ["active"]

    async def shown(self) -> Sequence[Shown]:
        return [shown for shown in self._as_read().values() if not shown.deleted and shown.id not in self.written]

    async def user_sees(self, message: str) -> Shown | None:
        return self._as_read().get(message)

    async def cut(self) -> None:
        self.ircd.drop("gearmesh")

    async def fail_next(self, kind: type[SendFailed]) -> None:
        if kind not in REFUSALS:
            self.cannot(f"no server answers a message with {kind.__name__}")
        self.ircd.refusals.append(REFUSALS[kind])

    def _as_read(self) -> dict[str, Shown]:
        """What a client that knows the drafts makes of the lines."""
        seen: dict[str, Shown] = {}
        batches = Batches()
        for raw in self.ada.lines:
            line, _ = batches.feed(raw)
            tags = (line.tags or {}) if line is not None else {}
            if line is None or line.source is None:
                continue
            nick = line.hostmask.nickname
            about = next((tags[name] for name in REPLY if name in tags), "")
            match line:
                case Line(command="PRIVMSG") if line.params[0] != ROOM:
                    seen[tags["msgid"]] = self._shown(line)
                case Line(command="REDACT"):
                    seen[line.params[1]] = msgspec.structs.replace(seen[line.params[1]], deleted=True)
                case Line(command="TAGMSG") if about in seen:
                    reactions = dict(seen[about].reactions)
                    for name in REACT:
                        if name in tags:
                            reactions[f"{nick} {tags[name]}"] = tags[name]
                    for name in UNREACT:
                        if name in tags:
                            reactions.pop(f"{nick} {tags[name]}", None)
                    seen[about] = msgspec.structs.replace(seen[about], reactions=reactions)
                case _:
                    pass
        return seen


class Makes(Protocol):
    """Makes a server with its files in a folder."""

    def __call__(self, folder: Path, *, password: str = "") -> Server: ...


class OnServer(IrcSide, RoomRules, AtOnceRules):
    """A real server, and a way to it that can be cut."""

    make: ClassVar[Makes]

    @asynccontextmanager
    async def network(self) -> AsyncIterator[None]:
        with TemporaryDirectory() as folder:
            async with self._running(Path(folder)):
                yield

    @asynccontextmanager
    async def _running(self, folder: Path) -> AsyncIterator[None]:
        async with (
            type(self).make(folder, password="sesame") as server,
            Proxy(server.port) as self.way,
            Person("ada", server.port, password="sesame") as self.ada,
        ):
            self.port = self.way.port
            await self.ada.join(ROOM)
            yield

    async def cut(self) -> None:
        await self.way.cut()
        await self.way.listen()

    async def fail_next(self, kind: type[SendFailed]) -> None:
        self.cannot(f"there is no order to the server that makes a message to somebody fail with {kind.__name__}")


class TestNgircd(OnServer):
    """It gives no ids, and keeps nothing."""

    make = staticmethod(ngircd)
    keeps_rooms = False


class TestInspircd(OnServer):
    """It keeps what is said in a channel, where that is asked for."""

    make = staticmethod(inspircd)

    @asynccontextmanager
    async def network(self) -> AsyncIterator[None]:
        async with super().network():
            self.ada.say_raw("MODE", ROOM, "+H", "100:1h")
            await self.ada.hears(lambda line: line.command == "MODE" and "+H" in line.params)
            yield
