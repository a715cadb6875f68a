"""Presences: whoever wants to see one of us sees them, always there; whom it was is kept, for it is told again.

Anybody can add any JID of ours, so there is a limit. Whoever is at theirs is refused those of whom nothing is known
here; somebody who is known takes the place of the oldest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from gearmesh import BridgeContext
from gearmesh_xmpp.answers import caps
from gearmesh_xmpp.elements import Element, element, with_children
from gearmesh_xmpp.link import Link
from gearmesh_xmpp.names import bare
from gearmesh_xmpp.pictures import Pictures, avatar_news, update

GROUP: Final = "contact"
MOST_OF_ONE: Final = 500
"""Of us that one person sees."""
MOST: Final = 50_000
"""In all; after a reconnect each of them is a presence."""
AT_ONCE: Final = 200
"""Presences that go out before others have their turn."""
LATER: Final = 1_000
"""Answers that are held until there is a connection."""


class Contacts:
    """Who sees whom. A subscription is kept as `contact/<their JID>/<ours>`, with its time in milliseconds.

    `is_known` says whether anything is known of one of our JIDs but that somebody made it up.
    """

    def __init__(self, context: BridgeContext, pictures: Pictures, is_known: Callable[[str], bool]) -> None:
        self._context = context
        self._pictures = pictures
        self._is_known = is_known
        self._seen: dict[str, dict[str, int]] = {}
        self._number = 0
        self._later: deque[Element] = deque(maxlen=LATER)

    async def greet(self, link: Link) -> None:
        """Tell all who see one of us that we are there, after a connection was made.

        Raises:
            BusUnavailable: who they are cannot be read.
        """
        self._seen, self._number = {}, 0
        for key, since in (await self._context.recall_all(GROUP)).items():
            _, who, ours = key.split("/", 2)
            self._note(who, ours, int(since) if since.isdecimal() else 0)
        while self._later:
            link.send(self._later.popleft())
        told = 0
        for who, all_ours in list(self._seen.items()):
            for ours in list(all_ours):
                link.send(self._available(ours, who))
                told += 1
                if told % AT_ONCE == 0:
                    await asyncio.sleep(0)

    def show(self, link: Link, ours: str) -> None:
        """Tell all who see one of us how they look now."""
        news = avatar_news(self._pictures.get(ours))
        for who in [who for who, all_ours in self._seen.items() if ours in all_ours]:
            link.send(self._available(ours, who))
            message = element("message", type="headline", to=who)
            message.set("from", ours)
            link.send(with_children(message, news))

    async def take(self, link: Link | None, presence: Element) -> bool:
        """Take a presence of somebody; whether they have just begun to see one of us. Without a link, the answer goes
        out over the next one.

        Raises:
            BusUnavailable: it cannot be kept.
        """
        ours, who, kind = bare(presence.get("to", "")), bare(presence.get("from", "")), presence.get("type", "")
        is_new = ours not in self._seen.get(who, {})
        match kind:
            case "subscribe" | "probe" if is_new and not await self._has_room(link, who, ours):
                # To a probe, too: their server believes that they see us (RFC 6121, section 4.3.2).
                self._context.log.warning("a contact was refused", who=who, ours=ours)
                refused = _presence("unsubscribed", ours, who)
                words = "No more contacts can be added here: remove some first."
                self._say(link, with_children(refused, element("status", "", words)))
            case "subscribe" | "probe":
                # Only who is subscribed is probed for (RFC 6121, section 4.3): their server knows better than we do.
                if is_new:
                    at = int(self._context.now() * 1000)
                    await self._context.keep(f"{GROUP}/{who}/{ours}", str(at))
                    self._note(who, ours, at)
                if kind == "subscribe":
                    self._say(link, _presence("subscribed", ours, who))
                self._say(link, self._available(ours, who))
                return kind == "subscribe"
            case "unsubscribe":
                await self._forget(who, ours)
                self._say(link, _presence("unsubscribed", ours, who))
                self._say(link, _presence("unavailable", ours, who))
        return False

    async def _has_room(self, link: Link | None, who: str, ours: str) -> bool:
        """Whether one more can be kept, for which the oldest of theirs may have to go."""
        theirs = self._seen.get(who, {})
        if len(theirs) < MOST_OF_ONE and self._number < MOST:
            return True
        if not theirs or not self._is_known(ours):
            return False
        oldest = min(theirs, key=lambda one: (self._is_known(one), theirs[one]))
        await self._forget(who, oldest)
        self._say(link, _presence("unsubscribed", oldest, who))
        return True

    def _note(self, who: str, ours: str, since: int) -> None:
        self._seen.setdefault(who, {})[ours] = since
        self._number += 1

    async def _forget(self, who: str, ours: str) -> None:
        await self._context.keep(f"{GROUP}/{who}/{ours}", "")
        theirs = self._seen.get(who, {})
        if theirs.pop(ours, None) is not None:
            self._number -= 1
        if not theirs:
            self._seen.pop(who, None)

    def _say(self, link: Link | None, stanza: Element) -> None:
        if link is not None and link.is_up:
            link.send(stanza)
        else:
            self._later.append(stanza)

    def _available(self, ours: str, who: str) -> Element:
        """That one of us is there, what they can do, and how they look."""
        return with_children(_presence("", ours, who), caps(ours), update(self._pictures.get(ours)))


def _presence(kind: str, ours: str, who: str) -> Element:
    made = element("presence", type=kind, to=who)
    made.set("from", ours)
    return made
