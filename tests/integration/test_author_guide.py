"""The guide for authors of bridges, followed to the letter: its example, built and used as somebody else's package.

The environment is a new one in which nothing is editable. The daemon in it brings its own nats-server; the two lofts
and the daemon are processes, as they are in the guide.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from .ports import free_port

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = ROOT / "plugins" / "README.md"
BLOCK: Final = re.compile(r'^```\w+ title="(?P<path>[^"]+)"\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE)
PORTS: Final = ("7001", "7002")
NO_INDEX: Final = ("NewConnectionError", "name resolution", "Network is unreachable", "ProxyError", "ConnectTimeout")
"""What pip says when it reaches no package index."""
WITHIN: Final = 60.0


class Example:
    """The guide's example in a folder of its own, and the environment into which it is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "pigeon"
        self._programs = folder / "environment" / "bin"
        # Nothing of the environment that these tests run in may be seen there.
        self._variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL"))
        }

    def write(self) -> list[str]:
        """Write every file that the guide shows."""
        written = []
        for block in BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
            path = self.folder / block["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"], encoding="utf-8")
            written.append(block["path"])
        return written

    def install(self) -> None:
        """Make the environment and install Gearmesh and the example from their wheels."""
        subprocess.run([sys.executable, "-m", "venv", str(self._programs.parent)], check=True)
        gearmesh = f"gearmesh[testing] @ {ROOT.as_uri()}"
        done = self.run("python", "-m", "pip", "install", "--disable-pip-version-check", gearmesh, str(self.folder))
        if done.returncode and any(sign in done.stdout + done.stderr for sign in NO_INDEX):
            pytest.skip(f"pip reaches no package index: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the example's folder."""
        return subprocess.run(
            [str(self._programs / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self._variables,
        )

    @asynccontextmanager
    async def running(self, program: str, *arguments: str) -> AsyncIterator[Process]:
        """A program of the environment that runs until it is told to end; its log goes to `<last argument>.log`."""
        with (self.folder / f"{arguments[-1]}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                str(self._programs / program),
                *arguments,
                stdin=PIPE if program == "python" else DEVNULL,
                stdout=PIPE if program == "python" else DEVNULL,
                stderr=log,
                cwd=self.folder,
                env=self._variables,
            )
            try:
                yield process
            finally:
                if process.returncode is None:
                    process.terminate()
                await process.communicate()


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    example = Example(tmp_path_factory.mktemp("guide"))
    example.write()
    example.install()
    return example


def test_the_guide_shows_a_whole_package_in_less_than_300_lines(tmp_path: Path) -> None:
    assert Example(tmp_path).write() == [
        "pyproject.toml",
        "src/gearmesh_pigeon/__init__.py",
        "src/gearmesh_pigeon/bridge.py",
        "tests/loft.py",
        "tests/test_contract.py",
        "gearmesh.toml",
    ]
    assert len(GUIDE.read_text(encoding="utf-8").splitlines()) < 300


def test_given_a_new_environment_when_the_example_is_installed_then_it_passes_the_contract(example: Example) -> None:
    done = example.run("python", "-I", "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "tests")

    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.partition("the contract of bridges")[2]
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines() if len(line.split()) == 4}
    assert {kind for kind, (passed, _, _) in rows.items() if passed != "·"} >= {
        "identity",
        "running",
        "incoming",
        "outgoing",
        "failures",
        "all",
    }
    assert rows["all"][1] == "0"
    where = example.run("python", "-I", "-c", "import gearmesh, gearmesh_pigeon; print(gearmesh.__file__)")
    assert where.stdout.startswith(str(example.folder.parent)), "the environment sees another Gearmesh"


def test_given_the_example_when_plugins_and_configuration_are_checked_then_both_are_right(example: Example) -> None:
    assert example.run("gearmesh", "plugins").stdout.split() == [
        "bridge",
        "pigeon",
        "Pigeon",
        "post",
        "gearmesh_pigeon.bridge",
    ]
    checked = example.run("gearmesh", "check", "gearmesh.toml")
    assert "gearmesh.toml is right: north (Pigeon post), south (Pigeon post)" in checked.stdout


async def test_given_two_lofts_and_a_daemon_when_ada_writes_to_ben_then_he_reads_it_and_can_answer(
    example: Example,
) -> None:
    north, south = str(free_port()), str(free_port())  # the guide names fixed ones, which may be taken here
    configuration = (example.folder / "gearmesh.toml").read_text()
    for shown, free in zip(PORTS, (north, south), strict=True):
        configuration = configuration.replace(shown, free)
    (example.folder / "ours.toml").write_text(configuration)

    async with (
        example.running("python", "tests/loft.py", "ada", north) as ada,
        example.running("python", "tests/loft.py", "ben", south) as ben,
        example.running("gearmesh", "run", "ours.toml", "--port", "0", "--data", "data"),
    ):
        await types(ada, "@south:ben Coo!")
        assert await reads(ben, 2) == ["ben reads: @ada (Pigeon post):", "Coo!"]

        await types(ben, "Coo yourself — äöü 🕊")
        assert await reads(ada, 2) == ["ada reads: @ben (Pigeon post):", "Coo yourself — äöü 🕊"]


async def types(loft: Process, text: str) -> None:
    assert loft.stdin is not None
    loft.stdin.write(f"{text}\n".encode())
    await loft.stdin.drain()


async def reads(loft: Process, lines: int) -> list[str]:
    assert loft.stdout is not None
    async with asyncio.timeout(WITHIN):
        return [(await loft.stdout.readline()).decode().rstrip("\n") for _ in range(lines)]
