"""What is known to be wrong and is not mended yet."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh import Unclear

from .bench import bench
from .ircd import Ircd
from .person import Person


@pytest.mark.xfail(strict=True, reason="16: the next try uses the lines that were cut for the last connection")
async def test_what_is_sent_again_is_cut_for_the_connection_that_there_is() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port) as irc:
        ircd.refusals.append("deaf")
        with pytest.raises(Unclear):
            await irc.says("ada", "one\ntwo", name="e:irc:0")
        del ircd.caps["draft/multiline"]
        await irc.connected(2)
        start = len(ircd.received)
        sending = asyncio.create_task(irc.gets_through("ada", "one\ntwo", name="e:irc:0"))
        await ada.reads("two")
        sending.cancel()

        assert not [line for line in ircd.received[start:] if line.command == "BATCH"]


@pytest.mark.xfail(strict=True, reason="20: a lock is kept for each target that was ever written to")
async def test_nothing_is_kept_of_targets_that_nobody_writes_to_now() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port), bench(ircd.port) as irc:
        await irc.says("ada", "Hello")
        link = irc.bridge._link

        assert link is not None
        assert not link.confirmations._turns
