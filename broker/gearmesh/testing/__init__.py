"""What bridges, and whatever stands behind them, are tested with. Install it as `gearmesh[testing]`.

`gearmesh.testing.contract` has the suite that every bridge must pass, `gearmesh.testing.fixtures` the pytest plugin:
both need pytest, what is here does not.
"""

from gearmesh.testing.clock import FakeClock
from gearmesh.testing.context import FakeContext, StatusReport
from gearmesh.testing.fake_bridge import FakeBridge, FakeConfig, bridge_for, plugins_of
from gearmesh.testing.nats import NatsServer
from gearmesh.testing.network import WORDS_ONLY, FakeNetwork
from gearmesh.testing.shown import Shape, Shown
from gearmesh.testing.updates import Echoed, Edited, Reacted, Seen, Typed, Unsent, Update, Voted, Writing

__all__ = [
    "WORDS_ONLY",
    "Echoed",
    "Edited",
    "FakeBridge",
    "FakeClock",
    "FakeConfig",
    "FakeContext",
    "FakeNetwork",
    "NatsServer",
    "Reacted",
    "Seen",
    "Shape",
    "Shown",
    "StatusReport",
    "Typed",
    "Unsent",
    "Update",
    "Voted",
    "Writing",
    "bridge_for",
    "plugins_of",
]
