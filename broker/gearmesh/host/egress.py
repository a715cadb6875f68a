"""What goes out: legs from the outbound log become native messages.

    leg ─▶ lane of its thread ─▶ body opened ─▶ fitted ─▶ sent ─▶ remembered ─▶ ledger ─▶ acknowledged
                    │  ▲
         must wait  ▼  │ its time has come
              queue of the thread, in NATS

One lane per thread: within it everything keeps its order, and a thread that waits holds up nobody else. A lane waits in
memory for moments only; for longer its legs are put into the thread's queue, and what follows is put behind them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeGuard

import msgspec
import structlog

from gearmesh.bus.consumer import Taken
from gearmesh.bus.publisher import Stored
from gearmesh.core.lanes import Lanes
from gearmesh.errors import BusError, BusUnavailable, WireError
from gearmesh.host.app import App
from gearmesh.host.backlog import Backlog
from gearmesh.host.ends import OVER, SENT, Ends
from gearmesh.host.handling import Handling
from gearmesh.host.invitations import Invitations
from gearmesh.host.job import FromLog, Job
from gearmesh.host.on_the_way import OnTheWay
from gearmesh.host.queues import Queues
from gearmesh.host.refusals import Refusal, Refusals
from gearmesh.host.sending import LegSender
from gearmesh.host.together import Ready
from gearmesh.host.turn import Turn
from gearmesh.model.address import Address
from gearmesh.wire.codec import decode

log = structlog.get_logger("gearmesh.egress")

FINISH_WITHIN: Final = 35.0
"""Seconds that what is on its way to a network may take when a turn ends: a little more than one request."""
REFUSED_PAUSE: Final = 1.0
MOST_AT_HAND: Final = 16 * 1024 * 1024
"""Bytes of legs that are kept in memory; the others are read again when it is their turn."""
WORKED_OFF_AT_ONCE: Final = 256
"""Queues that are worked off at the same time."""
UNCERTAIN: Final = "it is not certain that this app is still ours"


class Look:
    """In a lane: the thread's queue is to be looked at. Each takes one place in `room`."""

    __slots__ = ("_room",)

    def __init__(self, room: asyncio.Semaphore) -> None:
        self._room = room

    def over(self) -> None:
        """It was looked at."""
        self._room.release()


class Bundle(msgspec.Struct, eq=False):
    """What is in work in a lane: one item, or a few legs that nothing holds up and that are `ready` to go in one go.

    `open` counts what has to be over before the lane goes on; it does so with the legs that are `left`.
    """

    thread: str
    turn: Turn
    ready: Sequence[Ready] = ()
    left: Sequence[Job] = ()
    open: int = 1


Item = Job | Look | Refusal


class Egress:
    """Sends the legs of one app. `take` is what its consumer calls, `turn` whoever knows whose the app is.

    `give_back` ends the consumer's turn: everything that is not acknowledged comes again, after so many seconds.
    """

    def __init__(
        self, app: App, queues: Queues, sender: LegSender, ends: Ends, invitations: Invitations, refusals: Refusals
    ) -> None:
        self._app = app
        self._shared = app.shared
        self._queues = queues
        self._sender = sender
        self._together = sender.together
        self._ends = ends
        self._invitations = invitations
        self._refusals = refusals
        self._lanes: Lanes[str, Item] = Lanes()
        self._handling = Handling(app, queues, sender, ends)
        self._backlog = Backlog(app, queues, self._handling, sender, ends, invitations, self._lanes.behind)
        self._held: set[int] = set()
        self._at_hand = 0
        self._on_the_way = OnTheWay(self._failed)
        self._departing: list[Job] = []
        """Those that the next departure takes."""
        self._looking: asyncio.Task[None] | None = None
        self._turn = Turn()
        self._turn.end()
        self._draining = False
        self.give_back: Callable[[str, float], None] = lambda reason, pause: None

    @property
    def stopped(self) -> asyncio.Event:
        """Set when the network has refused our credentials: nothing goes out until the app is started again."""
        return self._handling.stopped

    @property
    def waiting(self) -> int:
        """Legs taken from the log and not done with."""
        return len(self._lanes)

    @property
    def queued(self) -> int:
        """Threads whose legs wait in their queue."""
        return len(self._queues)

    async def begin(self, turn: Turn) -> None:
        """A turn begins. What is in flight from the last one is brought to its end before.

        Raises:
            BusUnavailable: nats does not answer.
        """
        self._drop_waiting()
        await self.finish()
        await self._queues.load()
        if self._draining:
            self._queues.clear()  # what waits there is for our successor, too
            return
        self._turn = turn
        self._looking = asyncio.create_task(self._look_when_due(turn), name=f"queues {self._app.name}")

    def end(self) -> None:
        """The turn is over: what only waits is not ours any more."""
        self._drop_waiting()

    async def drain(self, within: float) -> bool:
        """Take nothing more and finish what is on the wire. Whether all of it came to its end."""
        self._draining = True
        self._drop_waiting()
        return await self.finish(within)

    async def finish(self, within: float = FINISH_WITHIN) -> bool:
        """Wait for what is on its way; what takes longer stays in the log. Whether nothing did."""
        return await self._on_the_way.finish(within)

    def person_wrote(self, thread: str) -> None:
        """What waited until this person writes may go."""
        self._queues.written(thread)

    async def take(self, taken: Taken) -> None:
        """Take one leg. It is acknowledged when it is done with for all its recipients."""
        if taken.seq in self._held or self._draining:
            return  # nats thinks it lost, because it waits long in its lane; or it is for our successor
        taken_at = self._shared.clock.micros()
        try:
            envelope = decode(taken.data)
            if not envelope.header.to:
                raise WireError("a leg without recipients")
        except WireError as error:
            await self._shared.journal.bury(self._app.name, "unparsed", str(error), taken.data, subject=taken.subject)
            await taken.ack()
            return
        header, body = envelope.header, envelope.body
        threads: dict[str, Address] = {}
        for recipient in reversed(header.to):
            try:
                # Recipients who share a thread see one message there.
                threads[self._app.bridge.thread_of(recipient.user)] = recipient
            except Exception as error:
                log.exception("the bridge names no thread", app=self._app.name, to=str(recipient))
                detail = f"the bridge names no thread for {recipient}: {type(error).__name__}"
                source = FromLog(taken, 1, self._held)
                lost = Job(source, header, body, recipient, "", taken.seq, taken.stored_at, taken_at, taken.fresh)
                if taken.fresh or await self._ends.state(lost) not in SENT:  # it had a thread before
                    await self._ends.over(lost, "dead", "unclear", detail)
        if not threads:
            await taken.ack()
            return
        self._held.add(taken.seq)
        source = FromLog(taken, len(threads), self._held)
        for thread, recipient in threads.items():
            job = Job(source, header, body, recipient, thread, taken.seq, taken.stored_at, taken_at, taken.fresh)
            if self._at_hand + len(body) > MOST_AT_HAND and self._lanes.is_busy(thread):
                job.body = None
            else:
                self._at_hand += len(body)
            self._offer(thread, job)

    def _offer(self, thread: str, item: Item) -> None:
        if self._lanes.offer(thread, item):
            self._start(thread, item, self._turn)

    def _start(self, thread: str, item: Item, turn: Turn) -> None:
        """Work on the next item of a lane: one that may be held up by itself, all others together."""
        if not _is_plain(item) or self._queues.may_wait(thread):
            self._on_the_way.start(self._work_on, thread, item, turn)
            return
        if not self._departing or len(self._departing) >= self._together.most:
            self._departing = []
            self._on_the_way.start(self._depart, self._departing, turn)
        self._departing.append(item)

    def _drop_waiting(self) -> None:
        self._turn.end()
        if self._looking:
            self._looking.cancel()
        self._lanes.clear()
        self._departing = []
        self._held.clear()
        self._queues.clear()
        self._refusals.drop()
        self._at_hand = 0

    async def refused(self, refusal: Refusal) -> None:
        """A network refuses what it had accepted. Returns when what follows from that is stored.

        Raises:
            BusUnavailable: it is not stored now; the network must tell it again.
        """
        if self._turn.has_ended():
            raise BusUnavailable("this app is not at work here now")
        self._offer(refusal.thread, refusal)
        await self._refusals.settled(refusal)

    async def _look_when_due(self, turn: Turn) -> None:
        room = asyncio.Semaphore(WORKED_OFF_AT_ONCE)
        while not turn.has_ended():
            thread = await self._queues.due()
            await room.acquire()
            if not turn.has_ended():
                self._offer(thread, Look(room))
        self.give_back(UNCERTAIN, 0.05)

    async def _depart(self, jobs: Sequence[Job], turn: Turn) -> None:
        """Send what nothing holds up of the lanes that are ready at this moment. Each goes on by itself."""
        if jobs is self._departing:
            self._departing = []
        if turn.has_ended():
            jobs = ()
        bundles: list[Bundle] = []
        now = self._shared.clock.millis()
        for first in jobs:
            joined = self._joined(first)
            ready: list[Ready] = []
            for job in joined:
                one = await self._together.prepare(job, now)
                if one is None:
                    break
                ready.append(one)
            if ready:
                bundles.append(Bundle(first.thread, turn, ready, joined[len(ready) :], len(ready)))
            elif not turn.has_ended():
                self._lanes.put_back(first.thread, joined[1:])
                self._on_the_way.start(self._work_on, first.thread, first, turn)
        all_ready = [one for bundle in bundles for one in bundle.ready]
        if all_ready and await self._together.begin(all_ready, turn):
            await self._on_the_way.each(self._send, bundles)
        elif turn.has_ended():
            self.give_back(UNCERTAIN, 0.05)

    def _joined(self, first: Job) -> Sequence[Job]:
        """A lane's leg, and those behind it that may go at once with it."""
        most = self._app.bridge.at_once - 1
        if most and self._lanes.behind(first.thread):
            return (first, *self._lanes.join(first.thread, most, _is_plain))
        return (first,)

    async def _send(self, bundle: Bundle) -> None:
        ready, turn, send = bundle.ready, bundle.turn, self._together.send
        for one in ready:
            one.job.written = partial(self._written, one.job, bundle)
        results: Sequence[BaseException | None]
        if len(ready) == 1:
            results = (await send(ready[0], turn),)
        else:
            results = await asyncio.gather(*(send(one, turn) for one in ready), return_exceptions=True)
        if any(results):
            unsent = await self._together.settle(ready, results)
            for job in unsent:
                job.written = None
            bundle.left = [*unsent, *bundle.left]
            if turn is self._turn:
                self._go_on(bundle, len(unsent))
        for one in ready:
            self._on_the_way.sent(one.job)

    async def _written(self, job: Job, bundle: Bundle, result: Stored | BusError) -> None:
        """NATS has answered that it has, or has not, written down that a leg was sent: then its lane goes on."""
        self._on_the_way.written(job)
        if isinstance(result, Stored):
            self._sender.written(job)
        if bundle.turn is not self._turn:
            return  # it comes again in this one, and is known
        try:
            if isinstance(result, BusError):
                raise result
            await self._done(job)
            self._go_on(bundle)
        except Exception as error:
            self._failed(error)

    def _go_on(self, bundle: Bundle, less: int = 1) -> None:
        """A lane waits for so much less. It goes on with the next item when it waits for nothing."""
        bundle.open -= less
        if bundle.open:
            return
        thread, turn = bundle.thread, bundle.turn
        if turn.has_ended():
            self.give_back(UNCERTAIN, 0.05)
            return
        item: Item | None
        if bundle.left:
            item, *others = bundle.left
            self._lanes.put_back(thread, others)
        else:
            item = self._lanes.done(thread)
        if item is not None:
            self._start(thread, item, turn)

    async def _work_on(self, thread: str, item: Item, turn: Turn) -> None:
        """Work on what is in a lane, by itself."""
        bundle = Bundle(thread, turn)
        if isinstance(item, Job):
            if not await self._work_on_leg(item, bundle):
                return  # `_written` goes on
        elif isinstance(item, Look):
            await self._look(item, thread, turn)
        else:
            await self._take_back(item, turn)
        self._go_on(bundle)

    def _failed(self, error: BaseException) -> None:
        # A full disk, for example: what became of the leg cannot be written down. It comes again, and then the message
        # map, or what is at hand of it, knows what was sent.
        log.error("what became of a leg could not be written down; it comes again", app=self._app.name, exc_info=error)
        self.give_back(f"a leg could not be brought to its end: {type(error).__name__}", REFUSED_PAUSE)

    async def _look(self, look: Look, thread: str, turn: Turn) -> None:
        try:
            await self._backlog.work_off(thread, turn)
        finally:
            look.over()

    async def _take_back(self, refusal: Refusal, turn: Turn) -> None:
        held = await self._refusals.take_back(refusal, self._queues)
        if held is not None:
            await self._invitations.ask(held, turn)

    async def _work_on_leg(self, job: Job, bundle: Bundle) -> bool:
        """Whether it is done with; if not, it has been sent, and `_written` is told when that is written down."""
        turn = bundle.turn
        if job.body is None:
            await self._fetch_body(job)
        if not job.fresh and await self._ends.state(job) in OVER:
            await self._done(job)  # only that was not acknowledged
            return True
        lane = await self._queues.lane(job.thread) if self._queues.may_wait(job.thread) else None
        if lane is not None and job.header.kind != "receipt":
            # Others of this thread wait already: behind them.
            if await self._backlog.put(job, turn):
                if lane.reason == "window_closed":
                    await self._invitations.ask(job, turn)
                await self._ends.parked(job, lane.reason)
                await self._done(job)
            return True
        job.written = partial(self._written, job, bundle)
        outcome = await self._handling.bring_to_end(job, turn)
        if outcome.unwritten:
            self._on_the_way.sent(job)
            return False
        if outcome.state == "parked":
            if not await self._backlog.put(job, turn):
                return True
            await self._backlog.park(job, outcome, turn)
        if outcome.state != "left":
            await self._done(job)
        return True

    def _done(self, job: Job) -> Awaitable[None]:
        self._at_hand -= len(job.body or b"")
        return job.source.done()

    async def _fetch_body(self, job: Job) -> None:
        original = await self._queues.later.original(job.place)
        job.body = decode(original.data).body if original else b""
        self._at_hand += len(job.body)


def _is_plain(item: Item) -> TypeGuard[Job]:
    """Whether this is a message at its first try, and at hand."""
    if not isinstance(item, Job) or not item.fresh or item.header.kind != "event":
        return False
    return item.body is not None and item.failure is None
