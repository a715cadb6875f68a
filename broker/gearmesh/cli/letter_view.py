"""Dead letters on a terminal: a table of many, one in full, or lines for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text as Line

from gearmesh.bus.letters import Letter
from gearmesh.cli.durations import moment, span
from gearmesh.cli.visible import readable, visible
from gearmesh.errors import WireError
from gearmesh.model.envelope import Header
from gearmesh.wire.body import open_body
from gearmesh.wire.codec import decode

PIPE_WIDTH: Final = 240
"""Columns where no terminal sets a width."""


def console() -> Console:
    """Standard output; into a pipe or a file no line is folded to a width that nobody has."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=max(found.width, PIPE_WIDTH))


def print_table(found: Sequence[Letter], limit: int) -> None:
    """The newest `limit` of the letters, oldest first, and how many there are."""
    shown = found[-limit:]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True)
    for name in ("app", "reason", "age"):
        table.add_column(name, no_wrap=True)
    table.add_column("from → to", overflow="fold")
    table.add_column("detail", overflow="fold")
    now = time.time()
    for letter in shown:
        cells = (letter.id, letter.app, letter.reason, span(now - letter.at / 1000), _whose(letter), letter.detail)
        table.add_row(*(Line(visible(cell).replace("\n", " ")) for cell in cells))
    out = console()
    if shown:
        out.print(table)
    more = f"; the newest {len(shown)} are shown, --limit N shows more" if len(shown) < len(found) else ""
    out.print(Line(f"{len(found)} dead letter{'' if len(found) == 1 else 's'}{more}"))


def as_json(letter: Letter) -> str:
    """A letter as one line of JSON, without its bytes."""
    fields = {
        "id": letter.id,
        "app": letter.app,
        "reason": letter.reason,
        "detail": letter.detail,
        "at": letter.at,
        "seq": letter.seq,
        "size": letter.size,
        "cut_from": letter.cut_from,
        "subject": letter.subject,
        "envelope": _fields(letter.header) if letter.header else None,
    }
    return json.dumps(fields, ensure_ascii=False)


def described(letter: Letter, raw: bytes) -> str:
    """A letter in full: its headers, the envelope's where it is one, and what it says."""
    lines = [f"{letter.id}", f"  app        {letter.app}", f"  kept       {moment(letter.at * 1000)} UTC"]
    lines += [f"  {name:<10} {value}" for name, value in letter.headers.items()]
    lines.append(f"  size       {len(raw)} bytes" + (f", cut from {letter.cut_from}" if letter.cut_from else ""))
    if letter.header is None:
        what = "what stood there, and cannot be read as an envelope" if letter.subject else "what the network sent"
        return visible("\n".join([*lines, "", f"{what}:"])) + "\n" + readable(raw)
    lines += ["", "envelope:", *(f"  {name:<10} {_worded(value)}" for name, value in _fields(letter.header).items())]
    lines += ["", "body:", *_body(letter.header, raw)]
    return visible("\n".join(lines))


def _whose(letter: Letter) -> str:
    if letter.header is None:
        return "" if letter.subject else "(from the network)"
    receivers = [str(address) for address in letter.header.to]
    return f"{letter.header.sender} → {', '.join(receivers) or 'the conversation'}"


def _fields(header: Header) -> dict[str, Any]:
    fields = {
        "id": header.hex_id,
        "kind": header.kind,
        "from": str(header.sender),
        "to": [str(address) for address in header.to],
        "conv": header.conversation,
        "at": header.at,
        "exp": header.expires,
        "hops": list(header.hops),
        "seal": header.seal,
    }
    return fields | {name: repr(value) for name, value in header.extra.items()}


def _worded(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _body(header: Header, raw: bytes) -> list[str]:
    try:
        content = msgspec.to_builtins(open_body(header.seal, decode(raw).body))
    except WireError as error:
        return [f"  it cannot be opened: {error}"]
    return [f"  {line}" for line in json.dumps(content, indent=2, ensure_ascii=False).splitlines()]
