"""From content to the parts that a thread shows."""

from __future__ import annotations

from typing import Any, Final, cast

from msgspec.structs import replace

from gearmesh.core.degrade.fitting import Fitting, Part
from gearmesh.core.degrade.framed import (
    is_passed_as_forwarded,
    is_shown,
    is_wanted,
    lines_before,
    texts,
    who_wrote,
    within,
)
from gearmesh.core.degrade.lines import kind_line, numbered
from gearmesh.core.degrade.table import TABLE, Said, feature_of
from gearmesh.core.markup import cut
from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import Content, Edit, Media, MediaKind, Sender, Text

CAPTIONED: Final = frozenset({"image", "video", "file"})
"""Files that carry words on the networks where files carry any."""
STAND_INS: Final[dict[MediaKind, tuple[MediaKind, ...]]] = {
    "sticker": ("image",),
    "gif": ("image", "video"),  # many a GIF is a video by now: then the other way round
    "voice": ("audio",),
}
"""As what else a file is still seen or heard, the better ones first."""


def fit(content: Content, fitting: Fitting) -> tuple[Part, ...]:
    """The parts to send, none for what is dropped. Receipts and typing marks have none: they are shown, not sent.

    The first part answers what the content answers. Words in parts are in the thread's dialect: `markup` is false.

    Raises:
        Rejected: the thread takes nothing of this kind, and whoever sent it is to be told.
    """
    if type(content) is Text and not (content.markup or content.reply_to or content.forwarded or content.buttons):
        can = fitting.capabilities
        if can.shows("text"):  # nearly all content: nothing but words
            before = who_wrote(content, fitting)
            pieces = cut(content.text, False, can.dialect, can.text, before)
            if len(pieces) == 1:
                return (Text(pieces[0], content.sender),)
            return tuple([Text(piece, content.sender) for piece in pieces])
    row = TABLE[type(content)]
    if row.words is None or not is_wanted(feature_of(content), fitting):
        return ()
    match content:
        case Text():
            return _text(content, fitting)
        case Media():
            return _media(content, fitting)
        case Edit() if is_shown(content, fitting) and fitting.is_there and (edit := _edit(content, fitting)):
            return (edit,)
        case _:
            pass
    if row.shown and is_shown(content, fitting) and (row.shown == "alone" or fitting.is_there):
        return _as_it_is(cast("Part", content), fitting) if row.shown == "alone" else (cast("Part", content),)
    return texts(row.words(content, fitting), content, fitting)


def _as_it_is(content: Part, fitting: Fitting) -> tuple[Part, ...]:
    """A message as it is, behind the lines before it if there are any: it claims nothing that is said there."""
    lines = texts(Said(""), content, fitting)
    changes: dict[str, Any] = {"reply_to": ""} if lines else {}
    if getattr(content, "forwarded", False):
        changes["forwarded"] = is_passed_as_forwarded(content, fitting)
    return (*lines, replace(content, **changes))


def _text(content: Text, fitting: Fitting) -> tuple[Part, ...]:
    if not content.buttons or not is_wanted("buttons", fitting):
        return texts(Said(content.text, content.markup), content, fitting)
    if fitting.capabilities.shows("buttons") and not fitting.in_words:
        parts = texts(Said(content.text, content.markup), content, fitting)
        if len(parts) == 1 and _takes_buttons(fitting.capabilities, parts[0].text, content.buttons):
            return (replace(parts[0], buttons=content.buttons),)
    return texts(Said(content.text, content.markup, after=numbered(content.buttons)), content, fitting)


def _takes_buttons(can: Capabilities, text: str, buttons: tuple[str, ...]) -> bool:
    rule = can.buttons
    return rule is None or (
        len(buttons) <= rule.count
        and rule.text.measure(text) <= rule.text.value
        and all(rule.title.measure(title) <= rule.title.value for title in buttons)
    )


def _media(content: Media, fitting: Fitting) -> tuple[Part, ...]:
    """A file, with its words as its caption or before it; else all of it in words.

    What was sent to be seen once is passed on where that cannot be kept, too, with a line that says so: to withhold it
    would lose the message, and nobody can be kept from looking twice at what they have seen. An operator who wants it
    otherwise has a network that says `rejected`.
    """
    can = fitting.capabilities
    can_go = (fitting.link or fitting.has_file) and not fitting.in_words
    shown = _shown_as(content, can) if can_go else None
    once = content.view_once and is_wanted("view_once", fitting)
    if shown is None:
        words = TABLE[Media].words
        assert words is not None
        return texts(words(replace(content, view_once=once), fitting), content, fitting)
    kept = once and can.shows("view_once")
    file = replace(
        content,
        media=shown,
        caption="",
        markup=False,
        view_once=kept,
        forwarded=is_passed_as_forwarded(content, fitting),
    )
    is_another = shown != content.media or (once and not kept)
    said = Said(content.caption, content.markup, kind_line(content.media, once) if is_another else "")
    if can.caption is not None and shown in CAPTIONED:
        captions = within(can.caption, said, lines_before(content, fitting), fitting)
        if len(captions) <= 1:
            return (replace(file, caption="".join(captions)),)
    before = texts(said, content, fitting)
    return (*before, replace(file, reply_to="") if before else file)


def _shown_as(content: Media, can: Capabilities) -> MediaKind | None:
    if can.shows(content.media):
        return content.media
    others = STAND_INS.get(content.media, ())
    if content.ref.mime.startswith("video/"):
        others = others[::-1]
    return next((other for other in others if can.shows(other)), None)


def _edit(content: Edit, fitting: Fitting) -> Edit | None:
    """The change as the network itself makes it; None where what it says now would need several messages."""
    new = content.content if content.content.sender != Sender() else replace(content.content, sender=content.sender)
    # What `fitting` knows is the message that is changed, not one that this one answers.
    parts = fit(new, replace(fitting, quoted=None))
    if len(parts) != 1 or not isinstance(parts[0], Text | Media):
        return None
    return replace(content, content=parts[0])
