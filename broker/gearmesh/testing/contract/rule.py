"""A rule of the contract: one test, and what it says in plain words when it is broken."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Literal, ParamSpec

import msgspec
import pytest

Kind = Literal[
    "identity",
    "running",
    "incoming",
    "outgoing",
    "failures",
    "webhook",
    "profiles",
    "ghosts",
    "receipts",
    "media",
    "claims",
    "native",
    "words",
    "heard",
    "invitations",
    "replay",
    "kept",
    "rooms",
    "at_once",
]
KINDS: Final[tuple[Kind, ...]] = Kind.__args__  # type: ignore[attr-defined]  # typing has no public way to ask
ATTRIBUTE: Final = "contract_rule"
"""Where a test function carries its rule."""
Given = ParamSpec("Given")


class Rule(msgspec.Struct, frozen=True):
    """What kind of rule it is, and what it says."""

    kind: Kind
    text: str


class Broken(Exception):
    """A rule is broken. `happened` says how; `cause` is the exception that the bridge raised, if it did."""

    def __init__(self, happened: str, cause: BaseException | None = None) -> None:
        self.happened = happened
        self.cause = cause
        super().__init__(happened)


def rule(
    kind: Kind, text: str
) -> Callable[[Callable[Given, Awaitable[None]]], Callable[Given, Coroutine[Any, Any, None]]]:
    """Make a check into the test of a rule: a `Broken` then fails it with the rule's words and no traceback of ours."""
    stated = Rule(kind, text)

    def decorate(check: Callable[Given, Awaitable[None]]) -> Callable[Given, Coroutine[Any, Any, None]]:
        @functools.wraps(check)
        async def test(*args: Given.args, **kwargs: Given.kwargs) -> None:
            broken: Broken | None = None
            try:
                await check(*args, **kwargs)
            except Broken as error:
                broken = error
            if broken is not None:
                pytest.fail(explanation(stated, broken), pytrace=False)

        setattr(test, ATTRIBUTE, stated)
        return test

    return decorate


def must(holds: bool, happened: str) -> None:
    """Raise `Broken` unless something holds."""
    if not holds:
        raise Broken(happened)


def explanation(broken_rule: Rule, broken: Broken) -> str:
    """What is printed when a rule is broken."""
    lines = [
        f"The bridge breaks a rule of the contract ({broken_rule.kind}).",
        f"  rule:     {broken_rule.text}",
        f"  happened: {broken.happened}",
    ]
    if broken.cause is not None:
        lines += ["", *"".join(traceback.format_exception(broken.cause)).rstrip().splitlines()]
    return "\n".join(lines)
