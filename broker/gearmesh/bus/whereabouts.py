"""Where a process lives, so that others of the same machine know at once when it is dead."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec


class Process(msgspec.Struct, frozen=True, omit_defaults=True):
    """A process: its id, when it was started (in the kernel's ticks), and where its id means something.

    `place` is this boot of a machine and a namespace of process ids; "" where the system does not tell.
    """

    pid: int = 0
    born: str = ""
    place: str = ""

    @classmethod
    def this(cls) -> Process:
        """This process."""
        return cls(os.getpid(), _born(os.getpid()), _place())

    def is_dead(self) -> bool:
        """Whether it was one of this machine, and lives no more. False where that cannot be told."""
        return bool(self.place) and self.place == _place() and _born(self.pid) != self.born


def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()} {boot} {os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""


def _born(pid: int) -> str:
    """When a process was started: tells it from a later one with the same id; "" when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
