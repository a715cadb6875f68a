"""What bridges, and whatever stands behind them, are tested with. Install it as `gearmesh[testing]`.

`gearmesh.testing.contract` has the suite that every bridge must pass, `gearmesh.testing.fixtures` the pytest plugin:
both need pytest, what is here does not.
"""

from gearmesh.testing.clock import FakeClock
from gearmesh.testing.context import FakeContext, StatusReport
from gearmesh.testing.fake_bridge import FakeBridge, FakeConfig, bridge_for, plugins_of
from gearmesh.testing.nats import NatsServer
from gearmesh.testing.network import FakeNetwork
from gearmesh.testing.shown import Shown
from gearmesh.testing.updates import Echoed, Seen, Typed, Update

__all__ = [
    "Echoed",
    "FakeBridge",
    "FakeClock",
    "FakeConfig",
    "FakeContext",
    "FakeNetwork",
    "NatsServer",
    "Seen",
    "Shown",
    "StatusReport",
    "Typed",
    "Update",
    "bridge_for",
    "plugins_of",
]
