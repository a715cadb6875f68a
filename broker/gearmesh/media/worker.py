"""A process that opens files of strangers: `python -m gearmesh.media.worker`. Orders come in on standard input.

It has only so much memory and so many files, its files can only become so large, and each order only so much of the
processor. Whoever started it bounds its time and ends it; it ends by itself when nobody gives it orders any more.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from gearmesh.media.failed import CannotOpen, StillTooLarge
from gearmesh.media.orders import Answer, Look, Make, Order
from gearmesh.media.probe import Probe, family_of
from gearmesh.media.sniff import START, sniff

MOST_MEMORY: Final = 640 * 1024 * 1024
"""Bytes of data. A picture of 50 million pixels has 200 MB, and is there twice while it is turned."""
MOST_FILES: Final = 64
NICE: Final = 19
"""Texts go first."""
PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Work on orders until there are no more."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints is no answer
    confine(int(sys.argv[1]))
    decoder = msgspec.json.Decoder[Order](Order)
    for line in sys.stdin.buffer:
        answer = work(decoder.decode(line))
        answers.write(msgspec.json.encode(msgspec.structs.replace(answer, peak=peak())) + b"\n")


def confine(largest: int) -> None:
    """Give up what opening a file does not need. `largest`: bytes that a file may be written with."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(NICE)
    for what, most in (
        (resource.RLIMIT_DATA, MOST_MEMORY),
        (resource.RLIMIT_FSIZE, largest),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def peak() -> int:
    """The most memory that this process has used so far, in bytes."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        # Elsewhere than on Linux; that of whoever started us may be in it.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def work(order: Order) -> Answer:
    """Do what was ordered. What is wrong with the file stands in the answer."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(usage.ru_utime + usage.ru_stime) + order.seconds, hard))
    try:
        if isinstance(order, Look):
            return Answer(_look(Path(order.path), order.mime))
        _make(order)
        target = Path(order.target)
        with target.open("rb") as file:
            mime = sniff(file.read(START))
        return Answer(_look(target, mime))
    except CannotOpen as error:
        return _without_room(error.__cause__) or Answer(reason=str(error))
    except StillTooLarge as error:
        return Answer(reason="it is too large, whatever is done to it", size=error.size)
    except MemoryError:
        return Answer(reason="to open it takes more memory than it may have")
    except Exception as error:
        # Decoders fail in ways of their own; whatever it is, it came of this file.
        return _without_room(error) or Answer(reason=f"it cannot be opened ({type(error).__name__}: {error})"[:300])


def _without_room(error: BaseException | None) -> Answer | None:
    """What to say where the disk is full and nothing is wrong with the file. PyAV's errors are of the same kind."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
        return Answer(reason=f"there is no room for it ({os.strerror(error.errno)})", delayed=True)
    return None


# Each family's library is loaded when it is first needed: together they take as much memory as the daemon.


def _look(path: Path, mime: str) -> Probe:
    family = family_of(mime)
    if family == "image":
        from gearmesh.media import pictures

        return pictures.look(path, mime)
    if family in {"audio", "video"}:
        from gearmesh.media import films

        return films.look(path, mime)
    return Probe(mime, path.stat().st_size)


def _make(order: Make) -> None:
    source, target, found, steps = Path(order.source), Path(order.target), order.found, order.steps
    if family_of(found.mime) != "image":
        from gearmesh.media import films

        films.make(source, found, target, steps)
        return
    from gearmesh.media import pictures

    if steps.mime != "video/mp4":
        pictures.make(source, found, target, steps)
        return
    from gearmesh.media import films

    films.make_from_pictures(pictures.frames(source, found, steps.side or 1280), target, steps)


if __name__ == "__main__":
    main()
