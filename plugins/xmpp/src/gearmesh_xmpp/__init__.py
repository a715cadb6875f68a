"""XMPP (Jabber) for Gearmesh, as an external component of a server."""

from __future__ import annotations

from collections.abc import Iterable

from gearmesh import Bridge, hookimpl


@hookimpl
def gearmesh_bridges() -> Iterable[type[Bridge]]:
    """The bridge. Imported here, so that slixmpp is loaded only where an app needs it."""
    from gearmesh_xmpp.bridge import Xmpp

    return (Xmpp,)
