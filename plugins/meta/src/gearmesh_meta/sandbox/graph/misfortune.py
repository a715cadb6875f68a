"""How an ordered fault shows in a Graph call."""

from __future__ import annotations

from typing import NoReturn

from gearmesh_meta.sandbox.faults import FaultOrder
from gearmesh_meta.sandbox.settings import Network

from .errors import GraphError

_DEFAULT_CODE: dict[Network | None, int] = {"whatsapp": 131000}


class NoAnswer(Exception):
    """The connection is held for `seconds` and then cut without an answer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"no answer for {seconds} s, then the connection is cut")


def suffer(order: FaultOrder, network: Network | None) -> NoReturn:
    """Raises what the fault demands: GraphError or NoAnswer."""
    if order.kind == "timeout":
        raise NoAnswer(order.pause)
    code = order.code if order.code is not None else _DEFAULT_CODE.get(network, 1)
    message = order.message or f"(#{code}) An unknown error has occurred."
    details = message if network == "whatsapp" else None
    raise GraphError(code, message, status=order.status, subcode=order.subcode, details=details)
