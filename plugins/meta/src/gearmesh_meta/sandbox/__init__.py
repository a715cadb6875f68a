"""A sandbox that plays Meta: the Graph API, signed webhooks and phones to write with, for WhatsApp, Messenger and
Instagram. It knows nothing of Gearmesh; any client of Meta's APIs works with it once its base URL is changed."""

from __future__ import annotations

from .clock import Clock
from .server import Sandbox, build_app
from .settings import NETWORKS, Network, SeedPhone, Settings

__all__ = ["NETWORKS", "Clock", "Network", "Sandbox", "SeedPhone", "Settings", "build_app"]
