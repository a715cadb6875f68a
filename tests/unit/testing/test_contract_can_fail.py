"""The contract suite on broken bridges: what is broken is red, and what is not is green."""

from __future__ import annotations

from pathlib import Path

import pytest

from gearmesh.testing.contract import Author, BridgeContract

from . import broken_bridges, broken_plain_bridges, broken_rich_bridges, broken_room_bridges

pytest_plugins = ["pytester"]

MODULES = (broken_bridges, broken_plain_bridges, broken_rich_bridges, broken_room_bridges)
BROKEN = [Path(__file__).with_name(f"{module.__name__.rpartition('.')[2]}.py") for module in MODULES]
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
    """The suites of the broken bridges, and what must be red in each."""
    found = [(name, suite) for module in MODULES for name, suite in vars(module).items() if name.startswith("Test")]
    return {name: set(suite.red) for name, suite in found}


@pytest.mark.slow
def test_given_broken_bridges_when_the_contract_runs_then_exactly_what_is_broken_is_red(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    pytester.makeini(INI)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(**{f"test_{path.stem}": path.read_text() for path in BROKEN})

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
    pytester.makepyfile(test_broken=BROKEN[0].read_text())

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


BENCHES = """
from tests.plugins.fake_side import FakeSide
from tests.plugins.plain_bridge import WordsOnlyBridge

from gearmesh.model.capabilities import Support
from gearmesh.testing.contract import BridgeContract
from gearmesh.testing.network import CAPABILITIES, WORDS_ONLY, SOURCE
import msgspec


class TestShy(FakeSide):
    partly = {"location": Support("partial", "no name", SOURCE), "view_once": Support("dropped", "why", SOURCE)}
    can = msgspec.structs.replace(CAPABILITIES, features={**CAPABILITIES.features, **partly})
    user_unsends = BridgeContract.user_unsends


class TestBare(FakeSide):
    patience = 0.5
    kind = WordsOnlyBridge
    can = WORDS_ONLY
    user_sees = BridgeContract.user_sees
    user_sends = BridgeContract.user_sends
    user_reacts = BridgeContract.user_reacts

    async def shown(self):
        return [shown for shown in await super().shown() if "delete" not in shown.text]
"""


def test_given_two_benches_when_the_contract_has_run_then_a_table_says_what_became_of_each_feature(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    pytester.makeini(INI)
    pytester.makepyfile(test_benches=BENCHES)

    result = pytester.runpytest_inprocess("-p", "gearmesh.testing.fixtures", "-k", "claims or native or words or heard")

    table = result.stdout.str().partition("the contract of bridges")[2].splitlines()
    result.stdout.fnmatch_lines(["TestBare, by feature            claimed    shown        in words     comes in"])
    assert {line for line in table if line.startswith("  ")} >= {
        "  location                      partial    passed       ·            passed",
        "  view_once                     dropped    ·            ·            passed",
        "  vote                          fallback   ·            passed       passed",
        "  edit                          full       passed       passed       passed",
        "  redaction                     full       passed       passed       not checked",
        "  not checked for want of user_unsends()",
        "  location                      fallback   ·            passed       not checked",
        "  reaction                      fallback   ·            passed       not checked",
        "  redaction                     fallback   ·            failed       passed",
        "  typing                        dropped    ·            ·            passed",
        "  not checked for want of user_sends(), user_reacts()",
    }


def test_given_a_bench_that_cannot_look_when_a_feature_is_claimed_then_it_is_not_checked(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    pytester.makeini(INI)
    blind = "class TestBlind(FakeSide):\n    user_sees = BridgeContract.user_sees\n"
    pytester.makepyfile(test_blind=BENCHES.partition("class TestShy")[0] + blind)

    result = pytester.runpytest_inprocess("-p", "gearmesh.testing.fixtures", "-k", "native")

    result.stdout.fnmatch_lines_random(
        [
            "  image                         full       not checked  ·            ·",
            "  location                      full       not checked  ·            ·",
            "  reaction                      full       not checked  ·            ·",
            "  typing                        full       passed       ·            ·",
            "  not checked for want of user_sees()",
        ]
    )


def test_every_rule_is_broken_by_some_bridge() -> None:
    broken = {test.partition("[")[0] for red in suites().values() for test in red}

    assert broken == {name for name in dir(BridgeContract) if name.startswith("test_")}


def test_no_rule_and_nothing_that_one_needs_hides_another() -> None:
    parts = [part for part in BridgeContract.__mro__ if part.__module__.startswith("gearmesh.testing.contract.")]
    names = [name for part in parts if part not in {Author, BridgeContract} for name in vars(part)]
    own = [name for name in names if not name.startswith("__") and name != "_abc_impl"]
    rules = [name for name in own if name.startswith("test_")]

    assert sorted(own) == sorted(set(own))
    assert all(hasattr(getattr(BridgeContract, name), "contract_rule") for name in rules)


def test_given_processes_that_share_the_tests_when_the_contract_runs_then_one_table_has_what_all_of_them_found(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    pytester.makeini(INI)
    pytester.makeconftest('pytest_plugins = ["gearmesh.testing.fixtures"]')
    pytester.makepyfile(test_broken=BROKEN[0].read_text())

    chosen = "TestKnowsEverybody and profiles"
    result = pytester.runpytest_inprocess("-n", "2", "--dist", "load", "--maxschedchunk", "1", "-v", "-k", chosen)

    for worker in ("gw0", "gw1"):
        result.stdout.re_match_lines([rf".*\[{worker}\].*TestKnowsEverybody.*"])
    assert result.stdout.str().count("the contract of bridges") == 1
    result.stdout.fnmatch_lines(["* the contract of bridges *", "TestKnowsEverybody *passed *failed *skipped"])
    result.stdout.fnmatch_lines(["  profiles *1 *1 *·", "  all *1 *1 *0"])
