"""`/sandbox/faults`: order misfortune, see how often it struck, lift it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gearmesh_meta.sandbox.faults import NETWORKS_OF, FaultOrder, Faults

from .answers import Refused, json_answer, read_json

#: Why a kind is not for every network.
_ELSEWHERE: Final = {
    "reorder_webhook": "reorder_webhook is for messenger and instagram: only of these Meta says that order is lost "
    "after a failure; leave network out or name one of them",
    "refuse": "refuse is for whatsapp: messenger and instagram have no status that tells of a failure afterwards; "
    "order an error instead",
}


class FaultsControl:
    """The faults in force."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def get(self, request: web.Request) -> web.StreamResponse:
        """`GET /sandbox/faults`."""
        return json_answer(self._faults.view())

    async def post(self, request: web.Request) -> web.StreamResponse:
        """`POST /sandbox/faults`."""
        order = await read_json(request, FaultOrder)
        _check(order)
        return json_answer(self._faults.add(order).view(), 201)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """`DELETE /sandbox/faults` lifts all."""
        self._faults.clear()
        return web.Response(status=204)

    async def delete_one(self, request: web.Request) -> web.StreamResponse:
        """`DELETE /sandbox/faults/<id>`."""
        fault_id = request.match_info["fault"]
        if not self._faults.remove(fault_id):
            raise Refused(f"there is no fault {fault_id}; GET /sandbox/faults lists all", 404)
        return web.Response(status=204)


def _check(order: FaultOrder) -> None:
    if order.network is not None and order.network not in NETWORKS_OF.get(order.kind, (order.network,)):
        raise Refused(_ELSEWHERE[order.kind])
    if order.kind == "refuse" and order.on == "any":
        raise Refused("refuse strikes sends only; leave out on")
    if order.kind != "error" and (order.retry_after is not None or order.regain is not None):
        raise Refused("retry_after and regain stand in the answer of an error; leave them out")
    if not 0 <= (order.retry_after or 0) <= 86_400 or not 0 <= (order.regain or 0) <= 1440:
        raise Refused("retry_after (seconds) and regain (minutes) must be between 0 and a day")
    if order.probability is not None and not 0 <= order.probability <= 1:
        raise Refused("probability must be between 0 and 1")
    if order.count is not None and order.count < 1:
        raise Refused("count must be 1 or more; leave it out for every time")
    if not 400 <= order.status <= 599:
        raise Refused("status must be an error status, 400 to 599")
    if not 0 <= order.pause <= 3600:
        raise Refused("seconds must be between 0 and 3600")
