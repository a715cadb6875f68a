"""A bounded memory: what was told last is known, what is older is forgotten."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The newest `most` values by their keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def get(self, key: Key) -> Value | None:
        """What is known under a key."""
        return self._values.get(key)

    def drop(self, key: Key) -> None:
        """Forget something."""
        self._values.pop(key, None)

    def put(self, key: Key, value: Value) -> None:
        """Know something, and forget the oldest for it."""
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)
