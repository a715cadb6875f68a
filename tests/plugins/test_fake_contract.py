"""The contract suite on our own bridge: with every ability, and with as few as one can have."""

from __future__ import annotations

from gearmesh.testing import WORDS_ONLY

from .fake_side import FakeSide
from .plain_bridge import KeepingBridge, WordsOnlyBridge

pytest_plugins = ["gearmesh.testing.fixtures"]


class TestFakeBridge(FakeSide):
    """All is claimed: every rule but those about what is not claimed, and what is kept, is tested at least once."""


class TestWordsOnly(FakeSide):
    """Nothing is claimed: all arrives in words."""

    kind = WordsOnlyBridge
    can = WORDS_ONLY


class TestKeepingBridge(FakeSide):
    """It keeps what the next one at work needs."""

    kind = KeepingBridge
