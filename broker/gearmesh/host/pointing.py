"""What a message answers or is about, as it stands in the thread that it goes to."""

from __future__ import annotations

from typing import Final

import msgspec

from gearmesh.core.degrade import Quoted, feature_of
from gearmesh.host.app import App
from gearmesh.host.job import Job
from gearmesh.host.quotes import Quotes
from gearmesh.model.capabilities import Feature
from gearmesh.model.content import Change, Content, Message


class About(msgspec.Struct, frozen=True, gc=False):
    """The message that a content answers or is about, as it stands in the thread: its native ids, and its words where
    they are needed."""

    native_ids: tuple[str, ...] = ()
    quoted: Quoted | None = None


NOTHING_ELSE: Final = About()


class Pointing:
    """Finds it, for the legs of one app."""

    def __init__(self, app: App, quotes: Quotes) -> None:
        self._app = app
        self._shared = app.shared
        self._quotes = quotes

    async def of(self, job: Job, content: Content, in_words: bool) -> About:
        """What a content answers or is about, as far as this thread and the logs know it."""
        points: Feature = "reply"
        if isinstance(content, Message):
            target = content.reply_to
        elif isinstance(content, Change):
            target, points = content.target, feature_of(content)
        else:
            return NOTHING_ELSE
        if not target:
            return NOTHING_ELSE
        record = await self._shared.messages.leg(target, self._app.name, job.thread)
        native_ids = record.native_ids if record else ()
        if native_ids and not in_words and self._app.bridge.capabilities(job.thread).shows(points):
            return About(native_ids)
        # Only what stands in this thread may be told there.
        return About(native_ids, await self._quotes.of(target, job.thread) if record else None)

    async def is_anothers(self, job: Job, about: About) -> bool:
        """Whether somebody else wrote the message that is to be changed. Ingress asks the same of what networks say."""
        if not about.native_ids:
            return False
        native = await self._shared.messages.native(self._app.name, about.native_ids[0], job.thread)
        return native is not None and native.sender != str(job.header.sender)
