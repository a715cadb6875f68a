"""What the author of a bridge gives to the contract suite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Final, NoReturn

import pytest

from gearmesh.bridge import Bridge, BridgeContext, WebhookRequest
from gearmesh.errors import SendFailed
from gearmesh.model.content import MediaKind, MembershipChange, Message
from gearmesh.testing.shown import Shown

NOT_GIVEN: Final = "not tested: "
"""How the reason of a skipped test begins when its author could let it run."""


class Author(ABC):
    """The network's side of the tests. Every test gets a new object, a new context and a new bridge.

    Three methods and `a_user` are needed. Each of the others lets more rules be tested; where one is not given, its
    rules are skipped and say so, and the table at the end has "not checked" for what they are about.
    """

    a_user: ClassVar[str]
    """The id of somebody who exists on the network and can be written to."""

    app: ClassVar[str] = "contract"
    """The app's name in the configuration."""

    patience: ClassVar[float] = 10.0
    """Seconds after which waiting for the bridge or the network is given up."""

    addresses: ClassVar[Mapping[str, str]] = {}
    """Texts that people type for a user, and the canonical ids that they mean."""

    bad_addresses: ClassVar[Sequence[str]] = ()
    """Texts that can mean no user of this network."""

    signature_covers_body: ClassVar[bool] = True
    """Whether a webhook's proof depends on its body; False for networks that send a fixed secret along."""

    keeps_messages: ClassVar[bool] = True
    """Whether the network keeps what is written while nobody is connected, and tells it later."""

    comes_as: ClassVar[Mapping[MediaKind, MediaKind]] = {}
    """Kinds of files that the network tells as another kind, such as a voice message as a sound."""

    a_room: str = ""
    """The id of a room that `a_user` is in when a test begins, and our account is not. `network` may set another one
    for each test."""

    rooms: ClassVar[Mapping[str, str]] = {}
    """Texts that operators write for a room, and the canonical ids that they mean."""

    bad_rooms: ClassVar[Sequence[str]] = ()
    """Texts that can mean no room of this network."""

    keeps_rooms: ClassVar[bool] = True
    """Whether the network keeps what is said in a room while our account is not there, and tells it later."""

    refuses_singly: ClassVar[str] = ""
    """Why the network can refuse one message for the moment and take those that were on their way behind it (`at_once`
    above 1), so that it comes after them; "" where it cannot, or its bridge prevents it."""

    @asynccontextmanager
    async def network(self) -> AsyncIterator[None]:
        """Open the network around each test, if it has to be. Keep what you need in `self`."""
        yield

    @abstractmethod
    def make_bridge(self, context: BridgeContext) -> Bridge:
        """A new bridge for the account that `a_user` can write to."""

    @abstractmethod
    async def user_writes(self, text: str) -> str:
        """`a_user` writes this to our account: make the network tell the bridge, and return the message's native id.

        A network that tells again what was not taken does so here, too.
        """

    @abstractmethod
    async def shown(self) -> Sequence[Shown]:
        """What `a_user` sees of what the bridge has sent, oldest first; not what they wrote themselves."""

    # Failures

    async def fail_next(self, kind: type[SendFailed]) -> None:
        """Make the network answer the next send so that it must come out as `kind`; the one after works again.

        For a class that the network cannot produce, call `self.cannot(reason)`.
        """
        self.not_given("fail_next")

    def make_unauthorized_bridge(self, context: BridgeContext) -> Bridge:
        """A bridge whose credentials the network refuses."""
        self.not_given("make_unauthorized_bridge")

    # Replies, receipts, files

    async def user_replies(self, text: str, quoted: str) -> str:
        """`a_user` answers the message with the native id `quoted`; returns the native id of the answer."""
        self.not_given("user_replies")

    async def user_reads(self) -> None:
        """`a_user` reads everything that was sent to them, and the network reports it."""
        self.not_given("user_reads")

    async def receipts_shown(self) -> Sequence[str]:
        """The native ids of what `a_user` wrote and sees marked as read."""
        self.not_given("receipts_shown")

    async def user_sends_file(self, data: bytes) -> str:
        """`a_user` sends a picture with these bytes (a PNG) and no text; returns the message's native id."""
        self.not_given("user_sends_file")

    async def deliveries_shown(self) -> Sequence[str]:
        """The native ids of what `a_user` wrote and sees marked as delivered, or as read."""
        self.not_given("deliveries_shown")

    # Everything else that people send. Where the network has no such thing, call `self.cannot(reason)`.

    async def user_sees(self, message: str) -> Shown | None:
        """The message with this native id as `a_user` sees it now, also one that they wrote; None: nothing of it.

        All of `Shown` that the network shows must be in it: the rules about what is claimed go by it.
        """
        self.not_given("user_sees")

    async def typing_shown(self) -> bool:
        """Whether `a_user` sees that somebody is writing to them."""
        self.not_given("typing_shown")

    async def user_sends(self, content: Message, data: bytes = b"") -> str:
        """`a_user` sends this by the network's own means; returns the message's native id.

        `data` is the file of a `Media`, whose `ref` has its MIME type and name. Words with `markup` are CommonMark:
        write them as somebody does on this network.
        """
        self.not_given("user_sends")

    async def user_reacts(self, message: str, emoji: str) -> None:
        """`a_user` reacts to the message with this native id; without `emoji` they take their reaction back."""
        self.not_given("user_reacts")

    async def user_edits(self, message: str, text: str) -> None:
        """`a_user` changes what they wrote."""
        self.not_given("user_edits")

    async def user_unsends(self, message: str) -> None:
        """`a_user` takes back what they wrote."""
        self.not_given("user_unsends")

    async def user_votes(self, message: str, option: str) -> None:
        """`a_user` chooses in the poll with this native id, which was sent to them."""
        self.not_given("user_votes")

    async def user_taps(self, message: str, button: str) -> str:
        """`a_user` taps a button below the message with this native id; returns the native id of what that sends."""
        self.not_given("user_taps")

    async def user_types(self, on: bool) -> None:
        """`a_user` begins to write to our account, or stops."""
        self.not_given("user_types")

    # Rooms (`SupportsRooms`): all of it in `a_room`

    async def user_says(self, text: str) -> str:
        """`a_user` says this in the room; returns the message's native id, "" where people there do not learn it."""
        self.not_given("user_says")

    async def shown_in_room(self) -> Sequence[Shown]:
        """What `a_user` sees of what the bridge has said in the room, oldest first. `author` is the name beside it, ""
        where it is our account's own."""
        self.not_given("shown_in_room")

    async def we_are_in_room(self) -> bool:
        """Whether `a_user` sees our account in the room."""
        self.not_given("we_are_in_room")

    async def user_moves(self, change: MembershipChange, text: str = "") -> None:
        """`a_user` has "left" the room, has "joined" it again, or gives it the "topic" `text`."""
        self.not_given("user_moves")

    # Many on their way at once (`at_once` above 1)

    async def cut(self) -> None:
        """Cut the bridge's connection, whatever is on its way; it can be made anew soon afterwards."""
        self.not_given("cut")

    # Invitations, replay

    def make_inviting_bridge(self, context: BridgeContext) -> Bridge:
        """A bridge that is configured to invite people (`SupportsInvitations`)."""
        self.not_given("make_inviting_bridge")

    async def kept_input(self, text: str) -> bytes:
        """What `Unparsed.raw` would have, had the bridge not understood that `a_user` writes this."""
        self.not_given("kept_input")

    # Webhooks

    async def genuine_request(self, text: str) -> WebhookRequest:
        """The request that the network makes when `a_user` writes this, whether or not it also reaches the bridge."""
        self.not_given("genuine_request")

    def signed(self, body: bytes) -> WebhookRequest:
        """A request with any body, and the proof that makes it genuine."""
        self.not_given("signed")

    # To be called

    def cannot(self, reason: str) -> NoReturn:
        """Skip the test: the network has no such thing. `reason` stands in pytest's summary."""
        pytest.skip(reason)

    def not_given(self, method: str) -> NoReturn:
        """Skip the test: the author has not written `method`."""
        pytest.skip(f"{NOT_GIVEN}{type(self).__name__} has no {method}()")
