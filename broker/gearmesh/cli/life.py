"""An envelope's life in rows and words, made of what is known of it. Pure functions."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gearmesh.bus.history import History, Standing
from gearmesh.bus.letters import Letter
from gearmesh.cli.durations import span
from gearmesh.model.delivery import LedgerEntry

ORDER: Final = (
    "received",
    "stored in",
    "accepted",
    "routed",
    "stored out",
    "replayed in",
    "replayed out",
    "taken",
    "parked",
    "waits",
    "sent",
    "known as",
    "delivered",
    "read",
    "failed",
    "expired",
    "dead",
    "dead letter",
)
"""Steps in the order of a life, for those of one millisecond: the ledger's times are no finer."""
AT_SENDERS: Final = frozenset({"received", "stored in"})
"""Hops that are passed before an app of a recipient comes in."""


class Step(msgspec.Struct, frozen=True):
    """One row. `at` is in microseconds since the epoch."""

    at: int
    app: str
    to: str
    step: str
    reason: str = ""
    detail: str = ""


def steps(history: History) -> list[Step]:
    """All that happened, by time. What two sources tell of is one row."""
    origin = _origin(history)
    found = [step for entry in history.ledger for step in _recorded(entry, origin)]
    found += [
        Step(inbound.stored_at, origin, "", "replayed in" if inbound.replayed else "stored in")
        for inbound in history.inbound
    ]
    told = {(step.at, step.app) for step in found if step.step == "stored out"}
    found += [
        Step(leg.stored_at, leg.app, _receivers(leg), "replayed out" if leg.replayed else "stored out")
        for leg in history.legs
        if (leg.stored_at, leg.app) not in told
    ]
    found += [
        Step(later.stored_at, later.app, _receivers(later), "waits", *_parked(history, later.app))
        for later in history.later
    ]
    found += [
        Step(name.at, name.app, name.thread, "known as", "", ", ".join(name.native_ids)) for name in history.names
    ]
    found += [
        Step(letter.at * 1000, letter.app, "", "dead letter", letter.reason, letter.id) for letter in history.dead
    ]
    once = {(step.at, step.app, step.to, step.step): step for step in found}
    return sorted(once.values(), key=lambda step: (step.at // 1000, _rank(step.step), step.at))


def _recorded(entry: LedgerEntry, origin: str) -> list[Step]:
    """The rows of a ledger entry: its hops, and the step itself, whose time is finer where a hop tells it."""
    at = next((hop.at for hop in entry.hops if hop.name == "sent"), entry.at * 1000)
    hops = [
        Step(hop.at, origin, "", hop.name) if hop.name in AT_SENDERS else Step(hop.at, entry.app, entry.to, hop.name)
        for hop in entry.hops
        if hop.name != "sent"
    ]
    return [*hops, Step(at, entry.app, entry.to, entry.state, entry.reason, entry.detail)]


def _receivers(standing: Standing) -> str:
    return ", ".join(map(str, standing.header.to))


def _rank(step: str) -> int:
    return ORDER.index(step) if step in ORDER else len(ORDER)


def now(history: History) -> list[str]:
    """Where the envelope is, in words: a line for each of its recipients."""
    last = _last(history)
    receivers = {(leg.app, str(to)) for leg in (*history.legs, *history.later) for to in leg.header.to}
    receivers |= {key for key in last if key[1]}
    lines = [_leg(history, app, to, last.get((app, to))) for app, to in sorted(receivers)]
    apps = {app for app, _ in receivers}
    lines += [_buried(letter) for letter in history.dead if letter.app not in apps]
    apps |= {letter.app for letter in history.dead}
    # What the router refused has no recipient in the ledger.
    ends = [entry for (app, to), entry in last.items() if not to and entry.state != "accepted" and app not in apps]
    lines += [_ended(entry) for entry in ends]
    return lines or ["stored, and waits to be routed"]


def as_fields(history: History) -> dict[str, Any]:
    """A life as a program may read it."""
    return {
        "envelope": history.envelope,
        "steps": [msgspec.to_builtins(step) for step in steps(history)],
        "now": now(history),
    }


def _origin(history: History) -> str:
    """The app of the sender."""
    senders = [entry.sender for entry in history.ledger if entry.sender]
    senders += [str(standing.header.sender) for standing in (*history.inbound, *history.legs, *history.later)]
    senders += [str(letter.header.sender) for letter in history.dead if letter.header]
    return senders[0].partition(":")[0] if senders else ""


def _last(history: History) -> dict[tuple[str, str], LedgerEntry]:
    """The newest ledger entry for each app and recipient.

    A network may report before it has answered us: what was delivered or read is not merely sent again.
    """
    last: dict[tuple[str, str], LedgerEntry] = {}
    for entry in sorted(history.ledger, key=lambda entry: (entry.at, _rank(entry.state))):
        before = last.get((entry.app, entry.to))
        if entry.state != "sent" or before is None or before.state not in {"delivered", "read"}:
            last[entry.app, entry.to] = entry
    return last


def _parked(history: History, app: str) -> tuple[str, str]:
    """Why a leg of an app waits: the reason and detail of its newest entry that says so."""
    parked = [entry for entry in history.ledger if entry.app == app and entry.state == "parked"]
    return (parked[-1].reason, parked[-1].detail) if parked else ("", "")


def _leg(history: History, app: str, to: str, last: LedgerEntry | None) -> str:
    whom = f"{to.partition(':')[2]} on {app}"
    state = last.state if last else ""
    if state in {"delivered", "read"}:
        return f"{state} {'to' if state == 'delivered' else 'by'} {whom}"
    if state == "sent":
        return f"sent to {whom}, whose network has not said more"
    letter = next((letter for letter in history.dead if letter.app == app), None)
    if letter:
        return _buried(letter, f" for {whom}")
    waiting = next((later for later in history.later if later.app == app and to in map(str, later.header.to)), None)
    if waiting:
        reason, detail = _parked(history, app)
        why = ": ".join(filter(None, (reason, detail))) or "it was put there"
        return f"waits in {app}'s lane of {waiting.thread}: {why}"
    match state:
        case "failed" | "expired" | "dead" if last:
            return _ended(last)
        case "parked" if last:
            return f"waits for {whom}: {last.reason or last.detail}"
        case "accepted":
            return f"replayed, and waits to be sent to {whom}"
        case _:
            return f"waits to be sent to {whom}"


def _buried(letter: Letter, whom: str = "") -> str:
    return f"a dead letter of {letter.app}{whom}: {letter.reason}; `gearmesh dead show {letter.id}` says more"


def _ended(entry: LedgerEntry) -> str:
    whom = f"{entry.to.partition(':')[2]} on {entry.app}" if entry.to else entry.app
    why = ": ".join(filter(None, (entry.reason, entry.detail)))
    match entry.state:
        case "expired":
            return f"expired before it reached {whom}: {why}"
        case "failed":
            return f"failed for {whom}, and its sender was told: {why}"
        case _:
            return f"died on its way to {whom}: {why}; its dead letter is gone"


def lasted(before: int, at: int) -> str:
    """The time between two rows, in milliseconds or, above ten seconds, in its largest unit."""
    millis = at // 1000 - before // 1000
    return f"+{millis} ms" if millis < 10_000 else f"+{span(millis / 1000)}"
