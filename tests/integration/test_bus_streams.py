"""Streams and buckets on a real server: made once, checked at every start, never overwritten."""

from __future__ import annotations

import pytest
import structlog
from nats.js import api

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.streams import BUCKETS, MEDIA, ensure_all, streams
from gearmesh.errors import BusUnavailable, StreamDiffers
from gearmesh.testing import NatsServer
from gearmesh.wire.subjects import PARTITIONS, Subjects, partition_of

from .patience import until
from .streams import everything

SUBJECTS = Subjects()


async def settings(connection: Connection) -> dict[str, api.StreamConfig]:
    """All streams that exist, by name."""
    return {info.config.name or "": info.config for info in await connection.js.streams_info()}


async def test_given_an_empty_server_then_all_streams_and_buckets_are_made(connection: Connection) -> None:
    await ensure_all(connection, SUBJECTS)

    made = await settings(connection)
    assert set(made) == {
        *(spec.name for spec in streams(SUBJECTS)),
        *(f"KV_{SUBJECTS.bucket(bucket.name)}" for bucket in BUCKETS),
        f"OBJ_{SUBJECTS.bucket(MEDIA)}",
    }
    assert made["GM_IN"].retention == api.RetentionPolicy.LIMITS
    assert made["GM_IN"].max_age == 7 * 24 * 3600
    assert [name for name in sorted(made) if made[name].allow_atomic] == ["GM_IN"]
    assert made["GM_DEAD"].max_age == 90 * 24 * 3600
    assert made["OBJ_gm-media"].max_age == made["KV_gm-files"].max_age == 14 * 24 * 3600
    assert made["KV_gm-map"].max_age == 30 * 24 * 3600


async def test_given_what_an_earlier_start_made_then_the_next_one_leaves_it_alone(connection: Connection) -> None:
    await ensure_all(connection, SUBJECTS)
    before = await settings(connection)

    await ensure_all(connection, SUBJECTS)

    assert await settings(connection) == before


async def test_given_another_prefix_then_two_brokers_share_one_server(connection: Connection) -> None:
    await ensure_all(connection, SUBJECTS)

    await ensure_all(connection, Subjects("second-one"))

    names = set(await settings(connection))
    assert {"GM_IN", "SECOND_ONE_IN", "KV_gm-people", "KV_second-one-people"} <= names
    assert len(names) == 2 * (len(streams(SUBJECTS)) + len(BUCKETS) + 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subjects": ["gm.out.>"]}, "subjects is ['gm.out.>'], expected ['gm.out.*.*']"),
        ({"retention": api.RetentionPolicy.WORK_QUEUE}, "retention is 'workqueue', expected 'limits'"),
        ({"max_age": 3600.0}, "max_age is 3600.0, expected 604800.0"),
        ({"duplicate_window": 10.0}, "duplicate_window is 10.0, expected 120.0"),
        ({"allow_direct": False}, "allow_direct is False, expected True"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_given_a_stream_that_differs_then_it_is_reported_with_what_differs_and_not_changed(
    connection: Connection, change: dict[str, object], said: str
) -> None:
    await ensure_all(connection, SUBJECTS)
    ours = (await settings(connection))["GM_OUT"]
    await connection.js.delete_stream("GM_OUT")
    await connection.js.add_stream(ours.evolve(**change))
    theirs = (await settings(connection))["GM_OUT"]

    with pytest.raises(StreamDiffers) as differs:
        await ensure_all(connection, SUBJECTS)

    assert (differs.value.stream, differs.value.differences) == ("GM_OUT", (said,))
    assert "nats stream edit GM_OUT" in str(differs.value)
    assert (await settings(connection))["GM_OUT"] == theirs


async def test_given_an_inbound_log_without_partitions_then_it_is_reported(connection: Connection) -> None:
    await connection.js.add_stream(
        api.StreamConfig(
            name="GM_IN", subjects=["gm.in.*.*"], max_age=7 * 24 * 3600, duplicate_window=120, allow_direct=True
        )
    )

    with pytest.raises(StreamDiffers, match="subject_transform is None, expected"):
        await ensure_all(connection, SUBJECTS)


async def test_given_limits_that_an_operator_has_set_then_they_are_left_as_they_are(connection: Connection) -> None:
    await ensure_all(connection, SUBJECTS)
    ours = (await settings(connection))["GM_OUT"]
    await connection.js.update_stream(ours.evolve(max_bytes=10_000_000, description="ours"))

    await ensure_all(connection, SUBJECTS)

    assert (await settings(connection))["GM_OUT"].max_bytes == 10_000_000


async def test_given_how_much_files_may_take_then_the_oldest_go_before_it_is_more(connection: Connection) -> None:
    await ensure_all(connection, SUBJECTS, max_store=300_000_000)

    made = (await settings(connection))["OBJ_gm-media"]
    assert (made.max_bytes, str(made.discard)) == (300_000_000, "old")


async def test_given_less_room_than_files_may_take_then_they_get_what_there_is(connection: Connection) -> None:
    await ensure_all(connection, SUBJECTS, max_store=2**60)

    assert 0 < ((await settings(connection))["OBJ_gm-media"].max_bytes or 0) < 2**59


async def test_given_a_limit_for_files_that_an_operator_has_set_then_it_is_left_and_the_difference_said(
    connection: Connection,
) -> None:
    await ensure_all(connection, SUBJECTS, max_store=300_000_000)

    with structlog.testing.capture_logs() as said:
        await ensure_all(connection, SUBJECTS, max_store=200_000_000)

    assert (await settings(connection))["OBJ_gm-media"].max_bytes == 300_000_000
    assert [line["max_bytes"] for line in said if line["log_level"] == "warning"] == [300_000_000]


async def test_given_a_log_of_a_release_without_batches_then_it_is_left_and_what_is_missing_is_said(
    connection: Connection,
) -> None:
    await ensure_all(connection, SUBJECTS)
    ours = (await settings(connection))["GM_IN"]
    await connection.js.delete_stream("GM_IN")
    await connection.js.add_stream(ours.evolve(allow_atomic=None))

    with structlog.testing.capture_logs() as said:
        await ensure_all(connection, SUBJECTS)

    assert not (await settings(connection))["GM_IN"].allow_atomic
    warnings = [(line["stream"], line["missing"]) for line in said if line["log_level"] == "warning"]
    assert warnings == [("GM_IN", "allow_atomic")]


async def test_given_200_conversations_then_the_server_puts_each_into_the_partition_that_we_compute(
    connection: Connection,
) -> None:
    await ensure_all(connection, SUBJECTS)
    conversations = [f"conversation-{number}" for number in range(100)]
    conversations += [f"group of {number} • ünïcode/{number}@home" for number in range(100)]
    async with Publisher(connection) as publisher:
        for conversation in conversations:
            await publisher.publish(SUBJECTS.inbound("whatsapp", conversation), b"")

    for conversation, (subject, _) in zip(conversations, await everything(connection, "GM_IN"), strict=True):
        assert subject.split(".")[2] == str(partition_of(conversation))
        assert SUBJECTS.read_inbound(subject).conversation == conversation
    assert {partition_of(conversation) for conversation in conversations} == set(range(PARTITIONS))


async def test_given_a_server_that_is_away_then_it_is_said_which_stream_could_not_be_had(
    server: NatsServer, connection: Connection
) -> None:
    await ensure_all(connection, SUBJECTS)
    connection.js._timeout = 0.2
    server.kill()
    await until(lambda: not connection.is_up, awaited="the loss to be noticed")

    with pytest.raises(BusUnavailable, match="GM_IN"):
        await ensure_all(connection, SUBJECTS)
