"""The streams and buckets, as data; created when missing, checked when there, never overwritten."""

from __future__ import annotations

from typing import Final

import msgspec
import nats.errors
import nats.js.errors
import structlog
from nats.js import api

from gearmesh.bus.connection import Connection
from gearmesh.errors import BusUnavailable, StreamDiffers
from gearmesh.wire.subjects import PARTITIONS, Subjects

log = structlog.get_logger("gearmesh.bus")

DAY: Final = 24 * 3600.0
DUPLICATE_WINDOW: Final = 120.0
"""Seconds that a stream remembers message ids: 220-250 bytes each, so not for ever."""


class StreamSpec(msgspec.Struct, frozen=True):
    """A log. `max_age` in seconds; `transform` is the stored subject where it differs from the published one.

    `refuses_when_full`: an operator's size limit must not push out what nobody has read yet. `takes_batches`: several
    messages can be stored there together.
    """

    name: str
    subject: str
    max_age: float
    transform: str = ""
    refuses_when_full: bool = False
    takes_batches: bool = False


class BucketSpec(msgspec.Struct, frozen=True):
    """A KV bucket. `ttl` in seconds; 0 keeps for ever."""

    name: str
    ttl: float = 0


IN, OUT, LATER, LEDGER, DEAD = "IN", "OUT", "LATER", "LEDGER", "DEAD"

BUCKETS: Final = (
    BucketSpec("broker"),
    BucketSpec("people"),
    BucketSpec("addresses"),
    BucketSpec("conversations"),
    BucketSpec("groups"),
    BucketSpec("portals"),
    BucketSpec("map", ttl=30 * DAY),
    BucketSpec("sends", ttl=8 * DAY),
    BucketSpec("apps"),
    BucketSpec("kept"),
    BucketSpec("leases"),
    BucketSpec("files", ttl=14 * DAY),
)
MEDIA: Final = "media"
MEDIA_TTL: Final = 14 * DAY
LEAST_STORE: Final = 64_000_000
"""Bytes with which an object store is still worth having."""
NO_ROOM: Final = frozenset({10002, 10047})
"""JetStream's codes: an account, or the server, has not as much storage as a stream wants to have for itself."""


def streams(subjects: Subjects, partitions: int = PARTITIONS) -> tuple[StreamSpec, ...]:
    """All logs under a prefix. Limits retention throughout: a work queue forgets message ids with a restart."""
    prefix = subjects.prefix
    return (
        StreamSpec(
            subjects.stream(IN),
            f"{prefix}.in.*.*",
            7 * DAY,
            f"{prefix}.in.{{{{partition({partitions},2)}}}}.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}",
            refuses_when_full=True,
            takes_batches=True,
        ),
        StreamSpec(subjects.stream(OUT), f"{prefix}.out.*.*", 7 * DAY, refuses_when_full=True),
        StreamSpec(subjects.stream(LATER), f"{prefix}.later.*.*.*", 8 * DAY, refuses_when_full=True),
        StreamSpec(subjects.stream(LEDGER), f"{prefix}.ledger.>", 30 * DAY),
        StreamSpec(subjects.stream(DEAD), f"{prefix}.dead.*.*", 90 * DAY),
    )


async def ensure_all(
    connection: Connection,
    subjects: Subjects,
    *,
    partitions: int = PARTITIONS,
    replicas: int = 1,
    max_store: int = 0,
) -> None:
    """Create what is missing and check what is there.

    `max_store` bounds an object store that is created, in bytes (0: no bound). JetStream sets that much aside; where it
    has less, the store gets what there is.

    Raises:
        StreamDiffers: a stream or bucket has other settings; nothing was changed.
        BusUnavailable: JetStream does not answer, or is not enabled.
    """
    for spec in streams(subjects, partitions):
        await _ensure_stream(connection, _stream_config(spec, replicas))
    for bucket in BUCKETS:
        await _ensure_stream(connection, _bucket_config(bucket, subjects, replicas))
    await _ensure_media(connection, _media_config(subjects, replicas), max_store)


def _stream_config(spec: StreamSpec, replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=spec.name,
        subjects=[spec.subject],
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        max_age=spec.max_age,
        duplicate_window=DUPLICATE_WINDOW,
        num_replicas=replicas,
        allow_direct=True,
        discard=api.DiscardPolicy.NEW if spec.refuses_when_full else api.DiscardPolicy.OLD,
        subject_transform=api.SubjectTransform(src=spec.subject, dest=spec.transform) if spec.transform else None,
        allow_atomic=spec.takes_batches or None,
    )


def _bucket_config(bucket: BucketSpec, subjects: Subjects, replicas: int) -> api.StreamConfig:
    # What every NATS client takes for a KV bucket (ADR-8); nats-py's own create_key_value would do the same with one
    # request more.
    name = subjects.bucket(bucket.name)
    return api.StreamConfig(
        name=f"KV_{name}",
        subjects=[f"$KV.{name}.>"],
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.NEW,
        max_age=bucket.ttl or None,
        max_msgs_per_subject=1,
        duplicate_window=DUPLICATE_WINDOW,
        num_replicas=replicas,
        allow_direct=True,
        allow_rollup_hdrs=True,
        allow_msg_ttl=True,
        deny_delete=True,
    )


def _media_config(subjects: Subjects, replicas: int) -> api.StreamConfig:
    # What every NATS client takes for an object store (ADR-20), but for what happens when an operator's limit is
    # reached: the oldest files go, which can be fetched again, and never those that are on their way.
    name = subjects.bucket(MEDIA)
    return api.StreamConfig(
        name=f"OBJ_{name}",
        subjects=[f"$O.{name}.C.>", f"$O.{name}.M.>"],
        retention=api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.OLD,
        max_age=MEDIA_TTL,
        duplicate_window=DUPLICATE_WINDOW,
        num_replicas=replicas,
        allow_direct=True,
        allow_rollup_hdrs=True,
    )


async def _ensure_media(connection: Connection, wanted: api.StreamConfig, max_store: int) -> None:
    bytes_wanted = max_store
    while True:
        try:
            found = await _ensure_stream(connection, wanted.evolve(max_bytes=bytes_wanted or None))
            break
        except _NoRoom as error:
            if bytes_wanted < 2 * LEAST_STORE:
                raise BusUnavailable(f"JetStream has no room for files: {error}") from None
            bytes_wanted //= 2
    there = max(found.max_bytes or 0, 0)
    if there != max_store:
        # An operator may have set it, or the disk is small. What is there is never changed from here.
        log.warning(
            "the object store has another limit than [media] max_store; `nats stream edit` changes it",
            stream=wanted.name,
            max_bytes=there,
            max_store=max_store,
        )


class _NoRoom(Exception):
    """JetStream cannot set aside what a stream wants."""


async def _ensure_stream(connection: Connection, wanted: api.StreamConfig) -> api.StreamConfig:
    """The settings of the stream as it is there now."""
    name = wanted.name or ""
    try:
        try:
            found = (await connection.js.stream_info(name)).config
        except nats.js.errors.NotFoundError:
            return (await connection.js.add_stream(wanted)).config
    except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
        if isinstance(error, nats.js.errors.APIError) and error.err_code in NO_ROOM and wanted.max_bytes:
            raise _NoRoom(str(error)) from None
        raise BusUnavailable(f"JetStream does not create stream {name}: {type(error).__name__}: {error}") from None
    differences = list(_differences(wanted, found))
    if differences:
        raise StreamDiffers(name, differences)
    if wanted.allow_atomic and not found.allow_atomic:
        # A release before this one made it. Nothing is wrong with that, but each message is waited for by itself.
        log.warning("this stream takes no batches, so bursts are stored slowly", stream=name, missing="allow_atomic")
    return found


def _differences(wanted: api.StreamConfig, found: api.StreamConfig) -> list[str]:
    """What would break us. An operator may choose storage limits, replicas, placement and the like."""
    transform = found.subject_transform.dest if found.subject_transform else None
    expected = wanted.subject_transform.dest if wanted.subject_transform else None
    rows: list[tuple[str, object, object]] = [
        ("subjects", wanted.subjects, found.subjects),
        ("retention", _word(wanted.retention), _word(found.retention)),
        ("discard", _word(wanted.discard), _word(found.discard)),
        ("subject_transform", expected, transform),
        ("max_msgs_per_subject", wanted.max_msgs_per_subject, found.max_msgs_per_subject),
        ("allow_direct", True, found.allow_direct),
        ("max_age", wanted.max_age or 0, found.max_age or 0),
        ("duplicate_window", wanted.duplicate_window, found.duplicate_window),
    ]
    return [f"{key} is {there!r}, expected {here!r}" for key, here, there in rows if here != there]


def _word(policy: object) -> str:
    """The name of a policy: nats-py gives back a plain text where it was given an enumeration."""
    return str(getattr(policy, "value", policy))
