"""Media the sandbox keeps: what was uploaded, what messages named by link, and what phones sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .clock import Clock
from .identifiers import Identifiers
from .settings import Network

DAY_MS = 86_400_000
#: Bytes of media kept in memory; beyond them the oldest files are forgotten.
CAPACITY = 536_870_912


@dataclass(frozen=True, slots=True)
class Media:
    """One file; `type` is image, video, gif, audio, voice, file, document or sticker, `expires` ms since the epoch."""

    id: str
    network: Network
    type: str
    mime: str
    data: bytes
    name: str | None
    expires: int

    @property
    def sha256(self) -> str:
        """Base64, as in webhooks."""
        return base64.b64encode(hashlib.sha256(self.data).digest()).decode()

    @property
    def animated(self) -> bool:
        """Whether a sticker moves: a WebP file says so in a chunk near its beginning."""
        return b"ANIM" in self.data[:64]

    def view(self) -> dict[str, Any]:
        """The file in the control API's JSON; its address there needs no token."""
        return {
            "type": self.type,
            "url": f"/sandbox/media/{self.id}",
            "mime": self.mime,
            "name": self.name,
            "size": len(self.data),
        }


class MediaStore:
    """Media by id, and the signed addresses that lead to them."""

    def __init__(self, clock: Clock, identifiers: Identifiers, secret: str, url_lifetime: float) -> None:
        self._clock = clock
        self._identifiers = identifiers
        self._secret = secret.encode()
        self._url_lifetime = url_lifetime
        self._media: OrderedDict[str, Media] = OrderedDict()
        self._size = 0

    def keep(
        self,
        network: Network,
        kind: str,
        mime: str,
        data: bytes,
        *,
        name: str | None = None,
        days: float = 30,
    ) -> Media:
        """Keep a file for `days`: Meta keeps uploads 30, media ids of webhooks 7, attachment ids 90 days."""
        expires = self._clock.now_ms() + int(days * DAY_MS)
        media = Media(self._identifiers.number(), network, kind, mime, data, name, expires)
        self._media[media.id] = media
        self._size += len(data)
        while self._size > CAPACITY and len(self._media) > 1:
            self.delete(next(iter(self._media)))
        return media

    def get(self, media_id: str) -> Media | None:
        """The file while its id is valid."""
        media = self._media.get(media_id)
        if media is not None and media.expires < self._clock.now_ms():
            self.delete(media_id)
            return None
        return media

    def delete(self, media_id: str) -> None:
        """Forget a file."""
        media = self._media.pop(media_id, None)
        if media is not None:
            self._size -= len(media.data)

    def clear(self) -> None:
        """Forget every file."""
        self._media.clear()
        self._size = 0

    def protected_url(self, media: Media, base: str, source: str) -> str:
        """WhatsApp's kind of address: short-lived, answered only to a request with the token."""
        expiry = self._clock.now_ms() // 1000 + int(self._url_lifetime)
        proof = self._proof(media.id, str(expiry))
        return f"{base}/whatsapp_business/attachments/?mid={media.id}&source={source}&ext={expiry}&hash={proof}"

    def open_url(self, media: Media, base: str) -> str:
        """Messenger's and Instagram's kind of address: whoever knows it may fetch it."""
        return f"{base}/ig_messaging_cdn/?asset_id={media.id}&signature={quote(self._proof(media.id, ''))}"

    def from_protected(self, media_id: str, expiry: str, proof: str) -> Media | None:
        """The file behind `protected_url`, unless the address is forged or over."""
        if not hmac.compare_digest(proof, self._proof(media_id, expiry)):
            return None
        return self.get(media_id) if int(expiry) * 1000 >= self._clock.now_ms() else None

    def from_open(self, media_id: str, proof: str) -> Media | None:
        """The file behind `open_url`, unless the address is forged."""
        return self.get(media_id) if hmac.compare_digest(proof, self._proof(media_id, "")) else None

    def _proof(self, media_id: str, expiry: str) -> str:
        return hmac.digest(self._secret, f"{media_id}:{expiry}".encode(), "sha256").hex()[:40]
