"""Words as texts that a thread takes: what stands before them, and as many messages as they need."""

from __future__ import annotations

from gearmesh.core.degrade.fitting import Fitting
from gearmesh.core.degrade.naming import attribution, on_one_line, quoted
from gearmesh.core.degrade.table import ANSWERS, FORWARDED, TABLE, Said, about, feature_of
from gearmesh.core.markup import cut, plain_words
from gearmesh.errors import Rejected
from gearmesh.model.capabilities import Feature, Limit
from gearmesh.model.content import Content, Membership, Notice, Text


def is_wanted(feature: Feature, fitting: Fitting) -> bool:
    """Whether anything is to be seen of this.

    Raises:
        Rejected: it must not go, and its sender must know.
    """
    level = fitting.capabilities.level(feature)
    if level == "rejected":
        note = fitting.capabilities.support(feature).note
        raise Rejected(note or f"nothing of this kind is taken there ({feature.replace('_', ' ')})")
    return level != "dropped"


def is_shown(content: Content, fitting: Fitting) -> bool:
    """Whether it goes by the network's own means."""
    return not fitting.in_words and fitting.capabilities.shows(feature_of(content))


def is_passed_as_forwarded(content: Content, fitting: Fitting) -> bool:
    """Whether the network itself says that it was forwarded."""
    return getattr(content, "forwarded", False) and fitting.capabilities.shows("forward")


def answered(content: Content) -> str:
    """The envelope (hex id) at which its words point, where the network can; never one that was deleted."""
    found: str = getattr(content, "target" if TABLE[type(content)].points else "reply_to", "")
    return found


def who_wrote(content: Content, fitting: Fitting) -> str:
    """Who wrote, and in which group, as far as the thread does not show it; "" where it does."""
    if fitting.attribute:
        return f"{attribution(content.sender, fitting.place)}:"
    return f"in {on_one_line(fitting.place)}:" if fitting.place else ""


def lines_before(content: Content, fitting: Fitting) -> str:
    """Who wrote, that it was forwarded, what it answers: each in a line, where the network does not show it."""
    lines: list[str] = []
    reply_to: str = getattr(content, "reply_to", "")
    if not isinstance(content, Notice | Membership) and (line := who_wrote(content, fitting)):
        lines.append(line)
    if getattr(content, "forwarded", False) and is_wanted("forward", fitting):
        lines += [] if is_passed_as_forwarded(content, fitting) else [FORWARDED]
    known = fitting.quoted
    if known and reply_to and not fitting.can_point and is_wanted("reply", fitting):
        said = quoted(words) if (words := about(fitting)) else ""
        if line := ": ".join(fact for fact in (known.name, said) if fact):
            lines.append(f"{ANSWERS}{line}")
    return "\n".join(lines)


def texts(said: Said, content: Content, fitting: Fitting) -> tuple[Text, ...]:
    """Words as texts, with the lines that come before them; none where there is neither."""
    pieces = within(fitting.capabilities.text, said, lines_before(content, fitting), fitting)
    forwarded, target = is_passed_as_forwarded(content, fitting), answered(content)
    return tuple(
        Text(piece, content.sender, "" if number else target, forwarded=forwarded)
        for number, piece in enumerate(pieces)
    )


def within(limit: Limit, said: Said, before: str, fitting: Fitting) -> tuple[str, ...]:
    """Words in the thread's dialect, in pieces of this limit."""
    can = fitting.capabilities
    text, markup = said.text, said.markup
    if markup and not (is_wanted("formatting", fitting) and can.shows("formatting")):
        text, markup = plain_words(text, markup), False
    before = "\n".join(line for line in (before, said.line) if line)
    return cut(text, markup, can.dialect, limit, before, said.after)
