"""`gearmesh trace`, as an operator types it: the life of real messages, told by the real command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from gearmesh.bus.connection import Connection
from gearmesh.bus.journal import Journal
from gearmesh.bus.ledger import Ledger
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.streams import ensure_all
from gearmesh.metrics import Metrics
from gearmesh.model.address import Address
from gearmesh.model.content import Text
from gearmesh.model.delivery import LedgerEntry
from gearmesh.model.envelope import Envelope, Header
from gearmesh.testing import NatsServer
from gearmesh.wire.body import close_body
from gearmesh.wire.codec import decode, encode
from gearmesh.wire.subjects import Subjects

from .phones import ADA, BEN, CLEO
from .processes import run
from .streams import with_headers
from .town import Town

ZOE: Final = Address("native", "zoe")
BENS: Final = Address("messenger", "710")
WAITING: Final = Header(b"\xab" * 16, "event", ZOE, (BENS,), "conversation-1", 1000)


async def trace(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `gearmesh trace …`: status, standard output, standard error."""
    names = (f"trace-{number}" for number in range(100))
    name = next(name for name in names if not (folder / f"{name}.out").exists())
    return await run(folder, "gearmesh", "trace", *arguments, name=name)


async def life(folder: Path, *arguments: str) -> dict[str, Any]:
    """What the command tells programs."""
    status, out, err = await trace(folder, *arguments, "--json")
    assert (status, err) == (0, "")
    told: dict[str, Any] = json.loads(out)
    return told


def configured(folder: Path, server: NatsServer) -> Path:
    """A folder whose configuration names this server."""
    (folder / "gearmesh.toml").write_text(f'[nats]\nurl = ["{server.url}"]\n')
    return folder


async def test_given_a_message_that_was_read_then_its_whole_life_is_told_in_order(town: Town) -> None:
    typed = await town.phones.types(ADA, "@cleo hello")
    shown = await town.phones.sees(CLEO, "hello")
    to = f"instagram:{CLEO.user}"
    assert await town.steps(to, 1) == ["sent"]
    await town.phones.read(CLEO)
    assert await town.steps(to, 2) == ["sent", "read"]
    [(_, _, data)] = await with_headers(town.daemon.connection, "GM_OUT", "gm.out.instagram.*")
    envelope = decode(data).header.hex_id

    status, out, err = await trace(town.folder, envelope, "--data", "data")

    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"envelope {envelope}"
    assert out.splitlines()[-1] == f"read by {CLEO.user} on instagram"
    assert typed["id"] in out
    assert shown["id"] in out
    told = await life(town.folder, envelope[:8], "--data", "data")
    assert told["envelope"] == envelope
    steps = [(step["step"], step["app"]) for step in told["steps"] if step["step"] not in {"known as", "accepted"}]
    assert steps == [
        ("received", "whatsapp"),
        ("stored in", "whatsapp"),
        ("routed", "instagram"),
        ("stored out", "instagram"),
        ("taken", "instagram"),
        ("sent", "instagram"),
        ("read", "instagram"),
    ]
    times = [step["at"] // 1000 for step in told["steps"]]
    assert times == sorted(times)
    known = {step["app"]: step["detail"] for step in told["steps"] if step["step"] == "known as"}
    assert known == {"whatsapp": typed["id"], "instagram": shown["id"]}

    for app, native_id in (("whatsapp", typed["id"]), ("instagram", shown["id"])):
        assert (await life(town.folder, native_id, "--app", app, "--data", "data"))["envelope"] == envelope


async def test_given_a_message_that_waits_for_a_network_then_it_says_for_whom(town: Town) -> None:
    await town.phones.fault(kind="error", network="messenger", status=500, code=2)
    typed = await town.phones.types(ADA, "@ben are you there?")
    await town.counted("gearmesh_queue_depth", 1, app="messenger", queue="lanes")

    told = await life(town.folder, typed["id"], "--app", "whatsapp", "--data", "data")

    assert told["now"] == [f"waits to be sent to {BEN.user} on messenger"]
    assert [step["step"] for step in told["steps"] if step["step"] in {"stored in", "stored out"}] == [
        "stored in",
        "stored out",
    ]


async def test_given_a_message_that_nobody_has_taken_in_yet_then_it_is_found_by_its_id_alone(
    tmp_path: Path, server: NatsServer, connection: Connection
) -> None:
    folder = configured(tmp_path, server)
    await ensure_all(connection, Subjects())
    data = encode(Envelope(WAITING, close_body(Text("hello"))))
    await connection.js.publish("gm.in.native.conversation-1", data, headers={"Nats-Msg-Id": WAITING.hex_id})

    told = await life(folder, WAITING.hex_id)
    assert [(step["step"], step["app"]) for step in told["steps"]] == [("stored in", "native")]
    assert told["now"] == ["stored, and waits to be routed"]

    await connection.js.publish(
        "gm.out.messenger.conversation-1", data, headers={"Nats-Msg-Id": f"{WAITING.hex_id}:messenger"}
    )
    told = await life(folder, WAITING.hex_id)
    assert [(step["step"], step["to"]) for step in told["steps"]] == [("stored in", ""), ("stored out", str(BENS))]
    assert told["now"] == ["waits to be sent to 710 on messenger"]


async def test_given_a_leg_that_waits_in_its_lane_then_it_says_in_whose_and_why(
    tmp_path: Path, server: NatsServer, connection: Connection
) -> None:
    folder = configured(tmp_path, server)
    await ensure_all(connection, Subjects())
    data = encode(Envelope(WAITING, close_body(Text("hello"))))
    identity = WAITING.hex_id
    await connection.js.publish(
        "gm.later.messenger.710.next", data, headers={"Nats-Msg-Id": f"{identity}:messenger:later"}
    )
    parked = LedgerEntry(identity, "messenger", "parked", 1, sender=str(ZOE), to=str(BENS), reason="rate_limit")
    await connection.js.publish(f"gm.ledger.messenger.{identity}", msgspec.msgpack.encode(parked))

    status, out, err = await trace(folder, identity[:8])

    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "waits in messenger's lane of 710: rate_limit"


async def test_given_a_leg_that_died_then_the_letter_is_named_and_after_its_replay_that_it_waits(
    tmp_path: Path, server: NatsServer, connection: Connection
) -> None:
    folder = configured(tmp_path, server)
    await ensure_all(connection, Subjects())
    data, identity = encode(Envelope(WAITING, close_body(Text("hello")))), WAITING.hex_id
    letter = f"{identity}-messenger"
    async with Publisher(connection) as publisher:
        journal = Journal(connection, publisher, Subjects(), Metrics())
        died = LedgerEntry(identity, "messenger", "dead", 1, sender=str(ZOE), to=str(BENS), reason="unclear")
        await Ledger(connection, publisher, Subjects(), Metrics()).step(died)
        await journal.bury(
            "messenger", "unclear", "no answer", data, letter_id=letter, subject="gm.out.messenger.conversation-1"
        )

    told = await life(folder, identity)
    assert told["now"] == [
        f"a dead letter of messenger for 710 on messenger: unclear; `gearmesh dead show {letter}` says more"
    ]
    assert [step["step"] for step in told["steps"]] == ["dead", "dead letter"]

    status, _, err = await run(folder, "gearmesh", "dead", "replay", letter, name="replay")
    assert (status, err) == (0, "")
    told = await life(folder, identity)
    assert told["now"] == ["replayed, and waits to be sent to 710 on messenger"]
    assert [step["step"] for step in told["steps"]] == ["dead", "accepted", "replayed out"]


async def test_given_an_id_that_is_unknown_or_none_then_the_command_says_so(
    tmp_path: Path, server: NatsServer, connection: Connection
) -> None:
    folder = configured(tmp_path, server)
    await ensure_all(connection, Subjects())
    for envelope in ("aaaaaaaa" + "0" * 24, "aaaaaaaa" + "1" * 24):
        entry = LedgerEntry(envelope, "messenger", "sent", 1)
        await connection.js.publish(f"gm.ledger.messenger.{envelope}", msgspec.msgpack.encode(entry))

    for arguments, expected, words in (
        (("f" * 32,), 1, f"no message {'f' * 32} is known"),
        (("bbbbbbbb",), 1, "no message begins with bbbbbbbb"),
        (("aaaaaaaa",), 1, "aaaaaaaa is the beginning of 2"),
        (("aaaaaaa",), 2, "expected 8 to 32 digits"),
        (("wamid.none", "--app", "whatsapp"), 1, "whatsapp has no message wamid.none that we know"),
    ):
        status, out, err = await trace(folder, *arguments)
        assert (status, out) == (expected, "")
        assert words in " ".join(err.replace("│", " ").split())
        assert "Traceback" not in err
