"""Ids in the forms Meta's have, so that whatever a client assumes about them is put to the test."""

from __future__ import annotations

import base64
import hashlib
import random
from typing import Final

from .settings import Network

#: Country calling codes of numbers likely to be typed in a sandbox; a business-scoped id starts with the country.
_COUNTRIES: Final[tuple[tuple[str, str], ...]] = (
    ("971", "AE"), ("351", "PT"), ("353", "IE"), ("234", "NG"),
    ("20", "EG"), ("27", "ZA"), ("31", "NL"), ("32", "BE"), ("33", "FR"), ("34", "ES"), ("39", "IT"), ("41", "CH"),
    ("43", "AT"), ("44", "GB"), ("45", "DK"), ("46", "SE"), ("47", "NO"), ("48", "PL"), ("49", "DE"), ("52", "MX"),
    ("54", "AR"), ("55", "BR"), ("61", "AU"), ("62", "ID"), ("81", "JP"), ("91", "IN"), ("1", "US"),
)  # fmt: skip


def business_scoped_id(waba_id: str, phone: str) -> str:
    """The id by which a business knows a WhatsApp user without their number: country, dot, 20 digits.

    Derived from both, so it stays the same when the sandbox starts anew (form: Meta's page on business-scoped
    user ids, 2026).
    """
    country = next((code for prefix, code in _COUNTRIES if phone.startswith(prefix)), "US")
    digest = hashlib.sha256(f"{waba_id}:{phone}".encode()).digest()
    return f"{country}.{int.from_bytes(digest[:10], 'big') % 10**20:020d}"


class Identifiers:
    """Mints ids from the random source it is given."""

    def __init__(self, source: random.Random) -> None:
        self._random = source

    def message(self, network: Network, user: str, *, incoming: bool) -> str:
        """A message id: `wamid.…` (the user's number is inside, as in Meta's), `m_…` or Instagram's `aWdf…ZD`."""
        if network == "whatsapp":
            number = user.encode()
            raw = (
                b"\x1c\x18"
                + bytes((len(number),))
                + number
                + (b"\x15\x02\x00\x12" if incoming else b"\x15\x02\x00\x11")
            )
            raw += b"\x18\x14" + f"{self._random.getrandbits(80):020X}".encode() + b"\x00"
            return "wamid." + base64.b64encode(raw).decode()
        token = base64.urlsafe_b64encode(self._random.randbytes(48)).decode()
        return f"m_{token}" if network == "messenger" else f"aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE{token}ZD"

    def number(self, digits: int = 16) -> str:
        """A decimal object id that does not start with zero."""
        return str(self._random.randrange(10 ** (digits - 1), 10**digits))

    def user(self, network: Network) -> str:
        """A user id of the network: a phone number, a page-scoped or an Instagram-scoped id."""
        if network == "whatsapp":
            return "4915" + self.number(9)
        return ("71" if network == "messenger" else "178414") + self.number(14 if network == "messenger" else 11)

    def trace(self) -> str:
        """What Meta calls `fbtrace_id`."""
        return "A" + base64.urlsafe_b64encode(self._random.randbytes(16)).decode().rstrip("=")
