"""Real files, made when they are needed: as phones make them, and as nobody should."""

from __future__ import annotations

import io
import math
import struct
import zlib
from array import array
from pathlib import Path
from typing import Any

import av
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()

ORIENTATION, MAKE, GPS = 0x0112, 0x010F, 0x8825


def noise(width: int, height: int) -> Image.Image:
    """A picture that no codec can make small."""
    return Image.effect_noise((width, height), 90).convert("RGB")


def exif(orientation: int = 1) -> Image.Exif:
    """What a phone writes: with what and where a picture was taken, and how it is to be turned."""
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    tags[MAKE] = "Pigeon"
    place = tags.get_ifd(GPS)
    place.update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return tags


def picture(path: Path, kind: str, image: Image.Image | None = None, **settings: Any) -> Path:
    """A still picture."""
    (image or noise(640, 480)).save(path, kind, **settings)
    return path


def moving(path: Path, kind: str, *, count: int = 8, pause: int = 100, size: tuple[int, int] = (200, 120)) -> Path:
    """A picture that moves, `pause` ms a frame."""
    pictures = [Image.new("RGB", size, (30 * number % 255, 80, 160)) for number in range(count)]
    for number, image in enumerate(pictures):
        image.paste((255, 255, 255), (number * 10, 20, number * 10 + 30, 60))
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], duration=pause, loop=0)
    return path


def film(
    path: Path,
    *,
    seconds: float = 2.0,
    size: tuple[int, int] = (320, 240),
    codec: str = "libx264",
    kind: str = "mp4",
    sound: bool = True,
    place: str = "",
    bits: int = 0,
) -> Path:
    """A video of noise, 10 pictures a second. `place` is written where phones write where it was taken."""
    with av.open(str(path), "w", format=kind) as output:
        if place:
            output.metadata["location"] = place
        pictures: Any = output.add_stream(codec, rate=10, options={"preset": "ultrafast"} if codec == "libx264" else {})
        pictures.width, pictures.height, pictures.pix_fmt = *size, "yuv420p"
        if bits:
            pictures.bit_rate = bits
        voice: Any = output.add_stream("aac", rate=44_100, layout="stereo") if sound else None
        still = noise(size[0] // 4, size[1] // 4)
        for number in range(int(seconds * 10)):
            turned = still.rotate(number * 7).resize(size)
            make: Any = av.VideoFrame.from_image
            frame = make(turned)
            frame.pts = number
            output.mux(pictures.encode(frame))
        output.mux(pictures.encode(None))
        if voice:
            _hum(output, voice, seconds, 44_100, 2, 1024)
    return path


def sound(
    path: Path, kind: str, codec: str, *, seconds: float = 10.0, rate: int = 48_000, channels: int = 1, size: int = 960
) -> Path:
    """A hum."""
    with av.open(str(path), "w", format=kind) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout="mono" if channels == 1 else "stereo")
        _hum(output, stream, seconds, rate, channels, size)
    return path


def opus(path: Path, *, seconds: float = 10.0, channels: int = 1) -> Path:
    """A voice message as WhatsApp's phones record it."""
    return sound(path, "ogg", "libopus", seconds=seconds, channels=channels)


def bomb(path: Path, side: int = 30_000) -> Path:
    """A PNG file of 110 KB whose picture has `side` x `side` pixels: 2.7 GB, if anybody decodes it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer, rows = zlib.compressobj(9), io.BytesIO()
    row = bytes(1 + side // 8)
    for _ in range(side):
        rows.write(packer.compress(row))
    rows.write(packer.flush())
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows.getvalue()) + chunk(b"IEND", b"")
    )
    return path


def cut(path: Path, source: Path, part: float) -> Path:
    """The beginning of another file."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


def _hum(output: Any, stream: Any, seconds: float, rate: int, channels: int, size: int) -> None:
    layout = "mono" if channels == 1 else "stereo"
    for start in range(0, int(seconds * rate), size):
        wave = array("h", (int(9000 * math.sin((start + place // channels) / 18)) for place in range(size * channels)))
        frame = av.AudioFrame(format="s16", layout=layout, samples=size)
        frame.sample_rate, frame.pts = rate, start
        frame.planes[0].update(wave.tobytes())
        for ready in _fitted(stream, frame):
            output.mux(stream.encode(ready))
    output.mux(stream.encode(None))


def _fitted(stream: Any, frame: av.AudioFrame) -> list[Any]:
    wanted = stream.codec_context.format.name
    if wanted == "s16":
        return [frame]
    resampler = av.AudioResampler(format=wanted, layout=frame.layout, rate=frame.sample_rate)
    return list(resampler.resample(frame))
