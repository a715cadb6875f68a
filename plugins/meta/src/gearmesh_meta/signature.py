"""Whether a webhook comes from Meta.

Verification (GET) and signature (POST) as in Meta's webhook documentation, 2026. The signature covers the bytes on the
wire, which are JSON with escaped Unicode: it only ever matches the body exactly as it came.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from gearmesh import WebhookResponse

HEADER: Final = "x-hub-signature-256"
_PREFIX: Final = "sha256="


def answer_challenge(query: Mapping[str, str], verify_token: str) -> WebhookResponse:
    """The answer to Meta's verification: its challenge, if it knows our verify token, else 403."""
    given = query.get("hub.verify_token", "").encode("utf-8", "replace")
    knows = hmac.compare_digest(given, verify_token.encode())
    if not knows or query.get("hub.mode") != "subscribe" or "hub.challenge" not in query:
        return WebhookResponse(403, "", "refused")
    return WebhookResponse(200, query["hub.challenge"], "verified")


def is_signed(headers: Mapping[str, str], body: bytes, app_secret: bytes) -> bool:
    """Whether `body` carries the app's HMAC-SHA256. The older SHA-1 header alone is not enough."""
    given = headers.get(HEADER, "")
    expected = _PREFIX + hmac.digest(app_secret, body, "sha256").hex()
    # Bytes, because compare_digest raises on strings that are not ASCII.
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
