"""A leg in work."""

from __future__ import annotations

import msgspec

from gearmesh.bus.consumer import Taken
from gearmesh.model.address import Address
from gearmesh.model.envelope import Header


class Job(msgspec.Struct, eq=False):
    """One leg for one recipient. `open` counts the recipients of the leg that are not done with."""

    taken: Taken
    header: Header
    body: bytes
    recipient: Address
    thread: str
    taken_at: int
    open: list[int]
