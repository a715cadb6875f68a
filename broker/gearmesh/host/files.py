"""Files on their way: fetched once from where they are, kept in the object store, made what their network takes.

What was fetched is remembered by where it came from, and what was made by what it was made of and how: so neither a
second recipient nor a restart does it again, and several at once wait for one. Nothing here is ever whole in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final

import msgspec
import structlog

from gearmesh.bridge import Bridge, SupportsMedia
from gearmesh.bus.media import MediaRecord, MediaStore
from gearmesh.bus.store import Store
from gearmesh.errors import (
    BusUnavailable,
    FileDelayed,
    FileFailed,
    FileTooLarge,
    FileUnusable,
)
from gearmesh.host.downloading import Downloading
from gearmesh.host.once import Once
from gearmesh.host.scratch import Scratch
from gearmesh.media.plan import ANYTHING, Convert, Impossible, Keep, plan, ways
from gearmesh.media.probe import Probe
from gearmesh.media.sniff import START, sniff
from gearmesh.media.workshop import LANES, Workshop, lane_of
from gearmesh.model.capabilities import Capabilities, FileRule
from gearmesh.model.content import KEPT_FILES, Media, MediaKind, MediaRef
from gearmesh.wire.subjects import kv_token

log = structlog.get_logger("gearmesh.files")

PREPARED_WITHIN: Final = 900.0
"""Seconds for all of it, waiting for others included."""
AT_ONCE: Final = 2
"""Files that are fetched at the same time from one app."""
MADE_AT_ONCE: Final = 2
"""Files that are made on one bench of the workshop, the next one's copy included."""
EXTENSIONS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/mpeg": "mp3",
}

Elsewhere = Callable[[MediaRef], Awaitable[str]]


class FileRecord(msgspec.Struct, frozen=True):
    """Where a file of an app stands in the object store."""

    name: str


class Files:
    """The files of one daemon. `start` before anything else, `close` at the end."""

    def __init__(
        self,
        store: MediaStore,
        records: Store[FileRecord],
        bridges: Mapping[str, Bridge],
        here: Container[str],
        elsewhere: Elsewhere,
        workshop: Workshop,
        folder: Path,
        *,
        max_size: int,
        links: bool,
    ) -> None:
        """`here` are the apps that this process runs; for others `elsewhere` has the process at work on them store a
        file, and gives its name. `folder` is for temporary files. `max_size` (bytes) is the most that is fetched;
        `links`: whoever gets a file that cannot be shown may get a link to it."""
        self.links = links
        self.workshop = workshop
        self._store = store
        self._records = records
        self._bridges = bridges
        self._here = here
        self._elsewhere = elsewhere
        self._scratch = Scratch(folder)
        self._downloading = Downloading(store.precedence, max_size)
        self._work = Once()
        self._room: dict[str, asyncio.Semaphore] = {}
        self._making = {lane: asyncio.Semaphore(MADE_AT_ONCE) for lane in LANES}

    def start(self) -> None:
        """Clear away what a process that was killed has left in the folder."""
        self._scratch.clear()

    async def close(self) -> None:
        """Stop what is being fetched and made, and end the processes that open files."""
        await self._work.close()
        await self.workshop.close()

    async def fetch(self, ref: MediaRef) -> MediaRecord:
        """A file as it was sent, in the object store.

        Raises:
            FileTooLarge: it is larger than may be fetched.
            FileUnusable: it is gone.
            FileDelayed: it could not be had in time, or there is no room for it here.
            BusUnavailable: nats does not answer, or no process is at work on its app.
        """
        if ref.app == KEPT_FILES:
            kept = await self._store.find(ref.source)
            if kept is None:
                raise FileUnusable("it is not kept any more")
            return kept
        key = f"{kv_token(ref.app)}.{hashlib.blake2b(ref.source.encode(), digest_size=20).hexdigest()}"
        known = await self._records.get(key)
        if known and (kept := await self._store.find(known.name)):
            return kept
        return await self._work.of(key, lambda: self._fetch(ref, key))

    async def prepare(
        self, ref: MediaRef, kind: MediaKind, rule: FileRule, *, sent_as: MediaKind | None = None
    ) -> MediaRef:
        """A file as it has to be to go as `kind` where `rule` holds: in the object store, with all that is true of it.

        `sent_as` is what its sender sent it as, where that is another kind. Its `app` is `KEPT_FILES`: no bridge is
        asked for it any more. It is there for a week at least.

        Raises:
            FileTooLarge, FileUnusable: it cannot go so.
            BusUnavailable, FileDelayed: as for `fetch`.
        """
        record, found = await self._known(await self.fetch(ref))
        steps = plan(kind, found, rule, sent_as=sent_as)
        if isinstance(steps, Impossible):
            raise FileTooLarge(found.size, steps.limit) if steps.limit else FileUnusable(steps.reason)
        if isinstance(steps, Keep):
            return _ref(await self._fresh(record), ref.name)
        name = f"{record.name}.{steps.profile}"
        made = await self._store.find(name)
        if made is None:
            made = await self._work.of(name, lambda: self._make(record, found, steps, name))
        return _ref(await self._fresh(made), ref.name)

    async def prepared(self, content: Media, capabilities: Capabilities) -> Media:
        """`content` with its file as this thread takes it, under the kind as which it goes best.

        To be called once for each leg, before it is fitted: a GIF may have become a video, a sticker a picture. Where
        the thread carries no such files at all, the kind stays, and the file is what a link should lead to. It takes
        as long as downloading and converting take, so nobody but the leg's own thread may wait for it.

        Raises:
            FileTooLarge, FileUnusable: it cannot go; `kept` names a copy for a link, where the operator allows links.
            BusUnavailable, FileDelayed: as for `fetch`: another attempt later may work.
        """
        try:
            async with asyncio.timeout(PREPARED_WITHIN):
                return await self._prepared(content, capabilities)
        except TimeoutError:
            raise FileDelayed("it could not be made ready in time") from None

    async def read(self, ref: MediaRef, *, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes of a file, in pieces; from `start` to before `stop`.

        Raises:
            FileTooLarge, FileUnusable, FileDelayed, BusUnavailable: as for `fetch`; also in the midst of it.
        """
        record = await self.fetch(ref)
        async with aclosing(self._store.read(record.name, start=start, stop=stop)) as pieces:
            async for piece in pieces:
                yield piece

    async def _prepared(self, content: Media, capabilities: Capabilities) -> Media:
        failure: FileFailed | None = None
        _, found = await self._known(await self.fetch(content.ref))
        kinds = [kind for kind in ways(content.media, found) if kind in capabilities.media]
        for kind in kinds:
            try:
                rule = capabilities.files.get(kind, ANYTHING)
                ref = await self.prepare(content.ref, kind, rule, sent_as=content.media)
            except FileFailed as error:
                # That it is too large says more than that another way is none for it.
                failure = error if failure is None or isinstance(error, FileTooLarge) else failure
                continue
            return msgspec.structs.replace(content, media=kind, ref=ref)
        if failure is None:
            if not self.links:
                raise FileUnusable("its recipient's network shows no such files, and links are not given here")
            return msgspec.structs.replace(content, ref=await self.prepare(content.ref, content.media, ANYTHING))
        if self.links and not found.broken:
            with suppress(FileFailed):
                failure.kept = (await self.prepare(content.ref, content.media, ANYTHING)).source
        raise failure

    async def _known(self, record: MediaRecord) -> tuple[MediaRecord, Probe]:
        """A file with what was found when it was looked into. What a client has stored is looked into now."""
        if record.detail:
            try:
                return record, msgspec.json.decode(record.detail, type=Probe)
            except msgspec.MsgspecError as error:
                log.warning("what is said of a file cannot be read; it is looked into", file=record.name, error=error)
        return await self._work.of(f"theirs {record.name}", lambda: self._take_over(record))

    async def _take_over(self, record: MediaRecord) -> tuple[MediaRecord, Probe]:
        """Store a file that a client has stored as those that come from a network are."""
        async with self._for(KEPT_FILES):
            with self._scratch.file() as path:
                await self._copy(record, path)
                sha256 = await asyncio.to_thread(_hash, path)
                if (before := await self._store.find(sha256)) and before.detail:
                    with suppress(msgspec.MsgspecError):
                        return before, msgspec.json.decode(before.detail, type=Probe)
                with path.open("rb") as file:
                    mime = sniff(file.read(START), record.mime)
                found = await self.workshop.look(path, mime)
                ours = _record(sha256, sha256, found.size, found)
                kept = await self._store.put(path, ours)
                return msgspec.structs.replace(ours, at=kept.at), found

    async def _fresh(self, record: MediaRecord) -> MediaRecord:
        """A file that will be there for at least a week: stored anew where it would go before."""
        if self._store.is_fresh(record):
            return record
        return await self._work.of(f"anew {record.name}", lambda: self._renew(record))

    async def _renew(self, record: MediaRecord) -> MediaRecord:
        async with self._for(KEPT_FILES):
            with self._scratch.file() as path:
                await self._copy(record, path)
                return await self._store.put(path, record)

    async def _copy(self, record: MediaRecord, path: Path) -> None:
        with path.open("wb") as file:
            async for piece in self._store.read(record.name):
                await asyncio.to_thread(file.write, piece)

    def _for(self, whom: str) -> asyncio.Semaphore:
        """How many files of an app may take room on the disk at the same time."""
        return self._room.setdefault(whom, asyncio.Semaphore(AT_ONCE))

    async def _fetch(self, ref: MediaRef, key: str) -> MediaRecord:
        name = ""
        if ref.app not in self._here:
            try:
                name = await self._elsewhere(ref)
            except BusUnavailable:
                # Nobody is at work on it now. The bridge is here all the same, if only for questions.
                if ref.app not in self._bridges:
                    raise
        if not name:
            async with self._for(ref.app):
                name = (await self._download(ref)).name
        await self._records.put(key, FileRecord(name), patience=5.0)
        kept = await self._store.find(name)
        if kept is None:
            raise BusUnavailable("a file that was just stored is not there yet")
        return kept

    async def _download(self, ref: MediaRef) -> MediaRecord:
        bridge: object = self._bridges.get(ref.app)
        if not isinstance(bridge, SupportsMedia):
            raise FileUnusable(f"nobody here can fetch files of {ref.app}")
        with self._scratch.file() as path:
            file = await self._downloading.download(bridge, ref, path)
            found = await self.workshop.look(path, sniff(file.start, ref.mime))
            return await self._store.put(path, _record(file.sha256, file.sha256, file.size, found))

    async def _make(self, record: MediaRecord, found: Probe, steps: Convert, name: str) -> MediaRecord:
        # Whoever waits for a bench waits without a copy on the disk.
        async with self._making[lane_of(found, steps)]:
            with self._scratch.file() as source, self._scratch.file() as target:
                await self._copy(record, source)
                try:
                    made = await self.workshop.make(source, found, target, steps)
                except FileUnusable as error:
                    if error.size:
                        raise FileTooLarge(error.size, steps.size) from None
                    raise
                sha256 = await asyncio.to_thread(_hash, target)
                return await self._store.put(target, _record(name, sha256, made.size, made))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record(name: str, sha256: str, size: int, found: Probe) -> MediaRecord:
    return MediaRecord(
        name,
        size,
        sha256,
        found.mime,
        found.width,
        found.height,
        found.duration,
        found.animated,
        detail=msgspec.json.encode(found).decode(),
    )


def _ref(record: MediaRecord, name: str) -> MediaRef:
    extension = EXTENSIONS.get(record.mime)
    if name and extension and "." in record.name:
        name = f"{name.rpartition('.')[0] or name}.{extension}"  # it has become something else
    return MediaRef(
        KEPT_FILES,
        record.name,
        record.mime,
        record.size,
        record.sha256,
        name,
        record.width,
        record.height,
        record.duration,
    )
