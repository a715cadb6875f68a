"""`python -m gearmesh_meta.sandbox`: the same command without Gearmesh around it."""

from __future__ import annotations

import typer

from .command import sandbox

typer.run(sandbox)
