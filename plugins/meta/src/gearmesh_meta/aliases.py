"""One WhatsApp user under several ids.

WhatsApp names a person by their phone number, by a business-scoped user id (BSUID), or by both, and may stop telling
the number when the person takes a username (WhatsApp docs on business-scoped user ids, 2026). Whichever id came first
stays the person's `user` for as long as this process runs, so that their conversation does not fall in two.
"""

from __future__ import annotations

import re
from typing import Final

PHONE: Final = re.compile(r"[1-9][0-9]{4,14}")
BSUID: Final = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
CAPACITY: Final = 100_000


class Aliases:
    """Which `user` each known id stands for. Bounded: the ids learned longest ago are forgotten first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._users: dict[str, str] = {}
        self._current: dict[str, str] = {}

    def user(self, phone: str, bsuid: str) -> str:
        """The one `user` behind these ids ("" for one that did not come along); "" when neither is an id."""
        phone = phone if PHONE.fullmatch(phone) else ""
        bsuid = bsuid if BSUID.fullmatch(bsuid) else ""
        user = self._users.get(phone) or self._users.get(bsuid) or phone or bsuid
        for known in (phone, bsuid):
            if known and known not in self._users:
                self._learn(self._users, known, user)
        return user

    def same(self, user: str, other: str) -> None:
        """`other`, an id that WhatsApp named for `user`, stands for them unless it is known already."""
        if (PHONE.fullmatch(other) or BSUID.fullmatch(other)) and other not in self._users:
            self._learn(self._users, other, user)

    def renamed(self, previous: str, current: str) -> None:
        """WhatsApp has given a person another BSUID: they stay the `user` that they were."""
        if not BSUID.fullmatch(previous) or not BSUID.fullmatch(current) or previous == current:
            return
        user = self._users.get(previous, previous)
        self._learn(self._users, previous, user)
        self._learn(self._users, current, user)
        if BSUID.fullmatch(user):
            self._learn(self._current, user, current)

    def recipient(self, user: str) -> str:
        """The id under which this user is written to now."""
        return self._current.get(user, user)

    def _learn(self, table: dict[str, str], key: str, value: str) -> None:
        table.pop(key, None)
        table[key] = value
        if len(table) > self._capacity:
            del table[next(iter(table))]
