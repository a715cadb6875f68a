"""Reading many records at once, on a real nats-server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from gearmesh.bus import direct
from gearmesh.bus import store as store_module
from gearmesh.bus.connection import Connection
from gearmesh.bus.ledger_reader import LedgerReader
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.bus.streams import ensure_all
from gearmesh.errors import BusUnavailable
from gearmesh.model.delivery import LedgerEntry, State
from gearmesh.testing import NatsServer
from gearmesh.wire.subjects import Subjects

from .patience import until

SUBJECTS = Subjects("gm")
BUCKET = SUBJECTS.bucket("map")


@pytest.fixture
async def publisher(connection: Connection) -> AsyncIterator[Publisher]:
    await ensure_all(connection, SUBJECTS)
    async with Publisher(connection) as publisher:
        yield publisher


@pytest.fixture
def store(connection: Connection, publisher: Publisher) -> Store[int]:
    return Store(connection, publisher, BUCKET, int)


async def numbers(store: Store[int], keys: str, *, since: int = 0, limit: int = 1000) -> list[int]:
    return [entry.record for entry in await store.scan(keys, since=since, limit=limit)]


async def test_given_records_under_several_keys_then_a_scan_finds_those_that_match_oldest_first(
    store: Store[int],
) -> None:
    for number, key in enumerate(("a.app.one", "b.app.two", "c.app.one", "d.other.one", "app.one")):
        await store.put(key, number)

    entries = await store.scan("*.app.one", limit=10)

    assert [(entry.key, entry.record) for entry in entries] == [("a.app.one", 0), ("c.app.one", 2)]
    assert all(abs(entry.at - time.time() * 1000) < 20_000 for entry in entries)
    assert await store.scan("*.app.nobody", limit=10) == []


async def test_given_a_record_that_is_deleted_then_it_is_gone_and_soon_nothing_is_left_of_it(
    store: Store[int], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "DELETED_FOR", "1s")
    await store.put("a.one", 1)
    await store.put("a.two", 2)

    await store.delete("a.one")

    assert await store.get("a.one") is None
    assert await numbers(store, "a.*") == [2]

    async def left() -> int:
        return (await connection.js.stream_info(f"KV_{BUCKET}")).state.messages

    async with asyncio.timeout(10):
        while await left() > 1:
            await asyncio.sleep(0.05)
    await store.put("a.one", 3)
    assert await store.get("a.one") == 3


async def test_given_more_records_than_one_answer_has_then_all_of_them_are_found(store: Store[int]) -> None:
    count = 2 * direct.BATCH + 1
    for number in range(count):
        await store.put(f"key{number}.x", number)

    assert await numbers(store, "*.x") == list(range(count))


async def test_given_a_whole_number_of_answers_then_there_is_an_end(store: Store[int]) -> None:
    for number in range(direct.BATCH):
        await store.put(f"key{number}.x", number)

    assert await numbers(store, "*.x") == list(range(direct.BATCH))


async def test_given_a_limit_then_the_newest_are_found(store: Store[int]) -> None:
    for number in range(10):
        await store.put(f"key{number}.x", number)

    assert await numbers(store, "*.x", limit=3) == [7, 8, 9]


async def test_given_a_time_then_what_was_written_before_is_left_out(store: Store[int]) -> None:
    await store.put("old.x", 1)
    old = (await store.scan("*.x", limit=1))[0].at
    await until(lambda: time.time() * 1000 > old + 5, awaited="the clock to go on")
    await store.put("new.x", 2)

    assert await numbers(store, "*.x", since=old) == [1, 2]
    assert await numbers(store, "*.x", since=old + 3) == [2]
    assert await numbers(store, "*.x", since=old + 3_600_000) == []


async def test_given_a_record_that_was_written_again_then_it_is_found_once_and_as_it_is_now(store: Store[int]) -> None:
    for number in range(3):
        await store.put("key.x", number)

    assert await numbers(store, "*.x") == [2]


async def test_given_a_record_that_cannot_be_read_then_the_others_are_found(
    store: Store[int], publisher: Publisher
) -> None:
    await store.put("good.x", 1)
    await publisher.publish(f"$KV.{BUCKET}.bad.x", msgspec.msgpack.encode("no number"))
    await publisher.publish(f"$KV.{BUCKET}.gone.x", b"", headers={"KV-Operation": "DEL"})

    assert await numbers(store, "*.x") == [1]


async def test_given_nats_away_then_a_scan_says_so(
    store: Store[int], server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearmesh.bus.direct.ANSWER_WITHIN", 0.2)
    server.kill()

    with pytest.raises(BusUnavailable):
        await store.scan("*.x", limit=1)


async def test_given_a_bucket_that_is_not_there_then_a_scan_says_so(
    connection: Connection, publisher: Publisher
) -> None:
    with pytest.raises(BusUnavailable):
        await Store(connection, publisher, "gm-nothing", int).scan("*.x", limit=1)


async def test_given_the_steps_of_legs_then_the_ledger_names_the_last_of_each(
    connection: Connection, publisher: Publisher
) -> None:
    steps: list[tuple[str, str, State, str]] = [
        ("north", "aa", "accepted", ""),
        ("south", "aa", "sent", "south:ben"),
        ("south", "aa", "read", "south:ben"),
        ("south", "bb", "sent", "south:bob"),
    ]
    for app, envelope, state, to in steps:
        entry = LedgerEntry(envelope, app, state, 0, to=to)
        await publisher.publish(SUBJECTS.ledger(app, envelope), msgspec.msgpack.encode(entry))
    ledger = LedgerReader(connection, SUBJECTS)

    last = await ledger.last("south", ["aa", "bb", "cc"])

    assert {envelope: recorded.entry.state for envelope, recorded in last.items()} == {"aa": "read", "bb": "sent"}
    assert await ledger.last("south", []) == {}
    assert [entry.state for entry in await ledger.steps("south", "aa")] == ["sent", "read"]
    assert await ledger.steps("south", "cc") == []
    assert (await ledger.any_of("cc")) is None
    found = await ledger.any_of("aa")
    assert found is not None
    assert (found.app, found.to) == ("south", "south:ben")
