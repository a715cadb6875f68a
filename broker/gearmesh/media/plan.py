"""What has to be done to a file so that a network takes it. Pure: a file as found and a rule in, a plan out.

Every bound that can be computed is computed before anything is opened: the bit rate of a video from its duration and
the size that it may have, and its dimensions from the bit rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from gearmesh.media.probe import Probe, canonical, family_of
from gearmesh.model.capabilities import FileRule
from gearmesh.model.content import MediaKind

ANYTHING: Final = FileRule((), 0)
"""The rule of a network that says nothing: as it is, but for what is private in it. A `size` of 0 is no bound."""

GIF_SIDE: Final = 480
"""The longer side of a GIF that is made here: they have no compression to speak of."""

STILLS: Final = ("image/jpeg", "image/png", "image/webp")
SEEN_THROUGH: Final = ("image/webp", "image/png")
"""What a picture in the middle of an empty square can be, and `MOVING` one that moves."""
STRIPPED: Final = frozenset({"image/jpeg", "image/png"})
"""What can be rid of what is private without being made anew."""
MOVING: Final = ("video/mp4", "image/webp", "image/gif")
SOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "audio/mp4": (64_000, 96_000),
    "audio/aac": (64_000, 96_000),
    "audio/mpeg": (64_000, 128_000),
    "audio/ogg": (32_000, 64_000),
}
"""What can be made, with the bits a second of one channel and of two."""
CODECS: Final = {"audio/mp4": "aac", "audio/aac": "aac", "audio/mpeg": "mp3", "audio/ogg": "opus"}
"""What is made in it."""
LEAST_SOUND: Final = 16_000
LEAST_PICTURES: Final = 80_000
"""Bits a second below which a sound, or the pictures of a video, would be worth nothing."""
MOST_PICTURES: Final = 4_000_000
ROOM: Final = 0.92
"""The part of a size that is planned for: the rest is for the container, and for rates that are not met exactly."""
LADDER: Final = ((2_500_000, 1920), (1_200_000, 1280), (600_000, 854), (250_000, 640), (120_000, 426), (0, 320))
"""From how many bits a second on a video of H.264 is worth having which longer side."""
_MP4: Final = frozenset({"video/mp4", "video/3gpp", "video/quicktime", "video/x-matroska"})


class Keep(msgspec.Struct, frozen=True):
    """It is taken as it is."""


class Convert(msgspec.Struct, frozen=True, omit_defaults=True):
    """It becomes a file of type `mime` with at most `size` bytes (0: no bound).

    `how`: `anew` (decoded and encoded), `copy` (other container, the same streams), `strip` (the same picture without
    what is private). `side` bounds the longer side (0: as it is), `square` is that of a canvas. `pictures` and `sound`
    are bits a second, `channels` those of the sound.
    """

    mime: str
    size: int = 0
    how: Literal["anew", "copy", "strip"] = "anew"
    side: int = 0
    square: int = 0
    pictures: int = 0
    sound: int = 0
    channels: int = 0

    @property
    def profile(self) -> str:
        """A name that only equal plans have."""
        parts = (self.mime.replace("/", "."), self.how, self.size, self.side, self.square)
        return "-".join(map(str, (*parts, self.pictures, self.sound, self.channels)))


class Impossible(msgspec.Struct, frozen=True):
    """It cannot go so. `limit`: only because it is larger than these bytes, whatever is done to it; else 0."""

    reason: str
    limit: int = 0


Plan = Keep | Convert | Impossible


def ways(kind: MediaKind, found: Probe) -> tuple[MediaKind, ...]:
    """The kinds as which a file can go, the best one first. What it is counts more than what it was called."""
    family = family_of(found.mime)
    if kind == "file":
        return ("file",)
    if found.broken or family == "other":
        return (kind,)
    if family == "audio":
        return ("voice", "audio", "file") if kind == "voice" else ("audio", "file")
    if family == "video":
        return ("gif", "video", "file") if kind == "gif" else ("video", "file")
    if found.animated:
        return ("sticker", "gif", "video", "image") if kind == "sticker" else ("gif", "video", "image")
    return ("sticker", "image") if kind == "sticker" else ("image",)


def plan(kind: MediaKind, found: Probe, rule: FileRule, *, sent_as: MediaKind | None = None) -> Plan:
    """What a file needs to go as `kind` where `rule` holds. `sent_as`: what it was sent as, where that is another kind.

    A document goes byte for byte, and with all that is private in it. What only goes as one, because its network takes
    it as nothing else, was no document to whoever sent it.
    """
    if kind == "file":
        return _file(found, rule, sent_as or kind)
    if found.broken:
        return Impossible(found.broken)
    if rule.seconds and found.duration > rule.seconds + 0.5:
        return Impossible(f"it plays for {found.duration:.0f} seconds, and {rule.seconds:.0f} are the most")
    family = family_of(found.mime)
    if family == "image" and kind == "sticker":
        return _sticker(found, rule)
    if family == "image" and (kind == "gif" or (kind == "video" and found.animated)):
        return _moving(found, rule) if found.animated else _picture(found, rule)
    if family == "image" and kind == "image":
        return _picture(found, rule)
    if family == "video" and kind in {"video", "gif"}:
        return _film(found, rule)
    if family == "audio" and kind in {"audio", "voice"}:
        return _sound(kind, found, rule)
    return Impossible(f"it was sent as {_NAMES[kind]}, and what is in it is {found.mime}")


_NAMES: Final[dict[MediaKind, str]] = {
    "image": "a picture",
    "video": "a video",
    "audio": "a recording",
    "voice": "a voice message",
    "file": "a file",
    "sticker": "a sticker",
    "gif": "a GIF",
}


def _file(found: Probe, rule: FileRule, sent_as: MediaKind) -> Plan:
    if not _takes(rule, found.mime):
        return Impossible(f"files of the type {found.mime} are not taken, only {', '.join(rule.mimes)}")
    if found.private and sent_as != "file":
        return _film(found, rule) if family_of(found.mime) == "video" else _picture(found, rule)
    return Keep() if _fits(found, rule) else Impossible("it is too large", rule.size)


def _picture(found: Probe, rule: FileRule) -> Plan:
    taken, fits = _takes(rule, found.mime), _fits(found, rule)
    if taken and found.animated and found.private:
        return _moving(found, rule)
    if taken and fits and not found.turned:
        if not found.private:
            return Keep()
        if found.mime in STRIPPED:
            return Convert(found.mime, rule.size, "strip")
    targets = [mime for mime in STILLS if _takes(rule, mime)]
    # What is seen through stays so where that is taken; a picture without loss is made smaller before it is given up.
    wanted = [found.mime] if fits or found.mime != "image/png" else []
    wanted += ["image/png", "image/webp"] if found.alpha else []
    target = next((mime for mime in (*wanted, *targets) if mime in targets), "")
    if not target:
        return Impossible(f"pictures of the type {found.mime} are not taken")
    return Convert(target, rule.size, side=rule.pixels)


def _sticker(found: Probe, rule: FileRule) -> Plan:
    size = rule.size if found.animated else rule.still_size or rule.size
    is_one = _takes(rule, found.mime) and found.width == found.height == rule.square and not found.private
    if is_one and (not size or found.size <= size):
        return Keep()
    mimes = [canonical(mime) for mime in rule.mimes] or ["image/webp"]
    pictures = [mime for mime in MOVING if family_of(mime) == "image"] if found.animated else SEEN_THROUGH
    target = next((mime for mime in mimes if mime in pictures), "")
    if rule.square and target:
        return Convert(target, size, square=rule.square)
    return _moving(found, rule) if found.animated else _picture(found, rule)


def _moving(found: Probe, rule: FileRule) -> Plan:
    """A picture that moves."""
    taken = _takes(rule, found.mime)
    if taken and _fits(found, rule) and not found.private:
        return Keep()
    mimes = [canonical(mime) for mime in rule.mimes] or list(MOVING)
    if taken and found.private:
        mimes.insert(0, found.mime)  # the same again, without what is private
    target = next((mime for mime in mimes if mime in MOVING), "")
    if not target:
        return Impossible("pictures that move are not taken")
    side = rule.pixels or max(found.width, found.height)
    if target != "video/mp4":
        return Convert(target, rule.size, side=min(side, GIF_SIDE))
    rate = min(_rate(found, rule), MOST_PICTURES)
    if rate < LEAST_PICTURES:
        return Impossible("it is too large", rule.size)
    return Convert(target, rule.size, side=min(side, _side(rate)), pictures=rate)


def _film(found: Probe, rule: FileRule) -> Plan:
    standard = found.video == "h264" and found.audio in {"", "aac"} and found.pixels in {"yuv420p", "yuvj420p"}
    plays = standard or not rule.mimes or found.mime not in {"video/mp4", "video/3gpp"}
    fits = _fits(found, rule)
    if _takes(rule, found.mime) and plays and fits and not found.private:
        return Keep()
    if not _takes(rule, "video/mp4"):
        return Impossible(f"videos of the type {found.mime} are not taken")
    if standard and fits and found.mime in _MP4:
        return Convert("video/mp4", rule.size, "copy")
    rate = _rate(found, rule)
    channels = min(found.channels, 2) if found.audio else 0
    sound = min(48_000 * channels, max(LEAST_SOUND * channels, rate // 7))
    pictures = min(rate - sound, MOST_PICTURES)
    if pictures < LEAST_PICTURES:
        return Impossible(f"it plays for {found.duration:.0f} seconds, which is too large", rule.size)
    side = min(rule.pixels or 1920, max(found.width, found.height), _side(pictures))
    return Convert("video/mp4", rule.size, side=side, pictures=pictures, sound=sound, channels=channels)


def _sound(kind: MediaKind, found: Probe, rule: FileRule) -> Plan:
    if _takes(rule, found.mime) and _plays(found, rule) and _fits(found, rule):
        return Keep()
    mimes = [canonical(mime) for mime in rule.mimes] or ["audio/mp4"]
    target = next((mime for mime in mimes if CODECS.get(mime, "") in rule.codecs.get(mime, CODECS.values())), "")
    if not target:
        return Impossible(f"recordings of the type {found.mime} are not taken")
    channels = 1 if kind == "voice" else max(1, min(found.channels, rule.channels.get(target, 2), 2))
    rate = min(SOUNDS[target][channels - 1], _rate(found, rule))
    if rate < LEAST_SOUND:
        return Impossible(f"it plays for {found.duration:.0f} seconds, which is too large", rule.size)
    return Convert(target, rule.size, sound=rate, channels=channels)


def _plays(found: Probe, rule: FileRule) -> bool:
    """Whether what is in a file of sound is taken, too."""
    channels = rule.channels.get(found.mime, found.channels)
    return found.audio in rule.codecs.get(found.mime, (found.audio,)) and found.channels <= channels


def _takes(rule: FileRule, mime: str) -> bool:
    return not rule.mimes or canonical(mime) in map(canonical, rule.mimes)


def _fits(found: Probe, rule: FileRule) -> bool:
    large = rule.size and found.size > rule.size
    return not large and not (rule.pixels and max(found.width, found.height) > rule.pixels)


def _rate(found: Probe, rule: FileRule) -> int:
    """The bits a second that the size leaves to something that plays so long."""
    if not rule.size:
        return 2 * MOST_PICTURES
    return int(rule.size * 8 * ROOM / max(found.duration, 1.0))


def _side(rate: int) -> int:
    return next(side for least, side in LADDER if rate >= least)
