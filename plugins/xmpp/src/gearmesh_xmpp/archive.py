"""What was said in a room while nobody of us was there, out of its archive (XEP-0313)."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from gearmesh_xmpp.elements import (
    FORWARD,
    MAM,
    RSM,
    Element,
    child,
    condition,
    delayed,
    element,
    form,
    said,
    stamp,
    with_children,
)
from gearmesh_xmpp.link import Link, Refused

PAGE: Final = 100


class Position(msgspec.Struct, frozen=True):
    """Up to where a room is told: the archive's id of the last message ("" for none), and its time in milliseconds."""

    at: int
    stanza_id: str = ""

    def __str__(self) -> str:
        return f"{self.at} {self.stanza_id}"

    @classmethod
    def read(cls, text: str) -> Position | None:
        """A position as it was kept; None for what is none."""
        at, _, stanza_id = text.partition(" ")
        return cls(int(at), stanza_id) if at.isdecimal() else None


class Kept(msgspec.Struct, frozen=True):
    """A message out of the archive, its id there, and when it was sent in milliseconds."""

    message: Element
    stanza_id: str
    at: int


class Archive:
    """The archives of all rooms, over one link."""

    def __init__(self) -> None:
        self._pages: dict[str, tuple[str, list[Kept]]] = {}

    def take(self, message: Element) -> bool:
        """Take what may be an archive's answer; False: it is something else."""
        result = child(message, "result", MAM)
        if result is None:
            return False
        room, page = self._pages.get(result.get("queryid", ""), ("", []))
        forwarded = child(result, "forwarded", FORWARD)
        inner = child(forwarded, "message") if forwarded is not None else None
        if forwarded is not None and inner is not None and message.get("from") == room:
            page.append(Kept(inner, result.get("id", ""), delayed(forwarded) or 0))
        return True

    async def since(self, link: Link, room: str, position: Position, who: str) -> AsyncIterator[Kept]:
        """All that was said after a position, oldest first. `who` asks, an occupant: ejabberd tells nobody else.

        Raises:
            Refused: the room gives nothing.
            Retry: it does not answer.
        """
        after = position.stanza_id
        while True:
            try:
                page, last, complete = await self._page(link, room, position, after, who)
            except Refused as error:
                # The message that we have last was thrown away there: its time is known, too.
                if not after or condition(error.stanza)[0] != "item-not-found":
                    raise
                after = ""
                continue
            for kept in page:
                yield kept
            if complete or not last or last == after:
                return
            after = last

    async def _page(
        self, link: Link, room: str, position: Position, after: str, who: str
    ) -> tuple[list[Kept], str, bool]:
        number = uuid.uuid4().hex
        page: list[Kept] = []
        self._pages[number] = (room, page)
        query = element("query", MAM, queryid=number)
        bounds = with_children(element("set", RSM), element("max", RSM, str(PAGE)))
        if after:
            bounds.append(element("after", RSM, after))
        with_children(query, form(MAM, **({} if after else {"start": stamp(position.at)})), bounds)
        try:
            answer = await link.ask("set", room, query, sender=who)
        finally:
            del self._pages[number]
        done = child(answer, "fin", MAM)
        if done is None:
            return page, "", True
        bounds_there = child(done, "set", RSM)
        last = said(bounds_there, "last", RSM) if bounds_there is not None else ""
        return page, last, done.get("complete") == "true"
