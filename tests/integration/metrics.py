"""What `/metrics` says, read by Prometheus' own parser."""

from __future__ import annotations

from typing import Protocol

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families


class Reader(Protocol):
    """Whoever can ask the daemon."""

    async def get(self, path: str) -> tuple[int, str]:
        """Status and body of an answer."""


class Samples:
    """The samples of one look."""

    def __init__(self, text: str) -> None:
        self.families: dict[str, Metric] = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = [sample for family in self.families.values() for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum of a sample's values over the labels that are not named; 0 where there is none."""
        return sum(
            sample.value for sample in self._samples if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels(self, name: str) -> list[dict[str, str]]:
        """The labels under which a sample stands."""
        return [dict(sample.labels) for sample in self._samples if sample.name == name]


async def samples(reader: Reader) -> Samples:
    """Look once."""
    status, text = await reader.get("/metrics")
    assert status == 200, text
    return Samples(text)
