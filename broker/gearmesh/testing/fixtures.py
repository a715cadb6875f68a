"""The pytest plugin: `pytest_plugins = ["gearmesh.testing.fixtures"]` in a test module or the topmost conftest.py.

It has the fixtures `nats_server` and `fake_context`, and prints at the end what of the contract passed, for each bridge
and each kind of rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from gearmesh.testing.context import FakeContext
from gearmesh.testing.contract.rule import ATTRIBUTE, KINDS, Rule
from gearmesh.testing.nats import NatsServer

PROPERTY: Final = "gearmesh_contract"
OUTCOMES: Final = ("passed", "failed", "skipped")
Tally = dict[str, Counter[tuple[str, str]]]
"""For each bridge's suite, how many rules of a kind had an outcome."""


@pytest_asyncio.fixture
async def nats_server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A running nats-server of this test's own, on a free loopback port."""
    async with NatsServer(tmp_path / "nats-server") as server:
        yield server


@pytest_asyncio.fixture
async def fake_context() -> AsyncIterator[FakeContext]:
    """A context to make a bridge with; the app is named "fake"."""
    async with FakeContext() as context:
        yield context


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note on the report of a contract test which suite and kind it belongs to."""
    report = yield
    stated = getattr(getattr(item, "function", None), ATTRIBUTE, None)
    if isinstance(stated, Rule):
        suite = item.cls.__name__ if isinstance(item, pytest.Function) and item.cls else item.nodeid
        report.user_properties.append((PROPERTY, f"{suite} {stated.kind}"))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables, if any contract was tested."""
    tally = _tally(terminalreporter.stats)
    if not tally:
        return
    terminalreporter.section("the contract of bridges")
    for suite, counts in tally.items():
        terminalreporter.write_line("")
        terminalreporter.write_line(f"{suite:<32}{'passed':>8}{'failed':>8}{'skipped':>8}", bold=True)
        for kind in KINDS:
            row = [counts[kind, outcome] for outcome in OUTCOMES]
            if any(row):
                cells = "".join(f"{number or '·':>8}" for number in row)
                terminalreporter.write_line(f"  {kind:<30}{cells}", red=bool(row[1]))
        total = [sum(counts[kind, outcome] for kind in KINDS) for outcome in OUTCOMES]
        terminalreporter.write_line(f"  {'all':<30}" + "".join(f"{number:>8}" for number in total))


def _tally(stats: dict[str, list[Any]]) -> Tally:
    tally: Tally = {}
    seen: set[tuple[str, str]] = set()
    for category, outcome in (
        ("failed", "failed"),
        ("error", "failed"),
        ("skipped", "skipped"),
        ("passed", "passed"),
    ):
        for report in stats.get(category, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY and (report.nodeid, value) not in seen:
                    # A test can pass and then fail while it is taken down: it counts once, as failed.
                    seen.add((report.nodeid, value))
                    suite, _, kind = value.rpartition(" ")
                    tally.setdefault(suite, Counter())[kind, outcome] += 1
    return tally
