"""`python -m tests.chaos.sabotage <what> <arguments>`: Gearmesh without one of the things that keep it right.

A campaign that does not fail with these daemons would not notice either when the product lost them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from nats.js import JetStreamContext

from gearmesh import cli
from gearmesh.bus.batch import Message
from gearmesh.bus.publisher import Outcome, Publisher
from gearmesh.host.begun import Begins
from gearmesh.host.ends import Ends
from gearmesh.host.message_map import MessageMap
from gearmesh.host.repeats import Repeats
from gearmesh.model.delivery import State


def without_dedupe() -> None:
    """Nothing is recognised that was stored, taken in or sent before."""

    async def unknown(*_: object, **__: object) -> None:
        return None

    send = Publisher.send

    async def send_without_id(
        self: Publisher,
        subject: str,
        payload: bytes,
        headers: dict[str, str] | None,
        outcome: Outcome,
        *,
        before: Sequence[Message] = (),
    ) -> None:
        nameless = [Message(one.subject, one.payload, without_id(one.headers)) for one in before]
        await send(self, subject, payload, without_id(headers or {}) or None, outcome, before=nameless)

    def without_id(headers: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in headers.items() if name != "Nats-Msg-Id"}

    async def nothing_came_of_it(*_: object) -> State:
        return "accepted"

    async def never(*_: object) -> bool:
        return False

    _replace(Repeats, "has", never)
    _replace(Begins, "in_doubt", unknown)
    _replace(Ends, "state", nothing_came_of_it)
    _replace(MessageMap, "leg", unknown)
    _replace(MessageMap, "native", unknown)
    _replace(MessageMap, "recent", lambda *_: None)
    _replace(Publisher, "send", send_without_id)


def without_reset() -> None:
    """Who takes over a log goes on behind what its predecessor had been given."""

    async def nothing(*_: object, **__: object) -> None:
        return None

    _replace(JetStreamContext, "reset_consumer", nothing)


SABOTAGES: Final[dict[str, Callable[[], None]]] = {"dedupe": without_dedupe, "reset": without_reset}


def _replace(owner: type, name: str, value: Any) -> None:
    # What is not there any more under this name must be found again, or the sabotage would be none.
    assert callable(getattr(owner, name))
    setattr(owner, name, value)


if __name__ == "__main__":
    SABOTAGES[sys.argv[1]]()
    sys.argv = ["gearmesh", *sys.argv[2:]]
    cli.main()
