"""What is counted. One registry per daemon, handed to whoever counts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from operator import sub
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

HOP_BUCKETS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 600.0)


HOP_BOUNDS: Final = tuple(round(bucket * 1_000_000) for bucket in HOP_BUCKETS)
"""The same in microseconds, as the times are."""
TOTAL: Final = "total"
COUNTED_TOGETHER: Final = 1_000


class Messages(Collector):
    """How many messages came to an outcome. Counted by one thread, it needs no lock, as a `Counter` has one."""

    name: Final = "gearmesh_messages"
    labels: Final = ("app", "direction", "outcome")

    def __init__(self) -> None:
        self._counted: defaultdict[tuple[str, str, str], int] = defaultdict(int)

    def count(self, app: str, direction: str, outcome: str) -> None:
        """One more. The direction is `in` or `out`."""
        self._counted[app, direction, outcome] += 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counters, as Prometheus shows them."""
        told = "Messages by app, direction (in, out) and outcome"
        family = CounterMetricFamily(self.name, told, labels=self.labels)
        for labels, count in self._counted.items():
            family.add_metric(labels, count)
        yield family


class _Counted:
    """The times of one hop: how many were within each of `HOP_BUCKETS`, and their sum in microseconds."""

    def __init__(self) -> None:
        self.within = [0] * len(HOP_BUCKETS)
        self.count = 0
        self.sum = 0

    def add(self, micros: list[int]) -> None:
        micros.sort()
        if micros[0] < 0:
            early = bisect_left(micros, 0)
            micros[:early] = [0] * early  # clocks of several machines differ a little
        self.count += len(micros)
        self.sum += sum(micros)
        for number, bound in enumerate(HOP_BOUNDS):
            self.within[number] += bisect_right(micros, bound)


class Hops(Collector):
    """The time from hop to hop of what was sent: a histogram for each app and hop.

    An observation of each would be the tenth part of what a leg costs. They are counted many at a time instead, at the
    latest when they are asked for.
    """

    name: Final = "gearmesh_hop_seconds"
    labels: Final = ("app", "hop")

    def __init__(self) -> None:
        self._new: dict[tuple[str, int], tuple[tuple[str, ...], list[tuple[int, ...]]]] = {}
        self._counted: dict[tuple[str, str], _Counted] = {}

    def passed(self, app: str, hops: tuple[str, ...], times: tuple[int, ...]) -> None:
        """A leg has passed these hops at these times (microseconds); so many are always the same hops."""
        new = self._new.get((app, len(times)))
        if new is None:
            new = self._new[app, len(times)] = hops, []
        new[1].append(times)
        if len(new[1]) >= COUNTED_TOGETHER:
            self._count()

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histograms, as Prometheus shows them."""
        self._count()
        told = "Time from hop to hop, and in total from the webhook to the network's yes"
        family = HistogramMetricFamily(self.name, told, labels=self.labels)
        bounds = [*map(floatToGoString, HOP_BUCKETS), "+Inf"]
        for labels, counted in self._counted.items():
            buckets = list(zip(bounds, [*counted.within, counted.count], strict=True))
            family.add_metric(labels, buckets, counted.sum / 1e6)
        yield family

    def _count(self) -> None:
        for (app, _), (hops, legs) in self._new.items():
            columns = list(zip(*legs, strict=True))
            for hop, before, after in zip(hops[1:], columns, columns[1:], strict=False):
                self._add(app, hop, before, after)
            if columns:
                self._add(app, TOTAL, columns[0], columns[-1])
            legs.clear()

    def _add(self, app: str, hop: str, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        counted = self._counted.get((app, hop))
        if counted is None:
            counted = self._counted[app, hop] = _Counted()
        counted.add(list(map(sub, after, before)))


class Metrics:
    """All metrics, by the names that Prometheus shows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = Messages()
        self.registry.register(self.messages)
        self.webhooks = Counter(
            "gearmesh_webhooks", "Webhook requests by app and outcome", ("app", "outcome"), registry=self.registry
        )
        self.dead_letters = Counter(
            "gearmesh_dead_letters", "Dead letters by app and reason", ("app", "reason"), registry=self.registry
        )
        self.hops = Hops()
        self.registry.register(self.hops)
        self.waiting = Gauge(
            "gearmesh_queue_depth", "What waits, by app and queue", ("app", "queue"), registry=self.registry
        )
        self.connected = Gauge(
            "gearmesh_app_connected", "1 while the app's bridge is connected", ("app",), registry=self.registry
        )
        self.nats_up = Gauge("gearmesh_nats_up", "1 while NATS is connected", registry=self.registry)
