"""No envelope goes round in circles: the hop list in its header tells where it has been."""

from __future__ import annotations

from collections.abc import Sequence

from gearmesh.model.envelope import MAX_HOPS


def passed_here(hops: Sequence[str], hop: str) -> bool:
    """Whether an envelope has been routed from this very `broker/app` before."""
    return hop in hops


def too_many(hops: Sequence[str]) -> bool:
    """Whether no further hop may be added."""
    return len(hops) >= MAX_HOPS
