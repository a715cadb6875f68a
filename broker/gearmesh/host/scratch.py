"""Temporary files, in a folder of their own."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

from gearmesh.errors import FileDelayed

log = structlog.get_logger("gearmesh.files")

LEFT_OVER: Final = 3600.0
"""Seconds after which a temporary file is nobody's any more."""


class Scratch:
    """The temporary files of one daemon, in a folder that the first of them makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def clear(self) -> None:
        """Clear away what a process that was killed has left."""
        for left in self._folder.glob("*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFT_OVER:
                    left.unlink()

    @contextmanager
    def file(self) -> Iterator[Path]:
        """A file to write to and read from. What fails at that is no fault of what should be in it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            number, name = tempfile.mkstemp(dir=self._folder)
            os.close(number)
            path = Path(name)
            try:
                yield path
            finally:
                path.unlink(missing_ok=True)
        except OSError as error:
            log.error("a file could not be written down", folder=str(self._folder), error=str(error))
            raise FileDelayed(f"there is no room or no way for it ({error.strerror or type(error).__name__})") from None
