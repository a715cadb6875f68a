"""What a bridge remembers of the newest messages and people, so that it need not ask anybody. A restart forgets it."""

from __future__ import annotations

from typing import Final

from gearmesh import Sender
from gearmesh_xmpp.recent import Recent

REMEMBERED: Final = 10_000


class Known:
    """The memories of one bridge."""

    def __init__(self) -> None:
        self.given: Recent[tuple[str, str, str], str] = Recent(REMEMBERED)
        """By room, nickname and a sender's own id: the id that the room gave (corrections name the former)."""
        self.own: Recent[str, tuple[str, str]] = Recent(REMEMBERED)
        """By native id: which of us sent a message, and under which id of ours."""
        self.told: Recent[tuple[str, str], bool] = Recent(REMEMBERED)
        """By room and the id that it gave: what is stored, as it comes from the room and from its archive."""
        self.talks: Recent[str, str] = Recent(REMEMBERED)
        """By user, or native id of what they wrote: to which of us it was, or who of us wrote last."""
        self.faces: Recent[str, Sender] = Recent(REMEMBERED)
        """By JID: whom a ghost shows."""
