"""What is known of WhatsApp's ids, across restarts and from one daemon to the next.

Everything that is new is written down before anybody hears of the events that it came with (`BridgeContext.keep`), so
that whoever works on the app later takes a person for the same `user`. It is read as a whole when work begins. Until
then, and where there is more of it than is held in memory, an id that is not known here is looked up by itself: an id
that comes up for the first time is the only one that costs a question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from gearmesh import RECALLED_MOST, BridgeContext, BusUnavailable, Retry
from gearmesh_meta.aliases import ALIAS, RECIPIENT, Aliases, is_id, spelled_out
from gearmesh_meta.fields import identifier, phone_number, text

AT_ONCE: Final = 64
"""Questions to the store that may be open together."""

_NAMED: Final = frozenset(
    {
        "current",
        "from",
        "from_user_id",
        "previous",
        "previous_user_id",
        "recipient_id",
        "recipient_participant_id",
        "recipient_participant_user_id",
        "recipient_user_id",
        "to",
        "to_user_id",
        "user_id",
        "wa_id",
    }
)
"""Where webhooks name people."""


class KeptAliases:
    """The aliases of one app, together with what is written down of them."""

    def __init__(self, context: BridgeContext, aliases: Aliases | None = None) -> None:
        self.aliases = aliases if aliases is not None else Aliases()
        self._context = context
        self._loaded = False

    async def load(self) -> None:
        """Read what was written down, whoever did: work begins.

        Raises:
            BusUnavailable: it could not be read.
        """
        self.forget()
        for start in (ALIAS, RECIPIENT):
            kept = await self._context.recall_all(start.removesuffix("/"))
            self.aliases.recalled(kept)
            if len(kept) >= RECALLED_MOST:
                self.aliases.whole = False
        self._loaded = True

    def forget(self) -> None:
        """Work is over: what is written down from now on is somebody else's."""
        self.aliases.forget()
        self._loaded = False

    async def look_up(self, payload: object) -> None:
        """Look up the ids in a webhook that are not known here.

        Raises:
            BusUnavailable: it is not known whom they stand for.
        """
        if not self._is_all:
            await self._recall(f"{ALIAS}{known}" for known in set(_ids_in(payload)) if not self.aliases.knows(known))

    async def recipient(self, user: str) -> str:
        """The id under which this user is written to now.

        Raises:
            Retry: the store is away; nothing was sent.
        """
        if not self._is_all and not self.aliases.knows_recipient(user):
            try:
                await self._recall([f"{RECIPIENT}{user}"])
            except BusUnavailable as error:
                raise Retry(f"under which id {user} is written to now could not be looked up: {error}") from None
        return self.aliases.recipient(user)

    async def note(self) -> None:
        """Write down what was learned. In the ordinary case nothing was.

        Raises:
            BusUnavailable: not all of it is written down; it is tried again the next time.
        """
        news = list(self.aliases.news().items())
        for start in range(0, len(news), AT_ONCE):
            await asyncio.gather(*(self._note(key, value) for key, value in news[start : start + AT_ONCE]))

    async def told(self, user: str, contacts: Sequence[dict[str, Any]]) -> None:
        """Learn the ids by which WhatsApp names a person whom we have just written to.

        That has gone out and is not to be undone: where the store is away nothing is learned, or written down later.
        """
        try:
            await self.look_up(contacts)
            for contact in contacts:
                self.aliases.same(user, identifier(contact.get("wa_id")))
                self.aliases.same(user, identifier(contact.get("user_id")))
            await self.note()
        except BusUnavailable as error:
            self._context.log.warning("other ids of a person could not be written down", error=str(error))

    @property
    def _is_all(self) -> bool:
        """Whether what is not known here is not known anywhere."""
        return self._loaded and self.aliases.whole

    async def _note(self, key: str, value: str) -> None:
        await self._context.keep(key, value)
        self.aliases.noted(key, value)

    async def _recall(self, keys: Iterable[str]) -> None:
        asked = list(keys)
        for start in range(0, len(asked), AT_ONCE):
            some = asked[start : start + AT_ONCE]
            answers = await asyncio.gather(*map(self._context.recall, some))
            self.aliases.recalled({key: value for key, value in zip(some, answers, strict=True) if value})


def _ids_in(payload: object) -> Iterator[str]:
    """Every id in a webhook that may be a person's."""
    level: list[Any] = [payload]
    while level:
        piece = level.pop()
        if isinstance(piece, dict):
            for key, value in piece.items():
                if isinstance(value, (dict, list)):
                    level.append(value)
                elif key in _NAMED:
                    yield from _id_in(value)
                elif key == "body":
                    for named in spelled_out(text(value)):
                        yield from _id_in(named)
        elif isinstance(piece, list):
            level += piece


def _id_in(value: object) -> Iterator[str]:
    named = phone_number(value)
    if is_id(named):
        yield named
