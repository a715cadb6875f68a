"""What a leg looks like on its network: who is shown to have written it, what it points to, its files, its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from gearmesh.bridge import SupportsGhosts
from gearmesh.core.degrade import Fitting, Part, fit
from gearmesh.core.retry import Verdict
from gearmesh.errors import Rejected, SendFailed
from gearmesh.host.answers import answer_of
from gearmesh.host.app import App
from gearmesh.host.ends import Ends
from gearmesh.host.job import Job
from gearmesh.host.message_map import LegRecord
from gearmesh.host.outcome import Outcome
from gearmesh.host.pointing import NOTHING_ELSE, About, Pointing
from gearmesh.host.preparing import Preparing
from gearmesh.host.quotes import Quotes
from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import Change, Content, Edit, Media, Message, Redaction, Text, replaced
from gearmesh.model.conversation import Conversation
from gearmesh.model.delivery import Delivery

log = structlog.get_logger("gearmesh.egress")

GHOST_WITHIN: Final = 20.0
"""Seconds that a message waits for its sender's ghost; then its text says who wrote."""


class Composed(msgspec.Struct, frozen=True, gc=False):
    """A leg in its parts, with what they were made of."""

    content: Content
    parts: tuple[Part, ...]
    ghost: str
    about: About
    in_words: bool

    def delivery(self, job: Job, app: str, number: int) -> Delivery:
        """What the bridge gets of one part."""
        part = self.parts[number]
        name, user = f"{job.envelope}:{app}:{number}", job.recipient.user
        if self.about is NOTHING_ELSE:
            return Delivery(name, job.thread, user, part, part.sender, "", self.ghost)
        points = number == 0 and isinstance(part, Message) and part.reply_to
        reply_to = self.about.native_ids[0] if points and self.about.native_ids else ""
        target = self.about.native_ids if isinstance(part, Change) else ()
        return Delivery(name, job.thread, user, part, part.sender, reply_to, self.ghost, target=target)


class Composing:
    """Composes the legs of one app. `verdict` decides what follows when a file cannot be had now."""

    def __init__(self, app: App, ends: Ends, quotes: Quotes, verdict: Callable[[Job, SendFailed], Verdict]) -> None:
        self._app = app
        self._shared = app.shared
        self._pointing = Pointing(app, quotes)
        self._files = Preparing(app, ends, verdict)
        # Asked of a class of protocols, this takes longer than the rest of a leg's fitting: once is enough.
        self._ghosts = app.bridge if isinstance(app.bridge, SupportsGhosts) else None
        self.asks = self._ghosts is not None
        """Whether the bridge has to be asked for the ghost of a message's sender, which may take a while."""
        self._usual: Fitting | None = None

    async def ghost(self, job: Job, content: Content) -> str:
        """The ghost under which a content is sent; "" when the text itself says who wrote."""
        if self._ghosts is None or not isinstance(content, Message | Change):
            return ""
        try:
            question = self._ghosts.ghost(job.thread, content.sender)
            return await answer_of(question, GHOST_WITHIN, app=self._app.name, ghost=content.sender.handle)
        except SendFailed as error:
            log.warning("no ghost; the text names who wrote", app=self._app.name, error=str(error))
            return ""

    async def plain_under_ghost(self, job: Job, content: Message, can: Capabilities) -> Composed | None:
        """The same as `plain`, for a bridge that `asks`."""
        if not _is_for(self._shared.groups.get(job.header.conversation), job):
            return None
        return self.plain(job, content, can, await self.ghost(job, content))

    def plain(self, job: Job, content: Message, can: Capabilities, ghost: str = "") -> Composed | None:
        """What a new leg that points at nothing and has no file looks like in a thread that `can` so much, if it is one
        message; None for any other."""
        group = self._shared.groups.get(job.header.conversation)
        if not _is_for(group, job):
            return None
        if group is None and not ghost:  # nearly always, and then it is the same as for the message before
            fitting = self._usual if self._usual is not None and self._usual.capabilities is can else Fitting(can)
            self._usual = fitting
        else:
            fitting = Fitting(can, not ghost, place=_place(group, job))
        try:
            parts = fit(content, fitting)
        except Rejected:
            return None
        return Composed(content, parts, ghost, NOTHING_ELSE, False) if len(parts) == 1 else None

    async def compose(self, job: Job, content: Content, before: LegRecord, *, in_words: bool) -> Composed | Outcome:
        """The parts of a leg, or what becomes of it instead. `before`: what was sent of it already.

        Raises:
            BusUnavailable: nats does not answer.
        """
        if not await self._shared.groups.reaches(job.header.conversation, job.recipient):
            return Outcome("expired", detail="its recipient has left the group meanwhile, or muted it")
        # The parts that are missing must be cut as those were that are there: under the same name.
        ghost = before.ghost if before.parts else await self.ghost(job, content)
        about = await self._pointing.of(job, content, in_words)
        if isinstance(content, Edit) and isinstance(content.content, Media) and about.quoted is not None:
            # In words: those below the file are what can change, and the file stands there already.
            new = content.content
            content = replaced(content, content=Text(new.caption, new.sender, markup=new.markup))
        file = content.content if isinstance(content, Edit) else content
        if isinstance(file, Media):
            found = await self._files.prepare(job, file)
            if isinstance(found, Outcome):
                return found
            content = replaced(content, content=found.content) if isinstance(content, Edit) else found.content
            in_words = in_words or found.in_words
        if isinstance(content, Edit | Redaction) and await self._pointing.is_anothers(job, about):
            return Outcome("failed", reason="rejected", detail="only whoever wrote a message may change it")
        try:
            parts = fit(content, self._fitting(job, content, ghost, about, in_words))
        except Rejected as error:
            return Outcome("failed", reason="unsupported", detail=str(error))
        if not parts:
            return Outcome("expired", detail="its network does not show it, and nobody misses it")
        return Composed(content, parts, ghost, about, in_words)

    def _fitting(self, job: Job, content: Content, ghost: str, about: About, in_words: bool) -> Fitting:
        link = ""
        file = content.content if isinstance(content, Edit) else content
        if isinstance(file, Media) and self._shared.files.links:
            link = self._shared.media_links.link(file.ref, self._shared.clock.seconds())
        can = self._app.bridge.capabilities(job.thread)
        has_file = isinstance(content, Media)
        group = self._shared.groups.get(job.header.conversation)
        there = bool(about.native_ids)
        return Fitting(can, not ghost, link, about.quoted, there, in_words, has_file, _place(group, job))


def _is_for(group: Conversation | None, job: Job) -> bool:
    """Whether a message still goes to its recipient, who may have left the group, or muted it."""
    return group is None or group.reaches(job.recipient)


def _place(group: Conversation | None, job: Job) -> str:
    """The title of a group, where its thread does not show that it is one."""
    return group.title if group is not None and str(job.recipient) not in group.rooms else ""
