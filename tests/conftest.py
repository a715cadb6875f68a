"""For all tests: the fixtures of `gearmesh.testing`, the table of what passed in the contract suites, a log that takes
no time, and an order in which processes that share the tests end together."""

from __future__ import annotations

import pytest
import structlog

pytest_plugins = ["gearmesh.testing.fixtures"]


def pytest_configure() -> None:
    """Log failures as the daemon does.

    By default structlog shows the local variables of a traceback. That takes up to a second, on a busy machine several,
    in which the event loop of a test stands still: longer than its daemon's leases last.
    """
    *before, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, plain])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where files are dealt out, begin with those that take long, and end with what wants the machine for itself.

    A file that takes long would be waited for if it came last; that is what the other one is meant to have.
    """
    if hasattr(config, "workerinput"):
        slow, alone = ({item.path for item in items if item.get_closest_marker(name)} for name in ("slow", "alone"))
        items.sort(key=lambda item: (item.path in alone, item.path not in slow))
