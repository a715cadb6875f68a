"""From the bytes of a leg to what is in it."""

from __future__ import annotations

from gearmesh.errors import WireError
from gearmesh.host.job import Job
from gearmesh.host.outcome import Outcome
from gearmesh.model.content import Content
from gearmesh.wire.body import open_body


def open_leg(job: Job, now: int, max_age: float) -> Content | Outcome:
    """What is in a leg, or what comes of it when it is too late `now` (milliseconds; `max_age` in seconds), or cannot
    be opened."""
    header = job.header
    if header.expires is not None and header.expires <= now:
        return Outcome("expired", detail="its time was over")
    if now / 1000 >= job.ends(max_age):
        return Outcome("expired", reason="unreachable", detail=f"it waited for {max_age:g} s")
    try:
        return open_body(header.seal, job.body or b"")
    except WireError as error:
        return Outcome("dead", reason="unsupported", detail=str(error))
