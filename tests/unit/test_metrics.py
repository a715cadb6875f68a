"""The histogram of hops, counted in bulk, beside prometheus_client's own."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from gearmesh import metrics
from gearmesh.metrics import HOP_BUCKETS, Hops, Metrics

NAMES = ("received", "stored in", "sent")
TIMES = st.lists(st.tuples(*[st.integers(0, 900_000_000)] * len(NAMES)), min_size=1, max_size=40)


def shown(registry: CollectorRegistry) -> set[str]:
    """What Prometheus is shown of the hops."""
    lines = generate_latest(registry).decode().splitlines()
    return {line for line in lines if line.startswith(Hops.name) and "_created" not in line}


@given(TIMES, st.integers(1, 20))
def test_given_any_times_then_the_histogram_is_the_one_that_would_come_of_each_by_itself(
    times: list[tuple[int, ...]], together: int
) -> None:
    counted, expected = Metrics(), CollectorRegistry()
    histogram = Histogram(Hops.name, "", Hops.labels, buckets=HOP_BUCKETS, registry=expected)
    before, metrics.COUNTED_TOGETHER = metrics.COUNTED_TOGETHER, together  # type: ignore[misc]
    try:
        for passed in times:
            counted.hops.passed("instagram", NAMES, passed)
            for name, (earlier, later) in zip(NAMES[1:], pairwise(passed), strict=True):
                histogram.labels("instagram", name).observe(max(0, later - earlier) / 1e6)
            histogram.labels("instagram", "total").observe(max(0, passed[-1] - passed[0]) / 1e6)
    finally:
        metrics.COUNTED_TOGETHER = before  # type: ignore[misc]

    mine, theirs = shown(counted.registry), shown(expected)
    assert {line for line in mine if "_sum" not in line} == {line for line in theirs if "_sum" not in line}
    for app, hop in (("instagram", "total"), ("instagram", "sent")):
        labels = {"app": app, "hop": hop}
        one, other = (
            registry.get_sample_value(f"{Hops.name}_sum", labels) for registry in (counted.registry, expected)
        )
        assert one is not None
        assert other is not None
        assert abs(one - other) < 1e-6


def test_given_what_was_shown_once_then_it_is_not_counted_again() -> None:
    counted = Metrics()
    counted.hops.passed("instagram", NAMES, (0, 1000, 3000))
    assert shown(counted.registry) == shown(counted.registry)
    counted.hops.passed("instagram", NAMES, (0, 1000, 3000))
    labels = {"app": "instagram", "hop": "total"}
    assert counted.registry.get_sample_value(f"{Hops.name}_count", labels) == 2
