"""Envelope in, legs out. Reads headers only; what is in the body is nobody's business here."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from gearmesh.core.loops import passed_here, too_many
from gearmesh.model.address import Address
from gearmesh.model.delivery import Reason, State
from gearmesh.model.envelope import Header


class Leg(msgspec.Struct, frozen=True, gc=False):
    """One envelope on its way to one app: the header that it gets, narrowed to that app's recipients."""

    app: str
    header: Header

    @property
    def id(self) -> str:
        """Names the leg for good: it is the OUT log's message id, so a leg routed twice is stored once."""
        return f"{self.header.id.hex()}:{self.app}"


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A leg, or a whole envelope (`app` is the sender's), that goes no further, and why."""

    app: str
    state: State
    reason: Reason
    detail: str


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What becomes of one envelope."""

    legs: tuple[Leg, ...] = ()
    refused: tuple[Refusal, ...] = ()


def route(
    header: Header,
    members: Iterable[Address],
    *,
    broker: str,
    apps: Collection[str],
    now: int,
) -> Decision:
    """Decide where an envelope goes: one leg for each app that has recipients, never back to its sender.

    `members` are those of the conversation and count only where the header names no recipients; `apps` are the apps
    that exist; `now` is in milliseconds since the epoch.
    """
    origin = header.sender.app
    if header.expires is not None and header.expires <= now:
        return Decision(refused=(Refusal(origin, "expired", "", "its time was over before it was routed"),))
    hop = f"{broker}/{origin}"
    if passed_here(header.hops, hop):
        return Decision(refused=(Refusal(origin, "dead", "loop", f"it has been at {hop} before"),))
    if too_many(header.hops):
        return Decision(refused=(Refusal(origin, "dead", "loop", f"{len(header.hops)} hops are too many"),))

    hops = (*header.hops, hop)
    if len(header.to) == 1 and header.to[0] != header.sender and header.to[0].app in apps:
        # A DM, as nearly everything is: the same as below without the detours, which cost a hop 5 %.
        return Decision((Leg(header.to[0].app, _for_leg(header, header.to, hops)),))
    legs: list[Leg] = []
    refused: list[Refusal] = []
    for app, recipients in _by_app(header.to or members, header.sender).items():
        if app in apps:
            legs.append(Leg(app, _for_leg(header, tuple(recipients), hops)))
        else:
            refused.append(Refusal(app, "dead", "unreachable", f"no app is named {app}"))
    if not legs and not refused:
        refused.append(Refusal(origin, "dead", "unreachable", "nobody else is in this conversation"))
    return Decision(tuple(legs), tuple(refused))


def _by_app(recipients: Iterable[Address], sender: Address) -> dict[str, list[Address]]:
    """The recipients of each app, each once, without the sender."""
    found: dict[str, list[Address]] = {}
    for address in dict.fromkeys(recipients):
        if address != sender:
            found.setdefault(address.app, []).append(address)
    return found


def _for_leg(header: Header, recipients: tuple[Address, ...], hops: tuple[str, ...]) -> Header:
    return Header(
        header.id,
        header.kind,
        header.sender,
        recipients,
        header.conversation,
        header.at,
        header.expires,
        hops,
        header.seal,
        header.extra,
    )
