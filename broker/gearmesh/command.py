"""Commands that a plugin adds to the `gearmesh` command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from aiohttp import web


class Command(msgspec.Struct, frozen=True):
    """`gearmesh <name>`. `run` is a function as typer takes it: its signature declares the options.

    A function that starts the daemon takes a `typer.Context`, whose `obj` is a `Launcher`.
    """

    name: str
    run: Callable[..., Any]


class Launcher(Protocol):
    """Starts the daemon for a command of a plugin."""

    def __call__(
        self,
        settings: Mapping[str, Any],
        *,
        data: Path | None = None,
        mount: Callable[[web.Application], None] | None = None,
        ready: Callable[[str], None] | None = None,
    ) -> int:
        """Run the daemon in the foreground until it is told to stop; returns the exit status.

        `settings` is what a configuration file would hold. `mount` adds routes to the daemon's web server, behind its
        own; `ready` is called with the server's URL when everything is up.
        """
