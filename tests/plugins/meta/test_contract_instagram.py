"""The contract suite on the Instagram bridge, against the sandbox."""

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
from gearmesh_meta.config import InstagramConfig
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.meta_bridge import MetaBridge

from .contract_bench import MetaContract


class TestInstagram(MetaContract):
    name = "instagram"
    a_user = "17841405793187218"
    addresses = {" 17841405793187218 ": a_user}  # noqa: RUF012
    bad_addresses = ("cleo", "@cleo")
    comes_as = {"audio": "voice", "gif": "image", "sticker": "image"}  # noqa: RUF012
    faults = {  # noqa: RUF012  # codes: Instagram messaging error reference, mid-2026
        Retry: {"status": 500, "code": 2},
        RateLimited: {"status": 400, "code": 613},
        WindowClosed: {"status": 400, "code": 10, "subcode": 2534022},
        Unauthorized: {"status": 401, "code": 190},
        Rejected: {"status": 400, "code": 100, "subcode": 2534014},
        Unclear: {"kind": "timeout", "when": "after", "seconds": 0.05},
    }

    def make(self, context: BridgeContext, **secrets: Any) -> MetaBridge:
        config = InstagramConfig(instagram_id=self.settings.instagram_id, graph_url=self.url, **secrets)
        return Instagram(config, context)
