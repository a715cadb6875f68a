"""What the Graph endpoints work with, handed to each of them."""

from __future__ import annotations

from dataclasses import dataclass

from gearmesh_meta.sandbox.clock import Clock
from gearmesh_meta.sandbox.exchange import Exchange
from gearmesh_meta.sandbox.faults import Faults
from gearmesh_meta.sandbox.identifiers import Identifiers
from gearmesh_meta.sandbox.link_fetcher import LinkFetcher
from gearmesh_meta.sandbox.media import MediaStore
from gearmesh_meta.sandbox.phones import PhoneBook
from gearmesh_meta.sandbox.settings import Settings
from gearmesh_meta.sandbox.subscriptions import Subscriptions

from .throttle import Throttle

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class World:
    """The parts of the sandbox that a Graph call can reach."""

    settings: Settings
    clock: Clock
    identifiers: Identifiers
    phones: PhoneBook
    media: MediaStore
    links: LinkFetcher
    exchange: Exchange
    faults: Faults
    subscriptions: Subscriptions
    throttle: Throttle
