"""Lines from Gearmesh itself, put into words. Keys and their arguments are the protocol; the words are not."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Final

ENGLISH: Final[Mapping[str, str]] = {
    "help": "Start with @ and a person's handle: “@handle hello” writes to them. To answer a message, quote it.",
    "help_several": "Several people wrote to you. Quote the message that you answer, or start with @ and a handle.",
    "unknown_person": "Nobody is known as @$who here. Check the spelling, or ask them to write to this chat once.",
    "yourself": "@$who is you.",
    "now_with": "You are now writing to $name.",
    "unsupported": "This kind of message ($kind) cannot be passed on yet.",
    "rejected": "Your message to $name was not delivered: $detail",
    "window_closed": (
        "Your message to $name was not delivered: $network lets us write to them only within 24 hours after they wrote."
    ),
    "unreachable": "Your message to $name was not delivered: $network did not take it in time.",
    "rate_limit": "Your message to $name was not delivered: $network did not take it in time.",
    "unclear": "It is not known whether your message to $name arrived; $network did not answer.",
    "too_large": "Your message to $name was not delivered: it is too large.",
}


def words(key: str, args: Mapping[str, str]) -> str:
    """The text of a notice. A key that this release does not know shows itself with its arguments, never nothing."""
    template = ENGLISH.get(key)
    if template is None:
        listed = ", ".join(f"{name}: {value}" for name, value in args.items())
        return f"Gearmesh: {key} ({listed})" if listed else f"Gearmesh: {key}"
    return Template(template).safe_substitute(args)
