"""WhatsApp, Messenger and Instagram for Gearmesh, and a sandbox that plays all three."""

from __future__ import annotations

from collections.abc import Iterable

from gearmesh import Bridge, Command, hookimpl


@hookimpl
def gearmesh_bridges() -> Iterable[type[Bridge]]:
    """The three bridges. Imported here, so that the sandbox alone loads none of them."""
    from gearmesh_meta.instagram import Instagram
    from gearmesh_meta.messenger import Messenger
    from gearmesh_meta.whatsapp import WhatsApp

    return (WhatsApp, Messenger, Instagram)


@hookimpl
def gearmesh_commands() -> Iterable[Command]:
    """`gearmesh sandbox` and `gearmesh demo`."""
    from gearmesh_meta.demo import demo
    from gearmesh_meta.sandbox.command import sandbox

    return (Command("sandbox", sandbox), Command("demo", demo))
