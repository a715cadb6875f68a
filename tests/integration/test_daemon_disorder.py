"""Messenger repeats after an outage what it could not hand over, in any order: people's words keep theirs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, Final

import pytest

from gearmesh import Event
from gearmesh.bus.publisher import Stored
from gearmesh.core.ordering import HELD_FOR
from gearmesh.errors import BusUnavailable

from .patience import until
from .phones import ADA, BEN, CLEO
from .town import SETTINGS, Town

ANSWER_WITHIN: Final = 5.0
"""Seconds: Messenger Platform's webhook documentation, mid-2026."""


def webhook(at: float, **event: Any) -> bytes:
    """A webhook about Ben, of a time in seconds since the epoch."""
    millis = round(at * 1000)
    item = {"sender": {"id": BEN.user}, "recipient": {"id": SETTINGS.page_id}, "timestamp": millis, **event}
    entry = {"id": SETTINGS.page_id, "time": millis, "messaging": [item]}
    return json.dumps({"object": "page", "entry": [entry]}).encode()


def wrote(at: float, text: str) -> bytes:
    """Ben wrote this then."""
    return webhook(at, message={"mid": f"m_{text}", "text": text})


async def post(town: Town, *bodies: bytes) -> list[tuple[int, float]]:
    """Hand webhooks over, each before the one before it is answered; status and seconds of each answer."""
    ingress = town.daemon.apps["messenger"].ingress
    receive = ingress.receive
    arrived: list[Sequence[Event]] = []

    async def note(events: Sequence[Event]) -> None:
        arrived.append(events)
        await receive(events)

    async def hand_over(body: bytes) -> tuple[int, float]:
        begun = time.monotonic()
        return await town.webhook("messenger", body), time.monotonic() - begun

    answers = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingress, "receive", note)
        for body in bodies:
            answers.append(asyncio.create_task(hand_over(body)))
            await until(lambda: len(arrived) == len(answers), awaited="the webhook to arrive")
    return await asyncio.gather(*answers)


async def test_given_an_outage_when_its_messages_come_in_any_order_then_each_goes_where_and_when_it_was_meant(
    town: Town,
) -> None:
    await town.stop()
    begun = time.time() - 60
    await town.start()

    answers = await post(
        town,
        wrote(begun + 4, "three"),
        wrote(begun + 1, "@cleo one"),
        wrote(begun + 6, "four"),
        webhook(begun + 5, referral={"ref": "somewhere", "source": "SHORTLINK", "type": "OPEN_THREAD"}),
        wrote(begun + 3, "@ada two"),
        wrote(begun + 1, "@cleo one"),
        wrote(begun + 2, "and one more"),
    )

    assert [status for status, _ in answers] == [200] * 7
    assert max(seconds for _, seconds in answers) < ANSWER_WITHIN
    await town.phones.sees(ADA, "four")
    await town.phones.sees(CLEO, "and one more")
    assert await town.phones.texts(ADA) == [f"{above()}{text}" for text in ("two", "three", "four")]
    assert await town.phones.texts(CLEO) == [f"{above()}{text}" for text in ("one", "and one more")]


async def test_given_input_that_was_refused_when_it_comes_again_behind_newer_one_then_it_is_taken_before_it(
    quiet_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as start:  # which alone must not hold anything
        start.setattr("gearmesh.core.ordering.DISTURBED_FOR", 0)
        await quiet_town.start()
        await quiet_town.phones.all_told()  # `post` counts what arrives, and that people open their chats would, too
    monkeypatch.setattr(quiet_town.daemon.apps["messenger"].ingress, "doubt", lambda **_: None)
    publisher = quiet_town.daemon.apps["messenger"].app.shared.publisher
    publish = publisher.publish
    refused: list[str] = []

    async def publish_later(subject: str, *args: Any, **more: Any) -> Stored:
        if ".in.messenger." in subject and not refused:
            refused.append(subject)
            raise BusUnavailable("nats is away")
        return await publish(subject, *args, **more)

    monkeypatch.setattr(publisher, "publish", publish_later)
    first, second = wrote(time.time(), "@ada first"), wrote(time.time() + 0.3, "second")
    ((status, seconds),) = await post(quiet_town, first)
    assert status == 503
    assert seconds < HELD_FOR / 1000, "in a quiet time nothing is held"

    assert [status for status, _ in await post(quiet_town, second, first)] == [200, 200]

    await quiet_town.phones.sees(ADA, "second")
    assert await quiet_town.phones.texts(ADA) == [f"{above()}first", f"{above()}second"]


async def test_given_words_that_are_held_for_their_order_when_a_report_of_our_own_comes_then_it_waits_for_none_of_it(
    town: Town,
) -> None:
    await town.stop()
    at = time.time() - 60
    await town.start()
    holding = town.daemon.apps["messenger"].ingress._holding

    words = asyncio.create_task(town.webhook("messenger", wrote(at, "@ada hello")))
    await until(lambda: len(holding) == 1, awaited="the words to be held")
    watermark = round(at * 1000)
    delivered = await town.webhook("messenger", webhook(at + 1, delivery={"mids": ["m_none"], "watermark": watermark}))
    read = await town.webhook("messenger", webhook(at + 2, read={"watermark": watermark}))

    assert (delivered, read, words.done()) == (200, 200, False)
    assert await words == 200
    await town.phones.sees(ADA, "hello")


def above() -> str:
    """The line above Ben's words, on other networks."""
    return f"{BEN.name} (@{BEN.handle}, {BEN.title}):\n"
