"""A connection to a server: lines in, and lines out no faster than the server takes them.

IRC has no answer that says "too fast": who floods is disconnected. RFC 1459 section 8.10 lets a client be ten seconds
ahead, two seconds a line; servers have kept to that more or less, and none tells its own numbers in 005.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Final

from irctokens.line import Line, tokenise

from gearmesh_irc.config import IrcConfig

LONGEST: Final = 64 * 1024
"""Bytes of the longest line that is read: 8191 of tags and 512 of the rest are usual (IRCv3 message-tags)."""
CONNECT_WITHIN: Final = 20.0
CLOSE_WITHIN: Final = 0.5
MOST_AHEAD: Final = 64 * 1024
"""Bytes that the system has not taken yet before messages wait."""
MOST_UNSENT: Final = 1024 * 1024
"""Bytes that a server may leave unread before the connection counts as lost: answers to its PING do not wait."""
SLOWER: Final = 0.5
SLOWEST: Final = 10.0
"""Seconds for a line after a server found us too fast: at least, and at most."""
FORGIVEN_AFTER: Final = 600.0
"""Seconds after which the pace is again the one of the configuration."""


class Lost(ConnectionError):
    """The connection is over. The message says why, as far as the server did."""


class Pace:
    """`burst` lines at once, then one each `every` seconds. Who waits goes in the order in which they came."""

    def __init__(self, burst: int, every: float) -> None:
        self._configured = (burst, every)
        self.burst, self.every = burst, every
        self._owed_until = 0.0
        self._flooded_at = 0.0
        self._suspected = False
        self._turns = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until a line may go."""
        async with self._turns:
            while (wait := self._wait()) > 0:
                await asyncio.sleep(wait)
            self.owe()

    def at_once(self) -> bool:
        """Whether a line may go now, before which nobody waits; then that was its turn."""
        free = not self._turns.locked() and self._wait() <= 0
        if free:
            self.owe()
        return free

    def owe(self) -> None:
        """A line went out that could not wait: the next ones do."""
        self._owed_until = max(self._owed_until, asyncio.get_running_loop().time()) + self.every

    def _wait(self) -> float:
        now = asyncio.get_running_loop().time()
        if (self.burst, self.every) != self._configured and now - self._flooded_at > FORGIVEN_AFTER:
            self.burst, self.every = self._configured
        return self._owed_until + self.every - self.burst * self.every - now

    def suspect(self) -> None:
        """The connection was lost amid many lines: we were too fast, or the server is gone."""
        self._suspected = True

    def acquit(self) -> None:
        """The server is not there: that is why the connection was lost."""
        self._suspected = False

    def convict(self) -> None:
        """The server was there all the time: it was too fast for it, if that was suspected."""
        if self._suspected:
            self.flooded()
        self._suspected = False

    def flooded(self) -> None:
        """The server found it too fast: half as fast for a while, and not so much at once."""
        self.every = min(max(self.every * 2, SLOWER), SLOWEST)
        self.burst = max(min(self.burst // 2, 5), 1)
        self._flooded_at = asyncio.get_running_loop().time()


class Connection:
    """One TCP connection, with TLS or without."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._unsent: list[str] = []
        self._flushing: asyncio.Handle | None = None
        self.heard_at = asyncio.get_running_loop().time()
        """When the server last said anything, by the loop's clock."""

    @staticmethod
    async def open(config: IrcConfig) -> Connection:
        """Connect.

        Raises:
            OSError: nobody is there, or the certificate is not good; `TimeoutError` is one.
        """
        context = tls_of(config) if config.tls else None
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                return Connection(
                    *await asyncio.open_connection(config.host, config.at_port, ssl=context, limit=LONGEST)
                )
        except TimeoutError:
            # A server that speaks first waits for us where we wait for its TLS.
            mend = "; is TLS spoken at this port, or is `tls = false` missing?" if config.tls else ""
            raise TimeoutError(f"{config.host}:{config.at_port} does not answer{mend}") from None

    def write(self, *lines: Line) -> None:
        """Hand lines to the system, with all others that are written in the same moment; they may or may not arrive.

        Raises:
            Lost: the connection is closed, or the server reads nothing of what we write.
        """
        if self._writer.is_closing():
            raise Lost("the connection is closed")
        if self._writer.transport.get_write_buffer_size() > MOST_UNSENT:
            raise Lost(f"the server has not read the last {MOST_UNSENT} bytes of what we wrote")
        self._unsent.extend(line.format() for line in lines)
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if self._unsent:
            self._writer.write("\r\n".join((*self._unsent, "")).encode(errors="replace"))
            self._unsent.clear()
            self._acknowledge_at_once()

    def _acknowledge_at_once(self) -> None:
        """Let the server's next packets be acknowledged as they come, where the system can do that (Linux, tcp(7)).

        A server answers each of many lines with a small packet, and with Nagle's algorithm sends the second when the
        first is acknowledged, which a system that has nothing to say does 40 ms later. What we write ends that again.
        """
        sock = self._writer.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_QUICKACK"):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    @property
    def is_behind(self) -> bool:
        """Whether the server reads more slowly than we write."""
        return self._writer.transport.get_write_buffer_size() > MOST_AHEAD

    async def drain(self) -> None:
        """Wait as long as the server is behind.

        Raises:
            Lost: the connection is closed.
        """
        if not self.is_behind:
            return
        try:
            await self._writer.drain()
        except OSError as error:
            raise Lost(str(error) or "the connection is closed") from error

    async def lines(self) -> AsyncIterator[tuple[Line, bytes]]:
        """What the server says, line by line, and the bytes of it. Ends where the server hangs up.

        A line that cannot be read has the command "" and stands in the bytes.
        """
        while True:
            try:
                raw = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError as error:
                raise Lost(f"the server sent a line of more than {LONGEST} bytes") from error
            self.heard_at = asyncio.get_running_loop().time()
            if raw := raw.rstrip(b"\r\n"):
                yield read_line(raw), raw

    async def close(self) -> None:
        """Close it; what was handed over before still goes out if that takes no time."""
        self._flush()
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._writer.wait_closed()
        self._writer.transport.abort()


def read_line(raw: bytes) -> Line:
    """The line that these bytes are; one with the command "" where they are none."""
    try:
        return tokenise(raw)
    except (ValueError, IndexError):  # UnicodeDecodeError in tags is a ValueError
        return Line(None, None, "", [])


def tls_of(config: IrcConfig) -> ssl.SSLContext:
    """How to speak TLS with this server: its certificate is always checked.

    Raises:
        OSError: a file of the configuration cannot be read, or is no certificate (`ssl.SSLError`).
    """
    context = ssl.create_default_context(cafile=config.authorities or None)
    if config.certificate:
        context.load_cert_chain(config.certificate, config.key or None)
    return context
