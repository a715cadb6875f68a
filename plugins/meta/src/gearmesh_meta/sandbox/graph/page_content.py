"""What a Messenger or Instagram send says in `message` (Messenger Platform and Instagram messaging docs, mid-2026)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from gearmesh_meta.sandbox.settings import Network
from gearmesh_meta.sandbox.things import Button, Goods

from .errors import GraphError, bad_parameter
from .page_taps import read_quick_replies, read_template

MESSENGER_TEXT_LIMIT: Final = 2000
INSTAGRAM_TEXT_BYTES: Final = 1000
METADATA_LIMIT: Final = 1000
_LIKE: Final = {369239263222822, 369239343222814, 369239383222810}
_FILE_TYPES: Final = ("image", "audio", "video", "file")


@dataclass(frozen=True, slots=True)
class Piece:
    """One bubble. A file comes by `url`, by `attachment_id`, or, with neither, as the form's `filedata`."""

    type: str
    text: str = ""
    url: str | None = None
    attachment_id: str | None = None
    reusable: bool = False
    goods: tuple[Goods, ...] = ()
    buttons: tuple[Button, ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether there is something to fetch or look up."""
        return self.type in _FILE_TYPES


def read_pieces(network: Network, message: dict[str, Any]) -> list[Piece]:
    """The bubbles of a message; only Instagram's list of images makes more than one. Raises GraphError."""
    try:
        return _read_pieces(network, message)
    except (AttributeError, TypeError, ValueError) as error:
        # A list where an object belongs, or the like, somewhere deep in the message.
        raise bad_parameter("Param message does not have the form it should have.") from error


def _read_pieces(network: Network, message: dict[str, Any]) -> list[Piece]:
    text = message.get("text")
    attachments: Any = message.get("attachments") or message.get("attachment")
    sticker = message.get("sticker_id")
    if sum(1 for thing in (text, attachments, sticker) if thing) != 1:
        raise bad_parameter("A message has exactly one of text, attachment and sticker_id.")
    replies = read_quick_replies(network, message.get("quick_replies"))
    if text:
        return [Piece("text", _checked_text(network, text), buttons=replies)]
    if sticker:
        return [Piece("sticker", "👍" if int(sticker) in _LIKE else f"[sticker {sticker}]")]
    if isinstance(attachments, dict):
        attachments = [attachments]
    if len(attachments) > 10:
        raise bad_parameter("attachments is a list of at most 10 images.", 2534015)
    pieces = [read_attachment(network, attachment) for attachment in attachments]
    # They stand below everything.
    return [*pieces[:-1], replace(pieces[-1], buttons=pieces[-1].buttons + replies)]


def read_attachment(network: Network, attachment: Any) -> Piece:
    """One attachment: a file, a template, or one of Instagram's own types. Raises GraphError."""
    if not isinstance(attachment, dict) or not attachment.get("type"):
        raise bad_parameter("Param message[attachment][type] must be non-empty.")
    kind = str(attachment["type"])
    payload = attachment.get("payload") or {}
    if not isinstance(payload, dict):
        raise bad_parameter("Param message[attachment][payload] must be an object.")
    if kind.lower() in _FILE_TYPES:
        attachment_id = payload.get("attachment_id")
        return Piece(
            kind.lower(),
            url=payload.get("url"),
            attachment_id=str(attachment_id) if attachment_id else None,
            reusable=payload.get("is_reusable") in (True, "true"),
        )
    if kind == "template":
        template = read_template(network, payload)
        return Piece("template", template.text, goods=template.goods, buttons=template.buttons)
    if network == "instagram" and kind == "like_heart":
        return Piece("like_heart", "❤️")
    if network == "instagram" and kind == "MEDIA_SHARE" and payload.get("id"):
        return Piece("media_share", f"[post {payload['id']}]")
    raise bad_parameter(f"Attachment type {kind} is not supported.", 2534015 if network == "instagram" else None)


def _checked_text(network: Network, text: Any) -> str:
    if not isinstance(text, str):
        raise bad_parameter("Param message[text] must be a string.")
    if network == "instagram":
        if len(text.encode()) > INSTAGRAM_TEXT_BYTES:
            raise bad_parameter(f"Length of param message[text] must be less than or equal to {INSTAGRAM_TEXT_BYTES}")
    elif len(text) > MESSENGER_TEXT_LIMIT:
        raise bad_parameter(f"Length of param message[text] must be less than or equal to {MESSENGER_TEXT_LIMIT}")
    return text


def read_metadata(message: dict[str, Any]) -> str | None:
    """What the echo gives back to the sender. Raises GraphError."""
    metadata = message.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, str) or len(metadata) > METADATA_LIMIT:
        raise bad_parameter(f"Param message[metadata] must be a string of at most {METADATA_LIMIT} characters.")
    return metadata


def both_message_and_action() -> GraphError:
    """A send does one thing."""
    return bad_parameter("The message and sender_action parameters must not be combined.", 2018014)
