"""A nats-server for tests: started, stopped and killed at will, always on the same port and store."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final

from gearmesh.bus.embedded import find_binary
from gearmesh.errors import EmbeddedServerFailed

START_WITHIN: Final = 20.0
STOP_WITHIN: Final = 10.0
PR_SET_PDEATHSIG: Final = 1


class NatsServer:
    """One nats-server with JetStream, on the loopback, without credentials.

        async with NatsServer(folder) as server:
            config = {"nats": {"url": [server.url]}}
            server.kill()           # as a power failure would
            await server.start()    # the same port, the same data

    The first start takes a free port, later ones take it again. It ends no process but its own.
    """

    def __init__(self, folder: Path, *, binary: str = "") -> None:
        """`folder` keeps its data and log. `binary` is another nats-server than the one installed with Gearmesh."""
        self._folder = folder
        self._binary = binary
        self._port = -1
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> NatsServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where it listens, or will listen again. Only after the first `start`."""
        return f"nats://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it, and wait until it listens.

        Raises:
            EmbeddedServerFailed: it does not start; the message ends with its last words.
            RuntimeError: it runs already.
        """
        if self._process is not None:
            raise RuntimeError(f"this nats-server runs already, as process {self._process.pid}")
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "nats-server.conf"
        config.write_text(
            f"host: 127.0.0.1\n"
            f"port: {self._port}\n"
            f'ports_file_dir: "{self._folder}"\n'
            f"max_payload: 4MB\n"
            f'jetstream {{ store_dir: "{self._folder / "jetstream"}" }}\n'
        )
        with self._log.open("ab") as output:
            # Not asyncio's: it may outlive the event loop of the test that started it. Starting takes no time.
            self._process = subprocess.Popen(  # noqa: ASYNC220
                [str(find_binary(self._binary)), "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
        try:
            async with asyncio.timeout(START_WITHIN):
                while not self._listening(self._process):
                    await asyncio.sleep(0.01)
        except BaseException as error:
            self.kill()
            if isinstance(error, TimeoutError):
                raise EmbeddedServerFailed(
                    f"nats-server does not listen after {START_WITHIN:.0f} s:\n{self._last_words()}"
                ) from None
            raise

    def kill(self) -> None:
        """End it at once (SIGKILL). What it had not written is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def stop(self) -> None:
        """End it in order (SIGTERM)."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    @property
    def _log(self) -> Path:
        return self._folder / "nats-server.log"

    def _listening(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is not None:
            raise EmbeddedServerFailed(f"nats-server ended at once:\n{self._last_words()}")
        # nats-server writes this file when it accepts connections; with "port: -1" it tells which port it got.
        ports = self._folder / f"nats-server_{process.pid}.ports"
        try:
            address = ports.read_text().partition("nats://")[2].partition('"')[0]
        except OSError:
            return False
        port = address.rpartition(":")[2]
        if not port.isdecimal():
            return False
        self._port = int(port)
        return True

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-12:])


def _end_with_parent() -> None:
    """Runs in the child before it becomes nats-server: a test run that is killed leaves no server behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
