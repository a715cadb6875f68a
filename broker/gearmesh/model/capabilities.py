"""What a network carries, and its limits, as data."""

from __future__ import annotations

from typing import Literal

import msgspec

from gearmesh.model.content import MediaKind

Unit = Literal["characters", "utf16", "bytes"]
"""Code points, UTF-16 code units (as JavaScript and Java count: most emoji are two), or bytes of UTF-8."""


class Limit(msgspec.Struct, frozen=True):
    """A limit, its unit, and where the number comes from."""

    value: int
    unit: Unit
    source: str

    def measure(self, text: str) -> int:
        """How much of this limit `text` uses."""
        match self.unit:
            case "bytes":
                return len(text.encode())
            case "utf16":
                return len(text.encode("utf-16-le", "surrogatepass")) // 2
            case _:
                return len(text)


class Rate(msgspec.Struct, frozen=True):
    """How often a network takes a message: in the long run one each `every` seconds.

    When nothing is owed, `burst` of them may go within `within` seconds; each is paid for with its `every` seconds
    before the next burst begins.
    """

    every: float
    burst: int = 1
    within: float = 0.0
    source: str = ""


class Window(msgspec.Struct, frozen=True):
    """The network lets us write to a person only within `seconds` after they wrote.

    `late` is how many seconds after that word it still takes a message that is marked as late (`Delivery.late`);
    0 where it takes none.
    """

    seconds: float
    late: float = 0.0
    source: str = ""


class Capabilities(msgspec.Struct, frozen=True):
    """What one thread of one app can show.

    `text` bounds one message and `caption` the text beside a file (None: a file carries no text). `media` are the
    kinds that go as files by link. `replies`: a message can quote another one natively. `receipts`: what of
    "delivered" and "read" can be shown to the person who wrote. `app_rate` bounds everything that this app sends,
    `recipient_rate` what it sends to one thread, and `window` when it may be written to; None where there is no such
    bound. `source` says where the yes and no come from.
    """

    text: Limit
    caption: Limit | None = None
    media: frozenset[MediaKind] = frozenset()
    replies: bool = False
    receipts: frozenset[Literal["delivered", "read"]] = frozenset()
    app_rate: Rate | None = None
    recipient_rate: Rate | None = None
    window: Window | None = None
    source: str = ""
