"""A bounded memory of what was read or written last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """At most `size` values; the one that was not asked for the longest goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Value | None:
        """The value, which now counts as used; None when it is not here."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember a value."""
        values = self._values
        before = len(values)
        values[key] = value
        if len(values) == before:
            values.move_to_end(key)
        elif before >= self._size:
            values.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Forget one."""
        self._values.pop(key, None)

    def drop_all(self, meant: Callable[[Key], bool]) -> None:
        """Forget those whose keys are meant."""
        for key in [key for key in self._values if meant(key)]:
            del self._values[key]

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
