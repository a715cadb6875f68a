"""Waiting for what is on its way to a thread."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh.host.underway import Underway


async def test_given_nothing_on_its_way_to_a_thread_then_nobody_waits() -> None:
    underway = Underway()
    underway.begin("ben")
    assert not await underway.settled("ada")


async def test_given_several_at_once_to_a_thread_then_all_who_wait_do_so_until_the_last_is_over() -> None:
    underway = Underway()
    underway.begin("ada")
    underway.begin("ada")
    waiting = [asyncio.create_task(underway.settled("ada")) for _ in range(2)]
    await asyncio.sleep(0)
    underway.end("ada")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    underway.end("ada")
    assert await asyncio.gather(*waiting) == [True, True]
    assert not await underway.settled("ada")


async def test_given_one_that_takes_too_long_then_nothing_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gearmesh.host.underway.SETTLED_WITHIN", 0.01)
    underway = Underway()
    underway.begin("ada")
    assert not await underway.settled("ada")
    underway.end("ada")
