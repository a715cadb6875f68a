"""What a network carries, and its limits, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

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


Level = Literal["full", "partial", "fallback", "dropped", "rejected"]
"""How a network carries something.

`full`: as it is. `partial`: by the network's own means, but not all of it (`Support.note` says what is missing).
`fallback`: in words, or as something else that it can show. `dropped`: not at all, and nobody misses it. `rejected`:
not at all, and whoever sent it is told.
"""
Feature = Literal[
    "text",
    "formatting",
    "image",
    "video",
    "audio",
    "voice",
    "file",
    "sticker",
    "gif",
    "view_once",
    "location",
    "contacts",
    "poll",
    "vote",
    "product",
    "buttons",
    "reply",
    "forward",
    "reaction",
    "edit",
    "redaction",
    "membership",
    "notice",
    "typing",
    "delivered",
    "read",
]
FEATURES: Final[tuple[Feature, ...]] = get_args(Feature)
MEDIA: Final[frozenset[Feature]] = frozenset(get_args(MediaKind))
ALWAYS: Final[frozenset[Feature]] = frozenset({"text", "membership", "notice"})
WORTHLESS: Final[frozenset[Feature]] = frozenset({"typing", "delivered", "read"})
"""What is simply not shown where a network has no way: words would be worse than nothing."""


class Support(msgspec.Struct, frozen=True):
    """How a network carries one feature, what is missing there, and where that is known from."""

    level: Level
    note: str = ""
    source: str = ""


class Dialect(msgspec.Struct, frozen=True):
    """Formatting by marks around the words, such as `*bold*`; "" where there is none of a kind.

    `block` stands before and after lines of code, `quote` before each quoted line, `bullet` before each item of a list.
    """

    bold: str = ""
    italic: str = ""
    strike: str = ""
    code: str = ""
    block: str = ""
    quote: str = ""
    bullet: str = ""
    source: str = ""


class FileRule(msgspec.Struct, frozen=True):
    """What a network takes as one kind of file: MIME types (empty: any), the largest `size` in bytes.

    `seconds` bounds what plays and `pixels` the longer side of what is seen; 0 where there is no such bound. The first
    of `mimes` is what other files of the kind are turned into. `square`: a picture has this side, both ways (0: any).
    `still_size` bounds a picture that does not move, where that is another bound than `size`. `codecs` and `channels`
    say for a MIME type of sounds which codecs are taken in it, by FFmpeg's names, and how many channels at most; of a
    type that is not named there, any.
    """

    mimes: tuple[str, ...]
    size: int
    seconds: float = 0.0
    pixels: int = 0
    source: str = ""
    square: int = 0
    still_size: int = 0
    codecs: Mapping[str, tuple[str, ...]] = {}
    channels: Mapping[str, int] = {}


class EditRule(msgspec.Struct, frozen=True):
    """For how many `seconds` after it was sent a message can be changed, and how often (0: no bound)."""

    seconds: float = 0.0
    times: int = 0
    source: str = ""


class ButtonRule(msgspec.Struct, frozen=True):
    """How many answers to tap go below one message, how long each may be (in `title.unit`), and the text above them."""

    count: int
    title: Limit
    text: Limit


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
    kinds that go as files, `files` what is taken of each. `replies`: a message can quote another one natively.
    `receipts`: what of "delivered" and "read" can be shown to the person who wrote. `features` says it of everything
    else, and whatever it says of something counts. `dialect` is how words are formatted; None where they cannot be.
    `edit` bounds changes to a message, `buttons` answers to tap. `app_rate` bounds everything that this app sends,
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
    features: Mapping[Feature, Support] = {}
    dialect: Dialect | None = None
    files: Mapping[MediaKind, FileRule] = {}
    edit: EditRule | None = None
    buttons: ButtonRule | None = None

    def support(self, feature: Feature) -> Support:
        """How this feature is carried. What nothing is said of comes as words."""
        stated = self.features.get(feature)
        return stated if stated is not None else Support(self._level(feature), source=self.source)

    def level(self, feature: Feature) -> Level:
        """The level of `support`."""
        stated = self.features.get(feature)
        return stated.level if stated is not None else self._level(feature)

    def shows(self, feature: Feature) -> bool:
        """Whether it goes by the network's own means."""
        return self.level(feature) in {"full", "partial"}

    def _level(self, feature: Feature) -> Level:
        has = (
            feature in ALWAYS
            or feature in self.media
            or feature in self.receipts
            or (feature == "reply" and self.replies)
            or (feature == "formatting" and self.dialect is not None)
            or (feature == "buttons" and self.buttons is not None)
        )
        if has:
            return "full"
        return "dropped" if feature in WORTHLESS else "fallback"
