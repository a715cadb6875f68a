"""`make bench-relay`: from IRC to IRC through one daemon, between two ngIRCd of their own. One JSON line for each row.

A person writes into a room of one server, another reads in the linked room of the other. What is measured is the way
from the writer's socket to the reader's, both servers included. Each line says its number: what is missing, twice
there, or behind a later one is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT: Final = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.integration.ports import free_port  # noqa: E402
from tests.plugins.irc.servers import NGIRCD, Server, program  # noqa: E402

PAIRS: Final = 8
PATIENCE: Final = 20.0
"""Seconds without a line after which the missing ones count as lost."""
TICKS: Final = os.sysconf("SC_CLK_TCK")


class Row(msgspec.Struct):
    """What one run came to. `value` is in messages a second, of latencies in milliseconds (the median)."""

    name: str
    value: float
    lost: int
    doubled: int
    out_of_order: int
    p50_ms: float
    p99_ms: float
    rss_mib: float
    nats_rss_mib: float
    cpu_s_per_1000: float


class Person:
    """Somebody on a server, in some rooms: the plainest client that there is."""

    def __init__(self, nick: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.nick = nick
        self.arrived: list[tuple[int, float]] = []
        """Number and time of each line that came in."""
        self.news = asyncio.Event()
        self._reader, self._writer = reader, writer
        self._joined: set[str] = set()
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def enter(cls, nick: str, port: int, *rooms: str) -> Person:
        """Connect, and go into the rooms."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        person = cls(nick, reader, writer)
        writer.write(f"NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n".encode())
        for room in rooms:
            writer.write(f"JOIN {room}\r\n".encode())
        async with asyncio.timeout(10):
            while not person._joined.issuperset(rooms):
                await asyncio.sleep(0.02)
        return person

    async def say(self, room: str, number: int) -> None:
        """Write a line."""
        self._writer.write(f"PRIVMSG {room} :a line of some words as people write them #{number}\r\n".encode())
        await self._writer.drain()

    async def leave(self) -> None:
        """Go."""
        self._writer.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        async for data in self._reader:
            line = data.decode("utf-8", "replace").rstrip("\r\n")
            source, _, rest = line.partition(" ") if line.startswith(":") else ("", "", line)
            if rest.startswith("PING"):
                self._writer.write(f"PONG{rest[4:]}\r\n".encode())
            elif rest.startswith("JOIN") and source[1:].startswith(f"{self.nick}!"):
                self._joined.add(rest.split(" ")[1].lstrip(":"))
            elif rest.startswith("PRIVMSG") and (number := rest.rpartition("#")[2]).isdecimal():
                self.arrived.append((int(number), time.perf_counter()))
                self.news.set()


class Line:
    """Two servers and the daemon between them."""

    def __init__(self, north: int, south: int, proxy: Proxy, daemon: asyncio.subprocess.Process, data: Path) -> None:
        self.north, self.south, self.proxy = north, south, proxy
        self._daemon = daemon
        self._nats = int((data / "nats" / "nats-server.pid").read_text())

    async def run(self, name: str, rooms: int, each: int, *, rate: float = 0.0, cut: float = 0.0) -> Row:
        """Say `each` lines in so many rooms at once, at `rate` a second or as fast as the server takes them.

        `cut`: after so many seconds, the daemon's connection to the second server is gone for two seconds.
        """
        names = [f"#room{number}" for number in range(rooms)]
        writers = [await Person.enter(f"writer{number}", self.north, room) for number, room in enumerate(names)]
        readers = [await Person.enter(f"reader{number}", self.south, room) for number, room in enumerate(names)]
        before, begun, said = self._cpu(), time.perf_counter(), [dict[int, float]() for _ in names]

        async def speak(place: int) -> None:
            for number in range(each):
                if rate and (pause := begun + number / rate - time.perf_counter()) > 0:
                    await asyncio.sleep(pause)
                said[place][number] = time.perf_counter()
                await writers[place].say(names[place], number)

        speaking = [asyncio.create_task(speak(place)) for place in range(rooms)]
        if cut:
            await asyncio.sleep(cut)
            await self.proxy.cut(2.0)
        await asyncio.gather(*speaking)
        for reader in readers:
            await self._complete(reader, each)
        last = max((at for reader in readers for _, at in reader.arrived), default=begun)
        count = rooms * each
        row = self._row(name, said, [reader.arrived for reader in readers], each)
        row.value = row.p50_ms if rate else count / (last - begun)
        row.cpu_s_per_1000 = (self._cpu() - before) / count * 1000
        for person in (*writers, *readers):
            await person.leave()
        return row

    async def _complete(self, reader: Person, each: int) -> None:
        while len({number for number, _ in reader.arrived}) < each:
            reader.news.clear()
            try:
                async with asyncio.timeout(PATIENCE):
                    await reader.news.wait()
            except TimeoutError:
                return

    def _row(self, name: str, said: list[dict[int, float]], found: list[list[tuple[int, float]]], each: int) -> Row:
        lost = doubled = disordered = 0
        delays: list[float] = []
        for times, arrived in zip(said, found, strict=True):
            numbers = [number for number, _ in arrived]
            lost += each - len(set(numbers))
            doubled += len(numbers) - len(set(numbers))
            highest = -1
            for number, at in arrived:
                disordered += number < highest
                highest = max(highest, number)
                delays.append((at - times[number]) * 1000)
        delays.sort()
        p50, p99 = (delays[min(len(delays) - 1, int(len(delays) * part))] if delays else 0.0 for part in (0.5, 0.99))
        return Row(name, 0.0, lost, doubled, disordered, p50, p99, _rss(self._daemon.pid), _rss(self._nats), 0.0)

    def _cpu(self) -> float:
        """Seconds of processor that the daemon and its nats-server have used."""
        seconds = 0.0
        for pid in (self._daemon.pid, self._nats):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / TICKS
        return seconds


class Proxy:
    """Passes bytes on to a server, until it is cut."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._target = port
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self, seconds: float) -> None:
        """Break all connections, and let none through for so long."""
        self._open = False
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.sleep(seconds)
        self._open = True

    async def stop(self) -> None:
        """Listen no more."""
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        for source, target in ((reader, back), (there, writer)):
            self._writers.add(target)
            task = asyncio.create_task(self._pass(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(1 << 16):
                target.write(data)
                await target.drain()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(target)
            target.transport.abort()


@asynccontextmanager
async def line(folder: Path, *, protected: bool = False, proxied: bool = False) -> AsyncIterator[Line]:
    """Both servers and the daemon, up. A `protected` second server slows down who writes too much.

    `proxied`: the daemon's connection to it can be cut.
    """
    async with AsyncExitStack() as stack:
        north = await stack.enter_async_context(_server(folder / "north", penalty=False))
        south = await stack.enter_async_context(_server(folder / "south", penalty=protected))
        proxy = Proxy(south.port)
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        config = folder / "relay.toml"
        config.write_text(_config(north.port, proxy.port if proxied else south.port, protected=protected))
        arguments = ("-m", "gearmesh", "run", str(config), "--data", str(folder / "data"))
        daemon = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.PIPE)
        stack.push_async_callback(_stop, daemon)
        await _ready(daemon)
        yield Line(north.port, south.port, proxy, daemon, folder / "data")


def _server(folder: Path, *, penalty: bool) -> Server:
    folder.mkdir(parents=True)
    port = free_port()
    text = NGIRCD.format(ports=f"Ports = {port}", folder=folder, password="", more="")
    path = folder / "ngircd.conf"
    path.write_text(text.replace("MaxPenaltyTime = 0", "MaxPenaltyTime = -1") if penalty else text)
    path.chmod(0o600)
    return Server([program("ngircd"), "-n", "-f", str(path)], port, folder)


def _config(north: int, south: int, *, protected: bool) -> str:
    # As plugins/irc/README.md has it for a server of one's own; with its flood protection on, a little faster than for
    # one that belongs to others, so that the row takes two minutes.
    fast, careful = "burst = 1000\nevery = 0.0001", "burst = 5\nevery = 0.5"
    apps = "".join(
        f'[apps.{name}]\nbridge = "irc"\nhost = "127.0.0.1"\nport = {port}\ntls = false\nnick = "gearmesh"\n'
        f"rate = 0\nrecipient_every = 0\n{pace}\n"
        for name, port, pace in (("north", north, fast), ("south", south, careful if protected else fast))
    )
    groups = "".join(
        f'[[conversations]]\ncode = "room{number}"\nrooms = ["north:#room{number}", "south:#room{number}"]\n'
        for number in range(PAIRS)
    )
    return f'[broker]\nlog = "json"\n[web]\nport = 0\n{apps}{groups}'


async def _ready(daemon: asyncio.subprocess.Process) -> None:
    assert daemon.stderr is not None
    entered: set[tuple[Any, Any]] = set()
    log = b""
    async with asyncio.timeout(30):
        async for entry in daemon.stderr:
            log += entry
            if b'"connected"' in entry:
                entered.add((json.loads(entry).get("app"), True))
            if len(entered) == 2:
                break
        else:
            raise RuntimeError(f"the daemon did not start:\n{log.decode()}")
    asyncio.create_task(_drain(daemon.stderr), name="the daemon's log")  # noqa: RUF006  # it ends with the daemon
    await asyncio.sleep(1.0)  # all rooms are entered; nothing outside tells when


async def _drain(stream: asyncio.StreamReader) -> None:
    async for _ in stream:
        pass


async def _stop(daemon: asyncio.subprocess.Process) -> None:
    if daemon.returncode is None:
        daemon.send_signal(signal.SIGTERM)
    await daemon.wait()


def _rss(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


async def _run(only: str) -> None:
    with tempfile.TemporaryDirectory(prefix="gearmesh-relay-") as name:
        folder = Path(name)
        async with line(folder / "open") as between:
            for row, arguments in (
                ("irc_irc_one_pair", {"rooms": 1, "each": 4000}),
                ("irc_irc_eight_pairs", {"rooms": PAIRS, "each": 1000}),
                ("irc_irc_latency_10", {"rooms": 1, "each": 100, "rate": 10.0}),
                ("irc_irc_latency_100", {"rooms": 1, "each": 1000, "rate": 100.0}),
                ("irc_irc_latency_500", {"rooms": 1, "each": 5000, "rate": 500.0}),
            ):
                if only in {"", row}:
                    _print(await between.run(row, **arguments))
        if only in {"", "irc_irc_cut"}:
            async with line(folder / "proxied", proxied=True) as between:
                _print(await between.run("irc_irc_cut", 1, 1200, rate=20.0, cut=20.0))
        if only in {"", "irc_irc_burst"}:
            async with line(folder / "protected", protected=True) as between:
                _print(await between.run("irc_irc_burst", 1, 100))


def _print(row: Row) -> None:
    fields = msgspec.to_builtins(row)
    print(json.dumps({key: round(value, 2) if isinstance(value, float) else value for key, value in fields.items()}))
    sys.stdout.flush()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="", help="measure only this row")
    asyncio.run(_run(options.parse_args().only))
