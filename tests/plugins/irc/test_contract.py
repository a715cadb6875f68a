"""The contract, on a server that can do all that the bridge can."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

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
from gearmesh.testing import Shown
from gearmesh.testing.contract import BridgeContract
from gearmesh_irc.batches import Batches
from gearmesh_irc.bridge import Irc
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.incoming import ATTRIBUTION, REACT, REPLY, UNREACT

from .ircd import Ircd
from .person import Person

REFUSALS = {Rejected: "404", RateLimited: "439", Retry: "437", Unclear: "silence"}


class TestIrc(BridgeContract):
    """Ada, on a server with the drafts."""

    a_user = "ada"
    addresses = {" Ada ": "ada", "ADA": "ada"}  # noqa: RUF012
    bad_addresses = ("#garden", "ada ben", "ada!user@host", "1st")
    keeps_messages = False

    @asynccontextmanager
    async def network(self) -> AsyncIterator[None]:
        async with Ircd(password="sesame") as self.ircd, Person("ada", self.ircd.port, password="sesame") as self.ada:
            self.written: dict[str, str] = {}
            yield

    def make_bridge(self, context: BridgeContext, password: str = "sesame") -> Irc:
        return Irc(
            IrcConfig(
                host="127.0.0.1",
                port=self.ircd.port,
                nick="gearmesh",
                tls=False,
                password=Secret(password),
                burst=1000,
                every=0.001,
            ),
            context,
        )

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
                case Line(command="PRIVMSG"):
                    words = line.params[1]
                    named = ATTRIBUTION.match(words)
                    author = named[0].replace("\u200d", "") if named else ""
                    text = words[named.end() :] if named else words
                    seen[tags["msgid"]] = Shown(tags["msgid"], text, author=author, reply_to=about)
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
