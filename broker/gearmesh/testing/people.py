"""The people of a network in memory: all that they can do, as a test tells them to."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from gearmesh.clock import Clock
from gearmesh.model.content import MediaKind, MembershipChange, Poll, words_of
from gearmesh.testing.board import Board
from gearmesh.testing.shown import Shape, Shown
from gearmesh.testing.updates import Edited, Moved, Reacted, Seen, Typed, Unsent, Update, Voted, Writing
from gearmesh.testing.watch import Watch


class People:
    """What people do waits, in order, until the bridge has acknowledged it.

    Where a message is named that is not there, or was taken back, or is not theirs to change, it is a `ValueError`.
    """

    def __init__(self, name: str, clock: Clock | None) -> None:
        self.name = name
        self.clock = clock or Clock()
        self.names: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self._board = Board()
        self._typed: dict[str, Typed] = {}
        self._waiting: deque[Update] = deque()
        self._watch = Watch()
        self._count = 0

    def add(self, user: str, name: str = "") -> None:
        """Let somebody join. Whoever writes has joined, too; nobody else can be written to."""
        self.names.setdefault(user, name)
        self._board.join(user)

    async def type(
        self,
        user: str,
        text: str,
        reply_to: str = "",
        *,
        thread: str = "",
        file: bytes = b"",
        media: MediaKind = "image",
        mime: str = "image/png",
        name: str = "",
        markup: bool = False,
        forwarded: bool = False,
        view_once: bool = False,
    ) -> str:
        """Somebody writes to our account; returns the message's id. `thread` is their own unless given.

        `text` stands beside the `file`, which is of the kind `media`. With `markup` it is CommonMark.
        """
        typed = self.typed(user, text, reply_to, thread=thread, file=file)
        if file:
            typed = msgspec.structs.replace(typed, media=media, mime=mime, name=name, view_once=view_once)
        return await self._write(msgspec.structs.replace(typed, markup=markup, forwarded=forwarded))

    async def share(
        self, user: str, shape: Shape, reply_to: str = "", *, thread: str = "", forwarded: bool = False
    ) -> str:
        """Somebody sends a place, cards, a poll or what is for sale; returns the message's id."""
        typed = self.typed(user, words_of(shape), reply_to, thread=thread)
        return await self._write(msgspec.structs.replace(typed, shape=shape, forwarded=forwarded))

    def typed(self, user: str, text: str, reply_to: str = "", *, thread: str = "", file: bytes = b"") -> Typed:
        """A message that somebody writes, not told to the bridge: for `request`."""
        self.add(user)
        source = ""
        if file:
            source = f"file-{len(self.files) + 1}"
            self.files[source] = file
        mime = "image/png" if file else ""
        return Typed(self._id(), user, thread or user, self.clock.millis(), text, reply_to, source, mime)

    async def tap(self, user: str, message: str, button: str) -> str:
        """Somebody taps a button below a message: they answer it in its words. Returns the answer's id."""
        shown = self._board.message(message)
        if shown is None or button not in shown.buttons:
            raise ValueError(f"{message} has no button {button!r}")
        return await self.type(user, button, message)

    async def react(self, user: str, message: str, emoji: str) -> None:
        """Somebody reacts to a message, theirs or ours; without `emoji` they take their reaction back."""
        thread = self._standing(message).thread
        self._board.react(message, user, emoji)
        await self._do(Reacted(user, thread, self.clock.millis(), message, emoji))

    async def edit(self, user: str, message: str, text: str) -> None:
        """Somebody changes the words of what they wrote."""
        typed = self._own(user, message)
        if typed.shape is not None:
            raise ValueError(f"{message} has no words to change")
        changed = self._typed[message] = msgspec.structs.replace(typed, text=text)
        number = len(self._board.change(message, text).history)
        await self._do(Edited(user, typed.thread, self.clock.millis(), changed, number))

    async def unsend(self, user: str, message: str) -> None:
        """Somebody takes back what they wrote."""
        typed = self._own(user, message)
        self._board.take_back((message,))
        await self._do(Unsent(user, typed.thread, self.clock.millis(), message))

    async def vote(self, user: str, message: str, *options: str) -> None:
        """Somebody chooses in a poll; nothing any more, without `options`."""
        shown = self._standing(message)
        if not isinstance(shown.shape, Poll) or not set(options) <= set(shown.shape.options):
            raise ValueError(f"{message} is no poll with the options {options}")
        await self._do(Voted(user, shown.thread, self.clock.millis(), message, options))

    async def writing(self, user: str, on: bool = True, *, thread: str = "") -> None:
        """Somebody is writing to our account, or has stopped."""
        self.add(user)
        await self._do(Writing(user, thread or user, self.clock.millis(), on))

    async def move(self, user: str, room: str, change: MembershipChange, text: str = "") -> None:
        """Somebody comes to a room, leaves it, or gives it or themselves something new."""
        self.add(user)
        await self._do(Moved(user, room, self.clock.millis(), change, text))

    async def read(self, user: str) -> None:
        """Somebody reads what was sent to them; the bridge is told about what is new."""
        new = self._board.read(user)
        if new:
            self._tell(Seen(user, user, self.clock.millis(), new))
        await asyncio.sleep(0)

    def shown(self, user: str) -> tuple[Shown, ...]:
        """What somebody sees of what was sent to them, oldest first."""
        return self._board.sent_to(user)

    def message(self, native_id: str) -> Shown | None:
        """One message as it is seen now, also one that somebody wrote to us; None where there is none of this id."""
        return self._board.message(native_id)

    async def _write(self, typed: Typed) -> str:
        self._typed[typed.id] = typed
        self._board.write(
            Shown(
                typed.id,
                typed.text,
                typed.thread,
                self.names[typed.user] or typed.user,
                typed.reply_to,
                media=typed.media if typed.file else "",
                shape=typed.shape,
                forwarded=typed.forwarded,
                view_once=typed.view_once,
            )
        )
        await self._do(typed)
        return typed.id

    async def _do(self, update: Update) -> None:
        self._tell(update)
        await asyncio.sleep(0)

    def _tell(self, update: Update) -> None:
        self._waiting.append(update)
        self._watch.changed()

    def _id(self) -> str:
        self._count += 1
        return f"{self.name}-{self._count}"

    def _standing(self, message: str) -> Shown:
        try:
            return self._board.standing(message)
        except KeyError:
            raise ValueError(f"there is no message {message}, or it was taken back") from None

    def _own(self, user: str, message: str) -> Typed:
        self._standing(message)
        typed = self._typed.get(message)
        if typed is None or typed.user != user:
            raise ValueError(f"{user} did not write the message {message}")
        return typed
