"""`gearmesh preview`: what would arrive at a network, and what of it would be lost. Nothing is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.text import Text as Line

from gearmesh.cli.file_kind import BEGINNING, kind_of
from gearmesh.cli.letter_view import console
from gearmesh.cli.offline import Network, chosen, networks
from gearmesh.cli.operator import ConfigOption, complain
from gearmesh.cli.sizes import MEASURES, sized
from gearmesh.cli.visible import visible
from gearmesh.core.degrade import Fitting, Part, features_of, fit
from gearmesh.errors import ConfigInvalid, Rejected
from gearmesh.model.content import Content, Media, MediaRef, Sender, Text, replaced, words_of

App = Annotated[str, typer.Argument(help="The app, or without a configuration the network.")]
What = Annotated[str, typer.Argument(help="A text, or a file.", metavar="FILE-OR-TEXT")]
Markup = Annotated[bool, typer.Option("--markup", "-m", help="The text is CommonMark, such as **bold**.")]
Body = Annotated[bool, typer.Option("--body", "-b", help="The text, or the file, is a body as JSON: any kind.")]
From = Annotated[str, typer.Option("--from", help="The sender's name.")]

FILE_NAME: Final = re.compile(r"[^\s@]+\.[A-Za-z0-9]{2,5}|[./~][^\s]*/[^\s]*")
"""What somebody who types it means as a file."""
PLACE: Final = "preview"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("preview")(preview)


def preview(
    app: App,
    what: What,
    option: ConfigOption = None,
    markup: Markup = False,
    body: Body = False,
    name: From = "Ada",
) -> None:
    """Show what would arrive at an app's network, part by part, and what would be lost, without sending anything."""
    try:
        network = chosen(app, networks(option))
        content = _content(what, markup, body)
    except ConfigInvalid as error:
        for problem in error.problems:
            complain(problem)
        raise typer.Exit(2) from None
    except (OSError, msgspec.ValidationError, ValueError) as error:
        complain(f"this cannot be previewed: {error}")
        raise typer.Exit(2) from None
    if not content.sender.name:
        content = replaced(content, sender=Sender(name))
    link = f"{network.public_url}/media/…" if network.public_url else ""
    fitting = Fitting(network.capabilities, network.attribute, link, is_there=True)
    try:
        parts = fit(content, fitting)
    except Rejected as error:
        complain(f"{network.title} does not take this, and its sender would be told: {error}")
        raise typer.Exit(1) from None
    _print(network, content, parts)


def _content(what: str, markup: bool, body: bool) -> Content:
    path = Path(what)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError:  # no file can have such a name
        is_file = is_folder = False
    if body:
        raw = path.read_bytes() if is_file else what.encode()
        content: Content = msgspec.json.decode(raw, type=Content)
        return content
    if not is_file:
        if is_folder or FILE_NAME.fullmatch(what):
            complain(
                f"{what}: there is no such file; for words that look like a file's name add a space or a full stop"
            )
            raise typer.Exit(2)
        return Text(what, markup=markup)
    with path.open("rb") as file:
        kind, mime = kind_of(file.read(BEGINNING))
    return Media(kind, MediaRef(PLACE, path.name, mime, path.stat().st_size, name=path.name))


def _print(network: Network, content: Content, parts: tuple[Part, ...]) -> None:
    out = console()
    count = f"{len(parts)} message{'' if len(parts) == 1 else 's'}" if parts else "nothing"
    out.print(Line(f"{network.title} ({network.name}) gets {count}", style="bold"))
    for number, part in enumerate(parts, 1):
        out.print(Line(f"\n{number}. {_described(part, network)}", style="cyan"))
        if shown := words_of(part) if isinstance(part, Text | Media) else json.dumps(msgspec.to_builtins(part)):
            out.print(Line("\n".join(f"   {line}" for line in visible(shown).split("\n"))))
    lost = _lost(network, content)
    out.print(Line("\nnot as it was sent:" if lost else "\nall of it arrives as it was sent", style="bold"))
    for line in lost:
        out.print(Line(f"   {visible(line)}"))


def _described(part: Part, network: Network) -> str:
    can = network.capabilities
    match part:
        case Text(text=text):
            buttons = f", with {len(part.buttons)} buttons" if part.buttons else ""
            return f"text, {can.text.measure(text)} of {can.text.value} {MEASURES[can.text.unit]}{buttons}"
        case Media(media=kind, ref=ref):
            facts = (kind, visible(ref.name), ref.mime, sized(ref.size) if ref.size else "")
            return ", ".join(fact for fact in facts if fact)
        case _:
            return type(part).__name__.lower()


def _lost(network: Network, content: Content) -> list[str]:
    can = network.capabilities
    lines: list[str] = []
    for feature in features_of(content):
        support = can.support(feature)
        if support.level != "full":
            note = f": {support.note}" if support.note else ""
            lines.append(f"{feature.replace('_', ' ')}: {support.level}{note}")
    if isinstance(content, Media):
        lines += _about_file(network, content)
    return lines


def _about_file(network: Network, media: Media) -> list[str]:
    if not network.public_url:
        return ["without [web] public_url files go in words"]
    rule, ref = network.capabilities.files.get(media.media), media.ref
    if rule is None:
        return []
    lines: list[str] = []
    if rule.mimes and ref.mime and ref.mime not in rule.mimes:
        lines.append(f"{ref.mime} is not taken; it must become {rule.mimes[0]}")
    if ref.size > rule.size:
        lines.append(f"{sized(ref.size)} is more than the {sized(rule.size)} that are taken; it must become smaller")
    return lines
