"""A bounded memory."""

from __future__ import annotations

from collections import OrderedDict

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gearmesh.core.cache import Cache

SIZE = 4
KEYS = st.integers(0, 7)


class CacheAgainstAModel(RuleBasedStateMachine):
    """The model: values in the order they were used, and what is beyond the size cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.cache: Cache[int, str] = Cache(SIZE)
        self.model: OrderedDict[int, str] = OrderedDict()

    @rule(key=KEYS, value=st.text(max_size=2))
    def put(self, key: int, value: str) -> None:
        self.cache.put(key, value)
        self.model.pop(key, None)
        self.model[key] = value
        while len(self.model) > SIZE:
            self.model.popitem(last=False)

    @rule(key=KEYS)
    def get(self, key: int) -> None:
        assert self.cache.get(key) == self.model.get(key)
        if key in self.model:
            self.model.move_to_end(key)

    @rule(below=KEYS)
    def drop_all(self, below: int) -> None:
        self.cache.drop_all(lambda key: key < below)
        for key in range(below):
            self.model.pop(key, None)

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.model.clear()

    @invariant()
    def it_never_holds_more_than_its_size(self) -> None:
        assert len(self.cache) == len(self.model) <= SIZE


TestCache = CacheAgainstAModel.TestCase
