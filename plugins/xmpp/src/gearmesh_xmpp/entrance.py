"""Entering rooms: whether there is one, under which nickname, and taking back what came to be by it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable
from typing import Final

from gearmesh import Retry, Sender
from gearmesh_xmpp.archive import Position
from gearmesh_xmpp.elements import (
    DISCO_INFO,
    MAM,
    MUC_OWNER,
    Element,
    child,
    children,
    condition,
    element,
    stamp,
    with_children,
)
from gearmesh_xmpp.link import Link, Refused
from gearmesh_xmpp.room import Refusal, Room, nickname

ENTER_WITHIN: Final = 15.0
OTHER_NICKS: Final = 9
SOMEBODY: Final = "somebody"
NO_ROOM: Final = "there is no such room; it is entered when somebody has made it"


class Entrance:
    """The way into all rooms; `looks` is what one of us shows of themselves."""

    def __init__(self, looks: Callable[[str], Iterable[Element]]) -> None:
        self._looks = looks

    async def features(self, link: Link, room: str) -> frozenset[str]:
        """What a room can do.

        Raises:
            Refusal: there is none: entering it would make it.
            Retry: its server does not answer.
        """
        try:
            answer = await link.ask("get", room, element("query", DISCO_INFO))
        except Refused as error:
            if condition(error.stanza)[0] == "item-not-found":
                raise Refusal("item-not-found", NO_ROOM) from None
            return frozenset()
        query = child(answer, "query", DISCO_INFO)
        features = children(query, "feature", DISCO_INFO) if query is not None else []
        return frozenset(one.get("var", "") for one in features)

    async def enter(
        self, link: Link, room: Room, jid: str, nicks: Collection[str], position: Position | None = None
    ) -> None:
        """Let one of us in, under the first of these nicknames that is free. What was said since a position is told
        where no archive has it.

        Raises:
            Refusal: they are not let in, or there was no room.
            Retry: it does not answer.
        """
        refusal: Refusal | None = None
        for nick in nicks:
            room.is_made = False
            presence, entered = room.enters(jid, nick, self._looks(jid))
            if position is not None and MAM not in room.features:
                history = next(presence.iter("{http://jabber.org/protocol/muc}history"))
                history.attrib.clear()
                history.set("since", stamp(position.at))
            link.send(presence)
            try:
                async with asyncio.timeout(ENTER_WITHIN):
                    await entered
                if room.is_made:
                    await self._unmake(link, room, jid)
                    raise Refusal("item-not-found", NO_ROOM)
                return
            except TimeoutError:
                raise Retry(f"the room {room.jid} does not answer") from None
            except Refusal as error:
                refusal = error
                if error.condition not in {"conflict", "jid-malformed", "not-acceptable"}:
                    raise
            finally:
                room.entered(jid)
        raise refusal or Refusal("conflict", "no nickname is free")

    async def _unmake(self, link: Link, room: Room, jid: str) -> None:
        """Take a room away that was made by our entering it: it was mistyped, or is gone since we asked for it."""
        query = with_children(element("query", MUC_OWNER), element("destroy", MUC_OWNER))
        with contextlib.suppress(Refused, Retry):  # then it goes with whoever is in it last
            await link.ask("set", room.jid, query, sender=jid)
        for presence in room.leaves():
            link.send(presence)
        room.ours.clear()


def nicks_of(sender: Sender) -> list[str]:
    """The nicknames under which somebody may be in a room, the best first."""
    name = nickname(sender.name) or nickname(sender.handle) or nickname(sender.network) or SOMEBODY
    apart = nickname(f"{name} ({sender.network})") if sender.network else ""
    return [name, *([apart] if apart else []), *numbered(name)]


def numbered(name: str) -> list[str]:
    """What a name is where it is taken."""
    return [f"{name} {number}" for number in range(2, OTHER_NICKS + 1)]
