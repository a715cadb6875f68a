"""What can be written to NATS at all.

What cannot must not get into a queue: it would be said again after every reconnect, and everything behind it would wait
for ever. nats-py checks next to nothing, and nats-server closes the connection on what is too large.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gearmesh.bus.connection import MESSAGE_OVERHEAD
from gearmesh.errors import Malformed

MAX_LINE: Final = 3_584
"""Characters of subject and reply subject; nats-server takes 4,096 bytes with the verb and the sizes (its
`max_control_line`). The longest subject of ours, that of a leg that waits, has about 2,900."""
MAX_HEADER_CHARS: Final = MESSAGE_OVERHEAD // 5
"""In all values together; with up to 4 bytes each and the names beside them, they stay within what is kept free."""


def check(subject: str, reply: str, payload: bytes, headers: Mapping[str, str] | None, most: int) -> None:
    """Refuse what could not be written. `most` is how many bytes a payload may have.

    Raises:
        Malformed: it could not.
    """
    if (line := len(subject) + len(reply)) > MAX_LINE or not subject.isascii():
        raise Malformed(f"a subject of {line} characters, {subject[:120]!a}; {MAX_LINE} in ASCII are written at most")
    if len(payload) > most:
        raise Malformed(f"{len(payload)} bytes; nats takes at most {most}")
    if not headers:
        return
    if (chars := sum(map(len, headers.values()))) > MAX_HEADER_CHARS:
        raise Malformed(f"headers of {chars} characters; at most {MAX_HEADER_CHARS} are written")
    for name, value in headers.items():
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise Malformed(f"header {name} is not Unicode") from None
