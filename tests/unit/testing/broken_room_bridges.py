"""Bridges that each have one fault in rooms, or where many messages are on their way at once.

They are run, and their suites are built, like those of broken_bridges.py.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

import msgspec
from tests.plugins.plain_bridge import HurryingBridge
from tests.unit.testing.broken_bridges import HearsItself, Meddler, text_of
from tests.unit.testing.broken_bridges import Suite as AnySuite

from gearmesh.errors import InvalidAddress, Rejected
from gearmesh.model.content import Text, words_of
from gearmesh.model.delivery import Delivery, Sent
from gearmesh.model.events import Event, MembershipReceived, MessageReceived, Unparsed
from gearmesh.testing import FakeBridge
from gearmesh.testing.updates import Moved, Update


class Suite(AnySuite):
    """Rooms."""

    patience = 0.5
    kinds = ("rooms",)


class KeepsCapitals(FakeBridge):
    def parse_room(self, text: str) -> str:
        super().parse_room(text)
        return text.strip()


class TestKeepsCapitalsOfRooms(Suite):
    kind = KeepsCapitals
    red = frozenset({"test_rooms_names"})


class TakesAnyRoom(FakeBridge):
    def parse_room(self, text: str) -> str:
        try:
            return super().parse_room(text)
        except InvalidAddress:
            return f"#{text}"


class TestTakesAnyRoom(Suite):
    kind = TakesAnyRoom
    red = frozenset({"test_rooms_no_names"})


class TakesPeopleForRooms(FakeBridge):
    def is_room(self, thread: str) -> bool:
        return thread in {"ada", "#club"}


class TestTakesPeopleForRooms(Suite):
    kind = TakesPeopleForRooms
    red = frozenset({"test_rooms_are_told_from_people"})


class NamesTheRoom(FakeBridge):
    def translate(self, update: Update) -> Event:
        event = super().translate(update)
        return msgspec.structs.replace(event, user=event.thread) if isinstance(event, MessageReceived) else event


class TestNamesTheRoom(Suite):
    kind = NamesTheRoom
    red = frozenset({"test_rooms_are_heard"})


class NamesNobody(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        return await super().send(msgspec.structs.replace(delivery, ghost=""))


class TestNamesNobody(Suite):
    kind = NamesNobody
    red = frozenset({"test_rooms_are_told"})


class SaysItTwice(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        await super().send(delivery)
        return await super().send(delivery)


class TestSaysItTwice(Suite):
    kind = SaysItTwice
    red = frozenset({"test_rooms_are_told"})


class TestHearsItselfInRooms(Suite):
    kind = HearsItself
    red = frozenset({"test_rooms_do_not_echo", "test_rooms_are_told_again"})


class ComesAsSomebody(FakeBridge):
    async def ghost(self, thread: str, sender: object) -> str:
        at = self.messenger.clock.millis()
        await self.context.receive(MembershipReceived(thread, "grace", at, "joined"))
        return ""


class TestComesAsSomebody(Suite):
    kind = ComesAsSomebody
    red = frozenset({"test_rooms_do_not_echo"})


class NeverLeaves(FakeBridge):
    async def sit_in(self, rooms: Collection[str]) -> None:
        await super().sit_in({*self.messenger.rooms, *rooms})


class TestNeverLeaves(Suite):
    kind = NeverLeaves
    red = frozenset({"test_rooms_are_left", "test_rooms_not_entered"})


class ListensAtTheDoor(Meddler):
    async def receive(self, *events: Event) -> None:
        if text_of(events[0]) == "Did you hear?":
            at = self.messenger.clock.millis()
            await self.real.receive(MessageReceived("lurked", "#club", "ada", at, Text("Behind your back")))
        await super().receive(*events)


class TestListensAtTheDoor(Suite):
    kind = ListensAtTheDoor
    red = frozenset({"test_rooms_are_left"})


class OnceIsEnough(FakeBridge):
    async def run(self) -> None:
        try:
            await super().run()
        finally:
            self.messenger.sit_in(())


class TestOnceIsEnough(Suite):
    kind = OnceIsEnough
    red = frozenset({"test_rooms_are_entered_again", "test_rooms_are_told_again"})


class SeesNobodyMove(FakeBridge):
    def translate(self, update: Update) -> Event:
        return Unparsed(b"", "never mind") if isinstance(update, Moved) else super().translate(update)


class TestSeesNobodyMove(Suite):
    kind = SeesNobodyMove
    red = frozenset(f"test_rooms_change[{change}]" for change in ("left", "joined", "topic"))


class SaysItIsSaid(FakeBridge):
    async def send(self, delivery: Delivery) -> Sent:
        try:
            return await super().send(delivery)
        except Rejected:
            return Sent(("somewhere",))


class TestSaysItIsSaid(Suite):
    kind = SaysItIsSaid
    red = frozenset({"test_rooms_not_entered"})


class CountsAnew(FakeBridge):
    def translate(self, update: Update) -> Event:
        event = super().translate(update)
        if not isinstance(event, MessageReceived):
            return event
        return msgspec.structs.replace(event, native_id=f"{event.native_id} {self.messenger.clock.micros()}")


class TestCountsAnew(Suite):
    kind = CountsAnew
    red = frozenset({"test_rooms_are_heard", "test_rooms_are_told_again"})


# Many at once


class HurryingSuite(Suite):
    """Messages that take a moment."""

    kinds = ("at_once",)
    delay = 0.002


LATER = frozenset({"test_at_once_later[Retry]", "test_at_once_later[RateLimited]"})
CUT = frozenset({"test_at_once_cut[direct]", "test_at_once_cut[room]"})
ORDER = frozenset({"test_at_once_order[direct]", "test_at_once_order[room]"})


class LeavesGaps(FakeBridge):
    at_once = 20


class TestLeavesGaps(HurryingSuite):
    kind = LeavesGaps
    red = LATER


class TakesItsTime(FakeBridge):
    at_once = 20

    async def send(self, delivery: Delivery) -> Sent:
        number = re.search(r"number (\d+)!", words_of(delivery.content))
        await asyncio.sleep(int(number[1]) * 0.005 if number else 0)
        return await super().send(delivery)


class TestTakesItsTime(HurryingSuite):
    kind = TakesItsTime
    red = LATER | CUT


class LetsOneOvertake(HurryingBridge):
    async def send(self, delivery: Delivery) -> Sent:
        if "number 5!" in words_of(delivery.content):
            return await FakeBridge.send(self, delivery)
        return await super().send(delivery)


class TestLetsOneOvertake(HurryingSuite):
    kind = LetsOneOvertake
    red = ORDER | CUT | LATER | {"test_at_once_refused"}


class SendsAgainByItself(HurryingBridge):
    async def send(self, delivery: Delivery) -> Sent:
        sent = await super().send(delivery)
        return await super().send(delivery) if "number 20!" in words_of(delivery.content) else sent


class TestSendsAgainByItself(HurryingSuite):
    kind = SendsAgainByItself
    red = ORDER | CUT | LATER | {"test_at_once_refused"}


class DropsWhatIsBehindARefusal(HurryingBridge):
    refused = False

    async def send(self, delivery: Delivery) -> Sent:
        if self.refused:
            self.refused = False
            return Sent(("nowhere",))
        try:
            return await super().send(delivery)
        except Rejected:
            self.refused = True
            raise


class TestDropsWhatIsBehindARefusal(HurryingSuite):
    kind = DropsWhatIsBehindARefusal
    red = frozenset({"test_at_once_refused"})
