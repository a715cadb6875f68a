"""Which conversation a native message belongs to, where many conversations share one thread.

A message that quotes a bridged one answers it. `@handle hello` starts, or goes back to, a conversation with that
person. A plain message goes on in the conversation in which the person last wrote; somebody who has never written
answers the one conversation that has reached them. Where that does not say one conversation, nothing is guessed: the
person is told how to go on.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from gearmesh.model.conversation import Portal

MENTION: Final = re.compile(
    r"\s*@(?P<who>[^\s@,;!?][^\s,;!?]{0,255}?)(?:[,;:!?.]*(?:\s+|$)|[,;!?]+)(?P<rest>.*)", re.DOTALL
)
"""A text that begins with @ and a word is for that person, never for whom the last message was."""


class Continue(msgspec.Struct, frozen=True):
    """It belongs to a conversation that exists."""

    conversation: str
    text: str


class Start(msgspec.Struct, frozen=True):
    """It is for `who`: a handle, or an address in `app:user` form. `text` is what remains of the message."""

    who: str
    text: str


class Help(msgspec.Struct, frozen=True):
    """It belongs nowhere yet. `key` is the notice that tells the person how to go on."""

    key: str


Choice = Continue | Start | Help


def choose(text: str, quoted: str, portal: Portal) -> Choice:
    """Where a message goes. `quoted` is the conversation of the message that it quotes, or ""."""
    if quoted:
        return Continue(quoted, text)
    mention = MENTION.fullmatch(text)
    if mention:
        return Start(mention["who"], mention["rest"].strip())
    if portal.focus:
        return Continue(portal.focus, text)
    if len(portal.heard) == 1:
        return Continue(portal.heard[0], text)
    return Help("help_several" if portal.heard else "help")
