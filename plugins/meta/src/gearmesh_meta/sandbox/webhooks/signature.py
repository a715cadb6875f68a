"""The bytes of a webhook and the signature over them."""

from __future__ import annotations

import hmac
import json
from typing import Any, Final

_ASCII: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
_PLAIN: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(payload: dict[str, Any], *, ascii_json: bool) -> bytes:
    r"""The payload's bytes: as Meta writes them, pure ASCII with lower-case `\uXXXX` and `\/`, or plain UTF-8.

    A signature made over anything but these very bytes is wrong, which is what catches receivers that serialise
    the payload again (Messenger Platform docs, mid-2026).
    """
    if ascii_json:
        # A slash stands in JSON nowhere but inside strings, so all of them may be escaped.
        return _ASCII.encode(payload).replace("/", "\\/").encode("ascii")
    return _PLAIN.encode(payload).encode()


def signatures(body: bytes, secret: str) -> dict[str, str]:
    """The two signature headers, today's and the legacy one: lower-case hex HMACs keyed with the app secret."""
    key = secret.encode()
    return {
        "X-Hub-Signature-256": "sha256=" + hmac.digest(key, body, "sha256").hex(),
        "X-Hub-Signature": "sha1=" + hmac.digest(key, body, "sha1").hex(),
    }
