"""What is counted. One registry per daemon, handed to whoever counts."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

HOP_BUCKETS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 600.0)


class Metrics:
    """All metrics, by the names that Prometheus shows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = Counter(
            "gearmesh_messages",
            "Messages by app, direction (in, out) and outcome",
            ("app", "direction", "outcome"),
            registry=self.registry,
        )
        self.webhooks = Counter(
            "gearmesh_webhooks", "Webhook requests by app and outcome", ("app", "outcome"), registry=self.registry
        )
        self.dead_letters = Counter(
            "gearmesh_dead_letters", "Dead letters by app and reason", ("app", "reason"), registry=self.registry
        )
        self.hops = Histogram(
            "gearmesh_hop_seconds",
            "Time from hop to hop, and in total from the webhook to the network's yes",
            ("app", "hop"),
            buckets=HOP_BUCKETS,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "gearmesh_queue_depth", "What waits, by app and queue", ("app", "queue"), registry=self.registry
        )
        self.connected = Gauge(
            "gearmesh_app_connected", "1 while the app's bridge is connected", ("app",), registry=self.registry
        )
        self.nats_up = Gauge("gearmesh_nats_up", "1 while NATS is connected", registry=self.registry)
