"""The one place that decides what happens after a failed send.

error          then                                     told to the sender
Retry          again, with growing pauses               when it is too old
RateLimited    again, after the time the network named  when it is too old
Unclear        again ("resend") or dead letter ("park") when parked
WindowClosed   failed: window_closed                    yes
Rejected       failed: rejected                         yes
Unauthorized   the app stops; the leg stays in the log  no
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gearmesh.errors import RateLimited, Rejected, Retry, SendFailed, Unauthorized, Unclear, WindowClosed
from gearmesh.model.delivery import Reason

OnUnclear = Literal["resend", "park"]
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0


class Again(msgspec.Struct, frozen=True):
    """Try again after `pause` seconds. `whole_app`: nothing else of this app goes out before that either."""

    pause: float
    whole_app: bool = False


class Fail(msgspec.Struct, frozen=True):
    """It will not be delivered; the sender is told."""

    reason: Reason


class Bury(msgspec.Struct, frozen=True):
    """It becomes a dead letter: an operator decides."""

    reason: Reason


class StopApp(msgspec.Struct, frozen=True):
    """The app cannot send until the operator has acted. The leg stays in the log."""


Verdict = Again | Fail | Bury | StopApp


def backoff(attempt: int, random: float, *, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> float:
    """Seconds to wait after the `attempt`th failure in a row (from 1): doubling, capped, spread over 50 to 100 %.

    `random` is in [0, 1).
    """
    full = min(longest, first * 2.0 ** min(attempt - 1, 30))
    return full * (0.5 + random / 2)


def after_failure(
    error: SendFailed,
    *,
    attempt: int,
    age: float,
    max_age: float,
    on_unclear: OnUnclear,
    random: float,
) -> Verdict:
    """What to do about a failed send. `age` is how old the leg is and `max_age` how old it may get, in seconds."""
    match error:
        case Unauthorized():
            return StopApp()
        case Rejected():
            return Fail("rejected")
        case WindowClosed():
            return Fail("window_closed")
        case Unclear() if on_unclear == "park":
            return Bury("unclear")
        case RateLimited(after=after, scope=scope):
            pause, whole_app, reason = after, scope == "app", "rate_limit"
        case Retry(after=after):
            pause, whole_app, reason = after, False, "unreachable"
        case _:
            pause, whole_app, reason = None, False, "unclear"
    waiting = max(pause or 0.0, backoff(attempt, random))
    if age + waiting > max_age:
        return Fail(reason)  # type: ignore[arg-type]  # each of the three texts above is a Reason
    return Again(waiting, whole_app)
