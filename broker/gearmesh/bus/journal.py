"""Dead letters: what nobody can go on with is kept, with all its bytes."""

from __future__ import annotations

import zlib
from typing import Final

import nats.errors
import nats.js.errors
import structlog

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.streams import DEAD
from gearmesh.core.ids import raw_id
from gearmesh.errors import BusUnavailable
from gearmesh.metrics import Metrics
from gearmesh.model.delivery import Reason
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.journal")

COMPRESS_ABOVE: Final = 128 * 1024


class Journal:
    """Writes dead letters."""

    def __init__(self, connection: Connection, publisher: Publisher, subjects: Subjects, metrics: Metrics) -> None:
        self.connection = connection
        self._publisher = publisher
        self._subjects = subjects
        self._metrics = metrics

    async def bury(
        self,
        app: str,
        reason: Reason,
        detail: str,
        raw: bytes,
        *,
        letter_id: str = "",
        subject: str = "",
        patience: float | None = None,
    ) -> str:
        """Keep a dead letter and return its id, once it is stored.

        `subject` is where an envelope or a leg stood, so that it can be put back there; without it `raw` is input of
        the network.

        Raises:
            BusUnavailable: not stored within `patience` seconds.
        """
        identity = letter_id or raw_id(raw)
        headers = {"Gm-Reason": reason, "Gm-Detail": _one_line(detail)}
        if subject:
            headers["Gm-Subject"] = subject
        body = raw
        if len(body) > COMPRESS_ABOVE:
            body = zlib.compress(raw)
            headers["Gm-Encoding"] = "zlib"
        room = self.connection.max_payload
        if len(body) > room:
            log.error("a dead letter is larger than nats takes; its end is cut off", id=identity, size=len(raw))
            headers |= {"Gm-Truncated": str(len(raw))}
            headers.pop("Gm-Encoding", None)
            body = raw[:room]
        await self._keep(self._subjects.dead(app, identity), body, headers, f"dead:{app}:{identity}", patience)
        self._metrics.dead_letters.labels(app, reason).inc()
        log.warning("dead letter", app=app, id=identity, reason=reason, detail=detail[:300])
        return identity

    async def _keep(
        self, subject: str, body: bytes, headers: dict[str, str], message_id: str, patience: float | None
    ) -> None:
        """Store a letter; one of the same name that the stream still remembers makes room for it.

        A letter that comes a second time within the duplicate window may be a mere repetition, after a crash. Or it was
        replayed and has died again, and whoever replayed it takes the first one away in a moment, or has done so: it
        must not count as stored because of that one.
        """
        stream, known_as, before = self._subjects.stream(DEAD), message_id, 0
        while True:
            stored = await self._publisher.publish(
                subject, body, message_id=known_as, headers=headers, patience=patience
            )
            if not stored.duplicate:
                break
            before = max(await self._newest(stream, subject), stored.seq)
            known_as = f"{message_id}:{before}"
        if before:
            await self._make_room(stream, before)

    async def _newest(self, stream: str, subject: str) -> int:
        """The sequence of the letter of this name that stands there; 0 when none does."""
        try:
            return (await self.connection.js.get_msg(stream, subject=subject, direct=True)).seq or 0
        except nats.js.errors.NotFoundError:
            return 0
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise BusUnavailable(f"reading {stream}: {type(error).__name__}") from None

    async def _make_room(self, stream: str, seq: int) -> None:
        try:
            await self.connection.js.delete_msg(stream, seq)
        except nats.js.errors.APIError:
            return  # it was replayed, and is gone
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
            log.warning("a dead letter stands there twice", stream=stream, seq=seq, error=type(error).__name__)


def _one_line(text: str) -> str:
    """A text as a header can carry it."""
    return " ".join(text.split())[:1000].encode("utf-8", "backslashreplace").decode()
