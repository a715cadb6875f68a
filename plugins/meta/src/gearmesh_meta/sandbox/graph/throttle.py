"""The limits of Meta's own: so many messages a second from one account, and so many to one person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from gearmesh_meta.sandbox.phone import Phone
from gearmesh_meta.sandbox.rate import Meter, Rate
from gearmesh_meta.sandbox.settings import NETWORKS, Network

from .errors import account_limit, pair_limit

#: Messages of one account in a second (WhatsApp throughput docs, Messenger Platform and Graph API rate limits, 2026;
#: of the two figures that Meta gives for Instagram this is the lower one).
_ACCOUNT: Final[dict[Network, Rate]] = {
    "whatsapp": Rate(1 / 80, 80, 1.0),
    "messenger": Rate(1 / 300, 300, 1.0),
    "instagram": Rate(1 / 100, 100, 1.0),
}
#: Messages to one person: ten a minute, of which 45 may be borrowed at once (WhatsApp docs about rate limits, 2026).
_PAIR: Final[dict[Network, Rate]] = {"whatsapp": Rate(6.0, 45, 6.0)}


class Throttle:
    """Counts messages by `now`, a clock in seconds that never goes back, and refuses what comes too fast."""

    def __init__(self, *, on: bool, now: Callable[[], float]) -> None:
        self.refused: Counter[Network] = Counter(dict.fromkeys(NETWORKS, 0))
        self._on = on
        self._now = now
        self._accounts = {network: Meter(rate) for network, rate in _ACCOUNT.items()}
        self._pairs: dict[tuple[Network, str], Meter] = {}

    def admit(self, phone: Phone) -> None:
        """Count a message to this phone. Raises GraphError when it comes too fast; then it is not counted."""
        if not self._on:
            return
        now, network = self._now(), phone.network
        account, pair = self._accounts[network], self._pair(phone)
        if pair is not None and pair.wait(now) > 0:
            self.refused[network] += 1
            raise pair_limit()
        if account.wait(now) > 0:
            self.refused[network] += 1
            raise account_limit(network)
        account.take(now)
        if pair is not None:
            pair.take(now)

    def _pair(self, phone: Phone) -> Meter | None:
        rate = _PAIR.get(phone.network)
        return None if rate is None else self._pairs.setdefault((phone.network, phone.user), Meter(rate))
