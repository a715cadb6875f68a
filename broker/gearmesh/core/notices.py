"""Lines from Gearmesh itself, put into words. Keys and their arguments are the protocol; the words are not."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Final

from gearmesh.model.delivery import Reason, State

ENGLISH: Final[Mapping[str, str]] = {
    "help": "Nobody got this. Start with @ and a person's handle: “@handle hello” writes to them. Or quote a message.",
    "help_several": "Nobody got this. Several people wrote to you: quote one, or start with @ and a handle.",
    "unknown_person": "Nobody is known as @$who here. Check the spelling, or ask them to write to this chat once.",
    "yourself": "@$who is you.",
    "now_with": "You are now writing to $name.",
    "unknown_code": "No group has the code “$code” here. Ask whoever told you of it.",
    "joined": "You are in $title now: what you write here goes to everybody in it. Write “leave” to leave it, “mute” "
    "to get nothing of it until you write “unmute”.",
    "left": "You have left $title.",
    "muted": "You get nothing of $title until you write “join $code”, or “unmute” while you write to it.",
    "full": "$title is full: nobody can join it now.",
    "unmuted": "You get what is written in $title again.",
    "alone": "Nobody else gets what is written in $title now, so nobody got this.",
    "unsupported": "This kind of message ($kind) cannot be passed on yet.",
    "rejected": "Your message to $name was not delivered: $detail",
    "waiting": "$network lets us write to $name only for some time after they wrote: your messages wait until they do.",
    "invited": "$name has not written for a while. They were told that you wrote; it arrives when they answer.",
    "window_closed": "Your message to $name was not delivered: they did not write, which $network asks for.",
    "unreachable": "Your message to $name was not delivered: $network did not take it in time.",
    "rate_limit": "Your message to $name was not delivered: $network did not take it in time.",
    "unclear": "It is not known whether your message to $name arrived; $network did not answer.",
    "too_large": "Your message to $name was not delivered: it is too large.",
    "too_large_file": "Your file to $name was not delivered: it has $size, and $network takes no more than $limit.",
    "file_failed": "Your file to $name was not delivered: $detail",
    "file_linked": "Your file to $name does not go on $network: $detail. They got a link to it.",
    "reaction_unknown": "What you reacted to is not known here any more, so your reaction was not passed on.",
    "change_unknown": "The message that you changed is not known here any more, so the change was not passed on.",
}
SILENT: Final = frozenset({"sent", "delivered", "read", "accepted", "parked"})
"""States in which there is nothing to tell: the message is on its way, or there."""


def notice_of(state: State, reason: Reason) -> str:
    """The key of the notice that a sender gets when a leg ends so; "" for none."""
    if state in SILENT:
        return ""
    if reason in ENGLISH:
        return reason
    # An envelope whose own time is over says so itself: nobody waits for it any more.
    return "" if state == "expired" and not reason else "rejected"


def words(key: str, args: Mapping[str, str]) -> str:
    """The text of a notice. A key that this release does not know shows itself with its arguments, never nothing."""
    template = ENGLISH.get(key)
    if template is None:
        listed = ", ".join(f"{name}: {value}" for name, value in args.items())
        return f"Gearmesh: {key} ({listed})" if listed else f"Gearmesh: {key}"
    return Template(template).safe_substitute(args)
