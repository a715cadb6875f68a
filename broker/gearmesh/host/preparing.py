"""Files on their way to a network: made what it takes before they are sent, and accounted for when that cannot be."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import structlog

from gearmesh.core.retry import Again, Bury, Expire, Fail, Verdict
from gearmesh.errors import BusUnavailable, FileFailed, FileTooLarge, FileUnusable, Retry, SendFailed
from gearmesh.host.app import App
from gearmesh.host.ends import Ends
from gearmesh.host.job import Job
from gearmesh.host.outcome import ENDS, Outcome
from gearmesh.model.content import KEPT_FILES, Media

log = structlog.get_logger("gearmesh.egress")


class Prepared(msgspec.Struct, frozen=True):
    """A file as it goes on; `in_words`: only a link to it does."""

    content: Media
    in_words: bool = False


class Preparing:
    """Prepares the files of one app's legs. `verdict` decides what follows when one cannot be had now."""

    def __init__(self, app: App, ends: Ends, verdict: Callable[[Job, SendFailed], Verdict]) -> None:
        self._app = app
        self._shared = app.shared
        self._ends = ends
        self._verdict = verdict

    async def prepare(self, job: Job, content: Media) -> Prepared | Outcome:
        """The file as the thread takes it, or what becomes of the leg.

        What can go as a link alone goes so, and whoever sent it is told.
        """
        try:
            return Prepared(await self._shared.files.prepared(content, self._app.bridge.capabilities(job.thread)))
        except BusUnavailable as error:
            return self._later(job, error)
        except FileFailed as error:
            if error.kept and self._shared.media_links.has_address:
                why = error.reason if isinstance(error, FileUnusable) else str(error)
                await self._ends.tell(job, "file_linked", why, f"{job.header.hex_id} {job.recipient}")
                ref = msgspec.structs.replace(content.ref, app=KEPT_FILES, source=error.kept)
                return Prepared(msgspec.structs.replace(content, ref=ref), in_words=True)
            log.info("a file does not go on", app=self._app.name, envelope=job.header.hex_id, error=str(error))
            if isinstance(error, FileTooLarge):
                facts = (("size", _megabytes(error.size)), ("limit", _megabytes(error.limit)))
                return Outcome("failed", "too_large", str(error), notice="too_large_file", facts=facts)
            why = error.reason if isinstance(error, FileUnusable) else str(error)
            return Outcome("failed", "unsupported", why, notice="file_failed")

    def _later(self, job: Job, error: BusUnavailable) -> Outcome:
        job.attempt += 1
        verdict = self._verdict(job, Retry(f"its file cannot be had now: {error}"))
        match verdict:
            case Again(pause=pause, reason=reason):
                until = self._shared.clock.seconds() + pause
                return Outcome("parked", reason, str(error), until, job.attempt)
            case Fail() | Expire() | Bury():
                return Outcome(ENDS[type(verdict)], verdict.reason, str(error))
            case _:
                raise AssertionError(f"a file that cannot be had now leads to {verdict}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
