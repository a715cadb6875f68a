"""Which webhooks the app has asked for, and where they go."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .settings import NETWORKS, Network, Settings


@dataclass(frozen=True, slots=True)
class Subscription:
    """One network's subscription. `fields` None means all of them."""

    callback: str
    subscribed: bool = True
    fields: frozenset[str] | None = None

    def wants(self, field: str) -> bool:
        """Whether an event of this webhook field is to be sent."""
        return self.subscribed and (self.fields is None or field in self.fields)


class Subscriptions:
    """The subscriptions of the three networks; at the start everything is subscribed, at the configured address."""

    def __init__(self, settings: Settings) -> None:
        self._current: dict[Network, Subscription] = {
            network: Subscription(settings.webhooks.format(network=network)) for network in NETWORKS
        }

    def __getitem__(self, network: Network) -> Subscription:
        return self._current[network]

    def call_back(self, network: Network, callback: str) -> None:
        """Send the network's webhooks to another address from the next attempt on."""
        self._current[network] = replace(self._current[network], callback=callback)

    def subscribe(self, network: Network, fields: frozenset[str] | None) -> None:
        """Subscribe the account to these fields, None for all."""
        self._current[network] = replace(self._current[network], subscribed=True, fields=fields)

    def unsubscribe(self, network: Network) -> None:
        """Send nothing of this account any more."""
        self._current[network] = replace(self._current[network], subscribed=False)
