"""Lines from the server, as events.

A `user` is a nickname, a `thread` that nickname or the channel, both in their canonical form. Numbers behind commands
in comments are sections of https://modern.ircdocs.horse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from irctokens.line import Line

from gearmesh import (
    EchoReceived,
    Event,
    MembershipReceived,
    MessageReceived,
    Profile,
    ReactionReceived,
    RedactionReceived,
    Text,
    TypingReceived,
    Unparsed,
)
from gearmesh.model.content import MembershipChange
from gearmesh_irc.formatting import plain, read
from gearmesh_irc.ids import ODD, Ids, known_as, time_of
from gearmesh_irc.names import JOINER, canonical
from gearmesh_irc.session import Session

REPLY: Final = ("+reply", "+draft/reply")
REACT: Final = ("+react", "+draft/react")
UNREACT: Final = ("+unreact", "+draft/unreact")
"""Client-only tags, by their names now and in older clients (https://ircv3.net/specs/client-tags/)."""
ASKS: Final = frozenset({"CLIENTINFO", "FINGER", "PING", "SOURCE", "TIME", "USERINFO", "VERSION"})
"""CTCP that one client asks another without anybody writing anything."""
ATTRIBUTION: Final = re.compile(rf"<.{JOINER}[^>]*> ")

_NAMES: Final = {
    "JOIN": 1,
    "KICK": 2,
    "NICK": 1,
    "NOTICE": 1,
    "PART": 1,
    "PRIVMSG": 1,
    "QUIT": 0,
    "REDACT": 1,
    "TAGMSG": 1,
    "TOPIC": 1,
}
"""How many parameters of a command are names."""


class Reader:
    """Reads the lines of one connection after the other."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def events(
        self, line: Line, session: Session, now: int, raw: bytes = b"", *, told_again: bool = False
    ) -> Iterator[Event]:
        """What a line says; `now` in milliseconds is when it came. It is read before `session` learns from it.

        What is `told_again` comes from the history, where we may have another nickname than now.
        """
        if line.source is None or not line.params:
            return
        nick = line.hostmask.nickname
        names = [nick, *line.params[: _NAMES.get(line.command, 0)]]
        if line.command in _NAMES and any(map(ODD.search, names)):
            yield Unparsed(raw, "a name with white space or controls in it")
            return
        ours = session.was_me(line) if told_again else session.is_me(nick)
        at = time_of(line) or now
        if line.command in {"PRIVMSG", "NOTICE"} and len(line.params) > 1:
            yield from self._words(line, session, nick, at, raw, ours=ours)
        elif line.command == "TAGMSG":
            if not ours:
                yield from self._tags(line, session, nick, at)
        elif line.command == "REDACT" and len(line.params) > 1 and not ours:
            thread = self._thread(line.params[0], nick, session)
            yield RedactionReceived(thread, canonical(nick), at, known_as(line.params[1]), _profile(nick))
        else:
            yield from self._membership(line, session, nick, at)

    def _words(self, line: Line, session: Session, nick: str, at: int, raw: bytes, *, ours: bool) -> Iterator[Event]:
        target, words = line.params[0], line.params[1]
        to_room = session.is_channel(target)
        if line.command == "NOTICE" and not to_room:
            return  # the server, services and automatic answers: nothing that a person waits to be answered
        if line.hostmask.username is None and "." in nick:
            return  # the server itself
        thread = self._thread(target, nick, session, ours=ours)
        user = canonical(nick)
        native_id = self._ids.of(line, thread, user, words)
        if ours:
            yield EchoReceived(native_id, thread, thread, at, text=ATTRIBUTION.sub("", words, count=1))
            return
        if not to_room and target.lstrip(session.isupport.status_marks) != target:
            yield Unparsed(raw, "a message to the operators of a channel alone", kind="message", native_id=native_id)
            return
        content = _content(words, nick)
        if content is None:
            if words.strip("\x01").split(" ")[0].upper() not in ASKS:
                detail = f"CTCP {words.strip(chr(1)).split(' ')[0]}, such as the offer of a file"
                yield Unparsed(raw, detail, thread, user, "message", native_id)
            return
        yield MessageReceived(native_id, thread, user, at, content, _about(line), _profile(nick))

    def _tags(self, line: Line, session: Session, nick: str, at: int) -> Iterator[Event]:
        """TAGMSG: what is said by tags alone (https://ircv3.net/specs/extensions/message-tags)."""
        thread, user = self._thread(line.params[0], nick, session), canonical(nick)
        target = _about(line)
        if target and (emoji := ODD.sub("", _tag(line, *REACT))):
            yield ReactionReceived(thread, user, at, target, emoji, profile=_profile(nick))
        elif target and (emoji := ODD.sub("", _tag(line, *UNREACT))):
            yield ReactionReceived(thread, user, at, target, emoji, removed=True, profile=_profile(nick))
        elif state := _tag(line, "+typing", "+draft/typing"):
            yield TypingReceived(thread, user, at, state == "active")

    def _membership(self, line: Line, session: Session, nick: str, at: int) -> Iterator[Event]:
        user, params = canonical(nick), line.params
        reason = params[-1] if len(params) > 1 else ""
        match line.command:
            case "JOIN" if not session.is_me(nick):
                yield _member(session.name_of(params[0]), nick, at, "joined")
            case "PART" if not session.is_me(nick):
                yield _member(session.name_of(params[0]), nick, at, "left", reason)
            case "KICK" if len(params) > 1 and not session.is_me(params[1]):
                why = params[2] if len(params) > 2 else ""
                yield _member(session.name_of(params[0]), params[1], at, "left", why)
            case "QUIT" if not session.is_me(nick):
                for room in session.rooms_of(nick):
                    yield _member(session.name_of(room), nick, at, "left", params[0])
            case "NICK" if not session.is_me(nick) and canonical(params[0]) != user:
                for room in session.rooms_of(nick):
                    yield _member(session.name_of(room), nick, at, "left")
                    yield _member(session.name_of(room), params[0], at, "joined")
            case "TOPIC" if len(params) > 1 and not session.is_me(nick):
                yield _member(session.name_of(params[0]), nick, at, "topic", plain(params[1]))
            case _:
                pass

    def _thread(self, target: str, nick: str, session: Session, *, ours: bool = False) -> str:
        """Where a message belongs: the channel, or whoever of the two is not us."""
        if session.is_channel(target):
            return session.name_of(target)
        return canonical(target if ours else nick)


def _content(words: str, nick: str) -> Text | None:
    """What somebody wrote; None for CTCP other than /me (https://modern.ircdocs.horse/ctcp)."""
    if not words.startswith("\x01"):
        text, markup = read(words)
        return Text(text, markup=markup)
    command, _, rest = words.strip("\x01").partition(" ")
    if command.upper() != "ACTION":
        return None
    return Text(f"* {nick} {plain(rest)}")


def _member(room: str, nick: str, at: int, change: MembershipChange, text: str = "") -> MembershipReceived:
    return MembershipReceived(room, canonical(nick), at, change, text, _profile(nick))


def _profile(nick: str) -> Profile:
    return Profile(nick, nick)


def _about(line: Line) -> str:
    """The id of the message that a line is about, or ""."""
    return known_as(_tag(line, *REPLY))


def _tag(line: Line, *names: str) -> str:
    tags = line.tags or {}
    return next((tags[name] for name in names if tags.get(name)), "")
