"""Getting to know who writes: their address, their name, their handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from gearmesh.bridge import SupportsProfiles
from gearmesh.core.cache import Cache
from gearmesh.errors import SendFailed
from gearmesh.host.answers import answer_of
from gearmesh.host.app import App
from gearmesh.host.directory import REFRESH_AFTER
from gearmesh.model.address import Address
from gearmesh.model.person import KnownAddress, Profile

log = structlog.get_logger("gearmesh.ingress")

ASK_AGAIN_AFTER: Final = 600_000
"""Milliseconds between two questions for the profile of one person."""
PROFILE_WITHIN: Final = 2.0
"""Seconds that a message waits for the name of who wrote it."""


class Acquaintance:
    """Meets the people of one app. `guard` is asked right before somebody is written down."""

    def __init__(self, app: App, guard: Callable[[], None]) -> None:
        self._guard = guard
        self._shared = app.shared
        # Asked of the bridge with every message, this took longer than anything else here.
        self._profiles = app.bridge if isinstance(app.bridge, SupportsProfiles) else None
        self._asked: Cache[Address, int] = Cache(10_000)

    async def meet(self, address: Address, profile: Profile | None, handle: str = "") -> None:
        """Somebody writes; their network is asked for a profile when they are new and none came along.

        Raises:
            BusUnavailable: nats does not answer, or `guard` has said so.
        """
        shared, profiles = self._shared, self._profiles
        known = await shared.directory.known(address)
        if profile is None and profiles is not None and self._is_profile_due(address, known):
            try:
                profile = await answer_of(profiles.profile(address.user), PROFILE_WITHIN, app=address.app, profile="")
            except SendFailed as error:
                log.warning("no profile now; asked again later", app=address.app, error=str(error))
        if known is None or (profile is not None and profile != known.profile):
            now = shared.clock.millis() if profile is not None else 0
            self._guard()
            await shared.directory.register(address, profile, handle=handle, now=now)

    def _is_profile_due(self, address: Address, known: KnownAddress | None) -> bool:
        now = self._shared.clock.millis()
        if known is not None and now < known.profiled_at + REFRESH_AFTER:
            return False
        # A network that does not answer is not asked with every message, each of which would wait for it.
        if now < (self._asked.get(address) or 0) + ASK_AGAIN_AFTER:
            return False
        self._asked.put(address, now)
        return True
