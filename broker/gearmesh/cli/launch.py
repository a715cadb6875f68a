"""Starts the daemon in the foreground, for our own commands and for those of plugins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import typer
from aiohttp import web

from gearmesh.cli.logs import set_up_logs
from gearmesh.config import parse
from gearmesh.daemon import serve
from gearmesh.errors import ConfigInvalid, GearmeshError


def default_data() -> Path:
    """The user's data folder for Gearmesh."""
    return Path(platformdirs.user_data_dir("gearmesh", appauthor=False))


def launch(
    settings: Mapping[str, Any],
    *,
    data: Path | None = None,
    mount: Callable[[web.Application], None] | None = None,
    ready: Callable[[str], None] | None = None,
) -> int:
    """Run the daemon until it is told to stop; see `gearmesh.Launcher`. Mistakes are printed, not raised."""
    try:
        config = parse(settings)
        set_up_logs(config.broker.log)
        return asyncio.run(serve(config, data or default_data(), mount=mount, ready=ready))
    except ConfigInvalid as error:
        for problem in error.problems:
            typer.echo(f"gearmesh: {problem}", err=True)
        return 2
    except GearmeshError as error:
        typer.echo(f"gearmesh: {error}", err=True)
        return 1
