"""Programs of ours as processes of their own, so that they can be killed: started, heard out, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

from .patience import until

SAYS_WITHIN: Final = 60.0
"""Seconds: a campaign starts five programs before it says anything, and each reads all its modules first."""
ENDS_WITHIN: Final = 30.0


class Program:
    """`python -m <arguments>`, with what it says kept in files. Use as an async context manager: it dies with it.

    The same program can be started again after it has ended; its output goes on in the same files.
    """

    def __init__(
        self, folder: Path, *arguments: str, name: str = "program", env: Mapping[str, str] | None = None
    ) -> None:
        """`folder` is where it runs and where its output is kept; `env` is added to the environment."""
        self._folder = folder
        self._arguments = arguments
        self._env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb", **(env or {})}
        self._stdout, self._stderr = folder / f"{name}.out", folder / f"{name}.err"
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Program:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "it was never started"
        return self._process.pid

    @property
    def stdout(self) -> str:
        """What it has said so far."""
        return self._stdout.read_text(encoding="utf-8", errors="replace")

    @property
    def stderr(self) -> str:
        """What it has complained about, or logged, so far."""
        return self._stderr.read_text(encoding="utf-8", errors="replace")

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it."""
        assert not self.runs, "it runs already"
        with self._stdout.open("ab") as out, self._stderr.open("ab") as err:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._arguments,
                cwd=self._folder,
                env=self._env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                preexec_fn=_hear_ctrl_c,
            )

    async def says(self, words: str) -> None:
        """Wait until its output or its log holds these words.

        Raises:
            AssertionError: it ended without them, or took too long.
        """
        await until(
            lambda: words in self.stdout or words in self.stderr or not self.runs,
            awaited=f"{words!r} in its output",
            within=SAYS_WITHIN,
        )
        assert words in self.stdout or words in self.stderr, f"it ended without {words!r}: {self.stderr[-3000:]}"

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait until it ends, and return its exit status; minus the signal's number if one ended it."""
        assert self._process is not None
        try:
            return await asyncio.wait_for(self._process.wait(), ENDS_WITHIN)
        except TimeoutError:
            raise AssertionError(f"it does not end: {self.stderr[-3000:]}") from None

    async def kill(self) -> None:
        """End it at once (SIGKILL), if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def _hear_ctrl_c() -> None:
    """Runs in the child before it becomes the program: what is started in the background ignores it, with all below."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def run(
    folder: Path, *arguments: str, name: str = "program", env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run a program to its end: exit status, standard output, standard error."""
    async with Program(folder, *arguments, name=name, env=env) as program:
        status = await program.ended()
        return status, program.stdout, program.stderr


async def is_gone(pid: int) -> None:
    """Wait until no process has this id any more."""
    await until(lambda: not _lives(pid), awaited=f"process {pid} to be gone")


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # dead, and not yet collected by whoever inherited it
