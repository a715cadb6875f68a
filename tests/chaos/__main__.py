"""`make chaos SEED=7`: one campaign, and what came of it.

The last line is `lost 0, doubled 0, out of order 0, faults N, messages N`; the status is 0 when these three are 0 and
nothing else was shown, and 1 when not, or when it could not be carried to its end.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import structlog

from .campaign import Options, Result, campaign
from .faults import KINDS
from .sabotage import SABOTAGES


def main() -> None:
    """Read the options, run, and end with the status."""
    options = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    options.add_argument("--seed", type=int, default=1, help="the same seed, the same misfortunes")
    options.add_argument("--minutes", type=float, default=8.0, help="for all of it")
    options.add_argument("--messages", type=int, default=21_000, help="how many are typed")
    options.add_argument("--people", type=int, default=12, help="on each network")
    options.add_argument("--only", default="", help=f"these faults alone, with commas: {', '.join(KINDS)}")
    options.add_argument("--sabotage", default="", choices=("", *SABOTAGES), help="run daemons that lack this")
    options.add_argument("--keep", action="store_true", help="keep the logs in any case")
    chosen = options.parse_args()
    only = tuple(filter(None, chosen.only.split(",")))
    if unknown := sorted(set(only) - set(KINDS)):
        options.error(f"--only: there are no {', '.join(unknown)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    folder = Path(tempfile.mkdtemp(prefix=f"gearmesh-chaos-{chosen.seed}-"))
    wanted = Options(
        seed=chosen.seed,
        seconds=chosen.minutes * 60,
        messages=chosen.messages,
        people=chosen.people,
        only=only,
        sabotage=chosen.sabotage,
    )
    sys.exit(_run(wanted, folder, keep=chosen.keep))


def _run(options: Options, folder: Path, *, keep: bool) -> int:
    passed, last = False, "lost ?, doubled ?, out of order ?, faults ?, messages ?"
    try:
        result = asyncio.run(_until_told(options, folder))
        passed, last = result.passed, result.line
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted", flush=True)
    except TimeoutError:
        print("it did not end in time", flush=True)
    except Exception:
        # The last line is the last line, whatever happens.
        traceback.print_exc()
    finally:
        if passed and not keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"logs and data: {folder}", flush=True)
    print(last, flush=True)
    return 0 if passed else 1


async def _until_told(options: Options, folder: Path) -> Result:
    # SIGTERM ends it as Ctrl-C does: nothing of it may go on running.
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True)

    return await campaign(options, folder, say)


if __name__ == "__main__":
    main()
