"""Dead letters put back to where they stood: a leg or an envelope into its log, input of a network to the app's host.

A letter is taken away when what follows from it is stored, never before. Whoever is interrupted in between can do it
again: in the log it is the same message for two minutes, and later one that the message map recognises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import nats.errors

from gearmesh.bus.connection import Connection
from gearmesh.bus.letters import Letter, Letters
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.errors import InvalidAddress, Malformed, ReplayRefused, WireError
from gearmesh.model.address import Address
from gearmesh.model.conversation import Conversation
from gearmesh.model.delivery import LedgerEntry
from gearmesh.model.envelope import Envelope, Header
from gearmesh.wire.codec import decode, encode
from gearmesh.wire.subjects import Subjects, kv_token
from gearmesh.wire.times import REPLAY

STORED_WITHIN: Final = 10.0
ANSWER_WITHIN: Final = 30.0
"""Seconds for a host to take in what came from its network: it stores each message of it before it answers."""
QUESTION: Final = "replay"
STATUS: Final = "Gm-Status"


class PutBack(msgspec.Struct, frozen=True):
    """A message for a log, and the steps that the ledger gets."""

    subject: str
    data: bytes
    message_id: str
    steps: tuple[LedgerEntry, ...]

    def __str__(self) -> str:
        return f"put back into {self.subject}"


class HandOver(msgspec.Struct, frozen=True):
    """Input of a network, for the host at work on its app."""

    app: str
    data: bytes

    def __str__(self) -> str:
        return f"handed to the host of {self.app}"


def plan(
    letter: Letter,
    raw: bytes,
    subjects: Subjects,
    *,
    now: int,
    anyway: bool = False,
    members: Sequence[Address] = (),
) -> PutBack | HandOver:
    """What replaying a letter comes to. `now` is in milliseconds; `anyway` drops an expiry that is past.

    `members` are those of the envelope's conversation, for one that names no recipients.

    Raises:
        ReplayRefused: it cannot be replayed.
    """
    if letter.cut_from:
        raise ReplayRefused(f"its end was cut off when it was kept: {letter.size} of {letter.cut_from} bytes are there")
    if not letter.subject:
        return HandOver(letter.app, raw)
    try:
        is_leg, subject, app = _place(letter.subject, subjects)
    except WireError as error:
        raise ReplayRefused(f"where it stood is no place of ours: {error}") from None
    try:
        envelope = decode(raw)
    except WireError:
        # What was not read then may be read by now: a newer release, for example.
        return PutBack(subject, raw, f"{letter.id}:replay:{letter.seq}", ())
    header = envelope.header
    if header.expires is not None and header.expires <= now:
        if not anyway:
            raise ReplayRefused("its time is over; with --anyway it is replayed without an end of its time")
        header = msgspec.structs.replace(header, expires=None)
    if not is_leg and letter.reason == "unreachable":
        header = _for_missing(header, letter.app, members)
    data = raw if header is envelope.header else encode(Envelope(header, envelope.body))
    name = f"{header.hex_id}:{app}" if is_leg else header.hex_id
    step = LedgerEntry(header.hex_id, app, "accepted", now, header.kind, str(header.sender), detail="replayed")
    steps = tuple(msgspec.structs.replace(step, to=str(to)) for to in header.to) if is_leg else (step,)
    return PutBack(subject, data, f"{name}:replay:{letter.seq}", steps)


def _place(subject: str, subjects: Subjects) -> tuple[bool, str, str]:
    """Whether a leg stood there, where to publish it, and the app."""
    if subject.startswith(f"{subjects.prefix}.out."):
        route = subjects.read_outbound(subject)
        return True, subjects.outbound(route.app, route.conversation), route.app
    route = subjects.read_inbound(subject)
    return False, subjects.inbound(route.app, route.conversation), route.app


def _for_missing(header: Header, app: str, members: Sequence[Address]) -> Header:
    """The envelope narrowed to those whose app could not be reached then: the others have theirs already."""
    missing = tuple(to for to in header.to or members if to.app == app and to != header.sender)
    return msgspec.structs.replace(header, to=missing) if missing and missing != header.to else header


class Replay:
    """Puts letters back, one after the other."""

    def __init__(self, connection: Connection, publisher: Publisher, letters: Letters, subjects: Subjects) -> None:
        self._connection = connection
        self._publisher = publisher
        self._letters = letters
        self._subjects = subjects
        self._conversations = Store(connection, publisher, subjects.bucket("conversations"), Conversation)
        self._groups = Store(connection, publisher, subjects.bucket("groups"), Conversation)
        self._encode = msgspec.msgpack.Encoder().encode

    async def plan(self, letter: Letter, *, now: int, anyway: bool) -> PutBack | HandOver:
        """What replaying a letter comes to; nothing is changed.

        Raises:
            ReplayRefused: it cannot be replayed.
            BusUnavailable: nats does not answer.
        """
        try:
            raw = await self._letters.raw(letter)
        except Malformed as error:
            raise ReplayRefused(str(error)) from None
        return plan(letter, raw, self._subjects, now=now, anyway=anyway, members=await self._members(letter.header))

    async def carry_out(self, letter: Letter, planned: PutBack | HandOver) -> None:
        """Replay a letter, and take it away when what follows from it is stored.

        Raises:
            ReplayRefused: the app's host does not take it, or there is none; the letter stays.
            BusRefused: the log does not take it; the letter stays.
            BusUnavailable: nats does not answer; it may have been replayed all the same, so say it again.
        """
        match planned:
            case PutBack():
                await self._put_back(letter, planned)
            case HandOver():
                await self._hand_over(planned)
        await self._letters.drop(letter)

    async def _put_back(self, letter: Letter, planned: PutBack) -> None:
        await self._publisher.publish(
            planned.subject,
            planned.data,
            message_id=planned.message_id,
            headers={REPLAY: "1"},
            patience=STORED_WITHIN,
        )
        for step in planned.steps:
            # Not the id that Journal gives: the ledger may know it from the first time.
            message_id = f"{step.envelope}:{step.app}:{step.to}:{step.state}:replay:{letter.seq}"
            subject = self._subjects.ledger(step.app, step.envelope)
            await self._publisher.publish(subject, self._encode(step), message_id=message_id, patience=STORED_WITHIN)

    async def _hand_over(self, planned: HandOver) -> None:
        room = self._connection.max_payload
        if len(planned.data) > room:
            raise ReplayRefused(f"{len(planned.data)} bytes are more than nats takes at once ({room})")
        subject = self._subjects.ask(planned.app, QUESTION)
        try:
            answer = await self._connection.client.request(subject, planned.data, timeout=ANSWER_WITHIN)
        except nats.errors.NoRespondersError:
            raise ReplayRefused(
                f"it is input of the network, and no daemon is at work on {planned.app} to take it; start it, and "
                f"replay again"
            ) from None
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise ReplayRefused(
                f"the host of {planned.app} has not answered ({type(error).__name__}); it may have taken it all the "
                f"same, and recognises what is replayed again"
            ) from None
        status = (answer.headers or {}).get(STATUS, "")
        if status != "200":
            said = answer.data.decode("utf-8", "replace")[:1000]
            raise ReplayRefused(f"the host of {planned.app} does not take it ({status or 'no status'}): {said}")

    async def _members(self, header: Header | None) -> tuple[Address, ...]:
        if header is None or header.to:
            return ()
        try:
            key = kv_token(header.conversation)
            conversation = await self._groups.get(key) or await self._conversations.get(key)
            return conversation.others(header.sender) if conversation else ()
        except (Malformed, InvalidAddress) as error:
            raise ReplayRefused(f"its conversation cannot be read: {error}") from None
