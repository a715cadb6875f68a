"""Plugins: entry points of the group `gearmesh` become a checked registry of bridges and commands.

An entry point has the name of a bridge that its plugin offers, so that only what is configured is imported; a plugin
that offers several bridges has several entry points on the same module. One broken plugin never stops another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

import msgspec
import pluggy

from gearmesh import hookspecs
from gearmesh.bridge import API, Bridge
from gearmesh.command import Command
from gearmesh.errors import PluginInvalid

GROUP: Final = "gearmesh"
NETWORK_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Registry(msgspec.Struct):
    """What the plugins offer, by name, and what is wrong with those that could not be used."""

    bridges: dict[str, type[Bridge]] = {}
    commands: dict[str, Command] = {}
    problems: list[PluginInvalid] = []
    available: tuple[str, ...] = ()


def installed() -> tuple[EntryPoint, ...]:
    """All entry points of plugins in this environment, by name."""
    return tuple(sorted(entry_points(group=GROUP), key=lambda point: point.name))


def load(wanted: Collection[str] | None = None, points: Iterable[EntryPoint] | None = None) -> Registry:
    """Import the plugins of the `wanted` bridges and check what they offer. Never raises.

    With None all plugins are imported, and their commands are collected too.
    """
    points = installed() if points is None else tuple(points)
    registry = Registry(available=tuple(point.name for point in points))
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for point in points:
        if wanted is not None and point.name not in wanted:
            continue
        try:
            plugin = point.load()
            if manager.is_registered(plugin):
                continue
            name = manager.register(plugin, name=point.name)
        except (Exception, SystemExit) as error:  # an import can fail in any way, and must not stop the others
            registry.problems.append(PluginInvalid(point.name, f"cannot be imported: {type(error).__name__}: {error}"))
            continue
        if name is None:
            registry.problems.append(PluginInvalid(point.name, "is blocked"))
            continue
        try:
            manager.check_pending()
            _collect_bridges(registry, manager, name)
            if wanted is None:
                _collect_commands(registry, manager, name)
        except pluggy.PluginValidationError as error:
            manager.unregister(name=name)
            registry.problems.append(PluginInvalid(point.name, str(error)))
    return registry


def _collect_bridges(registry: Registry, manager: pluggy.PluginManager, name: str) -> None:
    # Each plugin is called by itself: one that raises in a call to all would take the others' answers with it.
    for bridge in _offers(registry, manager, name, "gearmesh_bridges"):
        if problem := _problem_with(bridge):
            registry.problems.append(PluginInvalid(name, problem))
        elif bridge.network in registry.bridges:
            other = registry.bridges[bridge.network]
            registry.problems.append(
                PluginInvalid(name, f"offers bridge {bridge.network!r}, which {other.__module__} offers already")
            )
        else:
            registry.bridges[bridge.network] = bridge


def _collect_commands(registry: Registry, manager: pluggy.PluginManager, name: str) -> None:
    for command in _offers(registry, manager, name, "gearmesh_commands"):
        if not isinstance(command, Command):
            registry.problems.append(PluginInvalid(name, f"offers {command!r}, which is no Command"))
        elif command.name in registry.commands:
            registry.problems.append(PluginInvalid(name, f"offers command {command.name!r}, which exists already"))
        else:
            registry.commands[command.name] = command


def _offers(registry: Registry, manager: pluggy.PluginManager, name: str, hook: str) -> tuple[Any, ...]:
    caller = getattr(manager.hook, hook)
    for implementation in caller.get_hookimpls():
        if implementation.plugin_name == name:
            function: Callable[[], Iterable[Any]] = implementation.function
            try:
                return tuple(function())
            except (Exception, SystemExit) as error:
                registry.problems.append(PluginInvalid(name, f"{hook} fails: {type(error).__name__}: {error}"))
    return ()


def _problem_with(bridge: object) -> str:
    if not (isinstance(bridge, type) and issubclass(bridge, Bridge)):
        return f"offers {bridge!r}, which is no subclass of gearmesh.Bridge"
    for attribute in ("network", "title", "api", "Config"):
        if not hasattr(bridge, attribute):
            return f"{bridge.__name__} has no attribute {attribute!r}"
    if not (isinstance(bridge.network, str) and NETWORK_NAME.fullmatch(bridge.network)):
        return f"{bridge.__name__}.network is {bridge.network!r}; expected lower-case letters, digits and dashes"
    if bridge.api != API:
        return f"{bridge.__name__} is written for version {bridge.api} of the contract; this Gearmesh has {API}"
    config: object = bridge.Config
    if not (isinstance(config, type) and issubclass(config, msgspec.Struct)):
        return f"{bridge.__name__}.Config is no msgspec.Struct"
    if missing := sorted(getattr(bridge, "__abstractmethods__", ())):
        return f"{bridge.__name__} lacks {', '.join(missing)}"
    return ""
