"""What the contract tells an author at the end: how many rules of each kind passed, and what became of each feature."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec

from gearmesh.model.capabilities import FEATURES
from gearmesh.testing.contract.author import NOT_GIVEN
from gearmesh.testing.contract.rule import KINDS

Way = Literal["native", "words", "heard", "claimed"]
"""`native`: it is sent as it is. `words`: it is sent in words. `heard`: somebody on the network sends it. `claimed`:
nothing is sent, only what the bridge says of it is looked at."""
WAYS: Final[Mapping[Way, str]] = {"native": "shown", "words": "in words", "heard": "comes in"}
RULE: Final = "gearmesh_contract"
"""The property of a report that names its suite and the kind of its rule."""
CHECK: Final = "gearmesh_feature"
"""The property that names a feature, how it is claimed, and the way that was tested."""
OUTCOMES: Final = ("passed", "failed", "skipped")
NOTHING: Final = "·"
WIDTH: Final = 80
MARKS: Final = ("failed", "not checked", "passed", NOTHING)
"""What stands in a cell, the most important first: of several tests it has the first one."""


class Result(msgspec.Struct, frozen=True):
    """What became of one test: its properties, and why it was skipped if it was."""

    outcome: Literal["passed", "failed", "skipped"]
    node: str
    properties: tuple[tuple[str, str], ...]
    reason: str = ""

    @property
    def mark(self) -> str:
        """What it puts into a cell of the table of features."""
        if self.outcome != "skipped":
            return self.outcome
        return "not checked" if NOT_GIVEN in self.reason else NOTHING


class Suite(msgspec.Struct):
    """What became of one bridge."""

    rules: Counter[tuple[str, str]]
    levels: dict[str, str]
    cells: dict[tuple[str, str], set[str]]
    missing: dict[str, None]
    """What the author could give, in the order in which it was missed."""


class Line(msgspec.Struct, frozen=True):
    """One line to print."""

    text: str
    bold: bool = False
    red: bool = False


def suites(results: Iterable[Result]) -> dict[str, Suite]:
    """The results by suite. Of a test that passes, and fails while it is taken down, the first result counts."""
    found: dict[str, Suite] = {}
    seen: set[str] = set()
    for result in results:
        rule = next((value for name, value in result.properties if name == RULE), None)
        if rule is None or result.node in seen:
            continue
        seen.add(result.node)
        name, _, kind = rule.rpartition(" ")
        suite = found.setdefault(name, Suite(Counter(), {}, defaultdict(set), {}))
        suite.rules[kind, result.outcome] += 1
        for label, value in result.properties:
            if label == CHECK:
                feature, level, way = value.split(" ")
                suite.levels[feature] = level
                suite.cells[feature, way].add(result.mark)
        if result.mark == "not checked":
            suite.missing[result.reason.rpartition(" has no ")[2]] = None
    return found


def lines(name: str, suite: Suite) -> Iterator[Line]:
    """Both tables of one suite."""
    yield Line("")
    yield Line(f"{name:<32}" + "".join(f"{outcome:>8}" for outcome in OUTCOMES), bold=True)
    for kind in KINDS:
        row = [suite.rules[kind, outcome] for outcome in OUTCOMES]
        if any(row):
            yield Line(f"  {kind:<30}" + "".join(f"{number or NOTHING:>8}" for number in row), red=bool(row[1]))
    total = [sum(suite.rules[kind, outcome] for kind in KINDS) for outcome in OUTCOMES]
    yield Line(f"  {'all':<30}" + "".join(f"{number:>8}" for number in total))
    if suite.levels:
        yield from _features(name, suite)


def _features(name: str, suite: Suite) -> Iterator[Line]:
    yield Line("")
    yield Line(_row(f"{name}, by feature", "claimed", *WAYS.values()), bold=True)
    for feature in FEATURES:
        if feature in suite.levels:
            marks = [_mark(suite.cells.get((feature, way), set())) for way in WAYS]
            yield Line(_row(f"  {feature}", suite.levels[feature], *marks), red="failed" in marks)
    if suite.missing:
        told = f"not checked for want of {', '.join(suite.missing)}"
        yield from (Line(f"  {line}") for line in textwrap.wrap(told, WIDTH))


def _row(name: str, claimed: str, *cells: str) -> str:
    return f"{name:<32}{claimed:<11}{''.join(f'{cell:<13}' for cell in cells)}".rstrip()


def _mark(marks: set[str]) -> str:
    return next((mark for mark in MARKS if mark in marks), NOTHING)
