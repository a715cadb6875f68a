"""Files in Messenger and Instagram messages: by link, by attachment id, or in the form itself."""

from __future__ import annotations

from typing import Any, Final

from gearmesh_meta.sandbox import media_rules
from gearmesh_meta.sandbox.link_fetcher import LinkFailed
from gearmesh_meta.sandbox.media import Media
from gearmesh_meta.sandbox.settings import Network

from .call import GraphCall
from .errors import bad_parameter
from .page_content import Piece, read_attachment
from .world import World

#: Days that an attachment id can be used (Messenger Platform docs, mid-2026).
ATTACHMENT_DAYS: Final = 90
_RULES: Final = {"messenger": media_rules.MESSENGER, "instagram": media_rules.INSTAGRAM}


class Attachments:
    """The account's attachments."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def upload(self, call: GraphCall) -> dict[str, Any]:
        """`POST /{page-id or instagram-id}/message_attachments`: keep a file for later sends."""
        on_instagram = call.subject == self._world.settings.instagram_id or call.text("platform") == "instagram"
        network: Network = "instagram" if on_instagram else "messenger"
        message = call.object("message")
        if message is None:
            raise bad_parameter("Param message must be non-empty.")
        piece = read_attachment(network, message.get("attachment"))
        media = await self.obtain(call, network, piece)
        if media is None:
            raise bad_parameter("Only image, audio, video and file can be uploaded.", 2018047)
        return {"attachment_id": media.id}

    async def obtain(self, call: GraphCall, network: Network, piece: Piece) -> Media | None:
        """The file of a piece, checked; None when it has none or its link is believed. Raises GraphError."""
        if not piece.is_file:
            return None
        if piece.attachment_id is not None:
            media = self._world.media.get(piece.attachment_id)
            if media is None or media.network != network:
                raise bad_parameter("Invalid attachment id, or it belongs to another account.", 2018074)
            return media
        rule = _RULES[network][piece.type]
        if piece.url is not None:
            if not self._world.settings.fetch_links:
                return None
            try:
                fetched = await self._world.links.fetch(piece.url, rule.limit)
            except LinkFailed as failed:
                raise bad_parameter(f"Failed to fetch the file from the url: {failed.reason}", 2018008) from failed
            mime, data, name = (
                fetched.mime,
                fetched.data,
                piece.url.partition("?")[0].rpartition("/")[2] or None,
            )
        elif (upload := call.files.get("filedata")) is not None:
            mime, data, name = upload.mime, upload.data, upload.name
        else:
            raise bad_parameter("An attachment needs url, attachment_id or filedata.")
        if not rule.takes(mime):
            raise bad_parameter(f"Upload attachment failure: {mime} is not taken as {piece.type}.", 2018047)
        if len(data) > rule.limit:
            raise bad_parameter(f"Attachment size exceeds the limit of {rule.limit} bytes.", 2018109)
        return self._world.media.keep(network, piece.type, mime, data, name=name, days=ATTACHMENT_DAYS)
