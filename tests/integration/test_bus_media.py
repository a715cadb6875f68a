"""The object store on a real server: each content once, in pieces, and never a wait without an end."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from nats.js import api

from gearmesh.bus import media
from gearmesh.bus.connection import Connection
from gearmesh.bus.media import PIECE, MediaRecord, MediaStore
from gearmesh.bus.precedence import Precedence
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.streams import ensure_all
from gearmesh.errors import BusUnavailable, FileUnusable
from gearmesh.testing import NatsServer
from gearmesh.wire.subjects import Subjects

SUBJECTS = Subjects()
STREAM = "OBJ_gm-media"


@pytest.fixture
async def store(connection: Connection) -> AsyncIterator[MediaStore]:
    await ensure_all(connection, SUBJECTS)
    async with Publisher(connection) as publisher:
        yield MediaStore(connection, publisher, SUBJECTS, Precedence(connection))


def file(folder: Path, size: int) -> tuple[Path, bytes, MediaRecord]:
    """A file of random bytes, and what is known of it."""
    data = os.urandom(size)
    name = hashlib.sha256(data).hexdigest()
    path = folder / name
    path.write_bytes(data)
    return path, data, MediaRecord(name, size, name, "image/jpeg", 640, 480, 1.5, True, detail='{"a": "ü"}')


async def pieces(store: MediaStore, name: str, start: int = 0, stop: int | None = None) -> list[bytes]:
    return [piece async for piece in store.read(name, start=start, stop=stop)]


async def messages(connection: Connection) -> int:
    return (await connection.js.stream_info(STREAM)).state.messages


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 20 * PIECE + 7])
async def test_what_was_stored_comes_back_in_pieces_with_all_that_is_known_of_it(
    store: MediaStore, tmp_path: Path, size: int
) -> None:
    path, data, record = file(tmp_path, size)

    stored = await store.put(path, record)

    assert stored.at > 0
    assert msgspec.structs.replace(stored, at=0.0) == record
    assert await store.find(record.name) == stored
    found = await pieces(store, record.name)
    assert b"".join(found) == data
    assert all(0 < len(piece) <= PIECE for piece in found)


async def test_the_same_content_is_stored_once(store: MediaStore, connection: Connection, tmp_path: Path) -> None:
    path, _, record = file(tmp_path, 3 * PIECE)
    first = await store.put(path, record)
    before = await messages(connection)

    assert await store.put(path, record) == first
    assert await messages(connection) == before

    together = await asyncio.gather(*(store.put(*other) for other in [file(tmp_path, PIECE)[::2]] * 5))
    assert len(set(together)) == 1
    assert await messages(connection) == before + 2  # a piece and what it is, whoever was first


async def test_of_a_file_that_will_go_soon_another_copy_is_made(
    store: MediaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, data, record = file(tmp_path, 3 * PIECE)
    first = await store.put(path, record)
    monkeypatch.setattr(media, "FRESH", 0.0)

    second = await store.put(path, record)

    assert second.at > first.at
    assert await store.find(record.name) == second
    assert b"".join(await pieces(store, record.name)) == data


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (PIECE - 1, PIECE + 1), (PIECE, 2 * PIECE), (3 * PIECE, None), (5, 4 * PIECE)]
)
async def test_a_part_of_it_can_be_read(store: MediaStore, tmp_path: Path, start: int, stop: int | None) -> None:
    path, data, record = file(tmp_path, 3 * PIECE + 100)
    await store.put(path, record)
    assert b"".join(await pieces(store, record.name, start, stop)) == data[start:stop]


async def test_what_is_not_there_is_told_at_once(store: MediaStore) -> None:
    assert await store.find("0" * 64) is None
    with pytest.raises(FileUnusable):
        await pieces(store, "0" * 64)


@pytest.mark.parametrize("gone", ["the first", "one in the middle", "the last", "all"])
async def test_a_piece_that_is_missing_ends_the_reading_and_nothing_waits_for_it(
    store: MediaStore, connection: Connection, tmp_path: Path, gone: str
) -> None:
    path, _, record = file(tmp_path, 12 * PIECE)
    await store.put(path, record)
    doomed = {"the first": [1], "one in the middle": [6], "the last": [12], "all": list(range(1, 13))}[gone]
    for sequence in doomed:
        await connection.js.delete_msg(STREAM, sequence)

    async with asyncio.timeout(3):
        with pytest.raises(FileUnusable):
            await pieces(store, record.name)
    if gone in {"the first", "all"}:
        # As when an operator's limit takes the oldest away: it is stored anew when it comes again.
        assert await store.find(record.name) is None
        await store.put(path, record)
        assert len(b"".join(await pieces(store, record.name))) == record.size


async def test_when_nats_is_away_it_is_told_and_when_it_is_back_all_is_there(
    store: MediaStore, server: NatsServer, tmp_path: Path
) -> None:
    path, data, record = file(tmp_path, 5 * PIECE)
    await store.put(path, record)
    server.kill()
    async with asyncio.timeout(20):
        failures = await asyncio.gather(
            store.find(record.name), store.put(*file(tmp_path, PIECE)[::2]), return_exceptions=True
        )
        assert [type(failure) for failure in failures] == [BusUnavailable, BusUnavailable]

    await server.start()

    async def again() -> bytes:
        while True:
            try:
                return b"".join(await pieces(store, record.name))
            except BusUnavailable:
                await asyncio.sleep(0.05)

    assert await asyncio.wait_for(again(), 20) == data


async def test_when_there_is_no_room_the_oldest_files_go(
    store: MediaStore, connection: Connection, tmp_path: Path
) -> None:
    config = (await connection.js.stream_info(STREAM)).config
    config.max_bytes = 10 * PIECE
    await connection.js.update_stream(config)
    first, second = file(tmp_path, 6 * PIECE), file(tmp_path, 6 * PIECE)
    await store.put(first[0], first[2])
    await store.put(second[0], second[2])

    assert await store.find(first[2].name) is None
    assert b"".join(await pieces(store, second[2].name)) == second[1]


async def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing(
    store: MediaStore, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _, record = file(tmp_path, 4 * PIECE)
    publish, count = Publisher.publish, iter(range(100))

    async def breaks(self: Publisher, subject: str, payload: bytes, **more: object) -> object:
        if next(count) == 3:
            raise BusUnavailable("in the midst of it")
        return await publish(self, subject, payload, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Publisher, "publish", breaks)
    with pytest.raises(BusUnavailable):
        await store.put(path, record)

    assert await messages(connection) == 0


@pytest.mark.parametrize("failure", [BusUnavailable("no answer in time"), asyncio.CancelledError()], ids=repr)
async def test_a_record_that_is_stored_after_it_was_given_up_stands_for_a_whole_file(
    store: MediaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    path, data, record = file(tmp_path, 3 * PIECE)
    publish = Publisher.publish

    async def late(self: Publisher, subject: str, payload: bytes, **more: object) -> object:
        answer = await publish(self, subject, payload, **more)  # type: ignore[arg-type]
        if ".M." in subject:
            raise failure  # its answer came too late
        return answer

    monkeypatch.setattr(Publisher, "publish", late)
    with pytest.raises(type(failure)):
        await store.put(path, record)
    monkeypatch.undo()

    assert await store.find(record.name) is not None
    assert b"".join(await pieces(store, record.name)) == data


async def test_a_record_without_its_pieces_is_none_and_the_file_is_stored_anew(
    store: MediaStore, connection: Connection, tmp_path: Path
) -> None:
    path, data, record = file(tmp_path, 3 * PIECE)
    other, _, kept = file(tmp_path, PIECE)
    await store.put(other, kept)
    await store.put(path, record)
    for sequence in (3, 4):
        await connection.js.delete_msg(STREAM, sequence)

    assert await store.find(record.name) is None
    await store.put(path, record)
    assert b"".join(await pieces(store, record.name)) == data


async def test_any_client_of_nats_reads_what_is_stored(
    store: MediaStore, connection: Connection, tmp_path: Path
) -> None:
    path, data, record = file(tmp_path, 3 * PIECE + 5)
    await store.put(path, record)

    theirs = await connection.js.object_store("gm-media")
    read = await asyncio.wait_for(theirs.get(record.name), 5)

    assert read.data == data
    assert isinstance(read.info, api.ObjectInfo)
    assert read.info.size == record.size
