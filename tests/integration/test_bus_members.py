"""Who is there, by signs of life in a real nats-server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.members import BEAT, FADES_AFTER, Members
from gearmesh.bus.streams import ensure_all
from gearmesh.bus.whereabouts import Process
from gearmesh.errors import BusUnavailable
from gearmesh.testing import NatsServer
from gearmesh.wire.subjects import Subjects

from .patience import eventually, until
from .processes import Program

BUCKET = Subjects().bucket("leases")
AT_ONCE = 1.0
"""Seconds: far less than a sign of life takes to fade, also on a busy machine."""


class Member(Members):
    """One that gives signs of life until it is silenced."""

    def __init__(self, connection: Connection, kind: str, *, elsewhere: bool) -> None:
        super().__init__(connection, BUCKET, kind)
        if elsewhere:
            self._here = Process(1, "1", "another machine")
        self._speaking = asyncio.create_task(self.run())

    async def fall_silent(self) -> None:
        """As if its process had died."""
        self._speaking.cancel()
        await asyncio.wait([self._speaking])


Join = Callable[..., Member]


@pytest.fixture
async def join(connection: Connection) -> AsyncIterator[Join]:
    """Makes a member, for as long as the test lasts."""
    await ensure_all(connection, Subjects())
    async with AsyncExitStack() as stack:

        def joined(kind: str = "router", *, elsewhere: bool = False) -> Member:
            member = Member(connection, kind, elsewhere=elsewhere)
            stack.push_async_callback(member.fall_silent)
            return member

        yield joined


async def sees(members: Members, *others: str, within: float = 20.0) -> None:
    """Wait until it counts these, itself, and nobody else."""
    expected = sorted({members.me, *others})
    await eventually(members.live, lambda live: live == expected, awaited=f"{expected}", within=within)


async def test_given_two_that_are_there_then_both_see_the_same_and_go_on_doing_so(join: Join) -> None:
    first, second = join(), join()
    await sees(first, second.me)
    await sees(second, first.me)
    end = asyncio.get_running_loop().time() + FADES_AFTER + BEAT
    while asyncio.get_running_loop().time() < end:
        assert await first.live() == await second.live() == sorted([first.me, second.me])
        await asyncio.sleep(0.05)


async def test_given_members_of_another_kind_then_they_are_not_counted(join: Join) -> None:
    router, other = join(), join("notifier")
    await sees(router)
    await sees(other)


async def test_given_one_that_leaves_then_the_other_does_not_wait_for_its_sign_to_fade(join: Join) -> None:
    first, second = join(), join(elsewhere=True)
    await sees(first, second.me)

    await second.fall_silent()
    await second.leave()

    await sees(first, within=AT_ONCE)


async def test_given_one_elsewhere_that_falls_silent_then_it_is_counted_until_its_sign_has_faded(join: Join) -> None:
    first, second = join(), join(elsewhere=True)
    await sees(first, second.me)

    loop = asyncio.get_running_loop()
    await second.fall_silent()
    silent = loop.time()
    await sees(first)

    assert FADES_AFTER - BEAT - 1 < loop.time() - silent < FADES_AFTER + 2


@pytest.fixture
def program(server: NatsServer, tmp_path: Path) -> Program:
    """Another process of this machine that is a member."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return Program(tmp_path, "member", server.url, "router", env={"PYTHONPATH": path})


async def test_given_a_process_of_this_machine_that_is_killed_then_it_is_not_counted_any_more_at_once(
    join: Join, program: Program
) -> None:
    members = join()
    async with program:
        await program.says("name")
        await sees(members, program.stdout.split()[1])

        program.send(signal.SIGKILL)
        await program.ended()

        await sees(members, within=AT_ONCE)


async def test_given_nats_is_away_then_nobody_is_counted_and_all_again_afterwards(
    server: NatsServer, connection: Connection, join: Join
) -> None:
    first, second = join(), join()
    await sees(first, second.me)
    server.kill()
    await until(lambda: not connection.is_up, awaited="the loss to be noticed")
    with pytest.raises(BusUnavailable):
        await first.live()
    await server.start()
    await until(lambda: connection.is_up, awaited="the reconnect")
    await sees(first, second.me)


async def test_given_a_sign_that_this_release_cannot_read_then_whoever_gave_it_is_counted(
    join: Join, connection: Connection
) -> None:
    members = join()
    await connection.js.publish(f"$KV.{BUCKET}.router.newer", msgspec.json.encode(["something", "else"]))
    await sees(members, "newer")
