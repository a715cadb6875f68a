"""How an ordered fault shows in a Graph call."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from gearmesh_meta.sandbox.faults import Fault, FaultOrder
from gearmesh_meta.sandbox.settings import Network, Settings

from .errors import GraphError, status_error

_DEFAULT_CODE: Final[dict[Network | None, int]] = {"whatsapp": 131000}


class NoAnswer(Exception):
    """The connection is held for `seconds` and then cut without an answer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"no answer for {seconds} s, then the connection is cut")


def suffer(
    fault: Fault | None, network: Network | None, moment: Literal["before", "after"], settings: Settings
) -> None:
    """Raises what the fault demands at this moment: GraphError or NoAnswer. Without a fault nothing happens."""
    if fault is None or fault.order.kind == "refuse" or fault.order.when != moment:
        return
    order = fault.order
    if order.kind == "hang_up":
        raise NoAnswer(0.0)
    if order.kind == "timeout":
        raise NoAnswer(order.pause)
    code = _code(order, network)
    message = order.message or f"(#{code}) An unknown error has occurred."
    raise GraphError(
        code,
        message,
        status=order.status,
        subcode=order.subcode,
        details=message if network == "whatsapp" else None,
        headers=_waiting_times(order, network, settings),
    )


def refusal(fault: Fault | None) -> dict[str, Any] | None:
    """The error of the `failed` status that follows a WhatsApp send, if that is what the fault demands."""
    if fault is None or fault.order.kind != "refuse":
        return None
    title = fault.order.message or "Something went wrong"
    return status_error(_code(fault.order, "whatsapp"), title, title)


def _code(order: FaultOrder, network: Network | None) -> int:
    return order.code if order.code is not None else _DEFAULT_CODE.get(network, 1)


def _waiting_times(order: FaultOrder, network: Network | None, settings: Settings) -> dict[str, str]:
    headers = {}
    if order.retry_after is not None:
        headers["Retry-After"] = f"{order.retry_after:g}"
    if order.regain is not None:
        # The figures are percent of what is allowed, the time is in minutes (Graph API rate limits, 2026).
        use = {
            "type": network or "pages",
            "call_count": 100,
            "total_cputime": 25,
            "total_time": 25,
            "estimated_time_to_regain_access": order.regain,
        }
        usage = {settings.business_object(network): [use]}
        headers["X-Business-Use-Case-Usage"] = msgspec.json.encode(usage).decode()
    return headers
