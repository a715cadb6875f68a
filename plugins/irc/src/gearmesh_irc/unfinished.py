"""Deliveries of which not every message is confirmed yet: the next try goes on where the last one ended."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from gearmesh import Delivery, EchoReceived
from gearmesh_irc.incoming import ATTRIBUTION
from gearmesh_irc.outgoing import Message, cut_again, messages_of
from gearmesh_irc.session import Session

MOST: Final = 10_000


class Unfinished(msgspec.Struct):
    """One delivery: `ids` has the messages that are confirmed, `open_` those nobody knows of."""

    thread: str
    messages: list[Message]
    ids: dict[int, str] = {}
    open_: set[int] = set()

    def fit(self, delivery: Delivery, session: Session) -> None:
        """Cut what is not confirmed for the connection that there is now; what is confirmed is the beginning."""
        done = len(self.ids)
        rest = cut_again(delivery, self.messages[done:], session) if done else messages_of(delivery, session)
        self.messages[done:] = rest


class AllUnfinished:
    """The latest of them, by the deliveries' ids."""

    def __init__(self) -> None:
        self._by_name: OrderedDict[str, Unfinished] = OrderedDict()

    def of(self, name: str) -> Unfinished | None:
        """What has begun of a delivery: something of it is confirmed or open."""
        begun = self._by_name.get(name)
        return begun if begun is not None and (begun.ids or begun.open_) else None

    def begin(self, name: str, thread: str, messages: list[Message]) -> Unfinished:
        """It is written from its beginning."""
        begun = self._by_name[name] = Unfinished(thread, messages)
        if len(self._by_name) > MOST:
            self._by_name.popitem(last=False)
        return begun

    def end(self, name: str) -> None:
        """It was sent, or never will be."""
        self._by_name.pop(name, None)

    def settled(self, echo: EchoReceived) -> EchoReceived:
        """A message of ours that the server shows, with the delivery whose last open message it was, if it was."""
        for name, begun in self._by_name.items():
            for number in sorted(begun.open_):
                words = ATTRIBUTION.sub("", begun.messages[number].words, count=1)
                if begun.thread == echo.thread and words == echo.text:
                    begun.open_.discard(number)
                    begun.ids[number] = echo.native_id
                    if len(begun.ids) == len(begun.messages):
                        self._by_name.pop(name)
                        return msgspec.structs.replace(echo, delivery_id=name)
        return echo
