"""What became of a leg when it was worked on."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gearmesh.core.retry import Bury, Expire, Fail
from gearmesh.model.delivery import Reason, State


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a leg.

    `left`: nothing, it is not ours any more. A `parked` one waits until `until` (seconds since the epoch), and has
    failed `attempt` times in a row. `notice` is what whoever wrote is told instead of the usual, with these `facts`.
    `unwritten`: it was sent, and is done with when its job is told that it is written down.
    """

    state: State | Literal["left"]
    reason: Reason = ""
    detail: str = ""
    until: float = 0.0
    attempt: int = 0
    notice: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    unwritten: bool = False


LEFT: Final = Outcome("left")
SENT: Final = Outcome("sent")
JUST_SENT: Final = Outcome("sent", unwritten=True)
ENDS: Final[dict[type[Fail | Expire | Bury], State]] = {Fail: "failed", Expire: "expired", Bury: "dead"}
"""The state that a verdict ends in."""
