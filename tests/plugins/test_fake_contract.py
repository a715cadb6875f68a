"""The contract suite on our own bridge, which claims every ability."""

from __future__ import annotations

from .fake_side import FakeSide


class TestFakeBridge(FakeSide):
    """Nothing is skipped here: every rule is tested at least once."""
