"""The contract suite on the WhatsApp bridge, against the sandbox."""

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
from gearmesh_meta.config import WhatsAppConfig
from gearmesh_meta.meta_bridge import MetaBridge
from gearmesh_meta.whatsapp import WhatsApp

from .contract_bench import MetaContract


class TestWhatsApp(MetaContract):
    name = "whatsapp"
    a_user = "4915112345678"
    addresses = {"+49 151 1234-5678": a_user, "0049 (151) 12345678": a_user}  # noqa: RUF012
    bad_addresses = ("ada", "+49 ada")
    faults = {  # noqa: RUF012  # codes: WhatsApp Cloud API error reference, September 2026
        Retry: {"status": 500, "code": 131016},
        RateLimited: {"status": 400, "code": 131056},
        WindowClosed: {"status": 400, "code": 131047},
        Unauthorized: {"status": 401, "code": 190},
        Rejected: {"status": 400, "code": 131026},
        Unclear: {"kind": "timeout", "when": "after", "seconds": 0.05},
    }

    def make(self, context: BridgeContext, **more: Any) -> MetaBridge:
        config = WhatsAppConfig(phone_number_id=self.settings.phone_number_id, graph_url=self.url, **more)
        return WhatsApp(config, context)

    def make_inviting_bridge(self, context: BridgeContext) -> MetaBridge:
        return self.make(context, template="somebody_wrote", **self._secrets(self.settings.token))
