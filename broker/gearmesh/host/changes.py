"""Reactions, edits, votes and what is taken back: they are about a message, and go where that message went.

    event ─▶ its message (the map; waited for) ─▶ the conversation of that ─▶ body closed ─▶ stored ─▶ "200"

One can come before its message: what we send is known only when the network has answered us, and after an outage
networks repeat things in any order. It is waited for here for a moment, and by the network, which is told to say it
again, as long as it is new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import structlog

from gearmesh.bus.ledger_reader import LedgerReader
from gearmesh.core.ids import envelope_id
from gearmesh.core.switchboard import MENTION
from gearmesh.errors import BusUnavailable, TooLarge
from gearmesh.host.acquaintance import Acquaintance
from gearmesh.host.app import App
from gearmesh.host.message_map import NativeRecord
from gearmesh.host.placing import Placing
from gearmesh.host.posting import PATIENCE, Posting, header_of
from gearmesh.host.quotes import Quotes
from gearmesh.host.underway import Underway
from gearmesh.model.address import Address
from gearmesh.model.content import Change, Edit, Media, Reaction, Redaction, Sender, Text, Vote, replaced, words_of
from gearmesh.model.conversation import Conversation
from gearmesh.model.events import (
    ChangeReceived,
    EditReceived,
    MessageReceived,
    ReactionReceived,
    RedactionReceived,
    VoteReceived,
    part_id,
)

log = structlog.get_logger("gearmesh.ingress")

WAITS_FOR: Final = 2.0
"""Seconds that a change waits here for its message; a webhook is answered within `PATIENCE`."""
NEW_FOR: Final = 10_000
"""Milliseconds for which the network is asked to say it again. Longer than its answers to us take, and short enough for
those who react to what somebody wrote past us, with another tool."""

Answer = Callable[[ChangeReceived, str, dict[str, str]], Awaitable[None]]
Outcome = Literal["accepted", "duplicate", "answered", "refused"]
"""What is counted of a change. `answered`: whoever did it was told that it went nowhere, or knows it already."""


class Changes:
    """The changes of one app. `answer` tells whoever did it that it could not be passed on.

    `anew` takes a message in: one that had gone nowhere, and says something else now.
    """

    def __init__(
        self,
        app: App,
        posting: Posting,
        acquaintance: Acquaintance,
        placing: Placing,
        quotes: Quotes,
        underway: Underway,
        answer: Answer,
        anew: Callable[[MessageReceived, int], Awaitable[None]],
    ) -> None:
        self._app = app
        self._shared = app.shared
        self._ledger = LedgerReader(app.shared.journal.connection, app.shared.subjects)
        self._anew = anew
        self._posting = posting
        self._acquaintance = acquaintance
        self._placing = placing
        self._quotes = quotes
        self._underway = underway
        self._answer = answer

    async def take(self, event: ChangeReceived, received: int) -> Outcome:
        """Take one in.

        Raises:
            BusUnavailable: it is not stored, or its message is not known yet.
        """
        sender = Address(self._app.name, event.user)
        identity = envelope_id(self._shared.key, self._app.name, event.thread, event.target, _kind(event))
        if await self._was_taken(identity):
            return "duplicate"
        await self._acquaintance.meet(sender, event.profile)
        record = await self._known(event)
        outcome: Outcome = "answered"
        if record is None:
            await self._answer(event, _unknown(event), {"kind": _word(event)})
        elif not isinstance(event, ReactionReceived | VoteReceived) and record.sender != str(sender):
            log.warning("somebody changes what another one wrote", app=self._app.name, envelope=record.envelope)
            outcome = "refused"
        elif record.envelope:
            outcome = await self._pass_on(event, identity, sender, record, received)
        elif isinstance(event, EditReceived):
            # It was answered by a notice, and they have mended it.
            native_id = f"{event.target} edit {event.number or event.at}"
            message = MessageReceived(native_id, event.thread, event.user, event.at, event.content, "", event.profile)
            await self._anew(message, received)
            if anew := await self._shared.messages.native(self._app.name, native_id):
                # From now on it is that message, for further edits, and when it is taken back.
                await self._shared.messages.note(self._app.name, event.target, anew, patience=PATIENCE)
        note = NativeRecord(identity.hex() if outcome == "accepted" else "", "", str(sender))
        await self._shared.messages.note(self._app.name, _name(identity), note, patience=PATIENCE)
        return outcome

    async def _was_taken(self, identity: bytes) -> bool:
        """Also when a crash came before it was noted: then the ledger has a step of where it went."""
        messages, app = self._shared.messages, self._app.name
        if messages.recent(app, _name(identity)):
            return True
        known, step = await asyncio.gather(messages.native(app, _name(identity)), self._ledger.any_of(identity.hex()))
        return known is not None or (step is not None and bool(step.to))

    async def _known(self, event: ChangeReceived) -> NativeRecord | None:
        messages, app = self._shared.messages, self._app.name
        record = await messages.native(app, event.target, event.thread)
        if record is None and await self._underway.settled(event.thread):
            record = await messages.native(app, event.target, event.thread)
        now, is_room = self._shared.clock.millis(), self._app.is_room(event.thread)
        # A room has messages from before it was linked, and those of its people come before what is about them.
        if record is None and not is_room and now - min(event.at, now) < NEW_FOR:
            await messages.learned.wait(app, event.target, WAITS_FOR)
            record = await messages.native(app, event.target, event.thread)
            if record is None:
                raise BusUnavailable(f"the message that a {_word(event)} is about is not known yet")
        return record

    async def _pass_on(
        self, event: ChangeReceived, identity: bytes, sender: Address, record: NativeRecord, received: int
    ) -> Outcome:
        shared = self._shared
        conversation = await shared.conversations.get(record.conversation)
        party = self._app.party(event.thread, sender)
        if conversation is None or str(party) not in conversation.members:
            await self._answer(event, _unknown(event), {"kind": _word(event)})
            return "answered"
        if not conversation.others(sender, party):
            return "answered"  # nobody else gets what is written there
        if isinstance(event, EditReceived):
            event = await self._without_handle(event, conversation)
            if await self._says_the_same(event, record.envelope):
                return "answered"
        shown = await shared.directory.sender(sender, self._app.bridge.title)
        envelopes = [record.envelope]
        if isinstance(event, RedactionReceived):
            envelopes += await self._others_of(event, record)
        outcome: Outcome = "duplicate"
        # The one that stands for all of it comes last: while it is not stored, whoever repeats it begins again.
        for envelope in reversed(envelopes):
            content = _content(event, envelope, shown)
            is_first = envelope == record.envelope
            one = identity if is_first else envelope_id(shared.key, self._app.name, event.thread, envelope, "part")
            header = header_of(one, sender, conversation, event.at, party)
            try:
                data = self._posting.closed(header, content)
            except TooLarge:
                await self._answer(event, "too_large", {"name": conversation.title or event.user})
                raise
            stored = await self._posting.store(header, data, received)
            self._quotes.keep(header.hex_id, content)
            if not stored.duplicate:
                await self._posting.account(header)
                outcome = "accepted"
        return outcome

    async def _without_handle(self, event: EditReceived, conversation: Conversation) -> EditReceived:
        """An edit without the handle that the message began with: it was for the switchboard, and is so still."""
        said = words_of(event.content)
        mention = MENTION.fullmatch(said)
        if mention is None:
            return event
        meant = await self._placing.person(mention["who"], Address(self._app.name, event.user))
        if meant is None or str(meant) not in conversation.members:
            return event
        rest = mention["rest"].strip()
        changed = {"caption": rest} if isinstance(event.content, Media) else {"text": rest}
        return replaced(event, content=replaced(event.content, **changed))

    async def _says_the_same(self, event: EditReceived, envelope: str) -> bool:
        """Whether nothing was changed: some apps tell of that, too."""
        old = await self._quotes.of(envelope, event.thread)
        new = event.content
        return (
            old is not None
            and isinstance(old.content, Text | Media)
            and type(old.content) is type(new)
            and (words_of(old.content), old.content.markup) == (words_of(new), new.markup)
        )

    async def _others_of(self, event: RedactionReceived, record: NativeRecord) -> list[str]:
        """The envelopes of what else the native message said: all of it is taken back."""
        found = []
        for number in range(1, record.parts):
            other = await self._shared.messages.native(self._app.name, part_id(event.target, number))
            if other is not None and other.envelope:
                found.append(other.envelope)
        return found


def _content(event: ChangeReceived, target: str, sender: Sender) -> Change:
    match event:
        case ReactionReceived():
            return Reaction(target, event.emoji, event.removed, sender)
        case EditReceived():
            return Edit(target, replaced(event.content, sender=sender), sender)
        case RedactionReceived():
            return Redaction(target, sender)
        case _:
            return Vote(target, event.options, sender)


def _kind(event: ChangeReceived) -> str:
    """What tells a change from all others of its message, so that one that is repeated is the same envelope."""
    match event:
        case ReactionReceived():
            return f"reaction {event.user} {event.at} {event.removed} {event.emoji}"
        case EditReceived():
            return f"edit {event.number or event.at}"
        case RedactionReceived():
            return "redaction"
        case _:
            return f"vote {event.user} {event.at}"


def _unknown(event: ChangeReceived) -> str:
    """The notice for whoever did something to a message that nobody knows."""
    return "reaction_unknown" if isinstance(event, ReactionReceived) else "change_unknown"


def _word(event: ChangeReceived) -> str:
    match event:
        case ReactionReceived():
            return "reaction"
        case EditReceived():
            return "edit"
        case RedactionReceived():
            return "unsend"
        case _:
            return "vote"


def _name(identity: bytes) -> str:
    """Where a change stands among the native ids: they are the networks', and none begins so."""
    return f"change {identity.hex()}"
