"""Messaging windows: whether a person may be written to now. Pure arithmetic over what is known of their thread."""

from __future__ import annotations

from typing import Literal

from gearmesh.model.capabilities import Window
from gearmesh.model.conversation import Portal

Passage = Literal["open", "late", "closed"]


def passage(window: Window | None, portal: Portal, now: int) -> Passage:
    """How a message may go to this thread now (milliseconds since the epoch).

    `late`: only marked as such. Where it is not known when the person wrote, the network is asked by trying; what it
    refused since they last wrote (`portal.refused`) is not tried again.
    """
    if window is None:
        return "open"
    since = (now - portal.last_inbound) / 1000 if portal.last_inbound else 0.0
    if portal.refused == "" and since <= window.seconds:
        return "open"
    if window.late and portal.refused != "late" and since <= window.late:
        return "late"
    return "closed"
