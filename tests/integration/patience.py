"""Waiting for something outside: looked at again and again until it holds, with an end to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

Seen = TypeVar("Seen")
WITHIN: Final = 20.0
"""Seconds after which a wait is taken to be in vain. A test that passes waits for far less."""
BETWEEN_LOOKS: Final = 0.01


async def eventually(
    look: Callable[[], Awaitable[Seen]],
    holds: Callable[[Seen], Any] = bool,
    *,
    awaited: str,
    within: float = WITHIN,
) -> Seen:
    """Look until `holds` says yes to what is seen, and return it.

    Raises:
        AssertionError: it never did within `within` seconds; the message has what was seen last.
    """
    end = asyncio.get_running_loop().time() + within
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"waited {within:g} s in vain for {awaited}; seen last: {seen!r:.3000}")
        await asyncio.sleep(BETWEEN_LOOKS)


async def until(holds: Callable[[], Any], *, awaited: str, within: float = WITHIN) -> None:
    """Wait until `holds()`, for what can be seen in this process.

    Raises:
        AssertionError: it never did within `within` seconds.
    """

    async def look() -> Any:
        return holds()

    await eventually(look, awaited=awaited, within=within)
