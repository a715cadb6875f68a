"""Ports for servers that must know each other's address before they start."""

from __future__ import annotations

import os
import random
import socket
from collections import deque
from typing import Final

BELOW_EPHEMERAL: Final = range(18_000, 32_000)
"""Where no system hands out ports by itself, so that what is free stays free until it is used."""
WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS: Final = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
OURS: Final = BELOW_EPHEMERAL[WORKER::WORKERS]
"""Those of this process, where several run tests: what one has found free, no other takes meanwhile."""

GIVEN: Final[deque[int]] = deque(maxlen=1_000)
"""Those that were given out last: whoever asked for one does not listen there at once."""


def free_port() -> int:
    """A loopback port that nobody listens on, and nobody is about to."""
    while True:
        port = random.choice(OURS)
        if port in GIVEN:
            continue
        with socket.socket() as probe:
            # As servers do: a port that an earlier one has left is free, though its last connections linger.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            GIVEN.append(port)
            return port
