"""An IRC server that can do what the drafts of IRCv3 say: no server that Debian has can, so far.

One process, one channel operator (whoever comes first), and history of everything. It follows the specifications that
`plugins/irc/README.md` lists. Faults are asked of it: see `Ircd`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import msgspec
from irctokens.line import Line, build, tokenise

CAPS: Final[Mapping[str, str]] = {
    "batch": "",
    "draft/chathistory": "",
    "draft/message-redaction": "",
    "draft/multiline": "max-bytes=4096,max-lines=100",
    "echo-message": "",
    "labeled-response": "",
    "message-tags": "",
    "server-time": "",
}
PAGE: Final = 10
"""Messages that one CHATHISTORY gives at most: few, so that there are several pages."""


class Said(msgspec.Struct):
    """What is kept of a message. `lines` are several where it had several."""

    msgid: str
    time: str
    source: str
    target: str
    lines: list[tuple[str, dict[str, str]]]
    tags: dict[str, str]


class Client:
    """One connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.nick = "*"
        self.caps: set[str] = set()
        self.password = ""
        self.ready = False
        self.negotiating = False
        self.user = "user"
        self.has_user = False
        self.account = ""
        self.batch: tuple[Line, list[Line]] | None = None

    @property
    def mask(self) -> str:
        return f"{self.nick}!~{self.user}@127.0.0.1"

    def tell(self, line: Line) -> None:
        """Write a line, without the tags that this client does not want."""
        tags = line.tags or {}
        if "message-tags" not in self.caps:
            kept = {"time": "server-time", "batch": "batch", "label": "labeled-response"}
            tags = {name: value for name, value in tags.items() if kept.get(name) in self.caps}
        if not self.writer.is_closing():
            self.writer.write(Line(tags or None, line.source, line.command, line.params).format().encode() + b"\r\n")


class Ircd:
    """`caps` are offered. `refusals` answer the next messages of ours: a numeric, a FAIL code, or "silence", which
    hangs up after the message was passed on, "deaf", which hangs up before."""

    tokens: tuple[str, ...] = ()
    """More of 005."""

    def __init__(
        self,
        caps: Mapping[str, str] = CAPS,
        *,
        password: str = "",
        accounts: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self.caps = dict(caps)
        self.accounts = accounts
        if accounts is not None:
            self.caps["sasl"] = "PLAIN,EXTERNAL"
        self.password, self.port = password, port
        self.ours = "gearmesh"
        self.refusals: list[str] = []
        self.said: list[Said] = []
        self.banned: set[str] = set()
        self.channels: dict[str, list[Client]] = {}
        self.clients: list[Client] = []
        self.logins: list[str] = []
        self.received: list[Line] = []
        self._count = itertools.count(1)
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for client in list(self.clients):
            client.writer.transport.abort()

    def drop(self, nick: str) -> None:
        """Cut the connection of somebody."""
        for client in self._named(nick):
            client.writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer)
        self.clients.append(client)
        try:
            async for raw in reader:
                self._hear(client, tokenise(raw.rstrip(b"\r\n")))
        except ConnectionError:
            pass
        finally:
            self.clients.remove(client)
            for there in self.channels.values():
                if client in there:
                    there.remove(client)
                    self._tell_all(there, build("QUIT", ["gone"], client.mask))
            writer.close()

    def _hear(self, client: Client, line: Line) -> None:
        if client.nick == self.ours:
            self.received.append(line)
        batch = (line.tags or {}).get("batch")
        match line.command, line.params:
            case "CAP", ["LS", *_]:
                client.negotiating = True
                offered = " ".join(f"{name}={value}" if value else name for name, value in self.caps.items())
                self._answer(client, "CAP", "LS", offered)
            case "CAP", ["REQ", asked]:
                client.caps.update(asked.split())
                self._answer(client, "CAP", "ACK", asked)
            case "CAP", ["END"]:
                client.negotiating = False
            case "PASS", [password]:
                client.password = password
            case "AUTHENTICATE", [said]:
                self._authenticate(client, said)
            case "USER", [user, *_]:
                client.user, client.has_user = user, True
            case "NICK", [nick]:
                self._nick(client, nick)
            case "PING", [token]:
                client.tell(build("PONG", ["irc.test", token], "irc.test"))
            case "JOIN", [channel, *_]:
                for one in channel.split(","):
                    self._join(client, one)
            case "PART", [channel, *_]:
                self._tell_all(self._there(channel), build("PART", [channel], client.mask))
                self._there(channel).remove(client)
            case "KICK", [channel, nick, *_]:
                self._tell_all(self._there(channel), build("KICK", [channel, nick, "out"], client.mask))
                self._there(channel)[:] = [one for one in self._there(channel) if one.nick != nick]
            case "TOPIC", [channel, topic]:
                self._tell_all(self._there(channel), build("TOPIC", [channel, topic], client.mask))
            case "BATCH", [reference, _, target] if reference.startswith("+"):
                client.batch = (Line(line.tags, None, "PRIVMSG", [target, ""]), [])
            case "BATCH", [_] if client.batch is not None:
                opening, lines = client.batch
                client.batch = None
                pairs = [
                    (
                        one.params[1],
                        {"draft/multiline-concat": ""} if "draft/multiline-concat" in (one.tags or {}) else {},
                    )
                    for one in lines
                ]
                self._pass_on(client, opening, pairs)
            case "PRIVMSG", [_, _] if batch and client.batch is not None:
                client.batch[1].append(line)
            case "PRIVMSG", ["*playback", said]:
                self._play(client, float(said.split()[2]))
            case "PRIVMSG", [_, text]:
                self._pass_on(client, line, [(text, {})])
            case "TAGMSG", [_]:
                self._pass_on(client, line, [])
            case "REDACT", [target, msgid, *_]:
                self._redact(client, line, target, msgid)
            case "CHATHISTORY", [kind, *rest]:
                self._history(client, kind, rest)
            case "QUIT", _:
                client.writer.close()
            case _:
                pass
        if not client.ready and client.has_user and client.nick != "*" and not client.negotiating:
            self._welcome(client)

    def _welcome(self, client: Client) -> None:
        if self.password and client.password != self.password:
            self._answer(client, "464", "Password incorrect")
            client.writer.close()
            return
        client.ready = True
        self.logins.append(client.nick)
        self._answer(client, "001", f"Welcome {client.nick}")
        self._answer(
            client,
            "005",
            "CASEMAPPING=ascii",
            f"CHATHISTORY={PAGE}",
            "CHANTYPES=#",
            "PREFIX=(ov)@+",
            *self.tokens,
            "are supported",
        )
        self._answer(client, "422", "no message of the day")

    def _authenticate(self, client: Client, said: str) -> None:
        if said in {"PLAIN", "EXTERNAL"}:
            client.tell(build("AUTHENTICATE", ["+"]))
            return
        account, _, password = base64.b64decode(said).decode().split("\0")
        if (self.accounts or {}).get(account) == password:
            client.account = account
            self._answer(client, "903", "SASL authentication successful")
        else:
            self._answer(client, "904", "SASL authentication failed")

    def _nick(self, client: Client, nick: str) -> None:
        if any(one is not client for one in self._named(nick)):
            self._answer(client, "433", nick, "Nickname is already in use")
            return
        if client.ready:
            around = {one: None for there in self.channels.values() if client in there for one in there}
            self._tell_all([*around] or [client], build("NICK", [nick], client.mask))
        client.nick = nick

    def _join(self, client: Client, channel: str) -> None:
        if f"{channel} {client.nick}" in self.banned:
            self._answer(client, "474", channel, "Cannot join channel (+b)")
            return
        there = self._there(channel)
        if client not in there:
            there.append(client)
            self._tell_all(there, build("JOIN", [channel], client.mask))
        self._answer(client, "353", "=", channel, " ".join(one.nick for one in there))
        self._answer(client, "366", channel, "End of NAMES")

    def _pass_on(self, client: Client, line: Line, pairs: list[tuple[str, dict[str, str]]]) -> None:
        target = line.params[0]
        label = {name: value for name, value in (line.tags or {}).items() if name == "label"}
        refusal = self.refusals.pop(0) if self.refusals and client.nick == self.ours else ""
        if refusal == "deaf":
            client.writer.transport.abort()
            return
        if refusal.isdigit():
            client.tell(build(refusal, [client.nick, target, "no"], "irc.test", label))
            return
        if refusal and refusal != "silence":
            # Of several lines no target is named (multiline.md, Errors).
            about = ["BATCH", refusal, "4096"] if len(pairs) > 1 else ["PRIVMSG", refusal, target]
            client.tell(build("FAIL", [*about, "no"], "irc.test", label))
            return
        readers = self._there(target) if target.startswith("#") else self._named(target)
        if not readers and target != self.ours:
            client.tell(build("401", [client.nick, target, "No such nick"], "irc.test", label))
            return
        said = self._say(client, line, target, pairs)
        self._tell_said([one for one in readers if one is not client], said)
        if refusal == "silence":
            client.writer.transport.abort()
        elif "echo-message" in client.caps:
            self._tell_said([client], said, label if "labeled-response" in client.caps else {})

    def _say(self, client: Client, line: Line, target: str, pairs: list[tuple[str, dict[str, str]]]) -> Said:
        tags = {name: value for name, value in (line.tags or {}).items() if name.startswith("+")}
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = Said(f"m{next(self._count)}", now, client.mask, target, pairs, tags)
        if pairs:
            self.said.append(said)
            time.sleep(0.001)  # so that no two have one time
        return said

    def _tell_said(
        self, readers: Iterable[Client], said: Said, label: Mapping[str, str] | None = None, batch: str = ""
    ) -> None:
        tags = {
            **said.tags,
            "msgid": said.msgid,
            "time": said.time,
            **(label or {}),
            **({"batch": batch} if batch else {}),
        }
        for reader in readers:
            if not said.lines:
                if "message-tags" in reader.caps:
                    reader.tell(Line(tags, said.source, "TAGMSG", [said.target]))
            elif len(said.lines) == 1:
                reader.tell(Line(tags, said.source, "PRIVMSG", [said.target, said.lines[0][0]]))
            elif "draft/multiline" in reader.caps:
                name = f"b{next(self._count)}"
                reader.tell(Line(tags, said.source, "BATCH", [f"+{name}", "draft/multiline", said.target]))
                for text, own in said.lines:
                    reader.tell(Line({"batch": name, **own}, said.source, "PRIVMSG", [said.target, text]))
                reader.tell(build("BATCH", [f"-{name}"], "irc.test"))
            else:
                for text, _ in said.lines:
                    reader.tell(Line(tags, said.source, "PRIVMSG", [said.target, text or " "]))

    def _redact(self, client: Client, line: Line, target: str, msgid: str) -> None:
        label = {name: value for name, value in (line.tags or {}).items() if name == "label"}
        found = [said for said in self.said if said.msgid == msgid]
        if not found:
            client.tell(build("FAIL", ["REDACT", "UNKNOWN_MSGID", target, msgid, "unknown"], "irc.test", label))
            return
        self.said.remove(found[0])
        told = Line(label or None, client.mask, "REDACT", [target, msgid])
        readers = self._there(target) if target.startswith("#") else self._named(target)
        self._tell_all(
            [one for one in readers if one is not client], Line(None, told.source, told.command, told.params)
        )
        client.tell(told)

    def _history(self, client: Client, kind: str, rest: list[str]) -> None:
        name = f"h{next(self._count)}"
        if kind == "TARGETS":
            since = rest[0].partition("=")[2]
            client.tell(build("BATCH", [f"+{name}", "draft/chathistory-targets"], "irc.test"))
            for nick in {
                one.source.split("!")[0]: None for one in self.said if one.target == client.nick and one.time > since
            }:
                client.tell(Line({"batch": name}, "irc.test", "CHATHISTORY", ["TARGETS", nick, since]))
        else:
            target, after, most = rest
            what, _, value = after.partition("=")
            about = [
                one
                for one in self.said
                if one.target == target or {one.source.split("!")[0], one.target} == {target, client.nick}
            ]
            place = next((number for number, one in enumerate(about) if one.msgid == value), -1)
            later = about[place + 1 :] if what == "msgid" else [one for one in about if one.time > value]
            client.tell(build("BATCH", [f"+{name}", "chathistory", target], "irc.test"))
            for one in later[: int(most)]:
                self._tell_said([client], one, batch=name)
        client.tell(build("BATCH", [f"-{name}"], "irc.test"))

    def _play(self, client: Client, since: float) -> None:
        """What ZNC's module `playback` does, in a batch as ZNC makes them."""
        name = f"p{next(self._count)}"
        client.tell(build("BATCH", [f"+{name}", "znc.in/playback", "*"], "irc.test"))
        later = [one for one in self.said if datetime.fromisoformat(one.time).timestamp() > since]
        for one in later:
            self._tell_said([client], one, batch=name)
        client.tell(build("BATCH", [f"-{name}"], "irc.test"))

    def _named(self, nick: str) -> list[Client]:
        return [one for one in self.clients if one.nick.lower() == nick.lower()]

    def _there(self, channel: str) -> list[Client]:
        return self.channels.setdefault(channel.lower(), [])

    def _tell_all(self, readers: Iterable[Client], line: Line) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for reader in list(readers):
            reader.tell(Line({**(line.tags or {}), "time": now}, line.source, line.command, line.params))

    def _answer(self, client: Client, command: str, *params: str) -> None:
        client.tell(build(command, [client.nick, *params], "irc.test"))
