"""Rules about input that was kept as a dead letter, and is read again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gearmesh.bridge import SupportsReplay
from gearmesh.model.content import Text
from gearmesh.model.events import Event, MessageReceived, Unparsed
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.rule import Broken, must, rule
from gearmesh.testing.contract.webhook import MALFORMED


class ReplayRules(Harness):
    """SupportsReplay."""

    @pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
    @rule(
        "replay",
        "what is still not understood comes out as Unparsed, of which the same bytes come again; it never raises",
    )
    async def test_replay_of_nonsense(self, raw: bytes) -> None:
        for event in self._replay(raw):
            if not isinstance(event, Unparsed):
                raise Broken(f"{raw[:40]!r} was read as {event!r}")
            again = [one.raw if isinstance(one, Unparsed) else one for one in self._replay(event.raw)]
            must(again == [event.raw], f"of {event.raw[:40]!r}, read once more, came {again}")

    @rule("replay", "what is understood by now comes out as what it would have been, each time the same")
    async def test_replay_of_a_message(self) -> None:
        self._replaying()
        raw = await self.kept_input("Better late")
        for _ in range(2):
            events = self._replay(raw)
            texts = [event.content for event in events if isinstance(event, MessageReceived)]
            must(texts == [Text("Better late")], f"it was read as {list(events)}")
        ids = {event.native_id for _ in range(2) for event in self._replay(raw) if isinstance(event, MessageReceived)}
        must(len(ids) == 1, f"its native id is a new one each time: {sorted(ids)}")

    def _replay(self, raw: bytes) -> Sequence[Event]:
        bridge = self._replaying()
        try:
            return bridge.replay(raw)
        except Exception as error:
            raise Broken(f"replay({raw[:40]!r}) raised {type(error).__name__}: {error}", error) from None

    def _replaying(self) -> SupportsReplay:
        if not isinstance(self.bridge, SupportsReplay):
            self.cannot("the bridge does not claim SupportsReplay")
        return self.bridge
