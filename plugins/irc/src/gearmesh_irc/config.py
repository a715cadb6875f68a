"""What the bridge is told under `[apps.<name>]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from gearmesh import Secret

Nick = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]{0,63}\Z",
        description="a nickname of letters, digits and []\\`_^{|}-, which begins with none of digit and dash",
    ),
]
User = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,10}\Z", description="1 to 10 letters, digits, dots and dashes")
]
OneLine = Annotated[str, msgspec.Meta(pattern=r"^[^\r\n\0]{0,200}\Z", description="one line of 200 characters at most")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535, description="a TCP port")]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600, description="seconds, above 0")]
Burst = Annotated[int, msgspec.Meta(ge=1, le=1000, description="a number of lines from 1 to 1000")]

_CHANNEL_KEY: Final = re.compile(r"[^\s\x00-\x20\x7f,]{1,50}")


class IrcConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account on one server or bouncer.

    `password` is the server's or the bouncer's (`PASS`). With `account` and `account_password` the account is logged
    in to by SASL PLAIN, with `certificate` (and `key`, where it stands in a file of its own) by SASL EXTERNAL.
    `authorities` is a file with the certificates that sign the server's, where the system's do not. `keys` has the keys
    of channels that want one, by the channels' names.

    `burst` lines go at once, and one each `every` seconds after that. `quiet` is after how many seconds without a sign
    of life the server is asked for one; as many later the connection counts as lost. `rejoin` is how many seconds after
    a kick the channel is entered again, `regain` how often a nickname that somebody else has is asked for.
    """

    host: str
    nick: Nick
    port: Port | None = None
    tls: bool = True
    authorities: str = ""
    certificate: str = ""
    key: str = ""
    password: Secret | None = None
    account: OneLine = ""
    account_password: Secret | None = None
    user: User = "gearmesh"
    real_name: OneLine = "Gearmesh"
    keys: Mapping[str, Secret] = {}
    burst: Burst = 5
    every: Seconds = 2.0
    quiet: Seconds = 30.0
    rejoin: Seconds = 5.0
    regain: Seconds = 30.0

    def __post_init__(self) -> None:
        if bool(self.account) != (self.account_password is not None):
            raise ValueError("`account` and `account_password` belong together")
        if self.key and not self.certificate:
            raise ValueError("`key` is that of a `certificate`, and there is none")
        if self.certificate and not self.tls:
            raise ValueError("a `certificate` is shown to the server by TLS only: set `tls = true`")
        for channel, key in self.keys.items():
            if not _CHANNEL_KEY.fullmatch(key.reveal()):
                raise ValueError(
                    f"the key of {channel} is none: it has 1 to 50 characters, no white space and no comma"
                )

    @property
    def at_port(self) -> int:
        """The port, or the usual one: 6697 with TLS (RFC 7194), 6667 without."""
        return self.port or (6697 if self.tls else 6667)
