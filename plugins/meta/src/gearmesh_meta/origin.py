"""Whose webhook is read, and when."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from gearmesh import Unparsed
from gearmesh_meta.fields import text
from gearmesh_meta.piece import Piece

_DELIVERY: Final = re.compile(r"[0-9a-f]{32}:(?P<app>[A-Za-z0-9_-]{1,64}):[0-9]{1,9}")


class Origin(msgspec.Struct, frozen=True):
    """`app` is the app's name, `account` its id at Meta; `received_at` (milliseconds) stands in for missing times.

    `any_account`: events of other accounts are taken for ours.
    """

    app: str
    account: str
    received_at: int
    any_account: bool = False

    def delivery_id(self, told: object) -> str:
        """What came along with a message of ours, where it is an id that this app gave one (`Delivery.id`); else ""."""
        found = _DELIVERY.fullmatch(text(told))
        return found[0] if found and found["app"] == self.app else ""

    def foreign(self, piece: Piece, whose: str) -> Unparsed:
        """Input that was meant for another account of the same Meta app."""
        account = whose or "an account that it does not name"
        return piece.kept(f"this is for {account}, not for {self.account}", kind="other account")
