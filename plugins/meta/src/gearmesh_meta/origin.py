"""Whose webhook is read, and when."""

from __future__ import annotations

import msgspec

from gearmesh import Unparsed
from gearmesh_meta.fields import compact


class Origin(msgspec.Struct, frozen=True):
    """`app` is the app's name, `account` its id at Meta; `received_at` (milliseconds) stands in for missing times.

    `any_account`: events of other accounts are taken for ours.
    """

    app: str
    account: str
    received_at: int
    any_account: bool = False

    def foreign(self, piece: object, whose: str) -> Unparsed:
        """Input that was meant for another account of the same Meta app."""
        account = whose or "an account that it does not name"
        return Unparsed(compact(piece), f"this is for {account}, not for {self.account}", kind="other account")


def malformed(piece: object, expected: str) -> Unparsed:
    """Input of another shape than any that Meta documents."""
    return Unparsed(compact(piece), f"expected {expected}", kind="malformed")
