"""A leg that was taken from the log, and what is kept of it while it waits."""

from __future__ import annotations

from gearmesh.bus.connection import Connection
from gearmesh.host.job import FromLog

from .work import Worker, all_acknowledged, make_log, write


async def test_given_a_leg_for_two_then_its_bytes_are_let_go_and_it_is_acknowledged_when_both_are_done(
    connection: Connection,
) -> None:
    await make_log(connection)
    worker = Worker(connection, acks=lambda number: False)
    await worker.start()
    await write(connection, range(1))
    await worker.got(1)

    held = {worker.taken[0].seq}
    source = FromLog(worker.taken[0], 2, held)

    assert worker.taken[0].data == b"", "what was decoded is kept a second time"
    await source.done()
    info = await connection.js.consumer_info("LOG", "worker")
    assert (len(held), info.num_ack_pending) == (1, 1)
    await source.done()
    assert not held
    await all_acknowledged(connection)
    await worker.stop()
