"""Links under which a network can fetch a file: signed, expiring, and saying nothing to anybody else."""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

import msgspec

from gearmesh.errors import Rejected
from gearmesh.model.content import MediaRef

LIVES: Final = 7 * 24 * 3600
"""Seconds. Networks fetch at once; people who get a link in a text follow it days later. As long as the logs keep."""
TAG_BYTES: Final = 16


LONGEST_NAME: Final = 80
"""Characters of a file's name that go into its link."""


def file_name(name: str) -> str:
    """What a file may be called where somebody stores it: no path, nothing that is not printed, not too long. The end
    stays, which says what it is."""
    last = "".join(char for char in name.replace("\\", "/").rpartition("/")[2] if char.isprintable()).strip(" .")
    return last[-LONGEST_NAME:].lstrip(" .")


class MediaLinks:
    """Makes and reads links `<public_url>/media/<token>`, with `/<name>` behind them where the file has a name.

    Some networks call a file what its link ends with. Only the token counts.
    """

    def __init__(self, key: bytes, public_url: str) -> None:
        self._key = blake2b(b"media links", key=key).digest()
        self._public_url = public_url.rstrip("/")

    @property
    def has_address(self) -> bool:
        """Whether anybody could follow a link."""
        return bool(self._public_url)

    def link(self, ref: MediaRef, now: float) -> str:
        """A link to a file; "" when no public URL is configured."""
        if not self._public_url:
            return ""
        body = msgspec.msgpack.encode((int(now) + LIVES, ref))
        token = base64.urlsafe_b64encode(self._tag(body) + body).decode().rstrip("=")
        name = quote(file_name(ref.name), safe="")
        return f"{self._public_url}/media/{token}/{name}" if name else f"{self._public_url}/media/{token}"

    def read(self, token: str, now: float) -> MediaRef:
        """The file that a link's token names.

        Raises:
            Rejected: forged, or expired.
        """
        try:
            data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            data = b""
        tag, body = data[:TAG_BYTES], data[TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(body)):
            raise Rejected("no such file")
        expires, ref = msgspec.msgpack.decode(body, type=tuple[int, MediaRef])
        if expires < now:
            raise Rejected("this link has expired")
        return ref

    def _tag(self, body: bytes) -> bytes:
        return blake2b(body, digest_size=TAG_BYTES, key=self._key).digest()
