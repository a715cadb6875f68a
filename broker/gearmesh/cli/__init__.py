"""The `gearmesh` command: one file per group of commands."""

from __future__ import annotations

import sys

import typer

from gearmesh import plugins
from gearmesh.cli import capabilities, dead, groups, preview, run, trace
from gearmesh.cli.launch import launch

BUILT_IN = {"run", "check", "plugins", "capabilities", "preview", "dead", "trace", "groups"}


def main() -> None:
    """Run the command line. A plugin's commands are looked for only when no command of ours is meant."""
    app = typer.Typer(
        name="gearmesh",
        help="Joins messengers: people write from the app they have to people on other apps.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # [web] in a help text is a table's name
    )
    app.callback()(_root)
    run.register(app)
    capabilities.register(app)
    preview.register(app)
    dead.register(app)
    trace.register(app)
    groups.register(app)
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    if not words or words[0] not in BUILT_IN:
        registry = plugins.load()
        for command in registry.commands.values():
            app.command(command.name)(command.run)
        for problem in registry.problems:
            typer.echo(f"gearmesh: {problem}", err=True)
    app()


def _root(context: typer.Context) -> None:
    context.obj = launch
