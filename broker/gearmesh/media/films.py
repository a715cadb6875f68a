"""Videos and sounds: looked into and made anew with PyAV. Runs only where a stranger's file can do no harm (`worker`).

Each file is opened with the one demuxer that its first bytes call for, so that nothing in it can lead to another file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import av.error
import av.filter
import av.logging
from av.audio.resampler import AudioResampler
from av.container import InputContainer, OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from gearmesh.media.failed import CannotOpen, StillTooLarge
from gearmesh.media.plan import Convert
from gearmesh.media.probe import Probe

av.logging.set_level(None)

_MOV: Final = "mov"
_DEMUXERS: Final = {
    "video/mp4": _MOV,
    "video/3gpp": _MOV,
    "video/quicktime": _MOV,
    "audio/mp4": _MOV,
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "audio/webm": "matroska",
    "video/x-msvideo": "avi",
    "video/ogg": "ogg",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/wav": "wav",
    "audio/flac": "flac",
}
_SOUND_ONLY: Final = {
    "video/mp4": "audio/mp4",
    "video/3gpp": "audio/mp4",
    "video/quicktime": "audio/mp4",
    "video/webm": "audio/webm",
    "video/x-matroska": "audio/webm",
    "video/ogg": "audio/ogg",
}
"""What a container is when there are no pictures in it."""
_SOUNDS: Final = {
    "audio/mp4": ("ipod", "aac", 44_100),
    "audio/aac": ("adts", "aac", 44_100),
    "audio/mpeg": ("mp3", "libmp3lame", 44_100),
    "audio/ogg": ("ogg", "libopus", 48_000),
}
MOST_PIXELS: Final = 4096 * 2304
"""Of one frame of a video."""
MOST_RATE: Final = 30
CUT: Final = 0.1
"""The part of what a file says it plays for that may be missing; more was cut off."""
_PLACES: Final = ("location", "gps", "com.apple.quicktime", "com.android", "make", "model")
_ATTEMPTS: Final = 4
_LAZY: Final = {"preset": "veryfast", "profile": "main", "rc-lookahead": "10", "crf": "23"}


def look(path: Path, mime: str) -> Probe:
    """What a video or a sound is. All of it is read, and the first frame of each stream decoded.

    Raises:
        CannotOpen: it is broken or cut off, or has too many pixels.
    """
    with _opened(path, mime) as container:
        film, sound = _film(container), next(iter(container.streams.audio), None)
        if film is None and sound is None:
            raise CannotOpen("there is neither a picture nor a sound in it")
        duration = _duration(container)
        quarter, pixels = 0, ""
        if film is not None:
            pixels = film.codec_context.pix_fmt or ""
            if film.width * film.height > MOST_PIXELS:
                raise CannotOpen(f"it has {film.width} x {film.height} pixels, more than are opened here")
            quarter = _first(container, film) // 90 % 2
        if sound is not None:
            _first(container, sound)
        width, height = (film.width, film.height) if film is not None else (0, 0)
        tags = [*container.metadata, *(tag for stream in container.streams for tag in stream.metadata)]
        return Probe(
            mime if film is not None else _SOUND_ONLY.get(mime, mime),
            path.stat().st_size,
            *((height, width) if quarter else (width, height)),
            duration,
            private=film is not None and any(tag.lower().startswith(_PLACES) for tag in tags),
            video=film.codec_context.name if film is not None else "",
            audio=_codec(sound.codec_context.name) if sound is not None else "",
            channels=sound.codec_context.channels if sound is not None else 0,
            pixels=pixels,
        )


def make(source: Path, found: Probe, target: Path, steps: Convert) -> None:
    """Write what a video or a sound becomes.

    Raises:
        CannotOpen: it cannot be read.
        StillTooLarge: whatever is done to it.
    """
    if steps.mime in _SOUNDS:
        _until_small(target, steps, lambda part: _make_sound(source, found, target, steps, part))
    elif steps.how == "copy":
        _copy(source, found, target)
        if steps.size and target.stat().st_size > steps.size:
            raise StillTooLarge(target.stat().st_size)
    else:
        _until_small(target, steps, lambda part: _make_film(source, found, target, steps, part))


def make_from_pictures(pictures: Iterator[tuple[Any, float]], target: Path, steps: Convert) -> None:
    """Write a video, without a sound, of pictures (Pillow's) that are shown for so many seconds each.

    Raises:
        StillTooLarge: whatever is done to it.
    """
    rate = 25
    with _written(target, "mp4") as output:
        stream: VideoStream | None = None
        due, shown = 0.0, 0
        for picture, pause in pictures:
            if stream is None:
                size = (_even(picture.width), _even(picture.height))
                stream = _add_film(output, size, Fraction(rate), steps.pictures)
            due += pause
            if picture.size != (stream.width, stream.height):
                picture = picture.resize((stream.width, stream.height))
            while shown < round(due * rate) or not shown:
                frame = _from_picture(picture.convert("RGB")).reformat(format="yuv420p")
                frame.pts, frame.time_base = shown, Fraction(1, rate)
                output.mux(stream.encode(frame))
                shown += 1
        if stream is None:
            raise CannotOpen("there is no picture in it")
        output.mux(stream.encode(None))
    if steps.size and target.stat().st_size > steps.size:
        raise StillTooLarge(target.stat().st_size)


def _from_picture(picture: Any) -> av.VideoFrame:
    make: Any = av.VideoFrame.from_image  # untyped
    frame: av.VideoFrame = make(picture)
    return frame


def _until_small(target: Path, steps: Convert, make: Any) -> None:
    part = 1.0
    for _ in range(_ATTEMPTS):
        make(part)
        size = target.stat().st_size
        if not steps.size or size <= steps.size:
            return
        part *= 0.9 * steps.size / size
    raise StillTooLarge(size)


@contextmanager
def _opened(path: Path, mime: str) -> Iterator[InputContainer]:
    """The file, opened. What goes wrong with it inside is `CannotOpen`, too."""
    try:
        with av.open(
            str(path), format=_DEMUXERS[mime], metadata_errors="ignore", options={"protocol_whitelist": "file"}
        ) as container:
            yield container
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        raise CannotOpen(f"it is broken or cut off, or no {mime} at all ({error.strerror or error})") from error


@contextmanager
def _written(path: Path, kind: str) -> Iterator[OutputContainer]:
    options = {"movflags": "+faststart"} if kind in {"mp4", "ipod"} else {}
    with av.open(str(path), "w", format=kind, options=options) as output:
        yield output


def _film(container: InputContainer) -> VideoStream | None:
    """The stream of pictures; the cover of a record is none."""
    covers = Disposition.attached_pic
    return next((stream for stream in container.streams.video if not stream.disposition & covers), None)


def _codec(name: str) -> str:
    return {"libopus": "opus", "mp3float": "mp3", "aac_fixed": "aac"}.get(name, name)


def _duration(container: InputContainer) -> float:
    """How many seconds there really are of it, found by reading all of it without decoding."""
    declared = (container.duration or 0) / av.time_base
    began, ended = None, 0.0
    for packet in container.demux():
        if packet.pts is None or not packet.size or packet.time_base is None:
            continue
        start = float(packet.pts * packet.time_base)
        began = start if began is None else min(began, start)
        ended = max(ended, start + float((packet.duration or 0) * packet.time_base))
    if began is None:
        raise CannotOpen("there is nothing in it that plays")
    seen = ended - began
    if declared and seen < declared - max(0.5, CUT * declared):
        raise CannotOpen(f"it is cut off: {seen:.1f} of {declared:.1f} seconds are there")
    return round(declared or seen, 3)


def _first(container: InputContainer, stream: Any) -> int:
    """Decode the first frame of a stream: how many degrees it is turned."""
    container.seek(0)
    frame: Any = next(container.decode(stream), None)
    if frame is None:
        raise CannotOpen("nothing in it can be decoded")
    return abs(int(getattr(frame, "rotation", 0)))


def _even(pixels: float) -> int:
    """H.264 with these colours has even dimensions only."""
    return max(2, int(pixels) // 2 * 2)


def _add_film(output: OutputContainer, size: tuple[int, int], rate: Fraction, bits: int) -> VideoStream:
    most = {"maxrate": str(bits), "bufsize": str(bits)}
    stream: VideoStream = output.add_stream("libx264", rate=rate, options={**_LAZY, **most})
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.thread_count = 2
    return stream


def _resampler(kind: str, channels: int, rate: int, size: int) -> AudioResampler:
    return AudioResampler(format=kind, layout="mono" if channels == 1 else "stereo", rate=rate, frame_size=size or 1024)


class _Sound:
    """A sound on its way into another file."""

    def __init__(self, output: OutputContainer, codec: str, rate: int, channels: int, bits: int) -> None:
        self._output = output
        layout = "mono" if channels == 1 else "stereo"
        stream: Any = output.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = bits
        context = stream.codec_context
        context.open()
        self._stream = stream
        self._resampler = _resampler(context.format.name, channels, rate, context.frame_size)

    def write(self, frame: Any) -> None:
        for ready in self._resampler.resample(frame):
            self._output.mux(self._stream.encode(ready))

    def end(self) -> None:
        self.write(None)
        self._output.mux(self._stream.encode(None))


def _make_sound(source: Path, found: Probe, target: Path, steps: Convert, part: float = 1.0) -> None:
    kind, codec, rate = _SOUNDS[steps.mime]
    with _opened(source, found.mime) as container, _written(target, kind) as output:
        sound = _Sound(output, codec, rate, steps.channels, int(steps.sound * part))
        for frame in container.decode(container.streams.audio[0]):
            frame.pts = None  # without gaps: they begin at their beginning
            sound.write(frame)
        sound.end()


def _make_film(source: Path, found: Probe, target: Path, steps: Convert, part: float) -> None:
    with _opened(source, found.mime) as container, _written(target, "mp4") as output:
        film, voice = _film(container), next(iter(container.streams.audio), None)
        if film is None:
            raise CannotOpen("there is no picture in it")
        film.thread_type = "AUTO"
        film.codec_context.thread_count = 2
        rate = min(film.average_rate or Fraction(25), Fraction(MOST_RATE))
        scale = min(1.0, steps.side / max(found.width, found.height)) if steps.side else 1.0
        size = (_even(found.width * scale), _even(found.height * scale))
        pictures = _add_film(output, size, rate, int(steps.pictures * part))
        sound = _Sound(output, "aac", 44_100, steps.channels, steps.sound) if voice and steps.channels else None
        graph: av.filter.Graph | None = None
        streams: list[Any] = [film, *([voice] if sound else [])]
        for frame in container.decode(streams):
            if sound is not None and isinstance(frame, av.AudioFrame):
                frame.pts = None
                sound.write(frame)
            elif isinstance(frame, av.VideoFrame):
                if graph is None:
                    graph = _graph(film, frame, size, rate)
                graph.push(frame)
                _drain(graph, pictures, output)
        if graph is not None:
            graph.push(None)
            _drain(graph, pictures, output)
        output.mux(pictures.encode(None))
        if sound is not None:
            sound.end()


def _graph(film: VideoStream, first: av.VideoFrame, size: tuple[int, int], rate: Fraction) -> av.filter.Graph:
    graph = av.filter.Graph()
    nodes = [graph.add_buffer(template=film, time_base=film.time_base)]
    turned = round(first.rotation / 90) % 4
    nodes += [graph.add("transpose", direction) for direction in {1: ("cclock",), 3: ("clock",)}.get(turned, ())]
    if turned == 2:
        nodes += [graph.add("hflip"), graph.add("vflip")]
    nodes += [
        graph.add("scale", f"{size[0]}:{size[1]}"),
        graph.add("fps", f"{rate.numerator}/{rate.denominator}"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def _drain(graph: av.filter.Graph, pictures: VideoStream, output: OutputContainer) -> None:
    while True:
        try:
            frame = graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        frame.pict_type = av.video.frame.PictureType.NONE
        output.mux(pictures.encode(frame))


def _copy(source: Path, found: Probe, target: Path) -> None:
    """The same streams in a new MP4, without what else stood in the old one."""
    with _opened(source, found.mime) as container, _written(target, "mp4") as output:
        film, voice = _film(container), next(iter(container.streams.audio), None)
        streams = [stream for stream in (film, voice) if stream is not None]
        copies = {stream.index: output.add_stream_from_template(stream) for stream in streams}
        for stream in copies.values():
            stream.metadata.clear()
        for packet in container.demux(*streams):
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                output.mux(packet)
