"""What a file is, as found by looking into it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Family = Literal["image", "audio", "video", "other"]

ALIASES: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/heif": "image/heic",
    "image/x-ms-bmp": "image/bmp",
    "audio/mp3": "audio/mpeg",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/opus": "audio/ogg",
    "audio/x-aac": "audio/aac",
    "application/ogg": "audio/ogg",
    "video/avi": "video/x-msvideo",
    "video/msvideo": "video/x-msvideo",
    "video/x-quicktime": "video/quicktime",
}
"""Names of MIME types that say the same as another one."""
PICTURES: Final = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff", "image/heic", "image/avif"}
)
FILMS: Final = frozenset(
    {"video/mp4", "video/3gpp", "video/quicktime", "video/webm", "video/x-matroska", "video/x-msvideo", "video/ogg"}
)
SOUNDS: Final = frozenset(
    {"audio/ogg", "audio/mp4", "audio/mpeg", "audio/aac", "audio/amr", "audio/wav", "audio/flac", "audio/webm"}
)
"""What can be looked into."""


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file. `size` is in bytes, `duration` in seconds; 0 and "" for what it has none of.

    `width` and `height` are as it is shown, turned. `animated`: a picture that moves. `alpha`: parts of it are seen
    through. `private`: it says where, when or with what it was made. `turned`: a mark says that it is to be shown
    turned. `video`, `audio` and `pixels` are the names of its codecs and of the format of its frames. `broken`: why it
    cannot be opened, and must not be given to anybody as a picture, a video or a sound; "" for a sound file.
    """

    mime: str
    size: int
    width: int = 0
    height: int = 0
    duration: float = 0.0
    animated: bool = False
    alpha: bool = False
    private: bool = False
    turned: bool = False
    video: str = ""
    audio: str = ""
    channels: int = 0
    pixels: str = ""
    broken: str = ""


def canonical(mime: str) -> str:
    """A MIME type without its parameters, under the one name that is used here."""
    plain = mime.partition(";")[0].strip().lower()
    return ALIASES.get(plain, plain)


def family_of(mime: str) -> Family:
    """What a file of this type is, as far as it can be looked into here; `other` for everything else."""
    if mime in PICTURES:
        return "image"
    if mime in FILMS:
        return "video"
    return "audio" if mime in SOUNDS else "other"
