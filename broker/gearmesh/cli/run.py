"""`gearmesh run`, `gearmesh check`, `gearmesh plugins`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from gearmesh import plugins
from gearmesh.cli.launch import launch
from gearmesh.config import parse, read_file
from gearmesh.errors import ConfigInvalid

ConfigFile = Annotated[
    Path | None, typer.Argument(help="The configuration, a TOML file.", show_default="gearmesh.toml")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", "-c", help="The same.", show_default=False)]
Data = Annotated[Path | None, typer.Option(help="Where our own nats-server keeps its data.", show_default=False)]
WebPort = Annotated[int | None, typer.Option(help="Listen on this port instead of [web] port.", show_default=False)]


Only = Annotated[
    list[str] | None,
    typer.Option(help="Run only this part: router, or app:NAME. May be given several times.", show_default=False),
]
DEFAULT: Final = Path("gearmesh.toml")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.command("check")(check)
    app.command("plugins")(list_plugins)


def run(
    config: ConfigFile = None,
    option: ConfigOption = None,
    data: Data = None,
    port: WebPort = None,
    only: Only = None,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C."""
    tables = _read(config or option or DEFAULT)
    if port is not None:
        tables.setdefault("web", {})["port"] = port
    raise typer.Exit(launch(tables, data=data, only=only or ()))


def check(config: ConfigFile = None, option: ConfigOption = None) -> None:
    """List all mistakes in a configuration, without connecting anywhere."""
    path = config or option or DEFAULT
    try:
        parsed = parse(_read(path))
    except ConfigInvalid as error:
        _complain(error)
    if parsed.broken:
        _complain(ConfigInvalid([f"apps.{name}: {reason}" for name, reason in parsed.broken.items()]))
    apps = ", ".join(f"{name} ({app.bridge.title})" for name, app in parsed.apps.items())
    typer.echo(f"{path} is right: {apps}; {len(parsed.people)} people")


def list_plugins() -> None:
    """List the installed plugins, what they offer, and what is wrong with them."""
    registry = plugins.load()
    for name, bridge in sorted(registry.bridges.items()):
        typer.echo(f"bridge   {name:<16} {bridge.title:<16} {bridge.__module__}")
    for name in sorted(registry.commands):
        typer.echo(f"command  {name}")
    for problem in registry.problems:
        typer.echo(f"problem  {problem}", err=True)
    if not registry.available:
        typer.echo("no plugins are installed; gearmesh-meta brings WhatsApp, Messenger and Instagram")
    raise typer.Exit(1 if registry.problems else 0)


def _read(config: Path) -> dict[str, Any]:
    try:
        return read_file(config)
    except ConfigInvalid as error:
        _complain(error)


def _complain(error: ConfigInvalid) -> NoReturn:
    for problem in error.problems:
        typer.echo(f"gearmesh: {problem}", err=True)
    count = len(error.problems)
    typer.echo(f"gearmesh: {count} mistake{'' if count == 1 else 's'} in the configuration", err=True)
    raise typer.Exit(2)
