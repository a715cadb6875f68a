"""Plugins: what is loaded, what is refused, and that one never stops another."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent, indent

import pytest

from gearmesh.bridge import API
from gearmesh.plugins import GROUP, Registry, installed, load

Write = Callable[..., EntryPoint]

BRIDGE = """
import msgspec
from gearmesh import Bridge, Capabilities, Command, Limit, Sent, hookimpl

class Config(msgspec.Struct):
    pass

class Good(Bridge):
    network = "{name}"
    title = "Good"
    api = 1
    Config = Config
    def capabilities(self, thread):
        return Capabilities(Limit(100, "characters", "test"))
    def parse_address(self, text):
        return text
    def format_address(self, user):
        return user
    async def run(self):
        pass
    async def send(self, delivery):
        return Sent(("1",))
"""
OFFER = """
@hookimpl
def gearmesh_bridges():
    return [{offered}]
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a plugin's module and gives its entry point; the modules are forgotten at the end."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def written(name: str, *, extra: str = "", offered: str = "Good", source: str | None = None) -> EntryPoint:
        module = f"gearmesh_test_plugin_{name}"
        names.append(module)
        parts = [BRIDGE.format(name=name), dedent(extra), OFFER.format(offered=offered)]
        (tmp_path / f"{module}.py").write_text("\n".join(parts) if source is None else dedent(source))
        return EntryPoint(name, module, GROUP)

    yield written
    for name in names:
        sys.modules.pop(name, None)


def problems(registry: Registry) -> dict[str, str]:
    """What is wrong with each plugin, by its name."""
    return {problem.plugin: problem.reason for problem in registry.problems}


def test_given_a_right_plugin_its_bridge_is_there(write: Write) -> None:
    registry = load(None, [write("one")])
    assert {name: bridge.title for name, bridge in registry.bridges.items()} == {"one": "Good"}
    assert registry.available == ("one",)
    assert not registry.problems


def test_given_no_plugins_nothing_is_there_and_nothing_is_wrong() -> None:
    assert load(None, []) == Registry()


BROKEN = {
    "an import that fails": ({"source": "import there_is_no_such_module"}, "ModuleNotFoundError"),
    "a syntax error": ({"source": "def"}, "SyntaxError"),
    "an exit at import": ({"source": "import sys; sys.exit(3)"}, "SystemExit"),
    "an exception at import": ({"source": "raise RuntimeError('no licence')"}, "no licence"),
    "a hook of another name": (
        {"extra": "@hookimpl\ndef gearmesh_brigdes():\n    return []"},
        "unknown hook 'gearmesh_brigdes'",
    ),
    "a hook with an argument": ({"extra": "@hookimpl\ndef gearmesh_commands(loop):\n    return []"}, "loop"),
    "a hook that raises": ({"offered": "1 / 0"}, "gearmesh_bridges fails: ZeroDivisionError"),
    "a hook that exits": ({"offered": "__import__('sys').exit(3)"}, "gearmesh_bridges fails: SystemExit"),
    "a hook that gives nothing": (
        {"source": "from gearmesh import hookimpl\n@hookimpl\ndef gearmesh_bridges():\n    pass"},
        "gearmesh_bridges fails: TypeError",
    ),
    "an object that is no class": ({"offered": "Good(None, None)"}, "no subclass of gearmesh.Bridge"),
    "a class that is no bridge": ({"offered": "dict"}, "no subclass of gearmesh.Bridge"),
    "no network": ({"extra": "del Good.network"}, "no attribute 'network'"),
    "no title": ({"extra": "del Good.title"}, "no attribute 'title'"),
    "no version": ({"extra": "del Good.api"}, "no attribute 'api'"),
    "no configuration": ({"extra": "del Good.Config"}, "no attribute 'Config'"),
    "a network in capitals": ({"extra": "Good.network = 'BAD'"}, "Good.network is 'BAD'"),
    "a network that is no text": ({"extra": "Good.network = 5"}, "Good.network is 5"),
    "a version of the past": ({"extra": "Good.api = 0"}, f"version 0 of the contract; this Gearmesh has {API}"),
    "a version of the future": ({"extra": "Good.api = 99"}, f"version 99 of the contract; this Gearmesh has {API}"),
    "a configuration that is no struct": ({"extra": "Good.Config = dict"}, "Good.Config is no msgspec.Struct"),
    "methods that are missing": (
        {
            "extra": "class Half(Bridge):\n    network, title, api, Config = 'half', 'Half', 1, Config",
            "offered": "Half",
        },
        "Half lacks capabilities, format_address, parse_address, run, send",
    ),
}


@pytest.mark.parametrize("way", [pytest.param(way, id=way) for way in BROKEN])
@pytest.mark.parametrize("first", [True, False], ids=["before the others", "after the others"])
def test_given_a_broken_plugin_the_others_work_and_the_problem_says_what_is_wrong(
    write: Write, way: str, first: bool
) -> None:
    options, said = BROKEN[way]
    broken, right = write("broken", **options), write("right")
    registry = load(None, [broken, right] if first else [right, broken])
    assert set(registry.bridges) == {"right"}
    assert list(problems(registry)) == ["broken"]
    assert said in problems(registry)["broken"]


def test_given_two_hooks_that_are_both_wrong_a_plugin_that_comes_later_is_not_blamed(write: Write) -> None:
    extra = """
    @hookimpl
    def gearmesh_brigdes():
        return []
    @hookimpl
    def gearmesh_commands(loop):
        return []
    """
    registry = load(None, [write("broken", extra=extra), write("right")])
    assert set(registry.bridges) == {"right"}
    assert list(problems(registry)) == ["broken"]


def test_given_two_plugins_that_offer_the_same_network_the_first_has_it_and_the_second_is_refused_aloud(
    write: Write,
) -> None:
    first, second = write("one"), write("two", extra="Good.network = 'one'")
    registry = load(None, [first, second])
    assert registry.bridges["one"].__module__.endswith("_one")
    assert list(problems(registry)) == ["two"]
    assert "offers bridge 'one', which gearmesh_test_plugin_one offers already" in problems(registry)["two"]


def test_given_a_right_and_a_wrong_bridge_in_one_plugin_the_right_one_is_there(write: Write) -> None:
    registry = load(None, [write("one", offered="dict, Good")])
    assert set(registry.bridges) == {"one"}
    assert "no subclass" in problems(registry)["one"]


def test_given_two_entry_points_of_one_name_the_second_is_refused_aloud(write: Write) -> None:
    one, other = write("one"), write("two")
    registry = load(None, [one, EntryPoint("one", other.value, GROUP)])
    assert set(registry.bridges) == {"one"}
    assert list(problems(registry)) == ["one"]


def test_given_several_entry_points_on_one_module_it_is_asked_once(write: Write) -> None:
    extra = """
    class Second(Good):
        network = "second"
    """
    point = write("first", extra=extra, offered="Good, Second")
    registry = load(None, [point, EntryPoint("second", point.value, GROUP)])
    assert set(registry.bridges) == {"first", "second"}
    assert not registry.problems


def test_given_wanted_bridges_only_their_plugins_are_imported(write: Write) -> None:
    points = [write("one"), write("two"), write("broken", source="raise RuntimeError")]
    registry = load({"two"}, points)
    assert set(registry.bridges) == {"two"}
    assert not registry.problems
    assert registry.available == ("one", "two", "broken")
    assert "gearmesh_test_plugin_two" in sys.modules
    assert not {"gearmesh_test_plugin_one", "gearmesh_test_plugin_broken"} & set(sys.modules)


class TestCommands:
    COMMANDS = """
    @hookimpl
    def gearmesh_commands():
        return [{commands}]
    """

    def offering(self, commands: str) -> str:
        """The source of a hook that offers commands."""
        return indent(dedent(self.COMMANDS.format(commands=commands)), "")

    def test_given_all_plugins_their_commands_are_there(self, write: Write) -> None:
        registry = load(None, [write("one", extra=self.offering("Command('dance', print)"))])
        assert {name: command.run for name, command in registry.commands.items()} == {"dance": print}

    def test_given_wanted_bridges_nobody_asks_for_commands(self, write: Write) -> None:
        registry = load({"one"}, [write("one", extra=self.offering("Command('dance', print)"))])
        assert not registry.commands

    def test_given_a_command_that_exists_already_the_first_stays_and_the_second_is_refused_aloud(
        self, write: Write
    ) -> None:
        points = [
            write("one", extra=self.offering("Command('dance', print)")),
            write("two", extra=self.offering("Command('dance', repr)")),
        ]
        registry = load(None, points)
        assert registry.commands["dance"].run is print
        assert problems(registry) == {"two": "offers command 'dance', which exists already"}
        assert set(registry.bridges) == {"one", "two"}

    def test_given_something_that_is_no_command_the_bridges_of_the_plugin_work(self, write: Write) -> None:
        registry = load(None, [write("one", extra=self.offering("'dance', Command('sing', print)"))])
        assert set(registry.commands) == {"sing"}
        assert problems(registry) == {"one": "offers 'dance', which is no Command"}
        assert set(registry.bridges) == {"one"}

    def test_given_commands_that_fail_the_bridges_of_the_plugin_work(self, write: Write) -> None:
        registry = load(None, [write("one", extra=self.offering("1 / 0"))])
        assert set(registry.bridges) == {"one"}
        assert "gearmesh_commands fails: ZeroDivisionError" in problems(registry)["one"]


def test_given_what_is_installed_here_everything_can_be_used() -> None:
    registry = load()
    assert registry.available == tuple(point.name for point in installed())
    assert {"whatsapp", "messenger", "instagram"} <= set(registry.bridges)
    assert "demo" in registry.commands
    assert not registry.problems
