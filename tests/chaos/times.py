"""How fast it was: messages a second, from typing to showing while nothing goes wrong, and until work goes on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from .havoc import Happened
from .texts import Pair, read


class Arrival(msgspec.Struct, frozen=True):
    """A message on a phone of a network, and when it was shown there (milliseconds since the epoch)."""

    network: str
    text: str
    at: int


def latencies(typed_at: Mapping[Pair, Sequence[int]], arrivals: Iterable[Arrival], until: int) -> list[int]:
    """Milliseconds from typing to first showing, ascending, of all messages that were typed before `until`."""
    first: dict[tuple[Pair, int], int] = {}
    for arrival in arrivals:
        said = read(arrival.text)
        if said and said.number <= len(typed_at.get(said.pair, ())):
            key = (said.pair, said.number)
            first[key] = min(first.get(key, arrival.at), arrival.at)
    found = (at - typed_at[pair][number - 1] for (pair, number), at in first.items())
    typed = (typed_at[pair][number - 1] for pair, number in first)
    return sorted(taken for taken, begun in zip(found, typed, strict=True) if begun < until)


def percentile(values: Sequence[int], percent: float) -> int:
    """The value that so many percent of the ascending values stay below; 0 for none."""
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else 0


def takeover(blow: Happened, arrivals: Iterable[Arrival]) -> int:
    """Milliseconds from a blow until all networks show messages again.

    What was on the wire already still arrives in the first moments. So, of each network's silences that begin within a
    second of the blow, the longest counts, and of the networks the one that was silent longest.
    """
    times: dict[str, list[int]] = {}
    for arrival in arrivals:
        times.setdefault(arrival.network, []).append(arrival.at)
    longest = 0
    for unsorted in times.values():
        shown = sorted(unsorted)
        place = bisect_right(shown, blow.begun)
        last = blow.begun
        best = (0, blow.begun)
        while place < len(shown) and last <= blow.begun + 1000:
            best = max(best, (shown[place] - last, shown[place]))
            last = shown[place]
            place += 1
        longest = max(longest, best[1] - blow.begun)
    return longest
