"""The grammar of NATS subjects and KV keys, both ways. Pure functions.

A token is `[A-Za-z0-9_-]+`; any other text becomes `~` and its unpadded base64url. One that is longer than `LONGEST`
becomes `~~` and a digest: networks have ids of any length, and nats-server cuts off whoever sends it a line of more
than 4,096 bytes.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import msgspec

from gearmesh.errors import Malformed

PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
PARTITIONS: Final = 8
LONGEST: Final = 200
"""Characters of a text that its token has in it: those of a thread and of a native id fit into one subject."""
DIGEST: Final = "~~"
"""How the token of a longer text begins. No base64 has a `~` in it."""
NO_ID: Final = "~"
"""Where a native id would stand: no text has this token."""


def fresh_token(text: str) -> str:
    """One subject token that stands for `text`. For a text that is hardly asked for again, such as a message's id.

    Raises:
        Malformed: the text is empty, or not Unicode.
    """
    if len(text) <= LONGEST:
        return whole_token(text)
    try:
        return DIGEST + blake2b(text.encode(), digest_size=32).hexdigest()
    except UnicodeEncodeError:
        raise Malformed(f"{text[:80]!a} has no subject token: it is not Unicode") from None


def whole_token(text: str) -> str:
    """The token of a text that must come back from it, however long that is.

    Raises:
        Malformed: the text is empty, or not Unicode.
    """
    if PLAIN.fullmatch(text):
        return text
    if not text:
        raise Malformed("an empty text has no subject token")
    try:
        return "~" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    except UnicodeEncodeError:
        raise Malformed(f"{text[:80]!a} has no subject token: it is not Unicode") from None


@lru_cache(maxsize=16_384)
def token(text: str) -> str:
    """The same as `fresh_token`, remembered."""
    return fresh_token(text)


def untoken(piece: str) -> str:
    """The text that a token stands for.

    Raises:
        Malformed: it is no token, or that of a text of which it has only a digest.
    """
    text = whole_untoken(piece)
    if len(text) > LONGEST:
        raise Malformed(f"{piece[:80]!r} is no subject token: so long a text has a digest for one")
    return text


def whole_untoken(piece: str) -> str:
    """The text that a `whole_token` stands for.

    Raises:
        Malformed: it is none.
    """
    if PLAIN.fullmatch(piece):
        return piece
    try:
        encoded = piece[1:] if piece.startswith("~") else ""
        text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:  # not ASCII, no base64, no UTF-8
        text = ""
    if not text or whole_token(text) != piece:
        raise Malformed(f"{piece[:80]!r} is no subject token")
    return text


@lru_cache(maxsize=16_384)
def kv_token(text: str) -> str:
    """A token for keys of KV buckets, where `~` is not allowed and `=` is."""
    return token(text).replace("~", "=")


def kv_untoken(piece: str) -> str:
    """The text that a token of a KV key stands for.

    Raises:
        Malformed: it is no token, or that of a text of which it has only a digest.
    """
    return untoken(piece.replace("=", "~", 1))


def is_digest(piece: str) -> bool:
    """Whether a piece of a KV key stands for a text of which it has only a digest."""
    return piece.startswith(DIGEST.replace("~", "="))


def whole_kv_token(text: str) -> str:
    """A `whole_token` for keys of KV buckets."""
    return whole_token(text).replace("~", "=")


def whole_kv_untoken(piece: str) -> str:
    """The text that a `whole_kv_token` stands for.

    Raises:
        Malformed: it is none.
    """
    return whole_untoken(piece.replace("=", "~", 1))


def partition_of(conversation: str, partitions: int = PARTITIONS) -> int:
    """The partition that nats-server's `{{partition(n,…)}}` gives a conversation: FNV-1a-32 of its token, modulo n."""
    value = 0x811C9DC5
    for byte in token(conversation).encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value % partitions


class Route(msgspec.Struct, frozen=True):
    """What a subject of the logs says."""

    app: str
    conversation: str


class Subjects(msgspec.Struct, frozen=True):
    """All subjects under one prefix, `gm` by default. Several brokers with different prefixes can share one NATS."""

    prefix: str = "gm"

    def inbound(self, app: str, conversation: str) -> str:
        """Where bridge hosts and native clients publish envelopes."""
        return f"{self.prefix}.in.{token(app)}.{token(conversation)}"

    def partition(self, number: int) -> str:
        """The filter for one partition of the stored inbound log."""
        return f"{self.prefix}.in.{number}.*.*"

    def outbound(self, app: str, conversation: str) -> str:
        """Where routers publish legs."""
        return f"{self.prefix}.out.{token(app)}.{token(conversation)}"

    def outbound_of(self, app: str) -> str:
        """The filter for all legs of an app."""
        return f"{self.prefix}.out.{token(app)}.*"

    def later(self, app: str, thread: str, *, early: bool = False) -> str:
        """Where legs for a thread that has to wait stand in their order.

        `early`: for a leg that belongs before those that stand there already. Which threads wait is read from the
        subjects, so a thread stands there whole.
        """
        return f"{self.prefix}.later.{token(app)}.{whole_token(thread)}.{'early' if early else 'next'}"

    def later_of(self, app: str) -> str:
        """The filter for all legs of an app that wait."""
        return f"{self.prefix}.later.{token(app)}.*.*"

    def later_all(self) -> str:
        """The filter for all legs that wait."""
        return f"{self.prefix}.later.>"

    def stored(self, conversation: str = "") -> str:
        """The filter for what stands in the inbound log, in all partitions: of one conversation, or of all."""
        return f"{self.prefix}.in.*.*.{token(conversation) if conversation else '*'}"

    def stored_of(self, app: str) -> str:
        """The filter for what an app has put into the inbound log, in all partitions."""
        return f"{self.prefix}.in.*.{token(app)}.*"

    def legs(self, conversation: str = "") -> str:
        """The filter for the legs to all apps: of one conversation, or of all."""
        return f"{self.prefix}.out.*.{token(conversation) if conversation else '*'}"

    def ask(self, app: str, what: str) -> str:
        """Where the host at work on an app answers questions: core NATS, not stored."""
        return f"{self.prefix}.ask.{token(app)}.{token(what)}"

    def signal(self, app: str, conversation: str) -> str:
        """Where hosts and native clients say who is writing: core NATS, not stored."""
        return f"{self.prefix}.sig.{token(app)}.{token(conversation)}"

    def signals(self) -> str:
        """The filter for all signals."""
        return f"{self.prefix}.sig.*.*"

    def ledger(self, app: str, envelope: str) -> str:
        """Where the steps of an envelope's legs are recorded, but for those that say what was sent."""
        return f"{self.prefix}.ledger.{token(app)}.{token(envelope)}"

    def sent(self, app: str, thread: str, envelope: str, native_id: str) -> str:
        """Where it is recorded that a leg was sent, and as which native message; "" when it has no id.

        `envelope` is a hex id. So it is found by what a network tells of it, a native id in a thread, as fast as by its
        envelope.
        """
        native = fresh_token(native_id) if native_id else NO_ID
        return f"{self.prefix}.ledger.{token(app)}.{token(thread)}.{envelope}.{native}"

    def sent_to(self, app: str, thread: str, envelope: str = "*") -> str:
        """The filter for what was sent of an envelope (hex id) to a thread, or of all."""
        return f"{self.prefix}.ledger.{token(app)}.{token(thread)}.{envelope}.*"

    def sent_as(self, app: str, native_id: str, thread: str = "") -> str:
        """The filter for what was sent as a native message, in a thread or in any."""
        return f"{self.prefix}.ledger.{token(app)}.{token(thread) if thread else '*'}.*.{fresh_token(native_id)}"

    def ledger_of(self, envelope: str = "") -> tuple[str, str]:
        """The filters for the steps of one envelope in all apps, or of all: what was sent, and everything else."""
        piece = token(envelope) if envelope else "*"
        return f"{self.prefix}.ledger.*.{piece}", f"{self.prefix}.ledger.*.*.{piece}.*"

    def ledger_all(self) -> str:
        """The filter for the whole ledger."""
        return f"{self.prefix}.ledger.>"

    def dead(self, app: str, leg: str) -> str:
        """Where dead letters are kept."""
        return f"{self.prefix}.dead.{token(app)}.{token(leg)}"

    def dead_of(self, app: str = "") -> str:
        """The filter for the dead letters of an app, or of all."""
        return f"{self.prefix}.dead.{token(app) if app else '*'}.*"

    def stream(self, name: str) -> str:
        """The name of a stream: the prefix in capitals, then the name."""
        return f"{self.prefix.upper().replace('-', '_')}_{name}"

    def bucket(self, name: str) -> str:
        """The name of a KV bucket."""
        return f"{self.prefix}-{name}"

    def read_inbound(self, subject: str) -> Route:
        """What a stored inbound subject (with its partition) or a published one (without) says.

        Raises:
            Malformed: another subject.
        """
        pieces = self._pieces(subject, "in")
        if len(pieces) == 3:
            if not pieces[0].isdecimal():
                raise Malformed(f"{subject[:120]!r} has no partition number")
            pieces = pieces[1:]
        return self._route(subject, pieces)

    def read_outbound(self, subject: str) -> Route:
        """What an outbound subject says.

        Raises:
            Malformed: another subject.
        """
        return self._route(subject, self._pieces(subject, "out"))

    def read_later(self, subject: str) -> tuple[str, str]:
        """The app and the thread that the subject of a leg that waits says.

        Raises:
            Malformed: another subject.
        """
        pieces = self._pieces(subject, "later")
        if len(pieces) != 3:
            raise Malformed(f"{subject[:120]!r} has not an app, a thread and a place")
        return untoken(pieces[0]), whole_untoken(pieces[1])

    def read_dead(self, subject: str) -> tuple[str, str]:
        """The app and the letter id that a dead letter's subject says.

        Raises:
            Malformed: another subject.
        """
        pieces = self._pieces(subject, "dead")
        if len(pieces) != 2:
            raise Malformed(f"{subject[:120]!r} has not an app and a letter's id")
        return untoken(pieces[0]), untoken(pieces[1])

    def _pieces(self, subject: str, log: str) -> list[str]:
        start = f"{self.prefix}.{log}."
        if not subject.startswith(start):
            raise Malformed(f"{subject[:120]!r} is no subject under {start}")
        return subject[len(start) :].split(".")

    def _route(self, subject: str, pieces: list[str]) -> Route:
        if len(pieces) != 2:
            raise Malformed(f"{subject[:120]!r} has not an app and a conversation")
        return Route(untoken(pieces[0]), untoken(pieces[1]))
