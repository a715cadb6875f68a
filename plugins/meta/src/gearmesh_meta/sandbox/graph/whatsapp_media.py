"""WhatsApp media: upload, look-up, download address, deletion (Meta's WhatsApp media docs, Jan 2026)."""

from __future__ import annotations

from typing import Any

from gearmesh_meta.sandbox import media_rules

from .call import GraphCall
from .errors import bad_parameter, missing_parameter, unknown_object, whatsapp_error
from .world import World


class WhatsAppMedia:
    """The media of the business's number."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def upload(self, call: GraphCall) -> dict[str, Any]:
        """`POST /{phone-number-id}/media`: a multipart form with `messaging_product` and `file`. Kept 30 days."""
        if call.text("messaging_product") != "whatsapp":
            raise bad_parameter("The parameter messaging_product is required.")
        upload = call.files.get("file")
        if upload is None:
            raise missing_parameter("file")
        # The MIME type of the file's own part counts; a bare one says nothing, then the form's `type` does.
        mime = upload.mime
        if mime == "application/octet-stream":
            mime = call.text("type") or mime
        kind = media_rules.whatsapp_kind(mime)
        if media_rules.too_large(kind, media_rules.WHATSAPP[kind], upload.data):
            raise whatsapp_error(131053, "Media upload error", f"The file is too large for {kind} of type {mime}.")
        media = self._world.media.keep("whatsapp", kind, mime, upload.data, name=upload.name)
        return {"id": media.id}

    async def get(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{media-id}`: the address to download from, valid for five minutes."""
        media = self._world.media.get(call.subject)
        if media is None or call.text("phone_number_id") not in (None, self._world.settings.phone_number_id):
            raise unknown_object("get", call.subject)
        return {
            "messaging_product": "whatsapp",
            "url": self._world.media.protected_url(media, call.base, "getMedia"),
            "mime_type": media.mime,
            "sha256": media.sha256,
            "file_size": str(len(media.data)),
            "id": media.id,
        }

    async def delete(self, call: GraphCall) -> dict[str, Any]:
        """`DELETE /{media-id}`."""
        self._world.media.delete(call.subject)
        return {"success": True}
