"""Files of strangers, opened in processes that may break: what becomes of good ones, and of those made to do harm.

Each result is looked into again, by another look than the one that made it where that says more.
"""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import time
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import av
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gearmesh.errors import FileUnusable
from gearmesh.media.plan import Convert, Impossible, Keep, plan, ways
from gearmesh.media.probe import Probe
from gearmesh.media.sniff import START, sniff
from gearmesh.media.worker import MOST_MEMORY
from gearmesh.media.workshop import MOST_AT_REST, Workshop
from gearmesh.model.capabilities import FileRule
from gearmesh.model.content import MediaKind

from .patience import until
from .samples import bomb, cut, exif, film, moving, noise, opus, picture, sound

MB: Final = 1_000_000
IMAGE: Final = FileRule(("image/jpeg", "image/png"), 5 * MB)
VIDEO: Final = FileRule(("video/mp4",), 16 * MB)
OPUS: Final = FileRule(("audio/ogg",), 16 * MB, codecs={"audio/ogg": ("opus",)}, channels={"audio/ogg": 1})
AAC: Final = FileRule(("audio/mp4",), 25 * MB)
STICKER: Final = FileRule(("image/webp",), 500_000, square=512, still_size=100_000)
GIF: Final = FileRule(("image/gif",), 8 * MB)


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    workshop = Workshop(50 * MB)
    yield workshop
    await workshop.close()


async def look(workshop: Workshop, path: Path) -> Probe:
    """What a file is found to be."""
    return await workshop.look(path, sniff(path.read_bytes()[:START]))


async def become(workshop: Workshop, path: Path, kind: MediaKind, rule: FileRule) -> tuple[Probe, Probe, Path]:
    """What a file was, what it became for a rule, and where that is."""
    found = await look(workshop, path)
    steps = plan(kind, found, rule)
    assert isinstance(steps, Convert), steps
    target = path.with_name("made")
    made = await workshop.make(path, found, target, steps)
    assert made.size == target.stat().st_size <= rule.size
    assert made.mime == steps.mime == sniff(target.read_bytes()[:START])
    assert not made.private
    again = plan(ways(kind, made)[0], made, rule)
    assert again == Keep(), again
    return found, made, target


async def test_pictures_of_all_formats_become_what_is_taken(workshop: Workshop, tmp_path: Path) -> None:
    for kind in ("HEIF", "WEBP", "BMP", "TIFF", "AVIF", "GIF"):
        path = picture(tmp_path / kind, kind)
        found, made, target = await become(workshop, path, "image", IMAGE)
        assert (made.mime, made.width, made.height) == ("image/jpeg", 640, 480), kind
        assert (found.width, found.height) == (640, 480)
        with Image.open(target) as image:
            image.load()


async def test_where_a_picture_was_taken_goes_and_it_stands_as_it_was_held(workshop: Workshop, tmp_path: Path) -> None:
    upright = noise(400, 200)
    upright.paste((255, 0, 0), (0, 0, 200, 200))  # the left half is red
    held = upright.transpose(Image.Transpose.ROTATE_90)  # what a sensor sees that is held turned

    found, made, target = await become(
        workshop, picture(tmp_path / "held.jpg", "JPEG", held, exif=exif(6), quality=90), "image", IMAGE
    )

    assert (found.private, found.turned, found.width, found.height) == (True, True, 400, 200)
    assert (made.turned, made.width, made.height) == (False, 400, 200)
    with Image.open(target) as image:
        assert not image.getexif()
        red, green, _ = image.convert("RGB").getpixel((50, 100))  # type: ignore[misc]
        assert red > 200 > green


async def test_where_a_picture_was_taken_goes_and_not_a_bit_of_the_picture(workshop: Workshop, tmp_path: Path) -> None:
    path = picture(tmp_path / "lying.jpg", "JPEG", exif=exif(), quality=95)

    _, _, target = await become(workshop, path, "image", IMAGE)

    with Image.open(path) as before, Image.open(target) as after:
        assert before.getexif()
        assert not after.getexif()
        assert after.tobytes() == before.tobytes()
    for kind in ("PNG", "WEBP", "HEIF"):
        await become(workshop, picture(tmp_path / kind, kind, exif=exif()), "image", IMAGE)


def written_on(folder: Path) -> dict[str, Path]:
    """Pictures with the words "Ada's kitchen" beside them, wherever programs write such."""
    words = "Ada's kitchen"
    plain = picture(folder / "plain.jpg", "JPEG").read_bytes()
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", 5 + len(words)) + b"\x1c\x02\x5a" + words.encode()
    (folder / "iptc.jpg").write_bytes(
        plain[:2] + b"\xff\xed" + struct.pack(">H", 2 + len(iptc)) + iptc + plain[2:],
    )
    text, packed = PngInfo(), PngInfo()
    text.add_text("Comment", words)
    packed.add_itxt("Raw profile", words)
    chunk = b"tEXtComment\0" + words.encode()
    whole = picture(folder / "plain.png", "PNG").read_bytes()
    late = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (folder / "late.png").write_bytes(whole[:-12] + late + whole[-12:])
    return {
        "comment": picture(folder / "comment.jpg", "JPEG", comment=words),
        "iptc": folder / "iptc.jpg",
        "text": picture(folder / "text.png", "PNG", pnginfo=text),
        "itxt": picture(folder / "itxt.png", "PNG", pnginfo=packed),
        "late": folder / "late.png",
    }


async def test_what_is_written_beside_a_picture_is_private_and_goes(workshop: Workshop, tmp_path: Path) -> None:
    small = FileRule(IMAGE.mimes, 90_000)
    for name, path in written_on(tmp_path).items():
        assert b"Ada's kitchen" in path.read_bytes()
        assert (await look(workshop, path)).private, name
        for rule in (IMAGE, small):
            _, _, target = await become(workshop, path, "image", rule)
            assert b"Ada's kitchen" not in target.read_bytes(), name


async def test_what_is_written_beside_a_picture_is_in_nothing_that_is_made_of_it(
    workshop: Workshop, tmp_path: Path
) -> None:
    gif = tmp_path / "a.gif"
    frames = [noise(60, 40) for _ in range(3)]
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:], comment=b"Ada's kitchen", duration=100)
    paths = [*written_on(tmp_path).values(), gif]
    for path in paths:
        found = await look(workshop, path)
        for mime in ("image/jpeg", "image/png", "image/webp", "image/gif"):
            if mime != "image/gif" or found.animated:
                steps = Convert(mime, 8 * MB, side=50)
                await workshop.make(path, found, tmp_path / "made", steps)
                assert b"Ada's kitchen" not in (tmp_path / "made").read_bytes(), (path.name, mime)


async def test_the_process_that_opens_files_knows_nothing_of_the_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHATSAPP_TOKEN", "a secret")
    monkeypatch.chdir(tmp_path)
    for name in ("msgspec.py", "ctypes.py"):
        (tmp_path / name).write_text("raise SystemExit('a file of somebody else ran')")
    workshop = Workshop(50 * MB)
    try:
        assert (await look(workshop, picture(tmp_path / "b.jpg", "JPEG"))).width == 640
        [process] = processes(workshop)
        assert b"a secret" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    finally:
        await workshop.close()


async def test_a_picture_that_is_too_large_is_made_small_enough(workshop: Workshop, tmp_path: Path) -> None:
    small = FileRule(IMAGE.mimes, 60_000)
    _, made, _ = await become(workshop, picture(tmp_path / "a.jpg", "JPEG", quality=95), "image", small)
    assert 200 < made.width <= 640
    seen_through = noise(640, 480).convert("RGBA")
    seen_through.putalpha(100)
    found, made, _ = await become(workshop, picture(tmp_path / "a.png", "PNG", seen_through), "image", small)
    assert (found.alpha, made.mime, made.alpha) == (True, "image/png", True)


async def test_what_cannot_be_made_small_enough_says_how_small_it_became(workshop: Workshop, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg", "JPEG", quality=95)
    with pytest.raises(FileUnusable) as refused:
        await workshop.make(path, await look(workshop, path), tmp_path / "made", Convert("image/jpeg", 900))
    assert 900 < refused.value.size < 20_000


async def test_what_moves_goes_on_moving_as_long_as_before(workshop: Workshop, tmp_path: Path) -> None:
    gif = moving(tmp_path / "a.gif", "GIF")
    webp = moving(tmp_path / "a.webp", "WEBP")

    found, made, _ = await become(workshop, gif, "gif", VIDEO)
    assert (found.animated, round(found.duration, 2)) == (True, 0.8)
    assert (made.video, made.audio, made.width, made.height) == ("h264", "", 200, 120)
    assert made.duration == pytest.approx(0.8, abs=0.1)
    _, made, _ = await become(workshop, webp, "gif", GIF)
    assert made.animated
    assert made.duration == pytest.approx(0.8, abs=0.05)
    found, made, _ = await become(workshop, webp, "sticker", STICKER)
    assert (made.animated, made.width, made.height) == (True, 512, 512)
    assert made.duration == pytest.approx(0.8, abs=0.05)
    _, made, _ = await become(workshop, webp, "sticker", VIDEO)
    assert (made.mime, made.video) == ("video/mp4", "h264")
    _, made, _ = await become(workshop, gif, "sticker", STICKER)
    assert made.animated
    _, made, _ = await become(workshop, gif, "image", IMAGE)
    assert (made.mime, made.animated) == ("image/jpeg", False)


async def test_a_picture_becomes_a_sticker_of_512_pixels_within_100_kb(workshop: Workshop, tmp_path: Path) -> None:
    for name, image in (("wide", noise(900, 300)), ("tiny", noise(40, 64)), ("flat", Image.new("L", (100, 100), 7))):
        _, made, target = await become(workshop, picture(tmp_path / name, "PNG", image), "sticker", STICKER)
        assert (made.width, made.height) == (512, 512)
        assert made.size <= 100_000
        with Image.open(target) as sticker:
            assert name == "flat" or sticker.convert("RGBA").getpixel((1, 1))[3] == 0  # type: ignore[index]


async def test_a_voice_message_goes_to_aac_and_back_to_mono_opus_as_long_as_before(
    workshop: Workshop, tmp_path: Path
) -> None:
    voice = opus(tmp_path / "voice.ogg")

    found, made, target = await become(workshop, voice, "voice", AAC)
    assert (found.mime, found.audio, found.channels) == ("audio/ogg", "opus", 1)
    assert found.duration == pytest.approx(10, abs=0.1)
    assert (made.audio, made.channels) == ("aac", 1)
    assert made.duration == pytest.approx(10, abs=0.1)

    there = target.rename(tmp_path / "there.m4a")
    _, made, _ = await become(workshop, there, "voice", OPUS)
    assert (made.audio, made.channels) == ("opus", 1)
    assert made.duration == pytest.approx(10, abs=0.15)


async def test_recordings_of_all_formats_become_what_is_taken(workshop: Workshop, tmp_path: Path) -> None:
    made_by: dict[str, Callable[[Path], Path]] = {
        "wav": lambda path: sound(path, "wav", "pcm_s16le", seconds=2, channels=2),
        "mp3": lambda path: sound(path, "mp3", "libmp3lame", seconds=2, rate=44_100, size=1152),
        "flac": lambda path: sound(path, "flac", "flac", seconds=2, size=4096),
        "aac": lambda path: sound(path, "adts", "aac", seconds=2, rate=44_100, size=1024),
        "webm": lambda path: sound(path, "webm", "libopus", seconds=2),
        "mp4": lambda path: sound(path, "mp4", "aac", seconds=2, rate=44_100, size=1024, channels=2),
    }
    for name, make in made_by.items():
        found, made, _ = await become(workshop, make(tmp_path / name), "voice", OPUS)
        assert found.mime.startswith("audio/"), name
        assert found.duration == pytest.approx(2, abs=0.2), name
        assert (made.audio, made.channels) == ("opus", 1)
        assert made.duration == pytest.approx(2, abs=0.2), name


async def test_a_video_becomes_h264_with_aac_and_begins_with_its_index(workshop: Workshop, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", kind="matroska", codec="mpeg4")
    found, made, target = await become(workshop, path, "video", VIDEO)
    assert (found.video, made.video, made.audio, made.pixels) == ("mpeg4", "h264", "aac", "yuv420p")
    assert (made.width, made.height) == (320, 240)
    assert made.duration == pytest.approx(2, abs=0.2)
    data = target.read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


async def test_a_video_that_is_too_large_is_made_smaller(workshop: Workshop, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", seconds=4, size=(640, 480), bits=4 * MB)
    small = FileRule(("video/mp4",), 120_000)
    found, made, _ = await become(workshop, path, "video", small)
    assert found.size > small.size
    assert 200 < made.width < 640
    assert made.height == pytest.approx(made.width * 3 / 4, abs=2)


async def test_where_a_video_was_taken_goes_and_nothing_is_encoded_again(workshop: Workshop, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", place="+52.5200+013.4050/")
    found, _, target = await become(workshop, path, "video", VIDEO)
    assert found.private
    assert b"loci" in path.read_bytes()
    assert b"loci" not in target.read_bytes()
    assert packets(target) == packets(path)
    await become(workshop, film(tmp_path / "a.mov", kind="mov"), "video", VIDEO)


def packets(path: Path) -> list[bytes]:
    """What is in the stream of pictures."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]


async def test_an_mp4_called_jpg_is_found_to_be_a_video(workshop: Workshop, tmp_path: Path) -> None:
    found = await look(workshop, film(tmp_path / "holiday.jpg"))
    assert (found.mime, found.video, found.broken) == ("video/mp4", "h264", "")


@pytest.mark.parametrize("name", ["bomb", "frames", "cut jpeg", "cut mp4", "cut stream", "lying", "noise", "empty"])
async def test_what_is_broken_or_made_to_do_harm_says_so_soon_and_costs_little(
    workshop: Workshop, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    match name:
        case "bomb":
            bomb(path)
        case "frames":
            Image.new("1", (10_000, 10_000)).save(path, "TIFF", compression="group4")
        case "cut jpeg":
            cut(path, picture(tmp_path / "whole", "JPEG"), 0.7)
        case "cut mp4":
            cut(path, film(tmp_path / "whole"), 0.5)
        case "cut stream":
            cut(path, film(tmp_path / "whole", kind="matroska", codec="mpeg4"), 0.5)
        case "lying":
            path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"this is no picture " * 50)
        case "noise":
            path.write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0" + os.urandom(100_000))
        case "empty":
            path.write_bytes(b"\xff\xd8\xff")
    began = time.monotonic()

    found = await look(workshop, path)

    assert found.broken, found
    assert isinstance(plan("image", found, IMAGE), Impossible)
    assert time.monotonic() - began < 5
    assert workshop.peak < 150 * MB


async def test_what_takes_too_long_is_ended_and_the_next_file_is_opened(tmp_path: Path) -> None:
    workshop = Workshop(50 * MB, within={"short": 2, "long": 2})
    path = picture(tmp_path / "b.jpg", "JPEG")
    await look(workshop, path)
    [process] = processes(workshop)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(FileUnusable, match="longer than 2 seconds"):
            await look(workshop, path)
        assert process.returncode == -signal.SIGKILL
        assert (await look(workshop, path)).width == 640
    finally:
        await workshop.close()


async def test_a_process_that_is_killed_costs_one_file_and_no_more(workshop: Workshop, tmp_path: Path) -> None:
    path = picture(tmp_path / "b.jpg", "JPEG")
    await look(workshop, path)
    process = processes(workshop)[0]
    os.kill(process.pid, signal.SIGSTOP)
    looking = asyncio.create_task(look(workshop, path))
    await asyncio.sleep(0)
    os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(FileUnusable, match="breaks"):
        await looking
    assert not (await look(workshop, path)).broken


async def test_whoever_gives_up_waiting_takes_no_answer_of_another(workshop: Workshop, tmp_path: Path) -> None:
    large, small = picture(tmp_path / "l.png", "PNG", noise(900, 900)), picture(tmp_path / "b.jpg", "JPEG")
    await look(workshop, small)
    waiting = asyncio.create_task(look(workshop, large))
    await until(lambda: processes(workshop)[0].returncode is None and not waiting.done(), awaited="the order to go out")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert (await look(workshop, small)).mime == "image/jpeg"


async def test_what_is_idle_is_ended(tmp_path: Path) -> None:
    workshop = Workshop(50 * MB, idle=0.05)
    await look(workshop, picture(tmp_path / "b.jpg", "JPEG"))
    [process] = processes(workshop)
    await asyncio.wait_for(process.wait(), 5)
    assert (await look(workshop, tmp_path / "b.jpg")).width == 640
    await workshop.close()


async def test_its_bounds_hold_in_the_process_itself(workshop: Workshop, tmp_path: Path) -> None:
    await look(workshop, picture(tmp_path / "b.jpg", "JPEG"))
    [process] = processes(workshop)
    limits = {
        line[:26].strip(): line[26:].split() for line in Path(f"/proc/{process.pid}/limits").read_text().splitlines()
    }
    assert limits["Max data size"][0] == str(MOST_MEMORY)
    assert limits["Max file size"][0] == str(50 * MB)
    assert int(limits["Max cpu time"][0]) <= 47
    assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 10
    assert workshop.peak < MOST_AT_REST


def processes(workshop: Workshop) -> list[Any]:
    """The processes that stand ready."""
    return [bench._process for bench in workshop._benches.values() if bench._process is not None]
