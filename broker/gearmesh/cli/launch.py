"""Starts the daemon in the foreground, for our own commands and for those of plugins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import typer
from aiohttp import web

from gearmesh.cli.logs import set_up_logs
from gearmesh.config import Config, parse
from gearmesh.daemon import serve
from gearmesh.errors import ConfigInvalid, GearmeshError


def default_data() -> Path:
    """The user's data folder for Gearmesh."""
    return Path(platformdirs.user_data_dir("gearmesh", appauthor=False))


def check_parts(config: Config, only: Collection[str]) -> None:
    """Whether the parts exist.

    Raises:
        ConfigInvalid: one does not.
    """
    parts = ("router", *(f"app:{name}" for name in config.apps))
    unknown = [part for part in only if part not in parts]
    if unknown:
        raise ConfigInvalid([f"--only {part}: there is no such part; expected {', '.join(parts)}" for part in unknown])


def launch(
    settings: Mapping[str, Any],
    *,
    data: Path | None = None,
    mount: Callable[[web.Application], None] | None = None,
    ready: Callable[[str], None] | None = None,
    only: Collection[str] = (),
) -> int:
    """Run the daemon, or `only` some parts, until it is told to stop; see `gearmesh.Launcher`. Mistakes are printed."""
    try:
        config = parse(settings)
        check_parts(config, only)
        set_up_logs(config.broker.log)
        return asyncio.run(serve(config, data or default_data(), mount=mount, ready=ready, only=only))
    except ConfigInvalid as error:
        for problem in error.problems:
            typer.echo(f"gearmesh: {problem}", err=True)
        return 2
    except GearmeshError as error:
        typer.echo(f"gearmesh: {error}", err=True)
        return 1
