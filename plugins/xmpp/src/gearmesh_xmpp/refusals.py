"""What a stanza error means for the message that it is about.

Conditions and types: RFC 6120, sections 8.3.2 and 8.3.3. The type is the server's advice ("wait": retry later), and
counts where it is given; conditions that mean a passing state of another server are waited for, too, whatever their
type is, since servers differ there.
"""

from __future__ import annotations

from typing import Final

from gearmesh import RateLimited, Rejected, Retry, SendFailed
from gearmesh_xmpp.elements import Element, condition

PASSING: Final = frozenset(
    {
        "internal-server-error",
        "recipient-unavailable",
        "remote-server-not-found",
        "remote-server-timeout",
        "resource-constraint",
    }
)
"""Prosody answers `remote-server-not-found` for a server that is only down."""
TOO_FAST: Final = frozenset({"policy-violation"})
WORDS: Final = {
    "forbidden": "it is not allowed to write there",
    "gone": "the address is not in use any more",
    "item-not-found": "there is nobody with this address",
    "jid-malformed": "it is no address",
    "not-acceptable": "the other side takes no messages from here",
    "not-allowed": "the other side does not allow it",
    "not-authorized": "the other side wants to be asked first",
    "registration-required": "only members may write there",
    "service-unavailable": "the address does not exist, or takes no messages from here",
}


def refusal(stanza: Element) -> SendFailed:
    """What to raise for a message that came back as an error."""
    name, kind, text = condition(stanza)
    words = text or WORDS.get(name, "the server refuses it")
    if name in TOO_FAST and kind in {"wait", "modify"}:
        return RateLimited(words, scope="recipient", code=name)
    if name in PASSING or kind == "wait":
        return Retry(words, code=name)
    return Rejected(words, code=name)
