"""How a command of the operator reaches NATS: the configured one, our running daemon's, or our own data at rest."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Final, NoReturn

import msgspec
import typer

from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.embedded import EmbeddedServer, access_of
from gearmesh.bus.publisher import Publisher
from gearmesh.cli.launch import default_data
from gearmesh.cli.logs import set_up_logs
from gearmesh.config import NatsConfig, parse_nats, read_file
from gearmesh.errors import ConfigInvalid, DataInUse, EmbeddedServerFailed, GearmeshError
from gearmesh.wire.subjects import Subjects

DEFAULT: Final = Path("gearmesh.toml")
CONNECTS_WITHIN: Final = 5.0
STARTS_WITHIN: Final = 10.0
"""Seconds for a daemon that has just been started to bring its nats-server up."""

ConfigFile = Annotated[
    Path | None, typer.Argument(help="The configuration, a TOML file.", show_default="gearmesh.toml")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="The configuration, a TOML file.", show_default="gearmesh.toml")
]
Data = Annotated[Path | None, typer.Option(help="Where our own nats-server keeps its data.", show_default=False)]


class Desk(msgspec.Struct, frozen=True):
    """What a command of the operator works with."""

    connection: Connection
    publisher: Publisher
    subjects: Subjects


def at_desk(work: Callable[[Desk], Awaitable[int]], config: Path | None, data: Path | None) -> NoReturn:
    """Connect, work, and end the command with the status that comes out. Mistakes are printed, not raised.

    Of the configuration only `[nats]` counts: nothing else that is wrong in it keeps an operator from the letters.
    """
    set_up_logs("text")
    try:
        status = asyncio.run(_at_desk(work, _nats(config, data), data))
    except ConfigInvalid as error:
        for problem in error.problems:
            complain(problem)
        status = 2
    except GearmeshError as error:
        complain(str(error))
        status = 1
    raise typer.Exit(status)


def complain(words: str) -> None:
    """Say on standard error what is wrong."""
    typer.echo(f"gearmesh: {words}", err=True)


def _nats(config: Path | None, data: Path | None) -> NatsConfig:
    if config is None and data is not None and not DEFAULT.exists():
        return NatsConfig()  # a demo's data: it has no file
    return parse_nats(read_file(config or DEFAULT))


async def _at_desk(work: Callable[[Desk], Awaitable[int]], config: NatsConfig, data: Path | None) -> int:
    async with AsyncExitStack() as stack:
        access = await stack.enter_async_context(_reach(config, data))
        connection = await Connection.open(access, "gearmesh operator", timeout=CONNECTS_WITHIN)
        stack.push_async_callback(connection.close)
        publisher = await stack.enter_async_context(Publisher(connection))
        return await work(Desk(connection, publisher, Subjects(config.prefix)))


@asynccontextmanager
async def _reach(config: NatsConfig, data: Path | None) -> AsyncIterator[Access]:
    """Where NATS is. Our own server is started for the length of the command when no daemon runs it."""
    if config.url:
        yield Access(config.url, config.seed, config.user, config.password, config.token, config.ca_file)
        return
    folder = (Path(config.data) if config.data else data or default_data()) / "nats"
    running = access_of(folder)
    if running:
        yield running
        return
    if not folder.is_dir():
        raise EmbeddedServerFailed(f"there is no data of gearmesh in {folder.parent}; name its folder with --data")
    if folder.stat().st_uid != os.geteuid():
        # What we would write there could not be opened by the daemon afterwards.
        raise EmbeddedServerFailed(
            f"no gearmesh runs on {folder.parent}, and it belongs to another user; work as that one, or start it"
        )
    server = EmbeddedServer(folder, binary=config.binary)
    try:
        await server.start()
    except DataInUse:
        yield await _just_started(folder)
        return
    try:
        yield server.access
    finally:
        await server.stop()


async def _just_started(folder: Path) -> Access:
    """The server of a daemon that holds the folder, and listens in a moment."""
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            while not (access := access_of(folder)):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise EmbeddedServerFailed(
            f"a gearmesh holds {folder}, and its nats-server does not listen; its log there says why"
        ) from None
    return access
