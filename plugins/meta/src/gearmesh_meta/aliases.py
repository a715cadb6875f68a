"""One WhatsApp user under several ids.

WhatsApp names a person by their phone number, by a business-scoped user id (BSUID), or by both, and may stop telling
the number when the person takes a username (WhatsApp docs on business-scoped user ids, 2026). Whichever id came first
stays the person's `user`, so that their conversation does not fall in two. What an id once stands for it always does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

PHONE: Final = re.compile(r"[1-9][0-9]{4,14}")
BSUID: Final = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
CAPACITY: Final = 100_000
ALIAS: Final = "alias/"
"""Before an id, in the keys under which it is kept whom it stands for."""
RECIPIENT: Final = "recipient/"
"""Before a user, in the keys under which it is kept where they are written to now."""


_CHANGED: Final = re.compile(r"changed from (\S{1,200}) to (\S{1,200})\s*$")


def spelled_out(news: str) -> tuple[str, str]:
    """The ids in a line such as "User Ada changed from 16505551234 to 12195555358"; ("", "") where there are none.

    The id that was is often named nowhere else.
    """
    found = _CHANGED.search(news[-500:])
    return (found[1], found[2]) if found else ("", "")


def is_id(text: str) -> bool:
    """Whether WhatsApp could name a person so."""
    return bool(PHONE.fullmatch(text) or BSUID.fullmatch(text))


class Aliases:
    """Which `user` each known id stands for. Bounded: the ids learned longest ago are forgotten first.

    What is learned is `news` until it was written down (`noted`); what others have written down comes in by `recalled`.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._users: dict[str, str] = {}
        self._current: dict[str, str] = {}
        self._news: dict[str, str] = {}
        self._halves: dict[str, str] = {}
        self.whole = True
        """Whether all that was written down is here: nothing was left out, and nothing had to be forgotten."""

    def user(self, phone: str, bsuid: str) -> str:
        """The one `user` behind these ids ("" for one that did not come along); "" when neither is an id."""
        phone = phone if PHONE.fullmatch(phone) else ""
        bsuid = bsuid if BSUID.fullmatch(bsuid) else ""
        user = self._users.get(phone) or self._users.get(bsuid) or phone or bsuid
        if phone and bsuid:
            self._halves.pop(user, None)
        new = [known for known in (phone, bsuid) if known and known not in self._users]
        for known in new:
            # That a number stands for itself goes without saying where another id stands for it, too.
            self._learn(known, user, silent=known == user and len(new) > 1)
        return user

    def same(self, user: str, other: str) -> None:
        """`other`, an id that WhatsApp named for `user`, stands for them unless it is known already."""
        if is_id(other) and other not in self._users:
            self._learn(other, user)

    def renamed(self, previous: str, current: str) -> None:
        """WhatsApp has given a person another BSUID: they stay the `user` that they were."""
        if not BSUID.fullmatch(previous) or not BSUID.fullmatch(current) or previous == current:
            return
        user = self._one((previous,), current)
        if BSUID.fullmatch(user):
            self._lead(user, current)

    def moved(self, previous: Iterable[str], current: Iterable[str]) -> bool:
        """A person has another number, and with it another BSUID: they stay the `user` that they were.

        From now on they are written to under the new number, or the new BSUID where no number is told: the old number
        may be somebody else's soon. Number and BSUID are told in two messages, in either order: the number counts.
        False, and nothing learned, when it is not told who it was or what they are now.
        """
        before = [known for known in previous if is_id(known)]
        after = [known for known in current if is_id(known) and known not in before]
        if not before or not after:
            return False
        user = ""
        for known in after:
            user = self._one(before, known)
        told = next(filter(PHONE.fullmatch, after), "")
        half = self._halves.pop(user, "")
        if told or half != "number":
            self._lead(user, told or after[0])
        if not half or (not told and half == "id"):
            self._remember(self._halves, user, "number" if told else "id")
        return True

    def recipient(self, user: str) -> str:
        """The id under which this user is written to now."""
        return self._current.get(user, user)

    def knows(self, known: str) -> bool:
        """Whether it is remembered whom this id stands for."""
        return known in self._users

    def knows_recipient(self, user: str) -> bool:
        """Whether it is remembered that this user is written to under another id."""
        return user in self._current

    def news(self) -> dict[str, str]:
        """What was learned and not written down yet, by the key to keep it under."""
        return dict(self._news)

    def noted(self, key: str, value: str) -> None:
        """It is written down, so it is no news any more."""
        if self._news.get(key) == value:
            del self._news[key]

    def recalled(self, kept: Mapping[str, str]) -> None:
        """Learn what was written down, by the keys of `news`; other keys are not ours."""
        for key, value in kept.items():
            if not is_id(value):
                continue
            # What is in memory may be newer than what was read.
            known, user = key.removeprefix(ALIAS), key.removeprefix(RECIPIENT)
            if key.startswith(RECIPIENT) and user not in self._current:
                self._remember(self._current, user, value)
            elif key.startswith(ALIAS) and known not in self._users:
                self._remember(self._users, known, value)
                if value not in self._users:
                    self._remember(self._users, value, value)

    def forget(self) -> None:
        """Know nothing: somebody else may have learned more."""
        self._users.clear()
        self._current.clear()
        self._news.clear()
        self._halves.clear()
        self.whole = True

    def _one(self, previous: Iterable[str], current: str) -> str:
        """The user behind ids that are one person; those that nobody is known under stand for them from now on."""
        ids = list(previous)
        user = next((self._users[known] for known in ids if known in self._users), ids[0])
        for known in (*ids, current):
            if known not in self._users:
                self._learn(known, user)
        return user

    def _lead(self, user: str, current: str) -> None:
        self._remember(self._current, user, current)
        self._news[f"{RECIPIENT}{user}"] = current

    def _learn(self, known: str, user: str, *, silent: bool = False) -> None:
        self._remember(self._users, known, user)
        if not silent:
            self._news[f"{ALIAS}{known}"] = user

    def _remember(self, table: dict[str, str], key: str, value: str) -> None:
        table.pop(key, None)
        table[key] = value
        if len(table) > self._capacity:
            del table[next(iter(table))]
            self.whole = False
