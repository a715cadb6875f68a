"""The shipped example configuration, with a test's own ports in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

EXAMPLE: Final = Path(__file__).parents[2] / "deploy" / "examples" / "sandbox.toml"


def example(*, graph_url: str, port: int, more: str = "", public: bool = True) -> str:
    """`deploy/examples/sandbox.toml` for a sandbox at `graph_url` and a daemon on `port`.

    `more` is TOML to add; without `public` the daemon has no address that networks can reach.
    """
    text = EXAMPLE.read_text(encoding="utf-8")
    text = text.replace('name = "main"', 'name = "main"\nlog = "json"\ndrain = 5.0', 1)
    text = re.sub(r"(?m)^port = 8080$", f"port = {port}", text)
    address = f'public_url = "http://127.0.0.1:{port}"' if public else 'public_url = ""'
    text = re.sub(r'(?m)^public_url = ".*"$', address, text)
    return text.replace("http://127.0.0.1:8090", graph_url) + more


def tables(*, graph_url: str, port: int, more: str = "", public: bool = True) -> dict[str, Any]:
    """The same as tables."""
    return tomllib.loads(example(graph_url=graph_url, port=port, more=more, public=public))
