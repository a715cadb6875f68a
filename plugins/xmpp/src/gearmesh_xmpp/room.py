"""One room that we sit in: who of us is in it under which nickname, who else is, and what the room can do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec

from gearmesh_xmpp.elements import (
    MUC,
    MUC_USER,
    Element,
    child,
    children,
    condition,
    element,
    with_children,
)
from gearmesh_xmpp.names import ROOM, bare

Leaving = Literal["left", "kicked", "banned", "shut", "destroyed"]
_LEFT: Final[dict[str, Leaving]] = {"301": "banned", "307": "kicked", "321": "kicked", "322": "kicked", "332": "shut"}
"""Status codes of XEP-0045, section 15.6.2."""
MOST_NICK: Final = 60


class Refusal(Exception):
    """A room does not let one of us in. `condition` is the error's name."""

    def __init__(self, name: str, text: str) -> None:
        self.condition = name
        super().__init__(f"{name}: {text}" if text else name)


class Others(msgspec.Struct, frozen=True):
    """Somebody else came or left: their nickname, their JID where the room shows it, and what was said of it."""

    nick: str
    jid: str
    here: bool
    reason: str = ""
    new_nick: str = ""


class Lost(msgspec.Struct, frozen=True):
    """One of us is not in the room any more."""

    jid: str
    how: Leaving
    reason: str = ""


class Room:
    """What is known of a room, by presences. `jid` is its bare JID."""

    def __init__(self, jid: str) -> None:
        self.jid = jid
        self.thread = f"{jid}{ROOM}"
        self.features: frozenset[str] = frozenset()
        self.ours: dict[str, str] = {}
        """Our full JIDs that are in it, and their nicknames."""
        self.others: dict[str, str] = {}
        """Nicknames of all others, and their bare JIDs, "" where the room does not show them."""
        self.shows_jids = False
        """Whether everybody in it sees everybody's JID (status 100); else what we may see stays here."""
        self._entering: dict[str, asyncio.Future[str]] = {}
        self._tried: dict[str, str] = {}
        self._is_greeted = False
        self._is_filling = False
        self.is_made = False
        """Whether it has come into being by our entering it (status 201)."""

    def nicks_of_ours(self) -> frozenset[str]:
        """The nicknames that are ours, or just becoming ours: others hear of it before we do.

        One that is tried may be somebody else's: then it stays theirs.
        """
        return frozenset(self.ours.values()) | (frozenset(self._tried.values()) - self.others.keys())

    def user_of(self, nick: str, jid: str) -> str:
        """The user id of who has, or had, a nickname: their JID ("": not known) where everybody sees it, else the
        nickname in this room."""
        return jid if jid and self.shows_jids else f"{self.thread}/{nick}"

    def enters(self, jid: str, nick: str, looks: Iterable[Element] = ()) -> tuple[Element, asyncio.Future[str]]:
        """The presence with which one of us enters, and what comes of it: the nickname, or `Refusal`.

        When the bridge does, the room tells anew who is there: who was before may have gone since.
        """
        self._tried[jid] = nick
        if "@" not in jid:
            self.others.clear()
            self._is_filling = True
        waiting = self._entering[jid] = asyncio.get_running_loop().create_future()
        # What was said before comes out of the archive, where there is one.
        history = element("history", MUC, maxstanzas="0")
        presence = element("presence", to=f"{self.jid}/{nick}")
        presence.set("from", jid)
        return with_children(presence, with_children(element("x", MUC), history), *looks), waiting

    def entered(self, jid: str) -> None:
        """Nobody waits for this any more."""
        self._entering.pop(jid, None)
        self._tried.pop(jid, None)

    def shows(self, jid: str, looks: Iterable[Element]) -> Element | None:
        """The presence with which one of us tells how they look now; None for who is not there."""
        nick = self.ours.get(jid)
        if nick is None:
            return None
        presence = element("presence", to=f"{self.jid}/{nick}")
        presence.set("from", jid)
        return with_children(presence, *looks)

    def is_opened(self, message: Element) -> bool:
        """Take what the room says of itself (XEP-0045, section 10.2.1); whether everybody's JID is shown from now on,
        which tells nobody whose they are that are there already."""
        told = child(message, "x", MUC_USER)
        codes = {one.get("code") for one in children(told, "status", MUC_USER)} if told is not None else set()
        if "/" in message.get("from", "") or not codes & {"172", "173", "174"}:
            return False
        self.shows_jids = "172" in codes
        return self.shows_jids

    def leaves(self) -> Iterator[Element]:
        """The presences with which all of us leave."""
        for jid, nick in self.ours.items():
            presence = element("presence", type="unavailable", to=f"{self.jid}/{nick}")
            presence.set("from", jid)
            yield presence

    def is_greeting(self, message: Element) -> bool:
        """Whether it is the topic that whoever enters is told once, after the history (XEP-0045, section 7.2.15)."""
        if self._is_greeted or child(message, "subject") is None or child(message, "body") is not None:
            return False
        self._is_greeted = True
        return True

    def take(self, presence: Element, bridge: str) -> Others | Lost | None:
        """Take a presence from the room in. `bridge` is the one of us whose view of others counts."""
        to, nick = presence.get("to", ""), presence.get("from", "").partition("/")[2]
        told = child(presence, "x", MUC_USER)
        item = child(told, "item", MUC_USER) if told is not None else None
        codes = {one.get("code", "") for one in children(told, "status", MUC_USER)} if told is not None else set()
        waiting = self._entering.get(to)
        if presence.get("type") == "error":
            if waiting is not None and not waiting.done():
                name, _, text = condition(presence)
                waiting.set_exception(Refusal(name, text))
            return None
        reason = ""
        if item is not None:
            found = child(item, "reason", MUC_USER)
            reason = (found.text or "") if found is not None else ""
        jid = bare(item.get("jid", "")) if item is not None else ""
        gone = presence.get("type") == "unavailable"
        if "110" in codes:  # it is about whom it is to
            news = self._ours_is(to, nick, gone, codes, item, reason, waiting)
            if news is not None and told is not None and child(told, "destroy", MUC_USER) is not None:
                return msgspec.structs.replace(news, how="destroyed")  # XEP-0045, section 10.9
            return news
        if bare(to) != bridge:
            return None
        if nick in self.nicks_of_ours() or jid.partition("@")[2] == bridge:
            self.others.pop(nick, None)
            return None
        if gone:
            known = self.others.pop(nick, "")
            renamed = item.get("nick", "") if item is not None and "303" in codes else ""
            if renamed and self.shows_jids and (known or jid):
                self.others[renamed] = known or jid  # else they are somebody new, by what can be seen of them
            return Others(nick, known or jid, False, reason, renamed)
        new = nick not in self.others
        self.others[nick] = jid
        return Others(nick, jid, True) if new and not self._is_filling else None

    def _ours_is(
        self,
        jid: str,
        nick: str,
        gone: bool,
        codes: set[str],
        item: Element | None,
        reason: str,
        waiting: asyncio.Future[str] | None,
    ) -> Lost | None:
        if not gone:
            if "@" not in jid and waiting is not None:  # the bridge itself, which enters
                self._is_greeted = self._is_filling = False
                # Asked again, by somebody who is there already, Prosody leaves the code out.
                self.shows_jids = "100" in codes or (self.shows_jids and jid in self.ours)
            self.ours[jid] = nick
            self.others.pop(nick, None)
            if "201" in codes:
                self.is_made = True
            if waiting is not None and not waiting.done():
                waiting.set_result(nick)
            return None
        if "303" in codes and item is not None:
            self.ours[jid] = item.get("nick", nick)
            return None
        self.ours.pop(jid, None)
        how: Leaving = next((_LEFT[code] for code in sorted(codes) if code in _LEFT), "left")
        return Lost(jid, how, reason)


def nickname(name: str) -> str:
    """A name that can be a nickname: one line, no control characters, 60 characters at most; "" where none is left."""
    printable = "".join(character if character.isprintable() else " " for character in name)
    return " ".join(printable.split())[:MOST_NICK].strip()
