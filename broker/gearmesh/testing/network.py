"""A messenger in memory: people who write and read, and everything that goes wrong on real ones, on demand."""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from gearmesh.bridge import WebhookRequest
from gearmesh.clock import Clock
from gearmesh.errors import Rejected, SendFailed
from gearmesh.model.capabilities import Capabilities, Limit
from gearmesh.testing.shown import Shown
from gearmesh.testing.updates import Echoed, Seen, Typed, Update
from gearmesh.testing.watch import Watch

SIGNATURE: Final = "x-fake-signature"
"""The header with the HMAC-SHA256 of a webhook's body, in hex."""
CAPABILITIES: Final = Capabilities(
    text=Limit(2000, "characters", "FakeNetwork, our own"),
    caption=Limit(200, "characters", "FakeNetwork, our own"),
    media=frozenset({"image", "file"}),
    replies=True,
    receipts=frozenset({"delivered", "read"}),
    source="FakeNetwork, our own",
)


class FakeNetwork:
    """A network with one account of ours, to which its people write.

    What people write waits, in order, until the bridge has acknowledged it: it comes again after a failure. What the
    bridge sends is `shown` to its recipient. `delay` (seconds, by `clock`) slows every send down; with `echo` the
    network tells our own messages back; while `reachable` is False nothing goes through; without `lets_in` our
    credentials are refused.
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
        self.name = name
        self.title = title or name.capitalize()
        self.capabilities = capabilities
        self.clock = clock or Clock()
        self.delay = 0.0
        self.echo = False
        self.lets_in = True
        self.secret = b"sandbox-webhook-secret"
        self.names: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.ghosts: dict[str, str] = {}
        self.receipts: list[tuple[str, str]] = []
        """Native id and state of every receipt that the bridge has shown to whoever wrote."""
        self._reachable = True
        self._waiting: deque[Update] = deque()
        self._shown: dict[str, list[Shown]] = {}
        self._read: dict[str, int] = {}
        self._failures: deque[tuple[SendFailed, bool]] = deque()
        self._drops = 0
        self._count = 0
        self._watch = Watch()

    # For the test

    def add(self, user: str, name: str = "") -> None:
        """Let somebody join. Whoever writes has joined, too; nobody else can be written to."""
        self.names.setdefault(user, name)
        self._shown.setdefault(user, [])

    async def type(self, user: str, text: str, reply_to: str = "", *, thread: str = "", file: bytes = b"") -> str:
        """Somebody writes to our account; returns the message's id. `thread` is their own unless given."""
        update = self.typed(user, text, reply_to, thread=thread, file=file)
        self._tell(update)
        await asyncio.sleep(0)
        return update.id

    def typed(self, user: str, text: str, reply_to: str = "", *, thread: str = "", file: bytes = b"") -> Typed:
        """A message that somebody writes, not told to the bridge: for `request`."""
        self.add(user)
        source = ""
        if file:
            source = f"file-{len(self.files) + 1}"
            self.files[source] = file
        mime = "image/png" if file else ""
        return Typed(self._id(), user, thread or user, self.clock.millis(), text, reply_to, source, mime)

    def shown(self, user: str) -> tuple[Shown, ...]:
        """What somebody sees of what was sent to them, oldest first."""
        return tuple(self._shown.get(user, ()))

    async def read(self, user: str) -> None:
        """Somebody reads what was sent to them; the bridge is told about what is new."""
        shown = self._shown.get(user, [])
        new = shown[self._read.get(user, 0) :]
        self._read[user] = len(shown)
        if new:
            self._tell(Seen(user, user, self.clock.millis(), tuple(message.id for message in new)))
        await asyncio.sleep(0)

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
        """What people wrote and the bridge has not acknowledged."""
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
            SendFailed: the test has ordered it; or `Rejected`: nobody has this name, or the text is too long.
            ConnectionError: the network cannot be reached.
        """
        if self.delay:
            await self.clock.sleep(self.delay)
        if not self._reachable:
            raise ConnectionError(f"{self.title} cannot be reached")
        failure, shown = self._failures.popleft() if self._failures else (None, True)
        if failure and not shown:
            raise failure
        if user not in self._shown:
            raise Rejected(f"nobody on {self.title} is called {user}", code="nobody")
        limit = self.capabilities.text
        if limit.measure(message.text) > limit.value:
            raise Rejected(f"{self.title} takes {limit.value} {limit.unit} at most", code="too_long")
        native_id = self._id()
        if self._drops:
            self._drops -= 1
        else:
            self._shown[user].append(msgspec.structs.replace(message, id=native_id))
        if self.echo:
            self._tell(Echoed(native_id, user, message.thread, self.clock.millis(), delivery_id))
        self._watch.changed()
        if failure:
            raise failure
        return native_id

    def mark(self, native_ids: Sequence[str], state: str) -> None:
        """Show whoever wrote these messages what became of them."""
        self.receipts.extend((native_id, state) for native_id in native_ids)
        self._watch.changed()

    def _tell(self, update: Update) -> None:
        self._waiting.append(update)
        self._watch.changed()

    def _id(self) -> str:
        self._count += 1
        return f"{self.name}-{self._count}"
