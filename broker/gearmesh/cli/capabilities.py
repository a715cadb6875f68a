"""`gearmesh capabilities`: what each network shows of what people send, and its limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.table import Table
from rich.text import Text as Line

from gearmesh.cli.letter_view import console
from gearmesh.cli.offline import Network, chosen, networks
from gearmesh.cli.operator import ConfigOption, complain
from gearmesh.cli.sizes import MEASURES, lasting, sized
from gearmesh.cli.visible import visible
from gearmesh.errors import ConfigInvalid
from gearmesh.model.capabilities import FEATURES, Capabilities, Dialect, Level, Limit

App = Annotated[str, typer.Argument(help="Only this app.", show_default=False)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also what is missing, and where it is known from.")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON for each app.")]

COLOURS: Final[dict[Level, str]] = {
    "full": "green",
    "partial": "yellow",
    "fallback": "cyan",
    "dropped": "dim",
    "rejected": "red",
}
LEGEND: Final = (
    "full: as it is; partial: not all of it; fallback: in words, or as something else; "
    "dropped: not at all; rejected: not at all, and the sender is told"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("capabilities")(capabilities)


def capabilities(app: App = "", option: ConfigOption = None, verbose: Verbose = False, as_line: AsJson = False) -> None:
    """Show what each app's network shows, without connecting. Without a configuration: all that are installed."""
    try:
        there = networks(option)
        found = (chosen(app, there),) if app else there.found
    except ConfigInvalid as error:
        for problem in error.problems:
            complain(problem)
        raise typer.Exit(2) from None
    for problem in there.problems:
        complain(problem)
    if as_line:
        for network in found:
            typer.echo(json.dumps(as_fields(network), ensure_ascii=False))
    elif found:
        _print(found, verbose)
    raise typer.Exit(1 if there.problems or not found else 0)


def as_fields(network: Network) -> dict[str, Any]:
    """A network for programs: every feature with its level, and the limits as they stand in its capabilities."""
    can = network.capabilities
    features = {feature: msgspec.to_builtins(can.support(feature)) for feature in FEATURES}
    limits = {name: value for name, value in msgspec.to_builtins(can).items() if name not in {"features", "media"}}
    return {"app": network.name, "network": network.title, "features": features, "limits": limits}


def _print(found: Sequence[Network], verbose: bool) -> None:
    out = console()
    out.print(_matrix(found))
    out.print(Line(f"\n{LEGEND}\n", style="dim"))
    out.print(_limits(found))
    if verbose or len(found) == 1:
        for network in found:
            out.print(Line(f"\n{network.name}", style="bold"))
            out.print(_notes(network.capabilities, sources=verbose))


def _matrix(found: Sequence[Network]) -> Table:
    table = _table("feature", *(network.name for network in found))
    for feature in FEATURES:
        levels = [network.capabilities.level(feature) for network in found]
        table.add_row(feature.replace("_", " "), *(Line(level, style=COLOURS[level]) for level in levels))
    return table


def _limits(found: Sequence[Network]) -> Table:
    table = _table("limit", *(network.name for network in found))
    for name, said in LIMITS.items():
        cells = [said(network.capabilities) for network in found]
        if any(cells):
            table.add_row(name, *(Line(visible(cell)) for cell in cells))
    for kind in sorted({kind for network in found for kind in network.capabilities.files}):
        rules = [network.capabilities.files.get(kind) for network in found]
        cells = [
            "; ".join(
                fact
                for fact in (
                    sized(rule.size),
                    f"{rule.seconds:g} s" if rule.seconds else "",
                    f"{rule.pixels} px" if rule.pixels else "",
                    f"{sized(rule.still_size)} if it does not move" if rule.still_size else "",
                    f"{rule.square} x {rule.square} px" if rule.square else "",
                    ", ".join(rule.mimes) or "any type",
                )
                if fact
            )
            if rule
            else ""
            for rule in rules
        ]
        table.add_row(kind, *(Line(visible(cell)) for cell in cells))
    return table


def _notes(can: Capabilities, *, sources: bool) -> Table:
    table = _table("feature", "level", "note", *(["source"] if sources else []))
    for feature in FEATURES:
        support = can.support(feature)
        if sources or support.note:
            cells = (support.note, support.source) if sources else (support.note,)
            table.add_row(feature.replace("_", " "), support.level, *(Line(visible(cell)) for cell in cells))
    if sources:
        for name, source in _sources(can):
            table.add_row(name, "", "", Line(visible(source)))
    return table


def _sources(can: Capabilities) -> list[tuple[str, str]]:
    rows = [("text limit", can.text.source), ("caption limit", can.caption.source if can.caption else "")]
    rows += [(f"{kind} files", rule.source) for kind, rule in can.files.items()]
    rows += [("marks", can.dialect.source if can.dialect else ""), ("edit window", can.edit.source if can.edit else "")]
    rates = (("pace of the app", can.app_rate), ("pace to a person", can.recipient_rate), ("window", can.window))
    rows += [(name, bound.source if bound else "") for name, bound in rates]
    rows += [("buttons", can.buttons.title.source if can.buttons else "")]
    return [row for row in rows if row[1]]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    return table


def _limit(limit: Limit | None) -> str:
    return f"{limit.value} {MEASURES[limit.unit]}" if limit else ""


def _marks(dialect: Dialect | None) -> str:
    if dialect is None:
        return ""
    pairs = ((dialect.bold, "bold"), (dialect.italic, "italic"), (dialect.strike, "strike"), (dialect.code, "code"))
    shown = [f"{mark}{name}{mark}" for mark, name in pairs if mark]
    shown += [f"{dialect.block}lines of code{dialect.block}"] if dialect.block else []
    begins = ((dialect.quote, "quote"), (dialect.bullet, "item"))
    return "  ".join([*shown, *(f"{mark}{name}" for mark, name in begins if mark)])


def _buttons(can: Capabilities) -> str:
    rule = can.buttons
    return f"{rule.count} of {_limit(rule.title)}, below {_limit(rule.text)}" if rule else ""


def _edits(can: Capabilities) -> str:
    rule = can.edit
    if rule is None:
        return ""
    facts = (f"within {lasting(rule.seconds)}" if rule.seconds else "", f"{rule.times} times" if rule.times else "")
    return ", ".join(fact for fact in facts if fact) or "any time"


def _window(can: Capabilities) -> str:
    window = can.window
    if window is None:
        return ""
    late = f"; marked as late for {lasting(window.late)} more" if window.late else ""
    return f"{lasting(window.seconds)} after the person wrote{late}"


def _pace(can: Capabilities) -> str:
    rate = can.recipient_rate
    if rate is None:
        return ""
    burst = f", or {rate.burst} within {rate.within:g} s on credit" if rate.burst > 1 else ""
    return f"one each {rate.every:g} s{burst}"


LIMITS: Final[dict[str, Callable[[Capabilities], str]]] = {
    "text": lambda can: _limit(can.text),
    "caption": lambda can: _limit(can.caption),
    "marks": lambda can: _marks(can.dialect),
    "buttons": _buttons,
    "edits": _edits,
    "to a person": _pace,
    "of the app": lambda can: f"{1 / can.app_rate.every:g} a second" if can.app_rate else "",
    "written to": _window,
}
"""What bounds a message, in words; "" where nothing does."""
