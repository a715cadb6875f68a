"""Who and where: an address is `app:user`."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from gearmesh.errors import InvalidAddress

SYSTEM_APP: Final = "gearmesh"
"""The app token of Gearmesh itself: notices come from `gearmesh:<broker>`. No app may be named so."""

APP_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_USER_CHARS: Final = 512


class Address(msgspec.Struct, frozen=True, order=True, eq=True, gc=False):
    """One user of one app. `user` is the network's own id; only the bridge that minted it looks inside.

    A user id may hold colons (`matrix:@ada:example.org`): the first colon ends the app's name.
    """

    app: str
    user: str

    def __str__(self) -> str:
        return f"{self.app}:{self.user}"

    @property
    def is_system(self) -> bool:
        """Whether this is Gearmesh itself, the sender of notices."""
        return self.app == SYSTEM_APP

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address in `app:user` form.

        Raises:
            InvalidAddress: no colon, an app name outside `[A-Za-z0-9_-]{1,64}`, an empty or overlong user,
                or control characters.
        """
        app, colon, user = text.partition(":")
        if not colon or not user or len(user) > MAX_USER_CHARS or not APP_NAME.fullmatch(app):
            raise InvalidAddress(text[:120])
        if not user.isprintable():
            raise InvalidAddress(text[:120], "a user without control characters")
        return cls(app, user)
