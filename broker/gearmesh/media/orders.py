"""What the daemon and the processes that open files say to each other: one JSON line for each order, one back."""

from __future__ import annotations

import msgspec

from gearmesh.media.plan import Convert
from gearmesh.media.probe import Probe


class Look(msgspec.Struct, frozen=True, tag="look"):
    """Say what the file at `path` is. `mime` is what its first bytes say; `seconds` of the processor it may take."""

    path: str
    mime: str
    seconds: int


class Make(msgspec.Struct, frozen=True, tag="make"):
    """Write what `source` (of type `found.mime`) becomes by `steps` to `target`, in `seconds` of the processor."""

    source: str
    found: Probe
    target: str
    steps: Convert
    seconds: int


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of an order: `probe` says what is there now, at `path` or `target`.

    Without one, `reason` says why there is nothing; `size` is then the smallest that it could be made, in bytes, where
    only that was the trouble. `passing`: it says nothing of the file, which can be tried again; `delayed`: what
    lacked was room on the disk, or a process. `peak`: the most memory that the process has used so far, in bytes.
    """

    probe: Probe | None = None
    reason: str = ""
    size: int = 0
    passing: bool = False
    delayed: bool = False
    peak: int = 0


Order = Look | Make
