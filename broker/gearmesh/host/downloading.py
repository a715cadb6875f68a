"""A file comes from its network, by its bridge: in pieces, bounded in size and time, whatever the bridge does."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Final

import msgspec
import structlog

from gearmesh.bridge import SupportsMedia
from gearmesh.bus.precedence import Precedence
from gearmesh.errors import FileDelayed, FileFailed, FileTooLarge, FileUnusable, RateLimited, Retry, SendFailed
from gearmesh.host.answers import told_to_stop
from gearmesh.media.sniff import START
from gearmesh.model.content import MediaRef

log = structlog.get_logger("gearmesh.files")

FETCH_WITHIN: Final = 150.0
"""Seconds in all, for one file, whatever its network does."""
PAUSES: Final = (1.0, 5.0)
"""Seconds before a file that could not be had is asked for again."""
WRITTEN: Final = 64 * 1024
"""Bytes that are gathered before they are written: a piece of a file in memory, and in front of a message."""


class Download(msgspec.Struct, frozen=True):
    """A file that has come: its size, its SHA-256 in hex, its first bytes."""

    size: int
    sha256: str
    start: bytes


class Downloading:
    """Writes files of networks to the disk, `max_size` bytes of each at most; messages go first, by `precedence`."""

    def __init__(self, precedence: Precedence, max_size: int) -> None:
        self._precedence = precedence
        self._max_size = max_size

    async def download(self, bridge: SupportsMedia, ref: MediaRef, path: Path) -> Download:
        """Write a file to `path`.

        Raises:
            FileTooLarge: it is larger than may be fetched.
            FileUnusable: it is gone, or the bridge failed at it.
            FileDelayed: it could not be had in time.
            OSError: it could not be written.
        """
        if ref.size > self._max_size:
            raise FileTooLarge(ref.size, self._max_size)
        try:
            async with asyncio.timeout(FETCH_WITHIN):
                return await self._patiently(bridge, ref, path)
        except TimeoutError:
            raise FileDelayed(f"it could not be fetched within {FETCH_WITHIN:.0f} seconds") from None

    async def _patiently(self, bridge: SupportsMedia, ref: MediaRef, path: Path) -> Download:
        pauses = list(PAUSES)
        while True:
            try:
                return await self._stream(bridge, ref, path)
            except (Retry, RateLimited) as error:
                if not pauses:
                    raise FileDelayed(f"it could not be fetched ({error})") from None
                await asyncio.sleep(error.after or pauses.pop(0))
            except SendFailed as error:
                raise FileUnusable(str(error)) from None

    async def _stream(self, bridge: SupportsMedia, ref: MediaRef, path: Path) -> Download:
        digest, size, start = hashlib.sha256(), 0, b""
        gathered = bytearray()
        chunks = bridge.media(ref)
        try:
            with path.open("wb") as file:

                def write(data: bytes) -> None:
                    digest.update(data)
                    file.write(data)

                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._max_size:
                        raise FileTooLarge(size, self._max_size)
                    if len(start) < START:
                        start += chunk[: START - len(start)]
                    gathered += chunk
                    if len(gathered) >= WRITTEN:
                        async with self._precedence.turn():
                            await asyncio.to_thread(write, bytes(gathered))
                        gathered.clear()
                await asyncio.to_thread(write, bytes(gathered))
        except (SendFailed, FileFailed, OSError):
            raise  # also a time that is over; see `Scratch.file`
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and told_to_stop():
                raise
            log.exception("the bridge failed at a file", app=ref.app)
            raise FileUnusable("it could not be fetched") from None
        finally:
            if close := getattr(chunks, "aclose", None):
                await close()
        return Download(size, digest.hexdigest(), start)
