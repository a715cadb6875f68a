"""IRC for Gearmesh: channels and direct messages of one account on one network."""

from __future__ import annotations

from collections.abc import Iterable

from gearmesh import Bridge, hookimpl


@hookimpl
def gearmesh_bridges() -> Iterable[type[Bridge]]:
    """The bridge, imported when it is asked for."""
    from gearmesh_irc.bridge import Irc

    return (Irc,)
