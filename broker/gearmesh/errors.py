"""Every error that Gearmesh raises, drawn once.

GearmeshError
├── InvalidAddress          a text that is no address
├── ConfigInvalid           the configuration has mistakes, all of them listed
├── PluginInvalid           a plugin that cannot be used, and why
├── WireError
│   ├── Malformed           bytes that are no envelope, or break a limit
│   │   └── TooLarge        more bytes than an envelope may have
│   └── UnknownVersion      an envelope of a version that this release cannot read
├── BusError
│   ├── BusUnavailable      NATS is away; whoever asked should ask again later
│   │   └── FileDelayed     a file that cannot be had or made now, through no fault of its own
│   ├── BusRefused          NATS answered with an error that trying again does not mend
│   ├── StreamDiffers       a stream or bucket exists with other settings
│   └── EmbeddedServerFailed  our own nats-server does not start
├── DataInUse               another process works on the same data folder
├── ReplayRefused           a dead letter that cannot go back, and why
└── SendFailed              what `Bridge.send` raises; the class says what happens next
    ├── Retry               a passing failure
    ├── RateLimited         too fast for the network, for one recipient or the whole app
    ├── WindowClosed        the network lets us write only after the person has written
    ├── Unauthorized        the token does not work: the app stops until it is mended
    ├── Rejected            the network will never take this message
    └── Unclear             it may have been sent: the answer never came

Errors carry their facts as attributes; the message says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal


class GearmeshError(Exception):
    """The root: catch this to catch everything of ours."""


class InvalidAddress(GearmeshError):
    """A text that is no address of the form `app:user`."""

    def __init__(self, text: str, expected: str = "app:user, for example whatsapp:4915112345678") -> None:
        self.text = text
        self.expected = expected
        super().__init__(f"{text!r} is no address; expected {expected}")


class ConfigInvalid(GearmeshError):
    """The configuration has mistakes. `problems` holds one line for each, with its key and what was expected."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class PluginInvalid(GearmeshError):
    """A plugin that cannot be used. `plugin` is its entry point's name, `reason` why."""

    def __init__(self, plugin: str, reason: str) -> None:
        self.plugin = plugin
        self.reason = reason
        super().__init__(f"plugin {plugin}: {reason}")


class WireError(GearmeshError):
    """Bytes that could not be read as an envelope."""


class Malformed(WireError):
    """Bytes that are no envelope, or that break a limit of the protocol. `reason` says which."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TooLarge(Malformed):
    """An envelope with more bytes than one may have."""


class UnknownVersion(WireError):
    """An envelope of a protocol version that this release cannot read. It is kept as a dead letter."""

    def __init__(self, version: object) -> None:
        self.version = version
        super().__init__(f"envelope version {version!r} is unknown here; a newer Gearmesh may read it")


class BusError(GearmeshError):
    """Something about NATS."""


class BusUnavailable(BusError):
    """NATS is away or does not answer in time. Nothing was lost: whoever asked should ask again later."""


class FileDelayed(BusUnavailable):
    """A file that cannot be had or made now, through no fault of its own: no room on the disk, no process to open it,
    a network that does not give it in time. Whoever waits for one does as when NATS is away: asks again later.

    `reason` says which.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the file cannot be had now: {reason}")


class BusRefused(BusError):
    """NATS answered with an error. `code` is JetStream's `err_code` (0 where it gave none)."""

    def __init__(self, description: str, code: int = 0) -> None:
        self.description = description
        self.code = code
        super().__init__(f"{description} (JetStream error {code})" if code else description)


class StreamDiffers(BusError):
    """A stream or bucket exists with other settings than ours; it is reported, never overwritten."""

    def __init__(self, stream: str, differences: Sequence[str]) -> None:
        self.stream = stream
        self.differences = tuple(differences)
        listed = "; ".join(self.differences)
        super().__init__(
            f"stream {stream} differs from what Gearmesh needs: {listed}. "
            f"Change it with `nats stream edit {stream}`, or use another prefix in [nats]"
        )


class EmbeddedServerFailed(BusError):
    """Our own nats-server does not start. The message ends with its last log lines."""


class DataInUse(GearmeshError):
    """Another process works on the same data folder."""

    def __init__(self, folder: str, pid: str) -> None:
        self.folder = folder
        self.pid = pid
        super().__init__(
            f"{folder} is in use by another gearmesh (pid {pid or 'unknown'}); "
            f"stop it, or choose another folder with --data"
        )


class ReplayRefused(GearmeshError):
    """A dead letter that cannot go back to where it stood; it stays where it is. `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class FileFailed(GearmeshError):
    """A file that cannot go on. The message says why, in words for whoever sent it.

    `kept` is its name in the object store, where it is there and may be linked to; else "".
    """

    kept: str = ""


class FileTooLarge(FileFailed):
    """A file with more bytes than may be passed on. `size` is what it has, at least; `limit` what it may have."""

    def __init__(self, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        super().__init__(f"the file has {size / 1e6:.1f} MB, and {limit / 1e6:.1f} MB are the most")


class FileUnusable(FileFailed):
    """A file that is gone, broken, or cannot be made what its network shows.

    `reason` says which. `size` is set where it could only not be made small enough: the least that it had, in bytes.
    """

    def __init__(self, reason: str, *, size: int = 0) -> None:
        self.reason = reason
        self.size = size
        super().__init__(f"the file cannot be passed on: {reason}")


class SendFailed(GearmeshError):
    """What `Bridge.send` raises. `code` is the network's own name for the failure, such as "131056"."""

    def __init__(self, message: str, *, code: str = "") -> None:
        self.code = code
        super().__init__(f"{message} [{code}]" if code else message)


class Retry(SendFailed):
    """A passing failure: try again, after `after` seconds if the network named a time.

    `perhaps`: the network says that it failed, and may have done it all the same; a sign of that is looked for first.
    """

    def __init__(self, message: str, *, after: float | None = None, code: str = "", perhaps: bool = False) -> None:
        self.after = after
        self.perhaps = perhaps
        super().__init__(message, code=code)


class RateLimited(SendFailed):
    """Too fast for the network. `scope` says for whom: this recipient, or everything of this app."""

    def __init__(
        self,
        message: str,
        *,
        scope: Literal["recipient", "app"],
        after: float | None = None,
        code: str = "",
    ) -> None:
        self.scope = scope
        self.after = after
        super().__init__(message, code=code)


class WindowClosed(SendFailed):
    """The network lets us write to this person only within some time after they have written."""


class Unauthorized(SendFailed):
    """The app's credentials do not work. The app stops until the operator has mended them."""


class Rejected(SendFailed):
    """The network will never take this message."""


class Unclear(SendFailed):
    """The message may have been sent: the connection broke, or the answer did not come in time."""
