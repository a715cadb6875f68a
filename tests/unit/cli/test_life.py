"""A life in rows and words, from what the logs say."""

from __future__ import annotations

from typing import Any

import pytest

from gearmesh.bus.history import History, Standing
from gearmesh.bus.letters import Letter
from gearmesh.cli.life import now, steps
from gearmesh.model.address import Address
from gearmesh.model.delivery import Hop, LedgerEntry, State
from gearmesh.model.envelope import Header

ADA, BEN, CLEO = Address("whatsapp", "1"), Address("messenger", "2"), Address("instagram", "3")
ID = "ab" * 16
HEADER = Header(bytes.fromhex(ID), "event", ADA, (BEN,), "c", 1)
NAMES = ("received", "stored in", "routed", "stored out", "taken", "sent")


def entry(state: State, at: int, to: Address | None = BEN, **more: Any) -> LedgerEntry:
    """A step of the leg to Ben, or of the envelope; `at` in milliseconds."""
    app = to.app if to else "whatsapp"
    return LedgerEntry(ID, app, state, at, sender=str(ADA), to=str(to) if to else "", **more)


def hops(*times: int) -> tuple[Hop, ...]:
    """All hops; the times in microseconds."""
    return tuple(Hop(name, at) for name, at in zip(NAMES, times, strict=True))


def leg(*to: Address, at: int = 0, replayed: bool = False, thread: str = "") -> Standing:
    """A leg in a log."""
    header = Header(HEADER.id, "event", ADA, to, "c", 1)
    return Standing(to[0].app, thread, header, at, replayed)


def letter(app: str = "messenger") -> Letter:
    """A dead letter of the envelope."""
    return Letter(f"{ID}-{app}", app, 1, 9, "unclear", "", "gm.out.messenger.c", 1, 0, {}, HEADER)


def test_given_two_legs_of_one_envelope_then_the_hops_that_they_share_are_told_once() -> None:
    told = steps(
        History(
            ID,
            (
                entry("sent", 2, hops=hops(1000, 1100, 1200, 1300, 1400, 2000)),
                entry("sent", 3, CLEO, hops=hops(1000, 1100, 1200, 1350, 1450, 3000)),
            ),
            inbound=(leg(BEN, at=1100),),
            legs=(leg(BEN, at=1300), leg(CLEO, at=1350)),
        )
    )
    assert [(step.app, step.step, step.at) for step in told] == [
        ("whatsapp", "received", 1000),
        ("whatsapp", "stored in", 1100),
        ("messenger", "routed", 1200),
        ("instagram", "routed", 1200),
        ("messenger", "stored out", 1300),
        ("instagram", "stored out", 1350),
        ("messenger", "taken", 1400),
        ("instagram", "taken", 1450),
        ("messenger", "sent", 2000),
        ("instagram", "sent", 3000),
    ]


def test_given_a_hop_and_a_state_that_nobody_knows_here_then_they_are_told_all_the_same() -> None:
    told = steps(History(ID, (entry("sent", 2, hops=(Hop("sealed", 2000), Hop("sent", 2000))),)))
    assert [step.step for step in told] == ["sent", "sealed"]


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (History(ID, (entry("accepted", 1, None),)), ["stored, and waits to be routed"]),
        (History(ID, (entry("accepted", 1, None),), legs=(leg(BEN),)), ["waits to be sent to 2 on messenger"]),
        (History(ID, (entry("sent", 1),)), ["sent to 2 on messenger, whose network has not said more"]),
        (History(ID, (entry("read", 1), entry("sent", 2))), ["read by 2 on messenger"]),
        (History(ID, (entry("sent", 1), entry("delivered", 2))), ["delivered to 2 on messenger"]),
        (
            History(ID, (entry("failed", 1, reason="rejected", detail="no such user"),)),
            ["failed for 2 on messenger, and its sender was told: rejected: no such user"],
        ),
        (
            History(ID, (entry("expired", 1, None, detail="its time was over before it was routed"),)),
            ["expired before it reached whatsapp: its time was over before it was routed"],
        ),
        (
            History(ID, (entry("parked", 1, reason="window_closed"),), later=(leg(BEN, thread="2"),)),
            ["waits in messenger's lane of 2: window_closed"],
        ),
        (
            History(ID, (entry("dead", 1, reason="unclear"),), dead=(letter(),)),
            [f"a dead letter of messenger for 2 on messenger: unclear; `gearmesh dead show {ID}-messenger` says more"],
        ),
        (
            History(ID, (entry("dead", 1, reason="unclear"),)),
            ["died on its way to 2 on messenger: unclear; its dead letter is gone"],
        ),
        (
            History(ID, (entry("dead", 1), entry("accepted", 2, detail="replayed"))),
            ["replayed, and waits to be sent to 2 on messenger"],
        ),
        (
            History(ID, (entry("sent", 1),), legs=(leg(CLEO),), dead=(letter("telegram"),)),
            [
                "waits to be sent to 3 on instagram",
                "sent to 2 on messenger, whose network has not said more",
                f"a dead letter of telegram: unclear; `gearmesh dead show {ID}-telegram` says more",
            ],
        ),
    ],
    ids=lambda value: value[0][:40] if isinstance(value, list) else "",
)
def test_given_what_is_known_then_the_words_say_where_it_is_now(history: History, words: list[str]) -> None:
    assert now(history) == words
