"""Messenger personas: a Page's messages under the name and picture of whoever wrote them.

Personas API of the Messenger Platform, mid-2026: a name of at most 50 characters, kept until deleted.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final
from weakref import WeakValueDictionary

from gearmesh import BridgeContext, RateLimited, Rejected, Retry, Sender, SendFailed, Unauthorized, WindowClosed
from gearmesh_meta.codes import names_no_object
from gearmesh_meta.fields import identifier, mapping, mappings, text
from gearmesh_meta.graph import Graph

NAME_CHARS: Final = 50
CAPACITY: Final = 10_000
"""Personas that are remembered; the ones used longest ago are asked for again."""
PAGES: Final = 20
"""Pages of 100 personas that are looked through after a start."""
REFUSED_PAUSE: Final = 3600.0
PASSING_PAUSE: Final = 60.0
"""Seconds without another attempt after Meta refused, or could not do it."""

Key = tuple[str, str]
"""The name shown, and the picture's address without its query."""


class Personas:
    """The personas of one Page: made when first needed, and found again after a restart."""

    def __init__(self, graph: Graph, context: BridgeContext, page_id: str, picture: str = "") -> None:
        """`picture` is shown for senders who have none; "" shows none."""
        self._graph = graph
        self._context = context
        self._page_id = page_id
        self._picture = picture
        self._known: OrderedDict[Key, str] = OrderedDict()
        self._existing: dict[Key, str] | None = None
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()
        self._list_lock = asyncio.Lock()
        self._paused_until = {True: 0.0, False: 0.0}

    async def of(self, sender: Sender) -> str:
        """The id of this sender's persona; "" while there is none, so that the text must say who wrote."""
        name, picture = shown_name(sender), sender.avatar if _is_web(sender.avatar) else self._picture
        if not name:
            return ""
        key = (name, _without_query(picture))
        persona = self._recall(key)
        if persona or self._is_paused(picture):
            return persona
        # One lock for each sender: a burst of their messages makes one persona, and nobody else waits for it.
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            persona = self._recall(key)
            if persona or self._is_paused(picture):
                return persona
            try:
                persona = await self._find_or_make(key, name, picture)
            except SendFailed as error:
                self._pause(picture, error)
                return ""
            self._remember(key, persona)
            return persona

    async def is_gone(self, persona: str, error: Rejected) -> bool:
        """Whether a message was rejected because its persona was deleted. If so it is forgotten, and made again."""
        key = next((key for key, known in self._known.items() if known == persona), None)
        if key is None or not error.code.startswith("100"):
            return False
        try:
            await self._graph.get(self._graph.url(persona, fields="id"))
        except SendFailed as failure:
            if not names_no_object(failure):
                return False
        else:
            return False
        self._known.pop(key, None)
        if self._existing is not None:
            self._existing.pop(key, None)
        return True

    async def _find_or_make(self, key: Key, name: str, picture: str) -> str:
        existing = await self._list()
        if key in existing:
            return existing[key]
        body = {"name": name, "profile_picture_url": picture} if picture else {"name": name}
        url = self._graph.url(f"{self._page_id}/personas")
        try:
            made = await self._graph.post(url, body)
        except Rejected:
            if not picture:
                raise
            # A picture that Meta cannot fetch must not cost the name.
            if (name, "") in existing:
                return existing[(name, "")]
            made = await self._graph.post(url, {"name": name})
        persona = identifier(made.get("id"))
        if not persona:
            raise Retry("Meta made a persona but named no id")
        return persona

    async def _list(self) -> dict[Key, str]:
        """The personas that the Page had when this process first asked."""
        async with self._list_lock:
            if self._existing is None:
                self._existing = await self._read_pages()
            return self._existing

    async def _read_pages(self) -> dict[Key, str]:
        found: dict[Key, str] = {}
        after: dict[str, str] = {}
        for _ in range(PAGES):
            url = self._graph.url(
                f"{self._page_id}/personas", fields="id,name,profile_picture_url", limit="100", **after
            )
            page = await self._graph.get(url)
            for persona in mappings(page.get("data")):
                key = (text(persona.get("name")), _without_query(text(persona.get("profile_picture_url"))))
                found.setdefault(key, identifier(persona.get("id")))
            cursor = _next_cursor(page)
            if not cursor:
                break
            after = {"after": cursor}
        return {key: persona for key, persona in found.items() if persona}

    def _is_paused(self, picture: str) -> bool:
        # Apart, because Meta may want a picture: those who have one need not wait for those who have none.
        return self._context.now() < self._paused_until[bool(picture)]

    def _pause(self, picture: str, error: SendFailed) -> None:
        refused = isinstance(error, (Rejected, Unauthorized, WindowClosed))
        named = error.after if isinstance(error, (Retry, RateLimited)) else None
        pause = REFUSED_PAUSE if refused else named or PASSING_PAUSE
        # Several senders can fail at once: it is said once.
        if not self._is_paused(picture):
            self._context.log.warning(
                "Messenger makes no persona; messages name their sender in the text instead",
                reason=str(error),
                seconds=pause,
            )
        until = self._paused_until[bool(picture)]
        self._paused_until[bool(picture)] = max(until, self._context.now() + pause)

    def _recall(self, key: Key) -> str:
        persona = self._known.get(key, "")
        if persona:
            self._known.move_to_end(key)
        return persona

    def _remember(self, key: Key, persona: str) -> None:
        self._known[key] = persona
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)


def shown_name(sender: Sender) -> str:
    """`Ada Lovelace (WhatsApp)`, cut to 50 characters at the name; "" for a sender without a name."""
    name = sender.name.strip() or (f"@{sender.handle}" if sender.handle else "")
    if not name:
        return ""
    network = f" ({sender.network})" if sender.network else ""
    room = NAME_CHARS - len(network)
    if room < 2:
        network, room = "", NAME_CHARS
    return (name if len(name) <= room else f"{name[: room - 1].rstrip()}…") + network


def _next_cursor(page: dict[str, Any]) -> str:
    paging = mapping(page.get("paging"))
    return text(mapping(paging.get("cursors")).get("after")) if paging.get("next") else ""


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _without_query(url: str) -> str:
    """Meta's picture addresses carry a signature that changes each time: the path alone tells pictures apart."""
    return url.partition("?")[0]
