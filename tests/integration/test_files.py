"""Files on their way, with a real nats-server, real files, and processes that open them: fetched once, made once, and
whatever is wrong with one is said in time, within bounded memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
import pytest
from aiohttp import web

from gearmesh import MediaRef, Rejected, Retry
from gearmesh.bridge import Bridge
from gearmesh.bus import media as media_module
from gearmesh.bus.connection import Connection
from gearmesh.bus.media import MediaRecord, MediaStore
from gearmesh.bus.precedence import Precedence
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.bus.streams import ensure_all
from gearmesh.errors import BusUnavailable, FileDelayed, FileFailed, FileTooLarge, FileUnusable
from gearmesh.host import downloading
from gearmesh.host import files as files_module
from gearmesh.host.files import FileRecord, Files
from gearmesh.media.orders import Answer, Order
from gearmesh.media.probe import Probe
from gearmesh.media.sniff import sniff
from gearmesh.media.workshop import Workshop
from gearmesh.model.capabilities import Capabilities, FileRule, Limit
from gearmesh.model.content import KEPT_FILES, Media, MediaKind
from gearmesh.testing import FakeBridge, FakeContext, FakeNetwork, bridge_for
from gearmesh.wire.subjects import Subjects

from .patience import until
from .samples import bomb, cut, exif, film, moving, noise, opus, picture

MB: Final = 1_000_000
SUBJECTS: Final = Subjects()
WHATSAPP: Final = Capabilities(
    Limit(4096, "utf16", "as WhatsApp"),
    media=frozenset({"image", "video", "audio", "voice", "sticker", "file"}),
    files={
        "image": FileRule(("image/jpeg", "image/png"), 5 * MB),
        "video": FileRule(("video/mp4", "video/3gpp"), 16 * MB),
        "audio": FileRule(("audio/aac", "audio/mp4", "audio/mpeg", "audio/ogg"), 16 * MB),
        "voice": FileRule(("audio/ogg",), 16 * MB, codecs={"audio/ogg": ("opus",)}, channels={"audio/ogg": 1}),
        "sticker": FileRule(("image/webp",), 500_000, square=512, still_size=100_000),
        "file": FileRule((), 100 * MB),
    },
)
INSTAGRAM: Final = Capabilities(
    Limit(1000, "bytes", "as Instagram"),
    media=frozenset({"image", "video", "audio", "voice", "sticker", "gif", "file"}),
    files={
        "image": FileRule(("image/jpeg", "image/png"), 8 * MB),
        "gif": FileRule(("image/gif",), 8 * MB),
        "sticker": FileRule(("image/png", "image/jpeg"), 8 * MB),
        "video": FileRule(("video/mp4",), 25 * MB),
        "audio": FileRule(("audio/mp4", "audio/wav"), 25 * MB),
        "voice": FileRule(("audio/mp4", "audio/wav"), 25 * MB),
        "file": FileRule(("application/pdf",), 200_000),
    },
)
WORDS_ONLY: Final = Capabilities(Limit(400, "bytes", "as IRC"))


class Source(FakeBridge):
    """The app where files come from. `asked` are their names as they were asked for; `odd` do something else."""

    def __init__(self, config: Any, context: Any) -> None:
        super().__init__(config, context)
        self.asked: list[str] = []
        self.odd: dict[str, Callable[[], AsyncIterator[bytes]]] = {}

    async def media(self, ref: MediaRef) -> AsyncIterator[bytes]:
        self.asked.append(ref.source)
        odd = self.odd.get(ref.source)
        async for chunk in odd() if odd else super().media(ref):
            yield chunk


class Place:
    """One process's files, and the app that they come from."""

    def __init__(self, connection: Connection, publisher: Publisher, folder: Path) -> None:
        network = FakeNetwork("far")
        self.network = network
        kind = bridge_for(network, Source)
        bridge = kind(kind.Config(), FakeContext("far"))
        assert isinstance(bridge, Source)
        self.source = bridge
        self.folder = folder
        self.orders: list[Order] = []
        self.elsewhere: Callable[[MediaRef], str] | None = None
        self.store = MediaStore(connection, publisher, SUBJECTS, Precedence(connection))
        self._made: list[Files] = []
        self._records = Store(connection, publisher, SUBJECTS.bucket("files"), FileRecord)
        self.files = self.start()

    def start(self, *, here: bool = True, known: bool = True, max_size: int = 60 * MB, links: bool = True) -> Files:
        """The files of a process that has just started."""
        bridges: dict[str, Bridge] = {"far": self.source} if known else {}
        workshop = Workshop(2 * max_size)
        for bench in workshop._benches.values():
            bench.work = self._counting(bench.work)  # type: ignore[method-assign]
        files = Files(
            self.store,
            self._records,
            bridges,
            {"far"} if here else set(),
            self._ask,
            workshop,
            self.folder,
            max_size=max_size,
            links=links,
        )
        files.start()
        self._made.append(files)
        return files

    async def close(self) -> None:
        for files in self._made:
            await files.close()

    def sent(self, path: Path, kind: MediaKind, mime: str = "", **more: Any) -> Media:
        """Somebody sends a file."""
        self.network.files[path.name] = path.read_bytes()
        return Media(kind, MediaRef("far", path.name, mime, name=path.name), **more)

    def sent_oddly(self, name: str, how: Callable[[], AsyncIterator[bytes]]) -> Media:
        """Somebody sends a file that their network does not give in the usual way."""
        self.source.odd[name] = how
        return Media("image", MediaRef("far", name))

    async def bytes_of(self, media: Media) -> bytes:
        """What is in a file."""
        return b"".join([piece async for piece in self.files.read(media.ref)])

    async def found(self, media: Media, folder: Path) -> Probe:
        """What a file is, looked into once more."""
        data = await self.bytes_of(media)
        path = folder / "looked at"
        path.write_bytes(data)
        return await self.files.workshop.look(path, sniff(data))

    async def _ask(self, ref: MediaRef) -> str:
        if self.elsewhere is None:
            raise BusUnavailable("nobody is at work on it")
        return self.elsewhere(ref)

    def _counting(self, work: Any) -> Any:
        async def counted(order: Order) -> Any:
            self.orders.append(order)
            return await work(order)

        return counted


@pytest.fixture
async def place(connection: Connection, tmp_path: Path) -> AsyncIterator[Place]:
    await ensure_all(connection, SUBJECTS)
    async with Publisher(connection) as publisher:
        place = Place(connection, publisher, tmp_path / "temporary")
        yield place
        await place.close()
        assert not place.folder.exists() or not list(place.folder.iterdir()), "temporary files were left"


async def test_a_voice_message_goes_from_whatsapp_to_instagram_and_back(place: Place, tmp_path: Path) -> None:
    content = place.sent(opus(tmp_path / "note.ogg"), "voice", "audio/ogg; codecs=opus", view_once=True)

    there = await place.files.prepared(content, INSTAGRAM)

    assert (there.media, there.view_once, there.ref.app) == ("voice", True, KEPT_FILES)
    assert (there.ref.mime, there.ref.name) == ("audio/mp4", "note.m4a")
    assert there.ref.duration == pytest.approx(10, abs=0.1)
    data = await place.bytes_of(there)
    assert (there.ref.size, there.ref.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    back = await place.files.prepared(there, WHATSAPP)
    found = await place.found(back, tmp_path)
    assert (back.media, back.ref.mime, found.audio, found.channels) == ("voice", "audio/ogg", "opus", 1)
    assert back.ref.duration == pytest.approx(10, abs=0.2)
    assert (await place.files.prepared(content, WHATSAPP)).ref.sha256 == hashlib.sha256(
        place.network.files["note.ogg"]
    ).hexdigest()


async def test_each_kind_goes_as_what_its_network_shows(place: Place, tmp_path: Path) -> None:
    photo = place.sent(picture(tmp_path / "a.jpg", "JPEG", exif=exif(6)), "image")
    gif = place.sent(moving(tmp_path / "a.gif", "GIF"), "gif")
    sticker = place.sent(moving(tmp_path / "a.webp", "WEBP"), "sticker")
    lying = place.sent(film(tmp_path / "b.jpg"), "image", "image/jpeg")
    table: list[tuple[Media, Capabilities, MediaKind, str]] = [
        (photo, WHATSAPP, "image", "image/jpeg"),
        (gif, WHATSAPP, "video", "video/mp4"),
        (gif, INSTAGRAM, "gif", "image/gif"),
        (sticker, WHATSAPP, "sticker", "image/webp"),
        (sticker, INSTAGRAM, "gif", "image/gif"),
        (lying, WHATSAPP, "video", "video/mp4"),
    ]
    for content, capabilities, kind, mime in table:
        made = await place.files.prepared(content, capabilities)
        assert (made.media, made.ref.mime) == (kind, mime)
        found = await place.found(made, tmp_path)
        assert not found.broken
        assert not found.private
        assert (made.ref.width, made.ref.height) == (found.width, found.height)


async def test_where_no_files_are_shown_there_is_one_for_a_link_without_its_place(place: Place, tmp_path: Path) -> None:
    content = place.sent(picture(tmp_path / "a.jpg", "JPEG", exif=exif()), "image")
    made = await place.files.prepared(content, WORDS_ONLY)
    assert (made.media, made.ref.app) == ("image", KEPT_FILES)
    assert not (await place.found(made, tmp_path)).private


async def test_where_no_files_are_shown_and_links_are_off_there_is_none(place: Place, tmp_path: Path) -> None:
    content = place.sent(picture(tmp_path / "a.jpg", "JPEG"), "image")
    files = place.start(links=False)
    assert not files.links
    with pytest.raises(FileUnusable, match="links") as refused:
        await files.prepared(content, WORDS_ONLY)
    assert not refused.value.kept


async def test_a_video_that_goes_as_a_document_goes_without_its_place(place: Place, tmp_path: Path) -> None:
    content = place.sent(film(tmp_path / "a.mp4", place="+48.2082+016.3738/"), "video")
    small = {**WHATSAPP.files, "video": FileRule(("video/mp4",), 1, seconds=0.1)}
    made = await place.files.prepared(content, msgspec.structs.replace(WHATSAPP, files=small))
    assert (made.media, made.ref.mime) == ("file", "video/mp4")
    assert not (await place.found(made, tmp_path)).private
    assert b"+48.2082" not in await place.bytes_of(made)


async def test_a_document_goes_byte_for_byte(place: Place, tmp_path: Path) -> None:
    path = picture(tmp_path / "plan.jpg", "JPEG", exif=exif())
    made = await place.files.prepared(place.sent(path, "file"), WHATSAPP)
    assert (made.media, made.ref.name) == ("file", "plan.jpg")
    assert await place.bytes_of(made) == path.read_bytes()


async def test_for_fifty_people_at_once_it_is_fetched_and_made_once(place: Place, tmp_path: Path) -> None:
    content = place.sent(opus(tmp_path / "note.ogg", seconds=2), "voice")

    made = await asyncio.gather(*(place.files.prepared(content, INSTAGRAM) for _ in range(50)))

    assert len(set(made)) == 1
    assert place.source.asked == ["note.ogg"]
    assert [type(order).__name__ for order in place.orders] == ["Look", "Make"]


async def test_after_a_restart_it_is_neither_fetched_nor_made_again(place: Place, tmp_path: Path) -> None:
    content = place.sent(opus(tmp_path / "note.ogg", seconds=2), "voice")
    before = await place.files.prepared(content, INSTAGRAM)
    place.network.files.clear()

    again = await place.start().prepared(content, INSTAGRAM)

    assert again == before
    assert (place.source.asked, len(place.orders)) == (["note.ogg"], 2)


async def test_the_same_file_sent_twice_is_stored_once(place: Place, connection: Connection, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", "PNG")
    first = await place.files.fetch(place.sent(path, "image").ref)
    before = (await connection.js.stream_info("OBJ_gm-media")).state.messages

    second = await place.files.fetch(place.sent(path.rename(tmp_path / "b.png"), "image").ref)

    assert second == first
    assert (await connection.js.stream_info("OBJ_gm-media")).state.messages == before


@pytest.mark.parametrize("links", [True, False])
async def test_what_is_too_large_whatever_is_done_says_its_size_and_the_limit(
    place: Place, tmp_path: Path, links: bool
) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(b"%PDF-1.4\n" + os.urandom(300_000))
    files = place.start(links=links)

    with pytest.raises(FileTooLarge) as refused:
        await files.prepared(place.sent(path, "file"), INSTAGRAM)

    assert (refused.value.size, refused.value.limit) == (300_009, 200_000)
    assert bool(refused.value.kept) == links
    if links:
        kept = MediaRef(KEPT_FILES, refused.value.kept)
        assert b"".join([piece async for piece in files.read(kept)]) == path.read_bytes()


@pytest.mark.parametrize("name", ["bomb.png", "cut.mp4", "program.jpg", "noise.mp4"])
async def test_what_would_do_harm_or_shows_nothing_says_so(place: Place, tmp_path: Path, name: str) -> None:
    path, kind = tmp_path / name, "image"
    match name:
        case "bomb.png":
            bomb(path)
        case "cut.mp4":
            cut(path, film(tmp_path / "whole"), 0.5)
            kind = "video"
        case "program.jpg":
            path.write_bytes(b"\x7fELF\x02\x01\x01" + os.urandom(9000))
        case "noise.mp4":
            path.write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0" + os.urandom(90_000))
    began, before = time.monotonic(), resident()

    with pytest.raises(FileUnusable) as refused:
        await place.files.prepared(place.sent(path, kind, "image/jpeg"), WHATSAPP)  # type: ignore[arg-type]

    assert refused.value.reason
    assert time.monotonic() - began < 6
    assert resident() - before < 20 * MB
    assert place.files.workshop.peak < 150 * MB


async def test_a_stream_without_an_end_ends_at_the_limit_within_bounded_memory(
    place: Place, http_session: aiohttp.ClientSession
) -> None:
    """As a download of 2 GB, from a real server."""
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        block = os.urandom(256 * 1024)
        while True:
            await response.write(block)
            sent += len(block)

    app = web.Application()
    app.router.add_get("/", endless)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]

    async def download() -> AsyncIterator[bytes]:
        async with http_session.get(f"http://{host}:{port}/") as response:
            async for chunk in response.content.iter_chunked(64 * 1024):
                yield chunk

    before = resident()
    try:
        with pytest.raises(FileTooLarge) as refused:
            await place.files.prepared(place.sent_oddly("endless", download), WHATSAPP)
    finally:
        await runner.cleanup()

    assert 60 * MB < refused.value.size < 61 * MB
    assert refused.value.limit == 60 * MB
    assert sent < 80 * MB
    assert resident() - before < 30 * MB


async def test_a_size_that_is_told_before_is_believed_and_nothing_is_fetched(place: Place) -> None:
    with pytest.raises(FileTooLarge):
        await place.files.fetch(MediaRef("far", "huge", size=2_000 * MB))
    assert place.source.asked == []


async def test_what_was_stored_long_ago_is_stored_anew_when_it_goes_on(
    place: Place, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = place.sent(opus(tmp_path / "note.ogg", seconds=1), "voice")
    kept, made = [await place.files.prepared(content, network) for network in (WHATSAPP, INSTAGRAM)]
    before = [await place.store.find(it.ref.source) for it in (kept, made)]
    monkeypatch.setattr(media_module, "FRESH", 0.0)

    again = [await place.start().prepared(content, network) for network in (WHATSAPP, INSTAGRAM)]

    assert again == [kept, made]
    assert place.source.asked == ["note.ogg"]
    assert [type(order).__name__ for order in place.orders] == ["Look", "Make"]
    for old, it in zip(before, (kept, made), strict=True):
        new = await place.store.find(it.ref.source)
        assert (new.at if new else 0) > (old.at if old else time.time())
        assert hashlib.sha256(await place.bytes_of(it)).hexdigest() == it.ref.sha256


async def test_what_a_client_has_stored_is_looked_into_before_it_goes_on(place: Place, tmp_path: Path) -> None:
    path, program = picture(tmp_path / "a.png", "PNG", noise(32, 16)), tmp_path / "program"
    program.write_bytes(b"\x7fELF\x02\x01\x01" + os.urandom(9000))
    data = path.read_bytes()
    await place.store.put(path, MediaRecord("theirs", len(data), "", "video/mp4", 9, detail="none of ours"))
    await place.store.put(program, MediaRecord("program", 9007, "", "image/png", 9))

    made = await place.files.prepared(Media("image", MediaRef(KEPT_FILES, "theirs")), WHATSAPP)
    await place.files.prepared(Media("image", MediaRef(KEPT_FILES, "theirs")), WHATSAPP)

    assert (made.media, made.ref.mime, made.ref.width, made.ref.height) == ("image", "image/png", 32, 16)
    assert (made.ref.size, made.ref.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert len(place.orders) == 1
    with pytest.raises(FileUnusable):
        await place.files.prepared(Media("image", MediaRef(KEPT_FILES, "program")), WHATSAPP)


async def test_where_there_is_no_folder_for_files_none_is_made_before_the_first_one(
    place: Place, tmp_path: Path
) -> None:
    assert not place.folder.exists()
    await place.files.prepared(place.sent(picture(tmp_path / "a.png", "PNG"), "image"), WHATSAPP)
    assert place.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("full", ["the fetched file", "the copy to work on", "what is made"])
async def test_a_full_disk_says_nothing_of_a_file_and_is_waited_out(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    content = place.sent(picture(tmp_path / "a.bmp", "BMP"), "image")
    number = {"the fetched file": 0, "the copy to work on": 1, "what is made": 2}[full]
    temporary, made = place.files._scratch.file, count()

    @contextmanager
    def last_block() -> Iterator[Path]:
        with temporary() as path:
            yield Path("/dev/full") if next(made) == number else path

    monkeypatch.setattr(place.files._scratch, "file", last_block)
    with pytest.raises(FileDelayed, match="room"):
        await place.files.prepared(content, WHATSAPP)
    monkeypatch.undo()

    assert (await place.files.prepared(content, WHATSAPP)).ref.mime == "image/jpeg"


async def test_where_no_folder_can_be_made_a_file_waits(place: Place, tmp_path: Path) -> None:
    place.folder.write_text("no folder")
    with pytest.raises(FileDelayed, match="room"):
        await place.files.prepared(place.sent(picture(tmp_path / "a.png", "PNG"), "image"), WHATSAPP)
    place.folder.unlink()


async def test_where_no_process_can_be_started_a_file_waits(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = place.sent(picture(tmp_path / "a.png", "PNG"), "image")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(FileDelayed, match="process"):
        await place.files.prepared(content, WHATSAPP)
    monkeypatch.undo()

    assert (await place.files.prepared(content, WHATSAPP)).ref.mime == "image/png"


async def test_of_many_files_that_are_made_at_once_few_take_room_on_the_disk(place: Place, tmp_path: Path) -> None:
    contents = [place.sent(picture(tmp_path / f"{n}.bmp", "BMP", noise(40 + n, 40)), "image") for n in range(12)]
    for content in contents:
        await place.files.fetch(content.ref)
    temporary, there, most = place.files._scratch.file, 0, 0

    @contextmanager
    def counted() -> Iterator[Path]:
        nonlocal there, most
        with temporary() as path:
            there += 1
            most = max(most, there)
            yield path
            there -= 1

    place.files._scratch.file = counted  # type: ignore[method-assign]
    await asyncio.gather(*(place.files.prepared(content, WHATSAPP) for content in contents))

    assert most == 2 * files_module.MADE_AT_ONCE


async def test_a_source_that_never_ends_is_given_up_for_now(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "FETCH_WITHIN", 0.3)

    async def slow() -> AsyncIterator[bytes]:
        yield b"\xff\xd8\xff"
        await asyncio.Event().wait()

    with pytest.raises(FileDelayed, match="within"):
        await place.files.prepared(place.sent_oddly("slow", slow), WHATSAPP)


async def test_a_failure_that_passes_is_waited_out_and_one_that_does_not_is_told(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "PAUSES", (0.01, 0.01))
    data = picture(tmp_path / "a.png", "PNG").read_bytes()
    failures = [Retry("not now"), Retry("nor now", after=0.01)]

    async def later() -> AsyncIterator[bytes]:
        yield data[:1000]
        if failures:
            raise failures.pop()
        yield data[1000:]

    async def never() -> AsyncIterator[bytes]:
        if place.source.asked:
            raise Retry("not today")
        yield b""

    made = await place.files.prepared(place.sent_oddly("later", later), WHATSAPP)
    assert await place.bytes_of(made) == data
    with pytest.raises(FileDelayed, match="not today"):
        await place.files.prepared(place.sent_oddly("never", never), WHATSAPP)
    assert place.source.asked == ["later"] * 3 + ["never"] * 3


async def test_what_is_gone_is_asked_for_once_however_many_wait_for_it(place: Place) -> None:
    async def gone() -> AsyncIterator[bytes]:
        if place.source.asked:
            raise Rejected("it was deleted")
        yield b""

    content = place.sent_oddly("gone", gone)
    results = await asyncio.gather(*(place.files.prepared(content, WHATSAPP) for _ in range(9)), return_exceptions=True)
    with pytest.raises(FileUnusable, match="deleted"):
        await place.files.prepared(content, INSTAGRAM)
    assert {type(result) for result in results} == {FileUnusable}
    assert place.source.asked == ["gone"]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RuntimeError("a bug"), FileUnusable),
        (asyncio.CancelledError(), FileUnusable),
        (OSError("no route"), FileDelayed),
    ],
    ids=repr,
)
async def test_a_bridge_that_fails_in_a_way_of_its_own_costs_its_file_alone(
    place: Place, tmp_path: Path, error: BaseException, raised: type[Exception]
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"\xff\xd8\xff"
        raise error

    with pytest.raises(raised):
        await place.files.prepared(place.sent_oddly("broken", broken), WHATSAPP)
    await place.files.prepared(place.sent(picture(tmp_path / "a.png", "PNG"), "image"), WHATSAPP)


async def test_a_process_that_breaks_at_a_file_says_nothing_of_it_for_good(place: Place, tmp_path: Path) -> None:
    content = place.sent(picture(tmp_path / "a.png", "PNG"), "image")
    bench = place.files.workshop._benches["short"]
    work = bench.work

    async def breaks(order: Order) -> Answer:
        return Answer(reason="whatever opens it breaks", passing=True)

    bench.work = breaks  # type: ignore[method-assign]
    with pytest.raises(FileUnusable, match="breaks"):
        await place.files.prepared(content, WHATSAPP)
    bench.work = work  # type: ignore[method-assign]

    assert (await place.start().prepared(content, WHATSAPP)).ref.mime == "image/png"


async def test_who_gives_up_waiting_takes_nothing_from_the_others(place: Place, tmp_path: Path) -> None:
    data, go = picture(tmp_path / "a.png", "PNG").read_bytes(), asyncio.Event()

    async def held() -> AsyncIterator[bytes]:
        await go.wait()
        yield data

    content = place.sent_oddly("held", held)
    first, second = (asyncio.create_task(place.files.prepared(content, WHATSAPP)) for _ in range(2))
    await until(lambda: place.source.asked == ["held"], awaited="it to be asked for")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    go.set()

    assert await place.bytes_of(await second) == data
    assert place.source.asked == ["held"]


async def test_a_file_that_is_opened_for_long_holds_up_no_other(place: Place, tmp_path: Path) -> None:
    content = place.sent(film(tmp_path / "a.mkv", kind="matroska", codec="mpeg4", seconds=5), "video")
    long = asyncio.create_task(place.files.prepared(content, WHATSAPP))
    await until(lambda: any(type(order).__name__ == "Make" for order in place.orders), awaited="the video to be made")

    await place.files.prepared(place.sent(opus(tmp_path / "note.ogg", seconds=1), "voice"), INSTAGRAM)

    assert not long.done()
    assert (await long).ref.mime == "video/mp4"


async def test_a_file_of_an_app_that_another_process_runs_is_stored_there(place: Place, tmp_path: Path) -> None:
    content = place.sent(picture(tmp_path / "a.png", "PNG"), "image")
    there = await place.start().fetch(content.ref)
    other = MediaRef("far", "known only there")
    files = place.start(here=False, known=False)

    with pytest.raises(BusUnavailable):
        await files.fetch(other)
    place.elsewhere = lambda ref: there.name
    assert await files.fetch(other) == there
    assert place.source.asked == ["a.png"]


async def test_when_nobody_is_at_work_on_its_app_the_bridge_here_is_asked(place: Place, tmp_path: Path) -> None:
    content = place.sent(picture(tmp_path / "a.png", "PNG"), "image")
    assert (await place.start(here=False).fetch(content.ref)).mime == "image/png"


async def test_why_a_file_failed_elsewhere_is_told_here(place: Place) -> None:
    def fails(ref: MediaRef) -> str:
        raise FileTooLarge(3 * MB, MB)

    place.elsewhere = fails
    with pytest.raises(FileFailed) as refused:
        await place.start(here=False, known=False).fetch(MediaRef("far", "x"))
    assert isinstance(refused.value, FileTooLarge)


async def test_what_a_killed_process_left_behind_is_cleared_away(place: Place) -> None:
    place.folder.mkdir()
    old, new = place.folder / "old", place.folder / "new"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))

    place.start()

    assert not old.exists()
    new.unlink()  # raises if it had been taken away: it may be in use


@pytest.fixture
async def http_session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
