"""Rules about rooms: what is said there comes in, what is sent there is said once, and we are where we should be."""

from __future__ import annotations

from typing import Final

import pytest

from gearmesh.errors import InvalidAddress, Rejected, Retry
from gearmesh.model.content import MembershipChange, Text
from gearmesh.model.events import MembershipReceived, MessageReceived
from gearmesh.testing.contract.harness import SENDER
from gearmesh.testing.contract.identity import NO_ADDRESSES
from gearmesh.testing.contract.inside import Inside
from gearmesh.testing.contract.people import ALAN
from gearmesh.testing.contract.rule import Broken, must, rule
from gearmesh.testing.contract.runner import Runner

CHANGES: Final[tuple[MembershipChange, ...]] = ("left", "joined", "topic")
TOPIC: Final = "Apples and pears"


class RoomRules(Inside):
    """SupportsRooms."""

    @rule("rooms", "however an operator writes a room, parse_room makes its one canonical form of it")
    async def test_rooms_names(self) -> None:
        self.with_rooms()
        for text, expected in {self.a_room: self.a_room, **self.rooms}.items():
            room = self._room_meant(text)
            must(room == expected, f"parse_room({text!r}) is {room!r}; expected {expected!r}")
            again = self._room_meant(room)
            must(again == room, f"{room!r} is not canonical: parse_room makes {again!r} of it")

    @rule("rooms", "a text that can mean no room raises InvalidAddress, nothing else")
    async def test_rooms_no_names(self) -> None:
        bridge = self.with_rooms()
        for text in (*NO_ADDRESSES, *self.bad_rooms):
            try:
                room = bridge.parse_room(text)
            except InvalidAddress:
                continue
            except Exception as error:
                raise Broken(f"parse_room({text[:40]!r}) raised {type(error).__name__}", error) from None
            raise Broken(f"parse_room({text[:40]!r}) took it for the room {room[:40]!r}")

    @rule("rooms", "is_room tells rooms from people, from memory")
    async def test_rooms_are_told_from_people(self) -> None:
        bridge = self.with_rooms()
        for thread, expected in ((self.a_room, True), (self.thread, False), ("a-thread-nobody-knows", False)):
            try:
                answer: object = bridge.is_room(thread)
            except Exception as error:
                raise Broken(f"is_room({thread!r}) raised {type(error).__name__}", error) from None
            must(answer is expected, f"is_room({thread!r}) is {answer!r}; expected {expected}")

    @rule("rooms", "what somebody says in a room comes in with the room as thread, and as user who said it")
    async def test_rooms_are_heard(self) -> None:
        await self.enter()
        told = [await self.user_says(text) for text in ("Good morning", "Good evening")]
        for text, native_id in zip(("Good morning", "Good evening"), told, strict=True):
            event = await self.message(f"{text!r}, which was said in the room,")
            must(event.content == Text(text), f"{event.content!r} came in where {text!r} was due")
            must(event.thread == self.a_room, f"thread is {event.thread!r}; it was said in {self.a_room!r}")
            must(event.user == self.a_user, f"user is {event.user!r}; {self.a_user!r} said it")
            must(bool(event.native_id), "native_id is empty")
            must(
                native_id in {"", event.native_id}, f"native_id is {event.native_id!r}; the network's is {native_id!r}"
            )

    @rule("rooms", "what is sent to a room is said there once, and it can be seen who wrote it")
    async def test_rooms_are_told(self) -> None:
        await self.enter()
        for sender, text in ((SENDER, "An apple"), (ALAN, "A pear")):
            shown = await self.says_in_room(text, sender=sender)
            must(
                sender.name in f"{shown.author} {shown.text}",
                f"{text!r} of {sender.name} is shown as {shown.text!r} by {shown.author or 'our account'}",
            )
        await self.says_in_room("That is all")
        await self._must_be_said_once("An apple", "A pear")

    @rule("rooms", "our own words in a room never come in as somebody's, nor we as somebody who came there")
    async def test_rooms_do_not_echo(self) -> None:
        await self.enter()
        for sender, text in ((SENDER, "An apple"), (ALAN, "A pear")):
            await self.says_in_room(text, sender=sender)
        await self.user_says("A plum")
        await self.heard("A plum")
        for event in self.context.events:
            must(
                not isinstance(event, MessageReceived) or event.content == Text("A plum"),
                f"our own words came in: {event!r}",
            )
            must(
                not isinstance(event, MembershipReceived) or event.user == self.a_user,
                f"one of us came in as somebody who came or left: {event!r}",
            )

    @rule("rooms", "nothing comes in of a room that is no longer one to sit in, and it is heard again when it is")
    async def test_rooms_are_left(self) -> None:
        await self.enter()
        await self.user_says("Stay!")
        await self.heard("Stay!")
        await self.sit_in()
        await self.until_inside(False)
        before = len(self.context.events)
        await self.user_says("Behind your back")
        await self.user_writes("Did you hear?")
        while (await self.message("the message after it")).content != Text("Did you hear?"):
            pass
        came = [event for event in self.context.events[before:] if getattr(event, "thread", "") == self.a_room]
        must(not came, f"of a room that is no longer sat in came in: {came}")
        await self.sit_in(self.a_room)
        await self.until_inside()
        await self.user_says("Welcome back")
        await self.heard("Welcome back")

    @rule("rooms", "after each start the bridge is in its rooms again, without being told anew")
    async def test_rooms_are_entered_again(self) -> None:
        await self.enter()
        await self.runner.stop(self.patience)
        await self.start()
        await self.says_in_room("I am back")
        await self.user_says("Welcome back")
        await self.heard("Welcome back")

    @pytest.mark.parametrize("change", CHANGES)
    @rule("rooms", "who comes to a room, who leaves it, and its topic come in as MembershipReceived")
    async def test_rooms_change(self, change: MembershipChange) -> None:
        self.with_rooms()
        self.about("membership", "heard")
        await self.enter()
        if change == "joined":
            await self.user_moves("left")
        await self.user_moves(change, TOPIC if change == "topic" else "")
        event = await self.next(MembershipReceived, f"that {self.a_user} has {change}")
        while event.change != change:
            event = await self.next(MembershipReceived, f"that {self.a_user} has {change}")
        must(event.thread == self.a_room, f"thread is {event.thread!r}; expected {self.a_room!r}")
        must(event.user == self.a_user, f"user is {event.user!r}; it was {self.a_user!r}")
        must(change != "topic" or event.text == TOPIC, f"the topic {TOPIC!r} came in as {event.text!r}")

    @rule("rooms", "sending to a room that we are not in raises Retry or Rejected, and what can be sent again arrives")
    async def test_rooms_not_entered(self) -> None:
        self.with_rooms()
        await self.start()
        await self._must_fail("Too early", "was never one to sit in")
        await self.sit_in(self.a_room)
        await self.until_inside()
        await self.says_in_room("In time")
        await self.sit_in()
        await self.until_inside(False)
        again = await self._must_fail("Too late", "is no longer one to sit in")
        await self.sit_in(self.a_room)
        await self.until_inside()
        if again:
            await self.says_in_room("Too late")
        await self.says_in_room("That is all")
        shown = [one.text for one in await self.shown_in_room()]
        must(not any("Too early" in text for text in shown), "what send() said had failed was said all the same")
        must(again or not any("Too late" in text for text in shown), "what was Rejected was said all the same")

    @rule("rooms", "what a room tells again is known by its native id, and what it kept meanwhile comes in, in order")
    async def test_rooms_are_told_again(self) -> None:
        await self.enter()
        await self._says_and_hears("Before")
        await self.runner.stop(self.patience)
        kept = dict(self.context.kept)
        await self._another_enters()
        await self._says_and_hears("Known")
        await self.says_in_room("Our own")
        await self.runner.stop(self.patience)
        if self.keeps_rooms:
            await self.user_says("Meanwhile")
        # As after a crash: whoever comes next does not know how far the last one came.
        self.context.kept.clear()
        self.context.kept.update(kept)
        await self._another_enters()
        await self._says_and_hears("Afterwards")
        names: dict[str, list[str]] = {}
        for event in self.context.events:
            if isinstance(event, MessageReceived) and event.thread == self.a_room:
                names.setdefault(getattr(event.content, "text", ""), []).append(event.native_id)
        for text, ids in names.items():
            must(len(set(ids)) == 1, f"{text!r} came in under the native ids {ids}: it is several messages")
        due = ["Before", "Known", *(["Meanwhile"] if self.keeps_rooms else []), "Afterwards"]
        must([*names] == due, f"said were {due}, and {[*names]} came in")

    async def _another_enters(self) -> None:
        """Another process works on the app: a new bridge with what was kept."""
        self.bridge = self.make_bridge(self.context)
        self.runner = Runner(self.bridge, self.context)
        await self.sit_in(self.a_room)
        await self.start()
        # The network may not have noticed that the other one has gone: only what arrives tells that this one is there.
        await self.says_in_room(f"Here is number {self._sent}")

    async def _says_and_hears(self, text: str) -> None:
        await self.user_says(text)
        await self.heard(text)

    async def _must_fail(self, text: str, why: str) -> bool:
        """Whether what fails can be sent again."""
        delivery = await self.composed(text, "room")
        try:
            sent = await self.ask("send()", self.bridge.send(delivery), allowed=(Retry, Rejected))
        except (Retry, Rejected) as error:
            must(bool(str(error).strip()), f"{type(error).__name__} has no message, and it is what people are told")
            return isinstance(error, Retry)
        raise Broken(f"send() returned {sent!r} for the room {self.a_room!r}, which {why}")

    async def _must_be_said_once(self, *texts: str) -> None:
        shown = await self.shown_in_room()
        for text in texts:
            times = sum(text in one.text for one in shown)
            must(times == 1, f"{text!r} is shown {times} times")

    def _room_meant(self, text: str) -> str:
        try:
            room: object = self.with_rooms().parse_room(text)
        except Exception as error:
            raise Broken(f"parse_room({text!r}) raised {type(error).__name__}: {error}", error) from None
        if not isinstance(room, str):
            raise Broken(f"parse_room({text!r}) is {room!r}; expected a text")
        return room
