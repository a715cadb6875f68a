"""What a campaign prints when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from .havoc import Happened
from .texts import Said
from .times import Arrival, latencies, percentile, takeover
from .verdict import Verdict

MOST_SHOWN: Final = 20
KILLS: Final = ("kill_daemon", "stop_daemon", "freeze_daemon", "kill_nats", "freeze_nats")


class Measures(msgspec.Struct, frozen=True):
    """What was seen. Times in milliseconds since the epoch, `peaks` in KiB by daemon."""

    begun: int
    typed_until: int
    calm_until: int
    typed_at: Mapping[tuple[str, str], Sequence[int]]
    arrivals: Sequence[Arrival]
    happened: Sequence[Happened]
    peaks: Mapping[str, int]


def table(faults: Mapping[str, int]) -> Iterator[str]:
    """The faults by kind."""
    width = max(map(len, faults), default=0)
    for kind, count in sorted(faults.items()):
        yield f"{kind:<{width}}  {count:>5}"


def measured(measures: Measures) -> Iterator[str]:
    """How fast, how large, how soon again."""
    seconds = (measures.typed_until - measures.begun) / 1000
    count = sum(map(len, measures.typed_at.values()))
    yield f"typed {count} messages in {seconds:.0f} s, {count / max(seconds, 1):.1f} a second"
    calm = latencies(measures.typed_at, measures.arrivals, measures.calm_until)
    yield f"typed to shown while nothing went wrong: p50 {percentile(calm, 50)} ms, p99 {percentile(calm, 99)} ms"
    for kind in KILLS:
        taken = sorted(takeover(blow, measures.arrivals) for blow in measures.happened if blow.kind == kind)
        if taken:
            yield (
                f"shown again after {kind}: p50 {percentile(taken, 50) / 1000:.1f} s, worst {taken[-1] / 1000:.1f} s "
                f"of {len(taken)}"
            )
    for name, peak in measures.peaks.items():
        yield f"most memory of {name}: {peak / 1024:.0f} MiB"


def offenders(verdict: Verdict, traces: Mapping[Said, Sequence[str]]) -> Iterator[str]:
    """The first of what is wrong, with what the logs say of each."""
    for kind, said in wrong(verdict)[:MOST_SHOWN]:
        yield f"{kind}: {said}"
        yield from (f"    {line}" for line in traces.get(said, ()))
    for stranger in verdict.strangers[:MOST_SHOWN]:
        yield f"nobody typed this, on {stranger.reader}'s phone: {stranger.text!r:.300}"


def wrong(verdict: Verdict) -> list[tuple[str, Said]]:
    """What is wrong, each with its kind; of all kinds something comes first."""
    kinds = {"lost": verdict.lost, "doubled": verdict.doubled, "out of order": verdict.late}
    ranked = [(place, kind, said) for kind, all_of_it in kinds.items() for place, said in enumerate(all_of_it)]
    return [(kind, said) for _, kind, said in sorted(ranked)]


def others(verdict: Verdict) -> Iterator[str]:
    """What else the phones show."""
    for key, count in sorted(verdict.notices.items()):
        yield f"notices of Gearmesh, {key}: {count}"
    if verdict.excused:
        yield f"late because WhatsApp refused them after it had taken them: {verdict.excused}"
    if verdict.strangers:
        yield f"shown though nobody typed it: {len(verdict.strangers)}"
