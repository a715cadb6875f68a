"""What is sent to `a_user` as the host would send it: fitted to what the bridge claims, part by part."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence

import msgspec

from gearmesh.bridge import SupportsGhosts
from gearmesh.core.degrade import Fitting, Quoted, fit
from gearmesh.errors import SendFailed
from gearmesh.host.carrying import carry
from gearmesh.model.content import Content, Edit, Media, MediaKind, MediaRef, Reaction, Redaction, Text, words_of
from gearmesh.model.delivery import Delivery, Outgoing, Sent
from gearmesh.testing.contract.harness import SENDER, Harness
from gearmesh.testing.contract.rule import Broken, must
from gearmesh.testing.contract.samples import PICTURES, PNG
from gearmesh.testing.shown import Shown


class Carried(msgspec.Struct, frozen=True):
    """One part that the bridge was given, and the native ids of what became of it."""

    part: Outgoing
    native_ids: tuple[str, ...]


class Sending(Harness):
    """Ways to send."""

    async def carry(
        self,
        content: Content,
        *,
        about: Sequence[str] = (),
        quoted: Quoted | None = None,
        in_words: bool = False,
        allowed: tuple[type[Exception], ...] = (),
    ) -> list[Carried]:
        """Send a content to `a_user`. `about` has the native ids of the message that it answers or is about.

        Raises:
            Broken: the bridge raises, or names no ids of a message.
        """
        ghost = await self._under_name()
        link = self.context.media_link(content.ref) if isinstance(content, Media) else ""
        fitting = Fitting(self.claimed, not ghost, link, quoted, bool(about), in_words)
        parts = fit(content, fitting)
        must(bool(parts), f"with these capabilities nothing is sent of {content!r}")
        self._sent += 1
        name = f"{self._sent:032x}:{self.app}"
        carried = []
        for number, part in enumerate(parts):
            is_about = isinstance(part, Reaction | Edit | Redaction)
            quotes = number == 0 and bool(about) and not is_about and self.claimed.shows("reply")
            delivery = Delivery(
                f"{name}:{number}",
                self.thread,
                self.a_user,
                part,
                SENDER,
                about[0] if quotes else "",
                ghost,
                target=tuple(about) if is_about else (),
            )
            what = f"{_method(part)}() with {type(part).__name__}"
            sent: object = await self.ask(what, carry(self.bridge, delivery), allowed=allowed)
            if not isinstance(sent, Sent) or not (sent.native_ids or is_about):
                raise Broken(f"{what} returned {sent!r}; expected Sent with at least one native id")
            carried.append(Carried(part, sent.native_ids))
        return carried

    def offered(self, kind: MediaKind) -> MediaRef:
        """A file from elsewhere, as the bridge gets it: turned into the first type that capabilities name for it."""
        mime, name = PICTURES[kind]
        taken = self.claimed.files.get(kind)
        if taken is not None and taken.mimes and mime not in taken.mimes:
            mime, name = taken.mimes[0], name.partition(".")[0] + (mimetypes.guess_extension(taken.mimes[0]) or "")
        return self.context.offer(PNG, mime=mime, name=name)

    async def said(self, text: str) -> tuple[str, ...]:
        """Send words, and return their native ids."""
        carried = await self.carry(Text(text, SENDER))
        return tuple(native_id for one in carried for native_id in one.native_ids)

    async def arrives(self, carried: Sequence[Carried]) -> str:
        """All words that `a_user` sees of these parts.

        Raises:
            Broken: a part is not shown, or a text not as it was given.
        """
        read = []
        for one in carried:
            shown = await self.appears(*one.native_ids)
            texts = [message.text for message in shown if message.text]
            due = words_of(one.part) if isinstance(one.part, Text | Media) else ""
            # What stands beside a file may come as a message of its own.
            must(not due or due in texts, f"the bridge was given {due!r}, and shown is {texts!r}")
            read += texts
        return "\n".join(read)

    async def looks(self, *native_ids: str) -> list[Shown]:
        """What `a_user` sees of these messages, with all that the network shows of them."""
        await self.appears(*native_ids)
        seen = [await self.user_sees(native_id) for native_id in native_ids]
        must(None not in seen, f"nothing is seen of {native_ids}, which are among what is shown")
        return [message for message in seen if message is not None]

    async def _under_name(self) -> str:
        if not isinstance(self.bridge, SupportsGhosts):
            return ""
        try:
            return await self.ask("ghost()", self.bridge.ghost(self.thread, SENDER), allowed=(SendFailed,))
        except SendFailed:
            return ""


def _method(part: Outgoing) -> str:
    match part:
        case Reaction():
            return "react"
        case Edit():
            return "edit"
        case Redaction():
            return "redact"
        case _:
            return "send"
