"""What a message becomes once it is clear to which conversation it belongs: an envelope, with its body closed."""

from __future__ import annotations

from typing import Final

from gearmesh.core.degrade import vote_in
from gearmesh.host.app import App
from gearmesh.host.holding import Arrival
from gearmesh.host.pending import Decided
from gearmesh.host.placing import Placed
from gearmesh.host.posting import Posting, header_of
from gearmesh.host.quotes import Quotes
from gearmesh.model.address import Address
from gearmesh.model.content import Media, Message, Poll, Product, Text, Vote, replaced
from gearmesh.model.events import MessageReceived

LONGEST_VOTE: Final = 200
"""Characters of an answer to a poll that is looked at: numbers, or the words of an option."""


class Deciding:
    """Makes envelopes of the messages of one app."""

    def __init__(self, app: App, posting: Posting, quotes: Quotes) -> None:
        self._app = app
        self._shared = app.shared
        self._posting = posting
        self._quotes = quotes

    async def decided(
        self, arrival: Arrival, event: MessageReceived, identity: bytes, party: Address, placed: Placed, reply_to: str
    ) -> Decided:
        """The envelope `identity` that a message becomes. `party` is the member as which its sender takes part,
        `reply_to` the envelope (hex id) that it answers, or "".

        Raises:
            TooLarge: it is larger than an envelope may be.
            BusUnavailable: nats does not answer.
        """
        conversation, sender = placed.conversation, Address(self._app.name, event.user)
        content = replaced(
            await self._vote(event, reply_to) or _with_text(event.content, placed.text),
            sender=await self._shared.directory.sender(sender, self._app.bridge.title),
        )
        if isinstance(content, Message):
            content = replaced(content, reply_to=reply_to)
        header = header_of(identity, sender, conversation, event.at, party)
        data = self._posting.closed(header, content)
        return Decided(arrival, event, header, content, self._posting.message(header, data, arrival.received))

    async def _vote(self, event: MessageReceived, reply_to: str) -> Vote | None:
        """The vote that a message is: an answer to a poll with its numbers or words, where the network has no votes."""
        if not reply_to or not isinstance(event.content, Text) or len(event.content.text) > LONGEST_VOTE:
            return None
        quoted = await self._quotes.of(reply_to, event.thread)
        if quoted is None or not isinstance(quoted.content, Poll):
            return None
        options = vote_in(event.content.text, quoted.content)
        return Vote(reply_to, options) if options is not None else None


def _with_text(content: Message, text: str) -> Message:
    """The content with what remains of its words, once it is clear whom they are for."""
    match content:
        case Text() | Product():
            return replaced(content, text=text)
        case Media():
            return replaced(content, caption=text)
        case _:
            return content
