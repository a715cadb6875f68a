"""The contract suite on broken bridges: what is broken is red, and what is not is green."""

from __future__ import annotations

from pathlib import Path

import pytest

from gearmesh.testing.contract import BridgeContract

from . import broken_bridges

pytest_plugins = ["pytester"]

BROKEN = Path(__file__).with_name("broken_bridges.py")
ROOT = Path(__file__).parents[3]
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""
CONFTEST = """
import pytest

def pytest_collection_modifyitems(config, items):
    # Each broken bridge meets the rules that are about its fault, and their neighbours.
    meant = [item for item in items if item.function.contract_rule.kind in item.cls.kinds]
    config.hook.pytest_deselected(items=[item for item in items if item not in meant])
    items[:] = meant
"""


def suites() -> dict[str, set[str]]:
    """The suites of broken_bridges.py, and what must be red in each."""
    return {name: set(suite.red) for name, suite in vars(broken_bridges).items() if name.startswith("Test")}


def test_given_broken_bridges_when_the_contract_runs_then_exactly_what_is_broken_is_red(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    pytester.makeini(INI)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_broken=BROKEN.read_text())

    result = pytester.inline_run("-p", "gearmesh.testing.fixtures", "-p", "no:cacheprovider")

    passed, _, failed = result.listoutcomes()
    red: dict[str, set[str]] = {name: set() for name in suites()}
    for report in failed:
        _, suite, test = report.nodeid.split("::")
        red[suite].add(test)
    assert red == suites()
    assert len(passed) > len(failed)


def test_given_a_broken_bridge_when_the_contract_runs_then_the_rule_is_printed_in_plain_words(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    pytester.makeini(INI)
    pytester.makepyfile(test_broken=BROKEN.read_text())

    result = pytester.runpytest_inprocess(
        "-p",
        "gearmesh.testing.fixtures",
        "-k",
        "TestSwapsTwo and incoming_order or TestKnowsEverybody and profiles",
    )

    result.stdout.fnmatch_lines(
        [
            "The bridge breaks a rule of the contract (incoming).",
            "  rule:     50 messages of one thread come in in the order in which they were written, none twice",
            "  happened: message 11 came in where message 10 was due",
            "The bridge breaks a rule of the contract (profiles).",
            "  happened: profile('nobody-at-all') raised KeyError: 'nobody-at-all'",
            "*return Profile(name=self.messenger.names[[]user[]])",
            "KeyError: 'nobody-at-all'",
            "* the contract of bridges *",
            "TestSwapsTwo *passed *failed *skipped",
            "  incoming *· *1 *·",
            "TestKnowsEverybody *passed *failed *skipped",
            "  profiles *1 *1 *·",
        ]
    )


def test_no_rule_hides_another_one() -> None:
    parts = [part for part in BridgeContract.__bases__ for name in vars(part) if name.startswith("test_")]
    names = [name for part in set(parts) for name in vars(part) if name.startswith("test_")]

    assert sorted(names) == sorted(set(names))
    assert all(hasattr(getattr(BridgeContract, name), "contract_rule") for name in names)
