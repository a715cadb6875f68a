"""A campaign: people write while everything that can break does, and then everything must have arrived."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from tests.integration.phones import Phone, Shown

from gearmesh.bus.connection import Access, Connection

from . import report
from .cluster import Cluster, cluster_of
from .eyes import Eyes
from .faults import DEFAULT, blows, orders
from .havoc import Havoc
from .load import Load
from .people import settle
from .quiet import quiet
from .times import Arrival
from .traces import traces
from .verdict import Verdict, judge

TYPING: Final = 0.7
"""The part of a campaign's time in which people type; the rest is for beginning, and for what is late."""
LATEST: Final = 0.8
"""The part after which nobody types any more, where people had to pause."""
CALM: Final = (4.0, 0.05)
"""Seconds, and part of the typing, at the beginning in which nothing goes wrong, whichever is longer: how long a
message takes is measured there, up to its last second."""
QUIET_WITHIN: Final = 90.0
HARD_STOP: Final = 90.0
"""Seconds after a campaign's time at which it is ended, whatever it does."""
TOLD_AT_MOST: Final = 2_000
"""Events waiting at the networks beyond which people pause, so that the end of the campaign can be waited for."""
UNSHOWN_AT_MOST: Final = 4_000
"""Messages typed and not shown, likewise."""
PROGRESS_EVERY: Final = 10.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted. `seconds` for all of it; `people` on each network; `only` these kinds of faults, all without.

    `quiet_within`: seconds after the typing for which what is late is waited for.
    """

    seed: int = 1
    seconds: float = 480.0
    messages: int = 21_000
    people: int = 12
    only: tuple[str, ...] = ()
    sabotage: str = ""
    quiet_within: float = QUIET_WITHIN


class Result(msgspec.Struct, frozen=True):
    """How it ended. `faults` by kind; `unfinished` says what could not be waited for."""

    verdict: Verdict
    faults: dict[str, int]
    unfinished: str = ""

    @property
    def passed(self) -> bool:
        """Whether everything was as it must be."""
        return self.verdict.clean and not self.unfinished

    @property
    def line(self) -> str:
        """The last line."""
        return self.verdict.line(sum(self.faults.values()))


async def campaign(options: Options, folder: Path, say: Callable[[str], None]) -> Result:
    """Carry one out, with everything that runs and its logs in `folder`. `say` gets the lines of the report.

    Raises:
        TimeoutError: it did not end in time.
    """
    async with asyncio.timeout(options.seconds + HARD_STOP), cluster_of(folder, sabotage=options.sabotage) as cluster:
        connection = await Connection.open(Access((cluster.nats.url,)), "chaos")
        try:
            return await _Campaign(options, cluster, connection, say).run()
        finally:
            await connection.close()


class _Campaign:
    def __init__(self, options: Options, cluster: Cluster, connection: Connection, say: Callable[[str], None]) -> None:
        self._options = options
        self._cluster = cluster
        self._connection = connection
        self._say = say
        self._havoc = Havoc(cluster, connection, options.seed)

    async def run(self) -> Result:
        options, cluster = self._options, self._cluster
        people = await settle(cluster.phones, options.people)
        kinds = options.only or DEFAULT
        typing = options.seconds * TYPING
        self._say(
            f"seed {options.seed}: {options.messages} messages of {len(people)} people, {len(kinds)} kinds of faults"
        )
        load = Load(cluster.phones, people, seed=options.seed, messages=options.messages, seconds=typing)
        eyes = Eyes(cluster.phones, people)
        begun = _now()
        calm_until = begun + int((_calm(typing) - 1) * 1000)
        async with _alongside(cluster.watch_over()):
            async with _alongside(self._hold(load, eyes)):
                await self._trouble(load, people, kinds, typing)
            typed_until = _now()
            faults = await self._havoc.counted()
            refused = await self._havoc.refused()
            await cluster.phones.lift()
            await cluster.answers()
            self._say(f"{load.count} messages typed; waiting until nothing is on its way")
            unfinished = await quiet(eyes, self._connection, load.count, options.quiet_within)
        shown = await eyes.everything()
        texts = {handle: [message["text"] for message in messages] for handle, messages in shown.items()}
        verdict = judge(load.typed, texts, {phone.handle: refused[phone.user] for phone in people})
        result = Result(verdict, dict(faults), unfinished)
        for member in cluster.members:
            member.measure()
        await self._report(
            result,
            report.Measures(
                begun,
                typed_until,
                calm_until,
                load.typed_at,
                _arrivals(people, shown),
                self._havoc.happened,
                {member.name: member.peak_kib for member in cluster.members},
            ),
        )
        return result

    async def _trouble(self, load: Load, people: Sequence[Phone], kinds: Sequence[str], typing: float) -> None:
        """People type, and things go wrong, until both are over."""
        seed, begin = self._options.seed, _calm(typing)
        users = [(phone.network, phone.user) for phone in people]
        beginning = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.run(beginning + self._options.seconds * LATEST))
            tasks.create_task(self._havoc.deal(blows(seed, kinds, begin, typing), beginning))
            tasks.create_task(self._havoc.place(orders(seed, kinds, begin, typing, users), beginning))

    async def _hold(self, load: Load, eyes: Eyes) -> None:
        """Let people pause while too much waits, and say how it goes."""
        loop = asyncio.get_running_loop()
        said = loop.time()
        while True:
            await asyncio.sleep(1.0)
            waiting, unshown = await eyes.waiting(), load.count - await eyes.look()
            if waiting > TOLD_AT_MOST or unshown > UNSHOWN_AT_MOST:
                load.room.clear()
            else:
                load.room.set()
            if loop.time() - said > PROGRESS_EVERY:
                said = loop.time()
                faults = (await self._havoc.counted()).total()
                self._say(
                    f"typed {load.count}, not shown yet {unshown}, waiting at the networks {waiting}, faults {faults}"
                )

    async def _report(self, result: Result, measures: report.Measures) -> None:
        verdict = result.verdict
        lines = [*report.table(result.faults), *report.measured(measures), *report.others(verdict)]
        lines += (f"ended by itself and was started again: {end}" for end in self._cluster.ended_by_themselves)
        if not verdict.clean:
            wanted = {said for _, said in report.wrong(verdict)[: report.MOST_SHOWN]}
            lines += report.offenders(verdict, await traces(self._connection, wanted))
        if result.unfinished:
            lines.append(f"it did not get quiet: {result.unfinished}")
        for line in lines:
            self._say(line)
        blows = (f"{blow.begun} {blow.ended} {blow.kind} {blow.target}\n" for blow in measures.happened)
        (self._cluster.folder / "blows.txt").write_text("".join(blows), encoding="utf-8")


def _arrivals(people: Sequence[Phone], shown: Mapping[str, Sequence[Shown]]) -> list[Arrival]:
    return [
        Arrival(phone.network, message["text"], message["time"]) for phone in people for message in shown[phone.handle]
    ]


@asynccontextmanager
async def _alongside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do something else meanwhile; a failure of it is one of the block, once that is over."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


def _calm(typing: float) -> float:
    least, part = CALM
    return max(least, typing * part)


def _now() -> int:
    return time.time_ns() // 1_000_000
