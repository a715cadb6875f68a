"""The one place that decides what happens after a failed send, whether the network failed it at once or afterwards.

error          then                                              told to the sender
Retry          again, with growing pauses; where the network     when it is too old
               may have done it, look for a sign of that first
RateLimited    again, after the time the network named;          when it is too old
               a recipient's pauses grow fourfold
Unclear        look for a sign that it arrived; without one      when parked, or too old
               again ("resend") or a dead letter ("park")
WindowClosed   wait until the person writes                      that it waits; when it is too old
Rejected       failed                                            yes
Unauthorized   the app stops; the leg stays                      no
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from gearmesh.errors import RateLimited, Rejected, Retry, SendFailed, Unauthorized, WindowClosed
from gearmesh.model.delivery import Reason

OnUnclear = Literal["resend", "park"]
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0
LONGEST_SILENCE: Final = 3600.0
"""Seconds that a recipient to whom we wrote too fast is left alone at most, before that is spread to twice as much."""


class Again(msgspec.Struct, frozen=True):
    """Try again after `pause` seconds. `whole_app`: nothing else of this app goes out before that either."""

    pause: float
    reason: Reason
    whole_app: bool = False


class Seek(msgspec.Struct, frozen=True):
    """It may have arrived: look for a sign of that before anything else is done."""


class Hold(msgspec.Struct, frozen=True):
    """It waits, as long as it may, until the person writes."""

    reason: Reason


class Fail(msgspec.Struct, frozen=True):
    """It will not be delivered; the sender is told."""

    reason: Reason


class Expire(msgspec.Struct, frozen=True):
    """It is too old to be tried again; the sender is told."""

    reason: Reason


class Bury(msgspec.Struct, frozen=True):
    """It becomes a dead letter: an operator decides."""

    reason: Reason


class StopApp(msgspec.Struct, frozen=True):
    """The app cannot send until the operator has acted. The leg stays where it is."""


Verdict = Again | Seek | Hold | Fail | Expire | Bury | StopApp


def backoff(
    attempt: int, random: float, *, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE, growth: float = 2.0
) -> float:
    """Seconds to wait after the `attempt`th failure in a row (from 1): growing, capped, spread over 50 to 100 %.

    `random` is in [0, 1).
    """
    full = min(longest, first * growth ** min(attempt - 1, 30))
    return full * (0.5 + random / 2)


def after_failure(
    error: SendFailed,
    *,
    attempt: int,
    age: float,
    max_age: float,
    on_unclear: OnUnclear,
    random: float,
    sought: bool = False,
) -> Verdict:
    """What to do about a failed send.

    `age` is how old the leg is and `max_age` how old it may get, in seconds: that bounds the attempts, nothing else
    does. `sought`: a sign that an unclear message arrived was looked for in vain.
    """
    reason: Reason
    match error:
        case Unauthorized():
            return StopApp()
        case Rejected():
            return Fail("rejected")
        case WindowClosed():
            return Hold("window_closed") if age < max_age else Expire("window_closed")
        case Retry(perhaps=True) if not sought:
            return Seek()
        case RateLimited(after=float() | int() as after):
            # The network knows better than any rule of ours.
            pause, whole_app, reason = after * (1 + random / 4), error.scope == "app", "rate_limit"
        case RateLimited(scope="recipient"):
            # Meta: wait 4^X seconds, X from 0 (WhatsApp Cloud API documentation of pair rates, 2026). Never less.
            pause = 2 * backoff(attempt, random, first=1.0, longest=LONGEST_SILENCE, growth=4.0)
            after, whole_app, reason = None, False, "rate_limit"
        case RateLimited(after=after):
            pause, whole_app, reason = backoff(attempt, random), True, "rate_limit"
        case Retry(after=after):
            pause, whole_app, reason = backoff(attempt, random), False, "unreachable"
        case _ if not sought:
            return Seek()
        case _ if on_unclear == "park":
            return Bury("unclear")
        case _:
            after, pause, whole_app, reason = None, backoff(attempt, random), False, "unclear"
    waiting = max(after or 0.0, pause)
    if age + waiting > max_age:
        return Expire(reason)
    return Again(waiting, reason, whole_app)
