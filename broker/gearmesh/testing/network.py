"""A messenger in memory: people who write and read, and everything that goes wrong on real ones, on demand."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final

import msgspec

from gearmesh.bridge import WebhookRequest
from gearmesh.clock import Clock
from gearmesh.errors import Rejected, SendFailed
from gearmesh.model.capabilities import (
    ButtonRule,
    Capabilities,
    Dialect,
    EditRule,
    Feature,
    Limit,
    Support,
)
from gearmesh.testing.board import Board
from gearmesh.testing.people import People
from gearmesh.testing.shown import Shown
from gearmesh.testing.updates import Echoed, Typed, Update

SIGNATURE: Final = "x-fake-signature"
"""The header with the HMAC-SHA256 of a webhook's body, in hex."""
SOURCE: Final = "FakeNetwork, our own"
NATIVE: Final[tuple[Feature, ...]] = (
    "view_once",
    "location",
    "contacts",
    "poll",
    "product",
    "forward",
    "reaction",
    "edit",
    "redaction",
    "typing",
)
"""What it shows beyond words, files, answers and receipts. A vote is cast by people only: nobody votes for another."""
CAPABILITIES: Final = Capabilities(
    text=Limit(2000, "characters", SOURCE),
    caption=Limit(200, "characters", SOURCE),
    media=frozenset({"image", "video", "audio", "voice", "file", "sticker", "gif"}),
    replies=True,
    receipts=frozenset({"delivered", "read"}),
    source=SOURCE,
    features={feature: Support("full", source=SOURCE) for feature in NATIVE},
    dialect=Dialect("*", "_", "~", "`", "```", "> ", "- ", SOURCE),
    edit=EditRule(900.0, 5, SOURCE),
    buttons=ButtonRule(3, Limit(20, "characters", SOURCE), Limit(1000, "characters", SOURCE)),
)
"""Everything."""
WORDS_ONLY: Final = Capabilities(text=Limit(2000, "characters", SOURCE), source=SOURCE)
"""As little as a network can do."""


class FakeNetwork(People):
    """A network with one account of ours, to which its people write.

    What people do waits, in order, until the bridge has acknowledged it: it comes again after a failure. What the
    bridge sends is `shown` to its recipient. What `capabilities` do not claim is refused. `delay` (seconds, by `clock`)
    slows every send down; with `echo` the network tells our own messages back; while `reachable` is False nothing goes
    through; without `lets_in` our credentials are refused. Of rooms the bridge is told while our account is in them;
    with `retells` it is told all of that again whenever it says where it is to be.
    """

    def __init__(
        self,
        name: str = "fake",
        *,
        title: str = "",
        capabilities: Capabilities = CAPABILITIES,
        clock: Clock | None = None,
    ) -> None:
        """`name` is what `bridge = "…"` says in a configuration, `title` what people call the network."""
        super().__init__(name, clock)
        self.title = title or name.capitalize()
        self.capabilities = capabilities
        self.delay = 0.0
        self.echo = False
        self.lets_in = True
        self.retells = False
        self.secret = b"sandbox-webhook-secret"
        self.ghosts: dict[str, str] = {}
        self.receipts: list[tuple[str, str]] = []
        """Native id and state of every receipt that the bridge has shown to whoever wrote."""
        self.signals: list[tuple[str, bool]] = []
        """To whom the bridge has shown that somebody writes (True), or has stopped."""
        self.rooms: frozenset[str] = frozenset()
        """Where our account is: rooms are threads whose names begin with #."""
        self._reachable = True
        self._sent_at: dict[str, float] = {}
        self._failures: deque[tuple[SendFailed, bool]] = deque()
        self._drops = 0
        self._said: list[Typed] = []

    # For the test

    def sees_typing(self, user: str) -> bool:
        """Whether somebody sees that somebody is writing to them."""
        return next((on for whom, on in reversed(self.signals) if whom == user), False)

    def fail(self, failure: SendFailed, times: int = 1, *, shown: bool = False) -> None:
        """The next sends fail so. With `shown` the recipient sees the message all the same: only the answer is lost."""
        self._failures.extend([(failure, shown)] * times)

    def drop(self, times: int = 1) -> None:
        """The next sends are answered with an id and never shown."""
        self._drops += times

    @property
    def reachable(self) -> bool:
        """Whether anything goes through."""
        return self._reachable

    @reachable.setter
    def reachable(self, reachable: bool) -> None:
        self._reachable = reachable
        self._watch.changed()

    @property
    def waiting(self) -> int:
        """What people did and the bridge has not acknowledged."""
        return len(self._waiting)

    async def until(self, holds: Callable[[], bool], *, within: float = 10.0, awaited: str = "it") -> None:
        """Wait until something holds of what is shown, waiting, or marked as read.

        Raises:
            TimeoutError: it did not within `within` seconds.
        """
        await self._watch.until(holds, within=within, awaited=awaited)

    def request(self, *updates: Update) -> WebhookRequest:
        """A genuine webhook with these updates."""
        return self.signed(msgspec.json.encode(updates))

    def signed(self, body: bytes) -> WebhookRequest:
        """A webhook with any body, and the signature that belongs to it."""
        return WebhookRequest("POST", {}, {SIGNATURE: self.signature(body)}, body)

    # For the bridge

    def signature(self, body: bytes) -> str:
        """What stands in the header `SIGNATURE`."""
        return hmac.digest(self.secret, body, "sha256").hex()

    def sit_in(self, rooms: Collection[str]) -> None:
        """Our account is in these rooms, and in no others."""
        for room in rooms:
            self._board.join(room)
        self.rooms = frozenset(rooms)
        self._watch.changed()
        if self.retells:
            said, self._said = self._said, []
            for typed in said:
                self._tell(typed)

    async def first(self) -> Update:
        """The first update that is not acknowledged; waits for one.

        Raises:
            ConnectionError: the network cannot be reached.
        """
        await self._watch.until(
            lambda: bool(self._waiting) or not self._reachable, within=None, awaited="what people write"
        )
        if not self._reachable:
            raise ConnectionError(f"{self.title} cannot be reached")
        return self._waiting[0]

    def acknowledge(self) -> None:
        """The first update is stored; the network forgets it."""
        self._waiting.popleft()
        self._watch.changed()

    async def deliver(self, user: str, message: Shown, delivery_id: str = "") -> str:
        """Show a message to somebody, and return the id it got (`message.id` is not looked at).

        Raises:
            SendFailed: the test has ordered it; or `Rejected`: nobody has this name, the text is too long, or the
                network has no such thing.
            ConnectionError: the network cannot be reached.
        """
        failure = await self._pass()
        if user not in self._board:
            raise Rejected(f"nobody on {self.title} is called {user}", code="nobody")
        if user.startswith("#") and user not in self.rooms:
            raise Rejected(f"our account is not in {user}", code="not_there")
        self._check(message)
        native_id = self._id()
        if self._drops:
            self._drops -= 1
        else:
            self._board.show(user, msgspec.structs.replace(message, id=native_id))
            self._sent_at[native_id] = self.clock.seconds()
            if self.sees_typing(user):
                self.signals.append((user, False))
        if self.echo:
            self._tell(Echoed(native_id, user, message.thread, self.clock.millis(), delivery_id))
        self._watch.changed()
        if failure:
            raise failure
        return native_id

    async def place(self, native_id: str, who: str, emoji: str) -> None:
        """Show a reaction at a message, or none any more; `who` is "" for our own account.

        Raises:
            SendFailed, ConnectionError: as for `deliver`; `Rejected` also when the message is not there any more.
        """
        self._needs("reaction")
        await self._at(lambda board: board.react(native_id, who, emoji))

    async def change(self, native_ids: Sequence[str], text: str) -> None:
        """Let the first of these messages say something else, and take the others back.

        Raises:
            SendFailed, ConnectionError: as for `place`; `Rejected` also when it is too late, or was changed too often.
        """
        self._needs("edit")
        first, *others = native_ids
        shown, rule = self._board.message(first), self.capabilities.edit
        if rule is not None and shown is not None:
            age = self.clock.seconds() - self._sent_at.get(first, 0.0)
            if rule.seconds and age > rule.seconds:
                raise Rejected(f"{self.title} lets a message be changed for {rule.seconds:g} s", code="too_late")
            if rule.times and len(shown.history) >= rule.times:
                raise Rejected(f"{self.title} lets a message be changed {rule.times} times", code="too_often")
            self._check(msgspec.structs.replace(shown, text=text))

        def changed(board: Board) -> None:
            board.standing(first)
            board.take_back(others)
            board.change(first, text)

        await self._at(changed)

    async def take_back(self, native_ids: Sequence[str]) -> None:
        """Show nothing of these messages any more.

        Raises:
            SendFailed, ConnectionError: as for `place`.
        """
        self._needs("redaction")
        await self._at(lambda board: board.take_back(native_ids))

    def show_typing(self, user: str, on: bool) -> None:
        """Show somebody that somebody is writing to them, or has stopped."""
        self._needs("typing")
        self.signals.append((user, on))
        self._watch.changed()

    def mark(self, native_ids: Sequence[str], state: str) -> None:
        """Show whoever wrote these messages what became of them."""
        self.receipts.extend((native_id, state) for native_id in native_ids)
        self._watch.changed()

    def _tell(self, update: Update) -> None:
        if update.thread.startswith("#"):
            if update.thread not in self.rooms:
                return
            if isinstance(update, Typed):
                self._said.append(update)
        super()._tell(update)

    async def _pass(self) -> SendFailed | None:
        """Let a send through. What was ordered to be lost on its way back comes out, to be raised at the end."""
        if self.delay:
            await self.clock.sleep(self.delay)
        if not self._reachable:
            raise ConnectionError(f"{self.title} cannot be reached")
        failure, shown = self._failures.popleft() if self._failures else (None, True)
        if failure and not shown:
            raise failure
        return failure

    async def _at(self, act: Callable[[Board], None]) -> None:
        failure = await self._pass()
        try:
            act(self._board)
        except KeyError as error:
            raise Rejected(f"{self.title} has no message {error.args[0]} any more", code="gone") from None
        self._watch.changed()
        if failure:
            raise failure

    def _check(self, message: Shown) -> None:
        room = self.capabilities.caption if message.media else self.capabilities.text
        if message.text and room is None:
            raise Rejected(f"{self.title} shows no words beside a file", code="unsupported")
        if room is not None and room.measure(message.text) > room.value:
            raise Rejected(f"{self.title} takes {room.value} {room.unit} at most", code="too_long")
        if message.media:
            self._needs(message.media)
        if message.shape is not None:
            self._needs(_FEATURES[type(message.shape).__name__])
        if message.buttons:
            self._needs("buttons")
        rule = self.capabilities.buttons
        if rule is not None and (
            len(message.buttons) > rule.count
            or any(rule.title.measure(title) > rule.title.value for title in message.buttons)
        ):
            raise Rejected(f"{self.title} takes {rule.count} buttons of {rule.title.value} each", code="too_long")

    def _needs(self, feature: Feature) -> None:
        if not self.capabilities.shows(feature):
            raise Rejected(f"{self.title} has no such thing: {feature}", code="unsupported")


_FEATURES: Final[dict[str, Feature]] = {
    "Location": "location",
    "Contacts": "contacts",
    "Poll": "poll",
    "Product": "product",
}
