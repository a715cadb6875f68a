"""Pictures: looked into and made anew with Pillow. Runs only where a stranger's file can do no harm (`worker`)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pillow_heif
from PIL import Image, ImageOps, JpegImagePlugin

from gearmesh.media.failed import CannotOpen, StillTooLarge
from gearmesh.media.jpeg import without_private
from gearmesh.media.plan import Convert
from gearmesh.media.png import without_words
from gearmesh.media.probe import Probe

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = None  # our own bound is looked at before anything is decoded

MOST_PIXELS: Final = 50_000_000
"""Of one picture, at 4 bytes each in memory. Phones make up to 200 million: as JPEG, which can be read in part."""
MOST_FRAMES: Final = 600
MOST_SECONDS: Final = 60.0
STICKER_FRAMES: Final = 150

_FORMATS: Final = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
    "image/heic": "HEIF",
    "image/avif": "AVIF",
}
_ORIENTATION: Final = 0x0112
_DETAILS: Final = 0x8769
_PLACE: Final = 0x8825
_TIFF_BESIDE: Final = (0x02BC, 0x83BB, 0x8649)
"""XMP, IPTC and what Photoshop writes, which has IPTC in it."""
_HARMLESS: Final = frozenset({_ORIENTATION, 0x011A, 0x011B, 0x0128, 0x0213, 0x0100, 0x0101, _DETAILS})
"""EXIF tags that say how to show a picture, and nothing of where and with what it was taken."""
_QUALITIES: Final = (90, 80, 70, 60)
_SMALLER: Final = 0.75
_LEAST_SIDE: Final = 160
_NOTHING_BESIDE: Final[dict[str, dict[str, bytes]]] = {"image/jpeg": {"comment": b""}, "image/gif": {"comment": b""}}
"""Pillow would write again what it has read."""


def look(path: Path, mime: str) -> Probe:
    """What a picture is. It is decoded once, so that one that is cut off is known to be.

    Raises:
        CannotOpen: it is broken, or has too many pixels.
    """
    size = path.stat().st_size
    with _opened(path, mime) as image:
        frames = getattr(image, "n_frames", 1)
        width, height = image.size
        exif = image.getexif()
        turned = exif.get(_ORIENTATION, 1) not in {0, 1}
        moves = frames > 1 and mime in {"image/gif", "image/webp", "image/png", "image/avif"}
        duration = sum(pause for _, pause in _frames(image)) if moves else 0.0
        if not moves:
            _decode(image, 512)
        # Only now: some of it can stand behind the picture.
        private = _is_private(exif, mime) or _says_more(image, mime)
        if turned and exif[_ORIENTATION] in {5, 6, 7, 8} and mime != "image/heic":
            width, height = height, width
        return Probe(
            mime,
            size,
            width,
            height,
            duration,
            animated=moves,
            alpha=image.has_transparency_data,
            private=private,
            turned=turned and mime != "image/heic",
        )


def make(source: Path, found: Probe, target: Path, steps: Convert) -> None:
    """Write what a picture becomes; to a still one.

    Raises:
        CannotOpen: it cannot be read.
        StillTooLarge: whatever is done to it.
    """
    if steps.how == "strip":
        try:
            strip = without_words if steps.mime == "image/png" else without_private
            target.write_bytes(strip(source.read_bytes()))
            return
        except ValueError:
            pass  # unusual, but it could be decoded: then it is encoded anew
    with _opened(source, found.mime) as image:
        if found.animated and steps.mime in {"image/webp", "image/gif"}:
            _make_moving(image, target, steps)
            return
        tables: dict[str, Any] = {}
        if found.mime == steps.mime == "image/jpeg" and not steps.size < found.size:
            # As good as it is: quantised in the same way.
            tables = {"qtables": getattr(image, "quantization", None), "subsampling": _sampling(image)}
        _decode(image, steps.side or steps.square)
        icc = image.info.get("icc_profile")
        ImageOps.exif_transpose(image, in_place=True)
        if steps.square:
            _least(target, steps, [_squared(image, steps.square)])
            return
        whole = image.size
        still = _for(image, steps.mime)
        if steps.side:
            still.thumbnail((steps.side, steps.side))
        if icc and still.mode == "RGB":
            tables["icc_profile"] = icc
        if "qtables" in tables and still.size == whole:
            data = _encoded(still, steps.mime, tables)
            if not steps.size or len(data) <= steps.size:
                target.write_bytes(data)
                return
        tables = {key: value for key, value in tables.items() if key == "icc_profile"}
        _least(target, steps, _ever_smaller(still), tables)


def frames(path: Path, found: Probe, side: int) -> Iterator[tuple[Image.Image, float]]:
    """The pictures of one that moves, on white, with at most `side` pixels, and how many seconds each is shown."""
    with _opened(path, found.mime) as image:
        for frame, pause in _frames(image):
            still = _for(frame.copy(), "image/jpeg")
            still.thumbnail((side, side))
            yield still, pause


def _is_private(exif: Image.Exif, mime: str) -> bool:
    if mime == "image/tiff":
        # All else of a TIFF file is written with such tags, too.
        return any(tag in exif for tag in (_PLACE, *_TIFF_BESIDE))
    return any(tag not in _HARMLESS for tag in exif) or bool(exif.get_ifd(_DETAILS))


def _says_more(image: Image.Image, mime: str) -> bool:
    """Whether there are words beside a picture that is not to be made anew for nothing.

    Not so the comment of a GIF: it mostly names the program that made it, and a GIF that is made anew loses much.
    """
    if mime == "image/png" and getattr(image, "text", None):
        return True
    return "xmp" in image.info or (
        mime == "image/jpeg" and any(name in image.info for name in ("comment", "photoshop"))
    )


def _opened(path: Path, mime: str) -> Image.Image:
    try:
        image = Image.open(path, formats=(_FORMATS[mime],))
    except Exception as error:
        raise CannotOpen(f"it is no whole {_FORMATS[mime]} file ({type(error).__name__})") from error
    width, height = image.size
    pixels = width * height
    if pixels > MOST_PIXELS * (64 if mime == "image/jpeg" else 1):
        raise CannotOpen(f"it has {width} x {height} pixels, more than are opened here")
    if mime == "image/jpeg" and pixels > MOST_PIXELS:
        _reduce(image, 2 if pixels <= 4 * MOST_PIXELS else 8)
    return image


def _decode(image: Image.Image, side: int) -> None:
    """Read the pixels; of a JPEG no more of them than are needed for a picture with `side` (0: all)."""
    if side and image.format == "JPEG":
        longest = max(image.size)
        _reduce(image, next((part for part in (8, 4, 2) if longest // part >= side), 1))
    try:
        image.load()
    except MemoryError:
        raise
    except Exception as error:
        raise CannotOpen(f"it is broken or cut off ({error})") from error


def _reduce(image: Image.Image, part: int) -> None:
    if part > 1:
        image.draft(None, (image.width // part, image.height // part))


def _frames(image: Image.Image) -> Iterator[tuple[Image.Image, float]]:
    count = getattr(image, "n_frames", 1)
    total = 0.0
    for number in range(min(count, MOST_FRAMES)):
        try:
            image.seek(number)
            image.load()
        except MemoryError:
            raise
        except Exception as error:
            raise CannotOpen(f"picture {number + 1} of {count} is broken or cut off ({error})") from error
        # Browsers take 0.01 s and less for 0.1 s; many GIFs are made for that.
        pause = float(image.info.get("duration", 100)) / 1000
        pause = pause if pause > 0.011 else 0.1
        total += pause
        yield image, pause
        if total > MOST_SECONDS:
            return


def _for(image: Image.Image, mime: str) -> Image.Image:
    """It in a mode that this type of file has; what is seen through becomes white where it must."""
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        if mime != "image/jpeg":
            return seen
        white = Image.new("RGB", seen.size, "white")
        white.paste(seen, mask=seen.getchannel("A"))
        return white
    if image.mode in {"L", "RGB"}:
        return image
    if image.mode.startswith(("I", "F")):
        # 16 bits and more: the upper eight are what can be seen.
        return image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert("RGB")


def _sampling(image: Image.Image) -> int:
    found: int = JpegImagePlugin.get_sampling(image)
    return found if found in {0, 1, 2} else 2


def _squared(image: Image.Image, side: int) -> Image.Image:
    """It in the middle of a square that is seen through."""
    seen = image.convert("RGBA")
    scale = side / max(seen.size)
    seen = seen.resize((max(1, round(seen.width * scale)), max(1, round(seen.height * scale))))
    canvas = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    canvas.paste(seen, ((side - seen.width) // 2, (side - seen.height) // 2))
    return canvas


def _ever_smaller(image: Image.Image) -> Iterator[Image.Image]:
    while True:
        yield image
        if max(image.size) * _SMALLER < _LEAST_SIDE:
            return
        image = image.resize((max(1, int(image.width * _SMALLER)), max(1, int(image.height * _SMALLER))))


def _least(
    target: Path, steps: Convert, images: Iterator[Image.Image] | list[Image.Image], more: dict[str, Any] | None = None
) -> None:
    """Write the best that is small enough: worse in quality first, then smaller."""
    qualities = (*_QUALITIES, 40, 20) if steps.square else _QUALITIES
    smallest = 0
    for image in images:
        for quality in qualities if steps.mime != "image/png" else (0,):
            data = _encoded(image, steps.mime, {"quality": quality, **(more or {})})
            if not steps.size or len(data) <= steps.size:
                target.write_bytes(data)
                return
            smallest = min(smallest or len(data), len(data))
    raise StillTooLarge(smallest)


def _encoded(image: Image.Image, mime: str, settings: dict[str, Any]) -> bytes:
    output = io.BytesIO()
    chosen = {key: value for key, value in settings.items() if mime != "image/png" or key == "icc_profile"}
    beside = _NOTHING_BESIDE.get(mime, {})
    image.save(output, _FORMATS[mime], **chosen, **beside, **({"optimize": True} if mime == "image/jpeg" else {}))
    return output.getvalue()


def _make_moving(image: Image.Image, target: Path, steps: Convert) -> None:
    pictures, pauses = [], []
    for frame, pause in _frames(image):
        if steps.square:
            pictures.append(_squared(frame, steps.square))
        else:
            smaller = frame.convert("RGBA")
            smaller.thumbnail((steps.side or 480, steps.side or 480))
            pictures.append(smaller)
        pauses.append(pause)
        if len(pictures) >= STICKER_FRAMES:
            break
    smallest = 0
    while True:
        for quality in (80, 50, 20) if steps.mime == "image/webp" else (0,):
            output = io.BytesIO()
            more = {"quality": quality, "method": 2} if steps.mime == "image/webp" else {"disposal": 2}
            pictures[0].save(
                output,
                _FORMATS[steps.mime],
                save_all=True,
                append_images=pictures[1:],
                duration=[max(20, round(pause * 1000)) for pause in pauses],
                loop=0,
                **more,
                **_NOTHING_BESIDE.get(steps.mime, {}),
            )
            if not steps.size or output.tell() <= steps.size:
                target.write_bytes(output.getvalue())
                return
            smallest = min(smallest or output.tell(), output.tell())
        if len(pictures) <= 4:
            raise StillTooLarge(smallest)
        # Every second one goes, and the one before it stays for as long as both.
        ends = [*pauses[1::2], 0.0]
        pauses = [pause + ends[number] for number, pause in enumerate(pauses[::2])]
        pictures = pictures[::2]
