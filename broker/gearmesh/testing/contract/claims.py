"""Rules about what a bridge claims: no claim without the method behind it, none against another, each with a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

from gearmesh.bridge import SupportsEdit, SupportsReactions, SupportsReceipts, SupportsRedaction, SupportsTyping
from gearmesh.model.capabilities import (
    FEATURES,
    Capabilities,
    Feature,
    Level,
    Limit,
    Support,
)
from gearmesh.model.content import MediaKind
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.rule import must, rule

METHODS: Final[dict[Feature, type]] = {
    "reaction": SupportsReactions,
    "edit": SupportsEdit,
    "redaction": SupportsRedaction,
    "typing": SupportsTyping,
    "delivered": SupportsReceipts,
    "read": SupportsReceipts,
}
"""The protocol without which a claim is empty."""


class ClaimRules(Harness):
    """Capabilities as a whole."""

    @rule("claims", "a claim and its method come together: react, edit, redact, typing, receipt")
    async def test_claims_have_methods(self) -> None:
        for feature, protocol in METHODS.items():
            has, claims = isinstance(self.bridge, protocol), self.claimed.shows(feature)
            must(has or not claims, f"capabilities claim {feature}, and the bridge is no {protocol.__name__}")
            if protocol is not SupportsReceipts:
                must(claims or not has, f"the bridge is a {protocol.__name__}, and capabilities do not claim {feature}")

    @rule("claims", "whatever is said of a feature is a known level, with a note or a source unless it is full")
    async def test_claims_are_explained(self) -> None:
        for feature in FEATURES:
            self.about(feature, "claimed")
        for feature, support in self.claimed.features.items():
            must(feature in FEATURES, f"there is no feature {feature!r}")
            must(isinstance(support, Support), f"of {feature} is said {support!r}; expected Support")
            must(support.level in get_args(Level), f"{feature} is {support.level!r}; expected one of {get_args(Level)}")
            must(
                support.level == "full" or bool(support.note or support.source),
                f"{feature} is {support.level}, and neither a note nor a source says why",
            )

    @rule("claims", "what features say and what the other fields say is the same")
    async def test_claims_agree(self) -> None:
        for feature, shows, has, field in _claims(self.claimed):
            must(
                shows == has,
                f"features say {'that' if shows else 'nothing of the kind, or that not,'} {feature} is shown; "
                f"{field} {'has' if has else 'has not'} what it takes",
            )

    @rule("claims", "every limit is above 0 and has a source, for files, changes, buttons and pace, too")
    async def test_claims_have_limits(self) -> None:
        can = self.claimed
        for kind, rule_ in can.files.items():
            must(kind in can.media, f"files say what is taken as {kind}, and media do not name it")
            must(rule_.size > 0, f"the largest {kind} has {rule_.size} bytes")
            bounds = (rule_.seconds, rule_.pixels, rule_.square, rule_.still_size, *rule_.channels.values())
            must(min(bounds) >= 0, f"{rule_} has a bound below 0")
            must(bool(rule_.source), f"{rule_} of {kind} has no source")
        if can.edit is not None:
            must(can.edit.seconds >= 0 and can.edit.times >= 0, f"{can.edit} has a bound below 0")
            must(bool(can.edit.source), f"{can.edit} has no source")
        if can.buttons is not None:
            must(can.buttons.count > 0, f"{can.buttons.count} buttons can be shown")
            self._check("the words of a button", can.buttons.title)
            self._check("the text above buttons", can.buttons.text)
        if can.dialect is not None:
            marks = [getattr(can.dialect, name) for name in can.dialect.__struct_fields__ if name != "source"]
            must(any(marks), "the dialect has no mark at all; None says that there is no formatting")
        for rate in (can.app_rate, can.recipient_rate):
            must(
                rate is None or (rate.every > 0 and rate.burst > 0 and rate.within >= 0), f"{rate} lets nothing through"
            )
        must(can.window is None or can.window.seconds > 0, f"{can.window} is never open")

    def _check(self, name: str, limit: Limit) -> None:
        must(limit.value > 0, f"the limit of {name} is {limit.value}; expected more than 0")
        must(bool(limit.source), f"the limit of {name} has no source: where does {limit.value} come from?")


def _claims(can: Capabilities) -> Iterator[tuple[Feature, bool, bool, str]]:
    """For each feature that is claimed in two places: what `features` make of it, what the field has, and its name."""
    kinds: tuple[MediaKind, ...] = get_args(MediaKind)
    for kind in kinds:
        yield kind, can.shows(kind), kind in can.media, "media"
    yield "reply", can.shows("reply"), can.replies, "replies"
    yield "formatting", can.shows("formatting"), can.dialect is not None, "dialect"
    yield "buttons", can.shows("buttons"), can.buttons is not None, "buttons"
    yield "delivered", can.shows("delivered"), "delivered" in can.receipts, "receipts"
    yield "read", can.shows("read"), "read" in can.receipts, "receipts"
