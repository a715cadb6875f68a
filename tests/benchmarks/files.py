"""A hundred voice messages of 10 s and fifty photos of 4 MB at once, while others write: a daemon in its own process.

The files lie on a web server in this process, as on Meta's; the daemon downloads, opens, converts and stores them, and
reads each as an upload would. Meanwhile Ada writes to Ben through the same daemon, before and during it.

python files.py URL FOLDER   (the daemon's process)
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import av
import msgspec
from aiohttp import web
from PIL import Image

from gearmesh.bridge import Bridge
from gearmesh.config import parse
from gearmesh.daemon import Daemon, spare_collector
from gearmesh.host.files import Files
from gearmesh.model.capabilities import Capabilities, FileRule, Limit
from gearmesh.model.content import Media, MediaKind, MediaRef
from gearmesh.plugins import Registry
from gearmesh.testing import FakeBridge, FakeNetwork, bridge_for

VOICES: Final = 100
PHOTOS: Final = 50
PHOTO_BYTES: Final = 4_000_000
RATE: Final = 20.0
"""Texts a second between the two."""
QUIET: Final = 30.0
"""Seconds for which they write before the files come."""
INSTAGRAM: Final = Capabilities(
    Limit(1000, "bytes", "as Instagram"),
    media=frozenset({"image", "voice"}),
    files={
        "image": FileRule(("image/jpeg", "image/png"), 8_000_000),
        "voice": FileRule(("audio/mp4", "audio/wav"), 25_000_000),
    },
)
MIB: Final = 1024 * 1024


class Burst(msgspec.Struct, frozen=True):
    """What was seen. Memory in MiB: the most that the daemon had, and that one of its processes for files had.

    `seconds` until the last file was ready; the 99th percentile of the texts' delays in milliseconds, quiet and during.
    """

    daemon: float
    before: float
    opener: float
    seconds: float
    quiet: float
    during: float


async def burst(folder: Path) -> Burst:
    """Run it."""
    folder.mkdir(parents=True)
    await asyncio.to_thread(_make_files, folder)
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__)),
            f"http://127.0.0.1:{runner.addresses[0][1]}",
            str(folder / "data"),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    finally:
        await runner.cleanup()
    if process.returncode:
        raise RuntimeError("the burst of files was not measured")
    return msgspec.json.decode(output.splitlines()[-1], type=Burst)


def _make_files(folder: Path) -> None:
    voice = folder / "voice-0"
    with av.open(str(voice), "w", format="ogg") as output:
        stream: Any = output.add_stream("libopus", rate=48_000, layout="mono")
        for start in range(0, 480_000, 960):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.sample_rate, frame.pts = 48_000, start
            frame.planes[0].update(bytes(place * start // 960 % 251 for place in range(1920)))
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    tags = Image.Exif()
    tags.get_ifd(0x8825)[1] = "N"
    photo = folder / "photo-0"
    image = Image.effect_noise((4032, 3024), 40).convert("RGB")
    quality = 95
    while not photo.exists() or photo.stat().st_size > PHOTO_BYTES * 1.05:
        image.save(photo, "JPEG", quality=quality, exif=tags)
        quality -= 4
    # Each differs from the others, so that each is stored, opened and converted.
    for name, count in ((voice, VOICES), (photo, PHOTOS)):
        data = name.read_bytes()
        for number in range(1, count):
            name.with_name(f"{name.name[:-1]}{number}").write_bytes(data + number.to_bytes(4, "big"))


class _Source(FakeBridge):
    """Where the files come from."""

    url = ""

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        async with self.context.http.get(f"{self.url}/{ref.source}") as response:
            async for chunk in response.content.iter_chunked(64 * 1024):
                yield chunk


async def _measure(url: str, folder: Path) -> Burst:
    _Source.url = url
    north, south = FakeNetwork("north"), FakeNetwork("south")
    north.add("ada", "Ada")
    south.add("ben", "Ben")
    kinds: dict[str, type[Bridge]] = {"north": bridge_for(north, _Source), "south": bridge_for(south)}
    tables: dict[str, Any] = {
        "web": {"port": 0},
        "apps": {name: {"bridge": name, "rate": 0, "recipient_every": 0} for name in kinds},
        "people": {"ben": {"addresses": ["south:ben"]}},
    }
    registry = Registry(bridges=kinds, available=tuple(kinds))
    async with Daemon(parse(tables, lambda wanted: registry), folder) as daemon:
        while not all(app.door.is_open for app in daemon.apps.values()):
            await asyncio.sleep(0.05)
        spare_collector()
        files = daemon.apps["north"].app.shared.files
        await _write(north, south, asyncio.Event(), 1.0)
        quiet = await _write(north, south, asyncio.Event(), QUIET)
        before = _peak("VmRSS")
        done = asyncio.Event()
        writing = asyncio.create_task(_write(north, south, done, 600.0))
        began = time.perf_counter()
        sent: list[tuple[MediaKind, str]] = [("voice", f"voice-{number}") for number in range(VOICES)]
        sent += [("image", f"photo-{number}") for number in range(PHOTOS)]
        await asyncio.gather(*(_carry(files, kind, name) for kind, name in sent))
        seconds = time.perf_counter() - began
        done.set()
        during = await writing
        return Burst(
            _peak("VmHWM"), before, files.workshop.peak / MIB, seconds, _percentile(quiet), _percentile(during)
        )


async def _carry(files: Files, kind: MediaKind, name: str) -> None:
    made = await files.prepared(Media(kind, MediaRef("north", name)), INSTAGRAM)
    size = 0
    async for piece in files.read(made.ref):
        size += len(piece)
    if size != made.ref.size:
        raise RuntimeError(f"{name} broke off")


async def _write(north: FakeNetwork, south: FakeNetwork, done: asyncio.Event, seconds: float) -> list[float]:
    """The delays of texts that are written at `RATE`, in milliseconds."""
    delays: list[float] = []
    started, number = time.perf_counter(), 0
    waiting: list[asyncio.Task[None]] = []
    while not done.is_set() and time.perf_counter() - started < seconds:
        text = f"hello {time.perf_counter_ns()}"
        waiting.append(asyncio.create_task(_delay(north, south, text, delays)))
        number += 1
        await asyncio.sleep(max(0.0, started + number / RATE - time.perf_counter()))
    await asyncio.gather(*waiting)
    return delays


async def _delay(north: FakeNetwork, south: FakeNetwork, text: str, delays: list[float]) -> None:
    began = time.perf_counter()
    await north.type("ada", f"@ben {text}")
    await south.until(
        lambda: any(shown.text.endswith(text) for shown in south.shown("ben")[-50:]), within=60, awaited=text
    )
    delays.append((time.perf_counter() - began) * 1000)


def _percentile(delays: list[float]) -> float:
    return statistics.quantiles(delays, n=100)[98]


def _peak(field: str) -> float:
    return int(Path("/proc/self/status").read_text().partition(f"{field}:")[2].split()[0]) / 1024


if __name__ == "__main__":
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(json.dumps(msgspec.to_builtins(asyncio.run(_measure(sys.argv[1], Path(sys.argv[2]))))))
