"""What is known of a connection while it lasts: who we are there, what the server can do, who is in which channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from irctokens.hostmask import hostmask
from irctokens.line import Line

from gearmesh_irc.ids import time_of
from gearmesh_irc.isupport import Isupport, number_in
from gearmesh_irc.lines import worst_mask
from gearmesh_irc.names import canonical

WANTED: Final = frozenset(
    {
        "account-tag",
        "batch",
        "cap-notify",
        "chghost",
        "draft/chathistory",
        "draft/message-redaction",
        "draft/multiline",
        "echo-message",
        "labeled-response",
        "message-tags",
        "server-time",
        "znc.in/playback",
        "znc.in/self-message",
    }
)
"""The capabilities that are asked for where the server has them (https://ircv3.net/registry#capabilities)."""
WereOurs = Callable[[str, int, str], bool]
"""Whether a nickname was ours at a time (in milliseconds, 0: at any), with this user@host behind it."""


def nobodys(nick: str, at: int, mask: str) -> bool:
    """Nothing was ever ours."""
    return False


class Session:
    """One connection's state. Channels and nicknames are kept as the server compares them (`fold`); `were_ours` knows
    which nicknames were ours when (nicks.py)."""

    def __init__(self, nick: str, user: str, were_ours: WereOurs = nobodys) -> None:
        self.nick = nick
        self.user = user
        self.host = ""
        self.account = ""
        """The account that we are logged in to, or ""."""
        self._were_ours = were_ours
        self.offered: dict[str, str] = {}
        self.agreed: set[str] = set()
        self.isupport = Isupport()
        self.members: dict[str, set[str]] = {}
        """Who is in the channels that we are in."""
        self.known_as: dict[str, str] = {}
        """The channels that we are to be in, by the names under which Gearmesh knows them."""

    def fold(self, name: str) -> str:
        """A name as the server compares it."""
        return self.isupport.fold(name)

    def is_me(self, nick: str) -> bool:
        """Whether this is our own nickname."""
        return self.fold(nick) == self.fold(self.nick)

    def was_me(self, line: Line) -> bool:
        """Whether we said what the history tells. An account, where it is told, decides between those who had a
        nickname of ours; a bouncer has it all the time."""
        nick, _, mask = (line.source or "").partition("!")
        account, at = (line.tags or {}).get("account", ""), time_of(line)
        if self.is_bouncer or not at:
            return self.is_me(nick) or self._were_ours(nick, 0, mask)
        if account and self.account:
            return account.lower() == self.account.lower() and (self.is_me(nick) or self._were_ours(nick, 0, mask))
        return self._were_ours(nick, at, mask)

    def name_of(self, channel: str) -> str:
        """The name under which Gearmesh knows a channel, whichever of those that are the same the server uses."""
        return self.known_as.get(self.fold(channel)) or canonical(channel)

    def is_channel(self, target: str) -> bool:
        """Whether this is the name of a channel on this server."""
        return target[:1] in tuple(self.isupport.channel_types)

    def has(self, *capabilities: str) -> bool:
        """Whether all of these capabilities are agreed on."""
        return self.agreed.issuperset(capabilities)

    @property
    def labels(self) -> bool:
        """Whether the server says of each line of ours what became of it."""
        return self.has("batch", "echo-message", "labeled-response", "message-tags")

    @property
    def is_bouncer(self) -> bool:
        """Whether ZNC stands between us and the server: it answers PING itself."""
        return any(name.startswith("znc.in/") for name in self.offered)

    @property
    def mask(self) -> str:
        """Ours, as others see it; where that is not known, one that is as long as it can be."""
        return f"{self.nick}!{self.user}@{self.host}" if self.host else worst_mask(self.nick, self.user)

    def value(self, capability: str, key: str) -> int:
        """A number in the value of a capability, such as `max-bytes` of draft/multiline; 0 where there is none."""
        for pair in self.offered.get(capability, "").split(","):
            name, _, number = pair.partition("=")
            if name == key:
                return number_in(number, 0)
        return 0

    def learn(self, line: Line) -> None:
        """Take in what changes by a line. It is called after the line was read for what people said."""
        source = hostmask(line.source).nickname if line.source else ""
        match line.command, line.params:
            case "005", [_, *tokens, _]:
                self.isupport.take(tokens)
            case "JOIN", [channel, *_]:
                if self.is_me(source):
                    self.members[self.fold(channel)] = set()
                self._in(channel).add(self.fold(source))
            case "353", [_, _, channel, names]:
                for name in names.split():
                    self._in(channel).add(self.fold(name.lstrip(self.isupport.prefixes).partition("!")[0]))
            case ("PART", [channel, *_]) | ("KICK", [channel, _, *_]):
                gone = line.params[1] if line.command == "KICK" else source
                self._in(channel).discard(self.fold(gone))
                if self.is_me(gone):
                    self.members.pop(self.fold(channel), None)
            case "QUIT", _:
                for there in self.members.values():
                    there.discard(self.fold(source))
            case "NICK", [new, *_]:
                for there in self.members.values():
                    if self.fold(source) in there:
                        there.remove(self.fold(source))
                        there.add(self.fold(new))
                if self.is_me(source):
                    self.nick = new
            case "CHGHOST", [user, host] if self.is_me(source):
                self.user, self.host = user, host
            case "396", [_, shown, *_]:  # RPL_HOSTHIDDEN: how others see our host from now on
                user, _, host = shown.rpartition("@")
                self.user, self.host = user or self.user, host
            case _:
                pass
        if line.source and "@" in line.source and line.command != "CHGHOST" and self.is_me(source):
            seen = hostmask(line.source)
            self.user, self.host = seen.username or self.user, seen.hostname or self.host

    def rooms_of(self, nick: str) -> list[str]:
        """The channels of ours in which somebody is."""
        return [channel for channel, there in self.members.items() if self.fold(nick) in there]

    def _in(self, channel: str) -> set[str]:
        # Somebody's coming to a channel that we are not in is nothing to remember.
        return self.members.get(self.fold(channel), set())
