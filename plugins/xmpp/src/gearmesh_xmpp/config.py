"""What the bridge is told under `[apps.<name>]`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from gearmesh import Secret

Domain = Annotated[
    str,
    msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?\Z", description="a domain such as bridge.example.org"),
]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535, description="a TCP port")]
Nick = Annotated[str, msgspec.Meta(min_length=1, max_length=60, description="a name of 1 to 60 characters")]
OptionalDomain = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?)?\Z",
        description="a domain such as upload.example.org, or nothing",
    ),
]


Origin = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@]+\Z", description="https://host or http://host:port")]


class XmppConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One component of one server (XEP-0114).

    `component` is the domain that the server gives away, and with it all addresses in it. `secret` is what the
    server's configuration has for it; `host` and `port` are where the server takes components, which should be the
    same machine or a trusted wire: XEP-0114 has no encryption. `nick` is the bridge's own name in rooms. `upload` is
    the server's upload service (XEP-0363); without it, files go as links, or as words. `file_servers` are origins, such
    as `http://127.0.0.1:5280`, from which files that came in are fetched though they are inside the own network; from
    everywhere else they are fetched by https and from public addresses only. `room_jids` is what stands in the JIDs of
    people from elsewhere in rooms, which everybody there may see: nothing about them (`opaque`), or their app and user
    id (`addresses`), which on WhatsApp is their phone number.
    """

    component: Domain
    secret: Secret
    host: str = "127.0.0.1"
    port: Port = 5347
    nick: Nick = "Gearmesh"
    upload: OptionalDomain = ""
    file_servers: tuple[Origin, ...] = ()
    room_jids: Literal["opaque", "addresses"] = "opaque"
