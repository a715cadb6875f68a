"""The last Graph calls, for looking at what a client really did."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from .call import GraphCall

_SECRET = frozenset({"access_token", "appsecret_proof", "client_secret", "input_token"})
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class _Record:
    method: str
    path: str
    status: int
    call: GraphCall | None
    time: int


class Recorder:
    """Keeps the last calls and counts all of them by status. Bodies are summed up only when somebody looks."""

    def __init__(self, size: int = 200) -> None:
        self._records: deque[_Record] = deque(maxlen=size)
        self.by_status: Counter[int] = Counter()

    def record(self, method: str, path: str, status: int, call: GraphCall | None, time: int) -> None:
        """Note one call; `time` in milliseconds since the epoch, `call` None when it could not be read."""
        self._records.append(_Record(method, path, status, call, time))
        self.by_status[status] += 1

    def view(self, limit: int | None) -> list[dict[str, Any]]:
        """The last calls, oldest first, in the control API's JSON."""
        records = list(self._records)
        return [
            {
                "time": record.time,
                "method": record.method,
                "path": record.path,
                "status": record.status,
                "body": _summary(record.call),
            }
            for record in (records if limit is None else records[max(0, len(records) - limit) :])
        ]

    def clear(self) -> None:
        """Forget the calls; the counts stay."""
        self._records.clear()


def _summary(call: GraphCall | None) -> dict[str, Any]:
    if call is None:
        return {}
    shown = {name: _short(value) for name, value in call.params.items() if name not in _SECRET}
    for name, upload in call.files.items():
        shown[name] = f"<{upload.name}, {upload.mime}, {len(upload.data)} bytes>"
    return shown


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    return value
