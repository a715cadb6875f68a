"""The pytest plugin: `pytest_plugins = ["gearmesh.testing.fixtures"]` in a test module or the topmost conftest.py.

It has the fixtures `nats_server` and `fake_context`, and prints at the end what of the contract passed: for each bridge
by kind of rule, and by feature. With pytest-xdist the table is printed by a process that reads no test module: then it
must be the conftest.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import pytest
import pytest_asyncio

from gearmesh.testing.context import FakeContext
from gearmesh.testing.contract.rule import ATTRIBUTE, Rule
from gearmesh.testing.contract.table import RULE, Result, lines, suites
from gearmesh.testing.nats import NatsServer

CATEGORIES: Final[tuple[tuple[str, Literal["passed", "failed", "skipped"]], ...]] = (
    ("failed", "failed"),
    ("error", "failed"),
    ("skipped", "skipped"),
    ("passed", "passed"),
)
"""What pytest calls outcomes, and what they are here, in the order in which they count."""


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
        report.user_properties.append((RULE, f"{suite} {stated.kind}"))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables, if any contract was tested."""
    found = suites(_results(terminalreporter.stats))
    if not found:
        return
    terminalreporter.section("the contract of bridges")
    for name, suite in found.items():
        for line in lines(name, suite):
            terminalreporter.write_line(line.text, bold=line.bold, red=line.red)


def _results(stats: dict[str, list[Any]]) -> Iterator[Result]:
    for category, outcome in CATEGORIES:
        for report in stats.get(category, ()):
            properties = tuple((str(name), str(value)) for name, value in getattr(report, "user_properties", ()))
            # Of a skipped test it is (file, line, reason).
            told = getattr(report, "longrepr", None)
            reason = str(told[2]) if outcome == "skipped" and isinstance(told, tuple) else ""
            yield Result(outcome, report.nodeid, properties, reason)
