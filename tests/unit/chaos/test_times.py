"""What a campaign measures."""

from __future__ import annotations

from tests.chaos.havoc import Happened
from tests.chaos.times import Arrival, latencies, percentile, takeover

PAIR = ("ada", "ben")


def at(*times: int, network: str = "messenger") -> list[Arrival]:
    return [Arrival(network, "", time) for time in times]


def test_given_messages_then_each_takes_as_long_as_until_its_first_showing_and_late_typed_ones_do_not_count() -> None:
    arrivals = [
        Arrival("messenger", "Ada:\nada>ben #2", 2_500),
        Arrival("messenger", "Ada:\nada>ben #1", 1_010),
        Arrival("messenger", "Ada:\nada>ben #1", 9_000),
        Arrival("messenger", "Ada:\nada>ben #3", 9_000),
        Arrival("messenger", "a notice", 9_000),
    ]

    assert latencies({PAIR: [1_000, 2_000, 3_000]}, arrivals, until=3_000) == [10, 500]


def test_given_values_then_a_percentile_is_one_of_them() -> None:
    assert percentile(range(100), 50) == 50
    assert percentile(range(100), 99) == 99
    assert percentile([3], 99) == 3
    assert percentile([], 99) == 0


def test_given_a_kill_then_what_was_on_the_wire_already_does_not_count_as_going_on() -> None:
    kill = Happened("kill_daemon", "daemon-a", 10_000, 12_000)

    assert takeover(kill, at(9_990, 10_020, 12_400, 12_450, 20_000)) == 2_400


def test_given_networks_that_go_on_at_different_times_then_the_last_one_counts() -> None:
    kill = Happened("kill_daemon", "daemon-a", 10_000, 12_000)
    arrivals = [*at(*range(9_000, 14_000, 50)), *at(9_990, 11_500, 11_550, network="whatsapp")]

    assert takeover(kill, arrivals) == 1_500
