"""What `FakeNetwork` tells a bridge: its own words, which the bridge has to translate."""

from __future__ import annotations

import msgspec


class Typed(msgspec.Struct, frozen=True, omit_defaults=True, tag="typed"):
    """Somebody wrote. `at` in milliseconds since the epoch; `file` is the id of a file that came along."""

    id: str
    user: str
    thread: str
    at: int
    text: str
    reply_to: str = ""
    file: str = ""
    mime: str = ""


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """Somebody has read these messages."""

    user: str
    thread: str
    at: int
    ids: tuple[str, ...]


class Echoed(msgspec.Struct, frozen=True, tag="echoed"):
    """A message that went out from the own account. `delivery_id` is what was sent along with it."""

    id: str
    user: str
    thread: str
    at: int
    delivery_id: str


Update = Typed | Seen | Echoed
