"""The contract suite on our own bridge: with every ability, and with as few as one can have."""

from __future__ import annotations

import msgspec

from gearmesh import Feature, Support
from gearmesh.testing import WORDS_ONLY

from .fake_side import FakeSide
from .plain_bridge import HurryingBridge, KeepingBridge, WordsOnlyBridge

DROPPED: tuple[Feature, ...] = ("reaction", "edit", "redaction", "vote", "location", "voice", "view_once", "reply")


class TestFakeBridge(FakeSide):
    """All is claimed: every rule but those about what is not claimed, and what is kept, is tested at least once."""


class TestWordsOnly(FakeSide):
    """Nothing is claimed: all arrives in words."""

    kind = WordsOnlyBridge
    can = WORDS_ONLY


class TestRefusing(FakeSide):
    """Much is dropped there, or rejected: nothing comes of it, and nothing has to."""

    kind = WordsOnlyBridge
    can = msgspec.structs.replace(WORDS_ONLY, features=dict.fromkeys(DROPPED, Support("dropped", "for this test")))


class TestKeepingBridge(FakeSide):
    """It keeps what the next one at work needs."""

    kind = KeepingBridge


class TestHurryingBridge(FakeSide):
    """It sends many messages at once, over a way that takes a moment."""

    kind = HurryingBridge
    delay = 0.002
