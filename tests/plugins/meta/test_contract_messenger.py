"""The contract suite on the Messenger bridge, against the sandbox."""

from __future__ import annotations

from typing import Any

from gearmesh import (
    BridgeContext,
    RateLimited,
    Rejected,
    Retry,
    Unauthorized,
    Unclear,
    WindowClosed,
)
from gearmesh_meta.config import MessengerConfig
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.meta_bridge import MetaBridge

from .contract_bench import MetaContract


class TestMessenger(MetaContract):
    name = "messenger"
    a_user = "7100000000000001"
    addresses = {" 7100000000000001 ": a_user}  # noqa: RUF012
    bad_addresses = ("ben", "+7100000000000001")
    comes_as = {"audio": "voice", "gif": "image"}  # noqa: RUF012
    faults = {  # noqa: RUF012  # codes: Messenger Platform error reference, mid-2026
        Retry: {"status": 500, "code": 2},
        RateLimited: {"status": 400, "code": 613},
        WindowClosed: {"status": 400, "code": 10, "subcode": 2018278},
        Unauthorized: {"status": 401, "code": 190},
        Rejected: {"status": 400, "code": 551},
        Unclear: {"kind": "timeout", "when": "after", "seconds": 0.05},
    }

    def make(self, context: BridgeContext, **secrets: Any) -> MetaBridge:
        config = MessengerConfig(
            page_id=self.settings.page_id,
            graph_url=self.url,
            persona_picture=f"{self.url}/sandbox/pictures/messenger/{self.a_user}.png",
            **secrets,
        )
        return Messenger(config, context)
