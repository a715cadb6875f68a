"""The hooks of the plugin system. They run once, before anything starts, and do no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pluggy

from gearmesh.bridge import Bridge
from gearmesh.command import Command

PROJECT: Final = "gearmesh"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def gearmesh_bridges() -> Iterable[type[Bridge]]:  # type: ignore[empty-body]
    """The bridge classes that this plugin offers."""


@hookspec
def gearmesh_commands() -> Iterable[Command]:  # type: ignore[empty-body]
    """The commands that this plugin adds to the command line."""
