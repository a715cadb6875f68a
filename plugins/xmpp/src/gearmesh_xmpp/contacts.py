"""Presences: whoever wants to see one of us sees them, always there; whom it was is kept, for it is told again."""

from __future__ import annotations

from typing import Final

from gearmesh import BridgeContext
from gearmesh_xmpp.answers import caps
from gearmesh_xmpp.elements import Element, element, with_children
from gearmesh_xmpp.link import Link
from gearmesh_xmpp.names import bare
from gearmesh_xmpp.pictures import Pictures, update

GROUP: Final = "contact"


class Contacts:
    """Who sees whom. A subscription is kept as `contact/<their JID>/<ours>`."""

    def __init__(self, context: BridgeContext, pictures: Pictures) -> None:
        self._context = context
        self._pictures = pictures

    async def greet(self, link: Link, only: str = "") -> None:
        """Tell all who see one of us that we are there: after a connection was made, or, of `only`, what is new.

        Raises:
            BusUnavailable: who they are cannot be read.
        """
        for key in await self._context.recall_all(GROUP):
            _, who, ours = key.split("/", 2)
            if only in {"", ours}:
                link.send(self._available(ours, who))

    async def take(self, link: Link, presence: Element) -> bool:
        """Take a presence of somebody; whether they have just begun to see one of us.

        Raises:
            BusUnavailable: it cannot be kept.
        """
        ours, who, kind = bare(presence.get("to", "")), bare(presence.get("from", "")), presence.get("type", "")
        key = f"{GROUP}/{who}/{ours}"
        match kind:
            case "subscribe":
                await self._context.keep(key, "sees")
                link.send(_presence("subscribed", ours, who))
                link.send(self._available(ours, who))
                return True
            case "unsubscribe":
                await self._context.keep(key, "")
                link.send(_presence("unsubscribed", ours, who))
                link.send(_presence("unavailable", ours, who))
            case "probe":
                # Only who is subscribed is probed for (RFC 6121, section 4.3): their server knows better than we do.
                if not await self._context.recall(key):
                    await self._context.keep(key, "sees")
                link.send(self._available(ours, who))
        return False

    def _available(self, ours: str, who: str) -> Element:
        """That one of us is there, what they can do, and how they look."""
        return with_children(_presence("", ours, who), caps(ours), update(self._pictures.get(ours)))


def _presence(kind: str, ours: str, who: str) -> Element:
    made = element("presence", type=kind, to=who)
    made.set("from", ours)
    return made
