"""Our own nats-server: alone on its folder, there as long as its gearmesh, and clear about its troubles."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.embedded import EmbeddedServer, access_of, find_binary
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.streams import BUCKETS, ensure_all, streams
from gearmesh.errors import BusUnavailable, DataInUse, EmbeddedServerFailed
from gearmesh.testing import NatsServer
from gearmesh.wire.subjects import Subjects

from .patience import until
from .phones import ADA, BEN
from .processes import Program, is_gone
from .streams import everything
from .town import Town

HOLDS_A_SERVER = """
import asyncio, sys
from pathlib import Path
from gearmesh.bus.embedded import EmbeddedServer

async def main():
    server = EmbeddedServer(Path(sys.argv[1]))
    await server.start()
    print("server", server.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """A running server on a folder of its own."""
    server = EmbeddedServer(tmp_path / "nats")
    await server.start()
    yield server
    await server.stop()


async def test_given_a_running_server_then_others_find_it_and_its_key_and_after_it_has_stopped_nothing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "nats"
    assert access_of(folder) is None
    server = EmbeddedServer(folder)
    await server.start()

    access = access_of(folder)

    assert access == server.access
    connection = await Connection.open(access, "somebody else")
    await connection.close()
    await server.stop()
    assert access_of(folder) is None


async def test_given_a_running_server_when_a_second_one_starts_on_its_folder_then_it_names_who_has_it(
    embedded: EmbeddedServer, tmp_path: Path
) -> None:
    with pytest.raises(DataInUse) as in_use:
        await EmbeddedServer(tmp_path / "nats").start()

    assert in_use.value.folder == str(tmp_path / "nats")
    assert in_use.value.pid == str(os.getpid())
    assert "--data" in str(in_use.value)
    connection = await Connection.open(embedded.access, "test")  # the first one is none the worse for it
    assert connection.is_up
    await connection.close()


async def test_given_a_server_that_was_stopped_then_its_folder_is_free_and_its_messages_are_there(
    tmp_path: Path,
) -> None:
    for number in range(3):
        server = EmbeddedServer(tmp_path)
        await server.start()
        connection = await Connection.open(server.access, "test")
        await ensure_all(connection, Subjects())
        async with Publisher(connection) as publisher:
            assert (await publisher.publish("gm.out.a.b", b"%d" % number)).seq == number + 1
        await connection.close()
        await server.stop()


async def test_given_a_server_then_nobody_gets_in_without_its_key_and_nobody_else_reads_the_key(
    embedded: EmbeddedServer, tmp_path: Path
) -> None:
    seed, folder = tmp_path / "nats" / "broker.nk", tmp_path / "nats"
    assert stat.S_IMODE(seed.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    stranger = type(embedded.access)(embedded.access.servers)

    with pytest.raises(BusUnavailable):
        await Connection.open(stranger, "stranger", timeout=1.0)

    assert embedded.access.servers[0].startswith("nats://127.0.0.1:")
    assert seed.read_text().strip() not in (folder / "nats-server.conf").read_text()
    assert seed.read_text().strip() not in repr(embedded.access)


async def test_given_a_server_that_dies_then_it_is_started_again_on_the_same_port_and_publishing_goes_on(
    embedded: EmbeddedServer,
) -> None:
    connection = await Connection.open(embedded.access, "test")
    await ensure_all(connection, Subjects())
    before = embedded.access.servers
    async with Publisher(connection) as publisher:
        for number in range(3):
            died = embedded.pid
            assert died is not None
            await publisher.publish("gm.out.a.b", b"%d before" % number)
            os.kill(died, signal.SIGKILL)
            await publisher.publish("gm.out.a.b", b"%d after" % number, message_id=f"after {number}")
            assert embedded.pid != died
        assert embedded.access.servers == before
        stored = [data for _, data in await everything(connection, "GM_OUT")]
    await connection.close()
    assert stored == [b"%d %s" % (number, word) for number in range(3) for word in (b"before", b"after")]


async def test_given_a_daemon_whose_nats_server_dies_then_its_people_notice_nothing(town: Town) -> None:
    pid = int((town.folder / "data" / "nats" / "nats-server.pid").read_text())
    await town.phones.types(ADA, "@ben before")
    await town.phones.sees(BEN, "before")
    os.kill(pid, signal.SIGKILL)
    await town.phones.types(ADA, "right after")

    await town.phones.sees(BEN, "right after")
    await town.is_ready()
    assert await town.phones.texts(BEN) == ["before", "right after"]


async def test_given_a_gearmesh_that_is_killed_then_its_nats_server_ends_and_the_next_one_can_start(
    tmp_path: Path,
) -> None:
    script, folder = tmp_path / "holds_a_server.py", tmp_path / "nats"
    script.write_text(HOLDS_A_SERVER)
    async with Program(tmp_path, "holds_a_server", str(folder)) as gearmesh:
        await gearmesh.says("server ")
        pid = int(gearmesh.stdout.split()[1])

        await gearmesh.kill()

    await is_gone(pid)
    server = EmbeddedServer(folder)
    await server.start()
    await server.stop()


async def test_given_a_server_that_outlived_its_gearmesh_then_the_next_start_ends_it_first(tmp_path: Path) -> None:
    # As on a system where the kernel does not end it: a nats-server with our files, and nobody who holds the lock.
    first = EmbeddedServer(tmp_path)
    await first.start()
    await first.stop()
    leftover = await asyncio.create_subprocess_exec(str(find_binary()), "-c", str(tmp_path / "nats-server.conf"))
    try:
        pid_file = tmp_path / "nats-server.pid"
        await until(lambda: pid_file.exists() and pid_file.read_text() == str(leftover.pid), awaited="its pid file")
        ports = tmp_path / f"nats-server_{leftover.pid}.ports"
        await until(lambda: ports.exists() and ports.read_text(), awaited="it to listen")
        assert access_of(tmp_path) is None, "it ends with the next start: nobody should begin to work with it"
        second = EmbeddedServer(tmp_path)

        await second.start()

        await asyncio.wait_for(leftover.wait(), 10)
        assert second.pid != leftover.pid
        await second.stop()
    finally:
        if leftover.returncode is None:
            leftover.kill()
            await leftover.wait()


async def test_given_a_pid_file_that_names_another_program_then_that_program_is_left_alone(tmp_path: Path) -> None:
    bystander = await asyncio.create_subprocess_exec("sleep", "60")
    (tmp_path / "nats-server.pid").write_text(str(bystander.pid))
    server = EmbeddedServer(tmp_path)

    await server.start()
    await server.stop()

    assert bystander.returncode is None
    bystander.kill()
    await bystander.wait()


@pytest.mark.parametrize("kind", ["missing", "a text", "a folder", "something else"])
async def test_given_a_binary_that_is_no_nats_server_then_it_is_said_and_the_folder_is_free_again(
    tmp_path: Path, kind: str
) -> None:
    program = tmp_path / "program"
    match kind:
        case "a text":
            program.write_text("this is no program")
            program.chmod(0o755)
        case "a folder":
            program.mkdir()
        case "something else":
            program.symlink_to("/bin/true")

    with pytest.raises(EmbeddedServerFailed) as failed:
        await EmbeddedServer(tmp_path / "nats", binary=str(program)).start()

    assert str(program) in str(failed.value) or "ended at once" in str(failed.value)
    server = EmbeddedServer(tmp_path / "nats")
    await server.start()
    await server.stop()


@pytest.mark.parametrize("folder", ["file/nats", "/proc/nats", "/dev/null"])
async def test_given_a_folder_that_cannot_be_written_then_it_is_said_which(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(EmbeddedServerFailed, match="--data") as failed:
        await EmbeddedServer(tmp_path / folder).start()

    assert str(tmp_path / folder) in str(failed.value)


@pytest.mark.parametrize("name", ["jetstream", "nats-server.conf", "nats-server.log", "broker.nk", "lock"])
async def test_given_something_else_where_one_of_its_files_should_be_then_it_is_said(tmp_path: Path, name: str) -> None:
    if name == "jetstream":
        (tmp_path / name).write_text("not a folder")
    else:
        (tmp_path / name).mkdir()

    with pytest.raises(EmbeddedServerFailed) as failed:
        await EmbeddedServer(tmp_path).start()

    assert name in str(failed.value) or str(tmp_path) in str(failed.value)


@pytest.mark.parametrize("key", ["", "not a key", "UAM77RUBKGHRXVT5BFTHH4YKHI4NZSMNYFI2F7GLSWBM3YLVXPTYWRTK"])
async def test_given_a_key_file_that_holds_no_key_then_it_is_said_and_the_key_is_not_shown(
    tmp_path: Path, key: str
) -> None:
    (tmp_path / "broker.nk").write_text(key)

    with pytest.raises(EmbeddedServerFailed, match=r"broker\.nk") as failed:
        await EmbeddedServer(tmp_path).start()

    assert not key or key not in str(failed.value)


async def test_given_garbage_among_the_stored_messages_then_what_can_be_read_is_served(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path)
    await server.start()
    connection = await Connection.open(server.access, "test")
    await ensure_all(connection, Subjects())
    await connection.close()
    await server.stop()
    (tmp_path / "jetstream" / "jetstream" / "$G" / "streams" / "GM_OUT" / "meta.inf").write_bytes(b"\0garbage\xff" * 99)

    second = EmbeddedServer(tmp_path)
    await second.start()
    connection = await Connection.open(second.access, "test")
    await ensure_all(connection, Subjects())

    files = 1
    assert len(await connection.js.streams_info()) == len(streams(Subjects())) + len(BUCKETS) + files
    await connection.close()
    await second.stop()


async def test_given_a_test_server_when_it_is_told_to_stop_then_its_process_is_gone(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    await server.start()
    pid = server.pid
    assert pid is not None
    await server.stop()
    await is_gone(pid)
