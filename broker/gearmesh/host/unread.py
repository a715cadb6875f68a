"""What a watermark speaks of: the messages that went to a thread and were not read yet.

Few networks tell any. So a thread is looked after from its first watermark on: what was sent there before, and what
became of it, is in the ledger, or on its way there.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gearmesh.bus.ledger_reader import LedgerReader
from gearmesh.core.cache import Cache
from gearmesh.host.app import App
from gearmesh.model.address import Address
from gearmesh.model.content import ReceiptState
from gearmesh.model.delivery import LedgerEntry, State

KEPT: Final = 256
"""Messages per thread, the newest."""
THREADS_KEPT: Final = 10_000
LOADED_SINCE: Final = 7 * 24 * 3600 * 1000
"""Milliseconds for which somebody's phone may have been off."""
ANSWERED_WITHIN: Final = 1_000
"""Milliseconds between the network's own time of a message and our record of it, which waits for the answer."""

STILL_UNREAD: Final[frozenset[State]] = frozenset({"sent", "delivered"})


class _Sent(msgspec.Struct, eq=False):
    at: int
    native_id: str
    delivered: bool = False


class _Thread(msgspec.Struct, eq=False):
    sent: list[_Sent] = []
    loaded: bool = False


class Unread:
    """The unread messages of one app's threads."""

    def __init__(self, app: App, ledger: LedgerReader) -> None:
        self._app = app
        self._ledger = ledger
        self._threads: Cache[str, _Thread] = Cache(THREADS_KEPT)

    def sent(self, thread: str, native_id: str, at: int) -> None:
        """A message went out. `at` (milliseconds) is when its sending began: the network's time is never before."""
        known = self._threads.get(thread)
        if known is not None:
            known.sent.append(_Sent(at, native_id))
            del known.sent[:-KEPT]

    def reported(self, thread: str, native_id: str, state: ReceiptState) -> None:
        """What became of a message was told: a later watermark has no news of that."""
        known = self._threads.get(thread)
        for place, one in enumerate(known.sent if known else ()):
            if known and one.native_id == native_id:
                one.delivered = True
                if state != "delivered":
                    del known.sent[place]
                return

    async def reached(self, thread: str, user: str, watermark: int, state: ReceiptState) -> tuple[str, ...]:
        """The native ids of all messages up to a watermark (milliseconds) to which its state is new, oldest first.

        They count as unread until each is `reported`.

        Raises:
            BusUnavailable: nats does not answer.
        """
        known = self._threads.get(thread)
        if known is None:
            known = _Thread()
            self._threads.put(thread, known)
        if not known.loaded:
            await self._load(thread, user, known)
        new = (one for one in known.sent if one.at <= watermark and not (state == "delivered" and one.delivered))
        return tuple([one.native_id for one in new])

    def forget(self) -> None:
        """Believe only what NATS says: somebody else may have written to these threads."""
        self._threads.clear()

    async def _load(self, thread: str, user: str, known: _Thread) -> None:
        on_the_way = self._app.shared.messages.unwritten_to(self._app.name, thread)
        since = self._app.shared.clock.millis() - LOADED_SINCE
        legs = await self._ledger.sent_to(self._app.name, thread, since=since, limit=KEPT)
        later = await self._ledger.last(self._app.name, [leg.entry.envelope for leg in legs])
        reader = str(Address(self._app.name, user))
        here = {one.native_id for one in known.sent}
        for leg in legs:
            last = later.get(leg.entry.envelope)
            # Of several recipients the last step may be another one's: then the watermark is believed.
            news = last.entry.state if last and last.seq > leg.seq and last.entry.to == reader else "sent"
            native_id = leg.entry.native_ids[-1] if leg.entry.native_ids else ""
            if news in STILL_UNREAD and native_id and native_id not in here:
                here.add(native_id)
                known.sent.append(_Sent(_began(leg.entry), native_id, news == "delivered"))
        for entry in on_the_way:
            if entry.native_ids and entry.native_ids[-1] not in here:
                here.add(entry.native_ids[-1])
                known.sent.append(_Sent(_began(entry), entry.native_ids[-1]))
        known.sent.sort(key=lambda one: one.at)
        del known.sent[:-KEPT]
        known.loaded = True


def _began(entry: LedgerEntry) -> int:
    """When the sending of a message began, in milliseconds; releases before this one did not write that down."""
    return entry.begun or entry.at - ANSWERED_WITHIN
