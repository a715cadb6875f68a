"""Somebody on IRC: a second connection to the same server, with the same tokeniser."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Final

from irctokens.line import Line, build, tokenise

WITHIN: Final = 10.0
WANTED: Final = "message-tags server-time batch echo-message draft/multiline draft/message-redaction"


class Person:
    """A client with a nickname. `lines` is everything that the server told it, oldest first."""

    def __init__(self, nick: str, port: int, *, caps: str = WANTED, password: str = "") -> None:
        self.nick, self.port, self.caps, self.password = nick, port, caps, password
        self.lines: list[Line] = []
        self.agreed: set[str] = set()
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Person:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def connect(self, context: ssl.SSLContext | None = None) -> None:
        """Come in, and wait for the end of the welcome."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        self._task = asyncio.create_task(self._listen(reader))
        self.say_raw("CAP", "LS", "302")
        if self.password:
            self.say_raw("PASS", self.password)
        self.say_raw("NICK", self.nick)
        self.say_raw("USER", self.nick, "0", "*", self.nick)
        offered = await self.hears(lambda line: line.command == "CAP" and line.params[1:2] == ["LS"])
        there = {one.partition("=")[0] for one in offered.params[-1].split()}
        if asked := [one for one in self.caps.split() if one in there]:
            self.say_raw("CAP", "REQ", " ".join(asked))
            answer = await self.hears(lambda line: line.command == "CAP" and line.params[1] in {"ACK", "NAK"})
            self.agreed = set(answer.params[-1].split()) if answer.params[1] == "ACK" else set()
        self.say_raw("CAP", "END")
        await self.hears(lambda line: line.command in {"376", "422"})

    async def leave(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def say_raw(self, command: str, *params: str, tags: dict[str, str] | None = None) -> None:
        """Write a line."""
        assert self._writer is not None
        self._writer.write(build(command, list(params), tags=tags).format().encode() + b"\r\n")

    async def join(self, channel: str) -> None:
        """Be in a channel."""
        self.say_raw("JOIN", channel)
        await self.hears(lambda line: line.command == "366" and line.params[1].lower() == channel.lower())

    async def says(self, target: str, text: str, *, tags: dict[str, str] | None = None) -> str:
        """Write to somebody or to a channel; the server's id of it, where it shows it to us with one."""
        start = len(self.lines)
        if "\n" in text:
            self.say_raw("BATCH", "+x", "draft/multiline", target, tags=tags)
            for line in text.split("\n"):
                self.say_raw("PRIVMSG", target, line, tags={"batch": "x"})
            self.say_raw("BATCH", "-x")
        else:
            self.say_raw("PRIVMSG", target, text, tags=tags)
        if "echo-message" not in self.agreed:
            return ""

        def is_echo(line: Line) -> bool:
            return (
                line.command == ("BATCH" if "\n" in text else "PRIVMSG")
                and line.source is not None
                and line.hostmask.nickname == self.nick
                and not line.params[0].startswith("-")
            )

        return ((await self.hears(is_echo, start)).tags or {}).get("msgid", "")

    async def hears(self, wanted: Callable[[Line], bool], start: int = 0) -> Line:
        """The first line of a kind, from `start` on.

        Raises:
            TimeoutError: there is none.
        """
        async with asyncio.timeout(WITHIN), self._news:
            while True:
                for line in self.lines[start:]:
                    if wanted(line):
                        return line
                start = len(self.lines)
                await self._news.wait()

    async def reads(self, text: str, start: int = 0) -> Line:
        """The first message with these words in it."""
        return await self.hears(lambda line: line.command == "PRIVMSG" and text in line.params[-1], start)

    def read_from(self, nick: str) -> list[str]:
        """The words of all messages from somebody."""
        return [
            line.params[-1]
            for line in self.lines
            if line.command == "PRIVMSG" and line.source and line.hostmask.nickname == nick
        ]

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        async for raw in reader:
            line = tokenise(raw.rstrip(b"\r\n"))
            if line.command == "PING":
                self.say_raw("PONG", *line.params)
            async with self._news:
                self.lines.append(line)
                self._news.notify_all()
