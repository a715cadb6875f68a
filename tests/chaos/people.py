"""The people of a campaign: so many phones for each network, whose owners all know each other's handles."""

from __future__ import annotations

from collections.abc import Sequence

from tests.integration.phones import Phone, Phones

_INITIALS = {"whatsapp": "w", "messenger": "m", "instagram": "i"}


async def settle(phones: Phones, each: int) -> tuple[Phone, ...]:
    """Add `each` phones for every network, and wait until Gearmesh knows them all by their handles."""
    people = [
        await phones.add(network, handle, handle)
        for number in range(1, each + 1)
        for network, handle in ((network, f"{initial}{number:02}") for network, initial in _INITIALS.items())
    ]
    await phones.all_told()
    return tuple(people)


def others(writer: Phone, people: Sequence[Phone]) -> tuple[Phone, ...]:
    """Those whom `writer` writes to: everybody on another network."""
    return tuple(reader for reader in people if reader.network != writer.network)
