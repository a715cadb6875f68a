"""The rooms that the bridge sits in: entering, catching up, staying, and the ghosts beside it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final

from gearmesh import BridgeContext, Rejected, Retry, Sender
from gearmesh_xmpp.archive import Archive, Kept, Position
from gearmesh_xmpp.config import XmppConfig
from gearmesh_xmpp.elements import (
    MAM,
    SID,
    Element,
    children,
    condition,
    written,
)
from gearmesh_xmpp.entrance import Entrance, nicks_of, numbered
from gearmesh_xmpp.link import Link, Refused
from gearmesh_xmpp.names import bare, jid_of
from gearmesh_xmpp.positions import Positions
from gearmesh_xmpp.room import Lost, Others, Refusal, Room
from gearmesh_xmpp.troubles import Troubles

RESOURCE: Final = "gearmesh"
"""Occupants of rooms are full JIDs (XEP-0045, section 3)."""
PAUSES: Final = (0.5, 2.0, 10.0, 60.0, 300.0)
"""Seconds between tries to enter a room, the last again and again."""
MISSING_AGAIN: Final = 10.0
"""Seconds at most between two looks for a room that is not there: somebody may be about to make it."""
STEADY: Final = 60.0
"""Seconds in a room after which being thrown out of it is no longer taken for the same as the last time."""
GONE_AFTER: Final = 120.0
"""Seconds after which a room that we sat in, and that is not there, is taken for gone."""
GHOST_WAITS: Final = 10.0
"""Seconds that a ghost waits for the bridge to be in a room."""
GHOST_REST: Final = 600.0
"""Seconds for which a ghost that is not let in is not tried again; what they say goes under the bridge's name."""
HELD_MOST: Final = 2_000
FINAL: Final = frozenset({"forbidden", "registration-required", "item-not-found", "not-allowed", "gone"})
"""Refusals that nothing mends but somebody in the room: banned, members only, no such room (XEP-0045, section 7.2)."""


class Rooms:
    """`hand_over` gets what was said, by whom, and in which order: a stanza, its room, and what the archive told.

    `ready` waits until there is room for what was said before; `looks` is what one of us shows of themselves.
    """

    def __init__(
        self,
        config: XmppConfig,
        context: BridgeContext,
        hand_over: Callable[[Room, Element, Kept | None], None],
        told: Callable[[Room, Others], None],
        ready: Callable[[], Awaitable[None]],
        looks: Callable[[str], Iterable[Element]],
    ) -> None:
        self.jid = f"{config.component}/{RESOURCE}"
        self._config = config
        self._context = context
        self._hand_over = hand_over
        self._told = told
        self._ready = ready
        self._looks = looks
        self._entrance = Entrance(looks)
        self._archive = Archive()
        self._wanted: set[str] = set()
        self._changed = asyncio.Event()
        self._rooms: dict[str, Room] = {}
        self._out: dict[str, asyncio.Event] = {}
        self._held: dict[str, list[Element]] = {}
        self._refused: dict[str, str] = {}
        self._thrown: dict[str, Lost] = {}
        self._troubles = Troubles(context)
        self._resting: dict[tuple[str, str], float] = {}
        self._entering: dict[tuple[str, str], asyncio.Lock] = {}
        self.positions = Positions(context)
        self._inside: dict[str, asyncio.Event] = {}
        self._link: Link | None = None

    def want(self, rooms: Collection[str]) -> None:
        """Be in these, by their ids, and in no others."""
        self._wanted = {jid_of(room) for room in rooms}
        self._changed.set()

    def of(self, jid: str) -> Room | None:
        """The room from which this JID speaks, when we sit in it."""
        return self._rooms.get(bare(jid))

    def is_wanted(self, jid: str) -> bool:
        """Whether this JID speaks from a room that we sit in, or are to sit in as soon as there is a connection."""
        return bare(jid) in self._wanted or bare(jid) in self._rooms

    async def stay(self, link: Link) -> None:
        """Sit in all that are wanted, until cancelled.

        Raises:
            BusUnavailable: up to where the rooms were told cannot be read.
        """
        self._link = link
        self._troubles.clear()
        await self.positions.read()
        sitting: dict[str, asyncio.Task[None]] = {}
        saving = asyncio.create_task(self.positions.save_again_and_again())
        try:
            while True:
                self._changed.clear()
                for jid in self._wanted - sitting.keys():
                    self._rooms[jid], self._out[jid], self._held[jid] = Room(jid), asyncio.Event(), []
                    sitting[jid] = asyncio.create_task(self._sit(link, self._rooms[jid]))
                for jid in sitting.keys() - self._wanted:
                    sitting.pop(jid).cancel()
                    self._leave(link, jid)
                    self._forget(jid)
                    await self._troubles.ends(jid)
                changed = asyncio.create_task(self._changed.wait())
                try:
                    tasks = {changed, saving, *sitting.values()}
                    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changed.cancel()
                for task in done - {changed}:
                    await task  # it ends by a failure alone: no room is to fall silent without a word
        finally:
            saving.cancel()
            for task in sitting.values():
                task.cancel()
            await asyncio.gather(*sitting.values(), saving, return_exceptions=True)
            for jid in list(self._rooms):
                self._leave(link, jid)
            self._link = None
            await self.positions.save_at_once()

    def catch_up(self, jid: str) -> None:
        """Something of this room was lost on its way: enter anew, and read the archive.

        Until then nothing of it is handed over, for what is told counts as told with all that was before.
        """
        if jid in self._out:
            self._held[jid] = []
            self._out[jid].set()

    def is_out(self, error: Element) -> bool:
        """Whether a message came back since who sent it is not in the room (XEP-0045, section 7.4); noted if so."""
        room, jid = self.of(error.get("from", "")), error.get("to", "")
        if room is None or "/" in error.get("from", "") or condition(error)[0] != "not-acceptable":
            return False
        self._lost(room, jid)
        return True

    def take_presence(self, presence: Element) -> bool:
        """Take a presence; False: it is from no room."""
        room = self.of(presence.get("from", ""))
        if room is None:
            return False
        if "/" not in presence.get("from", "") and presence.get("type") != "error":
            return True  # it is about the room itself, such as its picture
        news = room.take(presence, self._config.component)
        if isinstance(news, Lost):
            self._context.log.warning("out of a room", room=room.jid, who=news.jid, how=news.how, reason=news.reason)
            if news.jid == self.jid:
                self._thrown[room.jid] = news
            self._lost(room, news.jid)
        elif news is not None and self.jid in room.ours:
            self._told(room, news)
        return True

    def take_message(self, message: Element) -> bool:
        """Take what an archive or a room says; False: it is from neither.

        Each of us in a room gets a copy of what is said there; the bridge's own counts.
        """
        if self._archive.take(message):
            return True
        room = self.of(message.get("from", ""))
        if room is None or message.get("type") != "groupchat":
            return False
        if bare(message.get("to", "")) == self._config.component:
            if room.is_greeting(message):
                return True
            if room.is_opened(message):
                self.catch_up(room.jid)
            held = self._held.get(room.jid)
            if held is None:
                self._hand_over(room, message, None)
            elif len(held) < HELD_MOST:
                held.append(message)
            else:
                self.catch_up(room.jid)
        return True

    def stanza_id(self, room: Room, message: Element) -> str:
        """The id that the room gave a message; "" from a room that gives none, whatever somebody wrote into it."""
        if SID not in room.features:
            return ""
        return next((one.get("id", "") for one in children(message, "stanza-id", SID) if one.get("by") == room.jid), "")

    def place(self, thread: str) -> Room:
        """The room of a thread, with us in it.

        Raises:
            Retry: we are not in it yet.
            Rejected: it does not let us in.
        """
        room = self._rooms.get(jid_of(thread))
        if room is not None and self.jid in room.ours:
            return room
        why = self._refused.get(jid_of(thread))
        if why:
            code, _, words = why.partition(": ")
            raise Rejected(f"the bridge is not in the room: {words or code}", code=code)
        raise Retry("the bridge is not in the room yet")

    async def ghost_in(self, thread: str, ghost: str, sender: Sender) -> str:
        """The full JID of a ghost that is in a room now; "" where it is not let in."""
        jid = f"{ghost}/{RESOURCE}"
        await self._entered(jid_of(thread))
        link = self._link
        if link is None:
            return ""
        lock = self._entering.setdefault((thread, jid), asyncio.Lock())
        async with lock:
            try:
                room = self.place(thread)
                if jid in room.ours:
                    return jid
                if self._resting.get((room.jid, jid), 0) > self._context.now():
                    return ""
                looked = [written(one) for one in self._looks(jid)]
                await self._entrance.enter(link, room, jid, nicks_of(sender))
                if looked != [written(one) for one in self._looks(jid)]:
                    self.show(link, ghost)  # their picture came meanwhile
                return jid
            except (Refusal, Retry, Rejected) as error:
                self._context.log.info("a ghost is not let in", thread=thread, error=str(error))
                if isinstance(error, Refusal):
                    self._resting[jid_of(thread), jid] = self._context.now() + GHOST_REST
                return ""

    async def _entered(self, room: str) -> None:
        """Wait a while for the bridge to be in a room that it is to be in, for a ghost can only come after it."""
        if room not in self._wanted or room in self._refused:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GHOST_WAITS):
                await self._inside.setdefault(room, asyncio.Event()).wait()

    def _lost(self, room: Room, jid: str) -> None:
        room.ours.pop(jid, None)
        if jid == self.jid:
            self._inside.setdefault(room.jid, asyncio.Event()).clear()
            self._out[room.jid].set()
        else:
            self._resting[room.jid, jid] = self._context.now() + GHOST_REST

    async def _sit(self, link: Link, room: Room) -> None:
        """Enter, and again whenever we are out: ever more slowly where a room lets us in and throws us out."""
        tries, clock = 0, asyncio.get_running_loop()
        missing: float | None = None
        while True:
            out = self._out[room.jid]
            out.clear()
            self._held[room.jid] = []
            self._thrown.pop(room.jid, None)
            try:
                await self._enter_and_catch_up(link, room)
            except (Refusal, Refused, Retry) as error:
                why = str(error) or type(error).__name__
                is_missing = isinstance(error, Refusal) and error.condition == "item-not-found"
                missing = (clock.time() if missing is None else missing) if is_missing else None
                # After a server's crash its people make their rooms again by entering them.
                has_gone = missing is not None and clock.time() - missing < GONE_AFTER
                if (
                    isinstance(error, Refusal)
                    and error.condition in FINAL
                    and not (has_gone and self.positions.get(room.jid) is not None)
                ):
                    self._refused[room.jid] = why
                await self._troubles.begins(room.jid, f"cannot enter {room.jid}: {why}")
            else:
                missing = None
                self._refused.pop(room.jid, "")
                await self._troubles.ends(room.jid)
                since = clock.time()
                await out.wait()
                thrown = self._thrown.pop(room.jid, None)
                if thrown is None or clock.time() - since >= STEADY:
                    tries = 0
                if thrown is not None:
                    words = f"{thrown.how} ({thrown.reason})" if thrown.reason else thrown.how
                    if thrown.how == "destroyed":
                        missing = clock.time() - GONE_AFTER  # somebody meant it
                    if thrown.how == "banned":
                        self._refused[room.jid] = f"forbidden: {words}"
                        tries = len(PAUSES)  # nobody tells when a ban is lifted: it is looked for now and then
                    await self._troubles.begins(room.jid, f"out of {room.jid}: {words}")
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            await asyncio.sleep(pause if missing is None else min(pause, MISSING_AGAIN))
            tries += 1

    async def _enter_and_catch_up(self, link: Link, room: Room) -> None:
        room.features = await self._entrance.features(link, room.jid)
        position = self.positions.get(room.jid)
        await self._entrance.enter(link, room, self.jid, (self._config.nick, *numbered(self._config.nick)), position)
        self._inside.setdefault(room.jid, asyncio.Event()).set()
        if position is None:
            self.positions.put(room.jid, Position(int(self._context.now() * 1000)))
        elif MAM in room.features:
            await self._read_archive(link, room, position)
        out, held = self._out[room.jid], self._held[room.jid]
        while held:
            await self._ready()
            if out.is_set():
                return  # more came than there is room for: the archive has the rest
            self._hand_over(room, held.pop(0), None)
        if not out.is_set():
            del self._held[room.jid]

    async def _read_archive(self, link: Link, room: Room, position: Position) -> None:
        out = self._out[room.jid]
        try:
            async for kept in self._archive.since(link, room.jid, position, self.jid):
                await self._ready()
                if out.is_set():
                    return
                self._hand_over(room, kept.message, kept)
        except Refused as error:
            # Better to hear what is said from now on than nothing at all.
            why = ": ".join(filter(None, condition(error.stanza)[::2]))
            self._context.log.warning("the archive of a room cannot be read", room=room.jid, error=why)
            await self._troubles.begins(room.jid, f"what was said in {room.jid} during a pause is missing: {why}")

    def show(self, link: Link, ghost: str) -> None:
        """Tell the rooms that a ghost is in how it looks now."""
        jid = f"{ghost}/{RESOURCE}"
        for room in self._rooms.values():
            presence = room.shows(jid, self._looks(jid))
            if presence is not None:
                link.send(presence)

    def _forget(self, jid: str) -> None:
        """Nothing of a room counts any more that is not sat in."""
        self._refused.pop(jid, None)
        self._inside.pop(jid, None)
        self._resting = {key: until for key, until in self._resting.items() if key[0] != jid}
        self._entering = {key: lock for key, lock in self._entering.items() if jid_of(key[0]) != jid}

    def _leave(self, link: Link, jid: str) -> None:
        room = self._rooms.pop(jid)
        self._thrown.pop(jid, None)
        if jid in self._inside:
            self._inside[jid].clear()
        self._out.pop(jid, None)
        self._held.pop(jid, None)
        with contextlib.suppress(Retry):
            for presence in room.leaves():
                link.send(presence)
