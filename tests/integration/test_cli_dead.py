"""`gearmesh dead`, as an operator types it: a real nats-server, and the real command as a process of its own."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from nats.aio.msg import Msg

from gearmesh.bus.connection import Connection
from gearmesh.bus.journal import Journal
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

from .phones import ADA, BEN
from .ports import free_port
from .processes import is_gone, run
from .streams import everything, with_headers
from .town import Town

WEBHOOK: Final = b'{"object": "page", "entry": [{"odd": "\xc3\xbc\\u001b[31m"}]}'
CONVERSATION: Final = "conversation-1"


class Cemetery:
    """Streams with dead letters in them, and the command that looks at these."""

    def __init__(self, folder: Path, server: NatsServer, connection: Connection, journal: Journal) -> None:
        self.folder = folder
        self.connection = connection
        self.journal = journal
        self._runs = 0
        # Mistakes outside of [nats] must not keep an operator from the letters.
        text = f'[nats]\nurl = ["{server.url}"]\n[apps.pigeon]\nbridge = "carrier-pigeon"\n[weather]\nrain = true\n'
        (folder / "gearmesh.toml").write_text(text)

    async def dead(self, *arguments: str) -> tuple[int, str, str]:
        """Run `gearmesh dead …`: status, standard output, standard error."""
        self._runs += 1
        return await run(self.folder, "gearmesh", "dead", *arguments, name=f"dead-{self._runs}")

    async def bury_leg(self, number: int, **changes: Any) -> str:
        """A leg to Ben that died; returns the letter's id."""
        envelope = leg(number, **changes)
        return await self.journal.bury(
            "messenger",
            "unclear",
            "nobody knows",
            encode(envelope),
            letter_id=f"{envelope.header.hex_id}-messenger",
            subject=f"gm.out.messenger.{CONVERSATION}",
        )

    async def letters(self) -> list[str]:
        """The ids of the dead letters that stand there."""
        return [subject.split(".")[3] for subject, _ in await everything(self.connection, "GM_DEAD")]

    async def legs(self) -> list[tuple[str, dict[str, str], bytes]]:
        """What stands in the outbound log."""
        return await with_headers(self.connection, "GM_OUT")


def leg(number: int, **changes: Any) -> Envelope:
    """A leg from Ada to Ben."""
    header = Header(
        bytes([number]) * 16, "event", Address("whatsapp", "491"), (Address("messenger", "710"),), CONVERSATION, 1000
    )
    return Envelope(msgspec.structs.replace(header, **changes), close_body(Text(f"words {number}")))


@pytest.fixture
async def cemetery(tmp_path: Path, server: NatsServer, connection: Connection) -> AsyncIterator[Cemetery]:
    """Empty streams of a NATS that is configured by its url."""
    await ensure_all(connection, Subjects())
    async with Publisher(connection) as publisher:
        yield Cemetery(tmp_path, server, connection, Journal(connection, publisher, Subjects(), Metrics()))


async def test_given_dead_letters_then_the_table_has_each_with_its_people_and_the_filters_choose(
    cemetery: Cemetery,
) -> None:
    first = await cemetery.bury_leg(1)
    second = await cemetery.journal.bury("whatsapp", "unparsed", "no JSON", WEBHOOK)

    status, out, err = await cemetery.dead("list")

    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[1].startswith(f"{first}  messenger  unclear")
    assert "whatsapp:491 → messenger:710" in lines[1]
    assert lines[2].startswith(f"{second}")
    assert "(from the network)" in lines[2]
    assert lines[3] == "2 dead letters"
    for chosen, left in (
        (("--app", "whatsapp"), [second]),
        (("--reason", "unclear"), [first]),
        (("--older", "1h"), []),
        (("--newer", "1h"), [first, second]),
        (("--limit", "1"), [second]),
    ):
        status, out, err = await cemetery.dead("list", "--json", *chosen)
        assert (status, err) == (0, "")
        assert [json.loads(line)["id"] for line in out.splitlines()] == left
    assert json.loads(out)["envelope"] is None


async def test_given_a_span_of_time_that_is_none_then_the_command_says_what_it_expects(cemetery: Cemetery) -> None:
    status, _, err = await cemetery.dead("list", "--older", "yesterday")

    assert status == 2
    assert "expected 90s, 15m, 2h or 7d" in " ".join(err.replace("│", " ").split())


async def test_given_a_leg_then_show_opens_it_and_given_input_it_is_set_out_and_raw_is_exact(
    cemetery: Cemetery,
) -> None:
    letter = await cemetery.bury_leg(1)
    large = json.dumps({"padding": "x" * 200_000}).encode()
    await cemetery.journal.bury("whatsapp", "unparsed", "no JSON", WEBHOOK, letter_id="webhook")
    await cemetery.journal.bury("whatsapp", "unparsed", "too odd", large, letter_id="large")
    await cemetery.journal.bury("whatsapp", "unparsed", "not text", bytes(range(256)) * 8, letter_id="binary")

    status, out, err = await cemetery.dead("show", letter[:10])
    assert (status, err) == (0, "")
    for words in (
        "Gm-Subject",
        f"gm.out.messenger.{CONVERSATION}",
        "whatsapp:491",
        '"text": "words 1"',
        "nobody knows",
    ):
        assert words in out

    status, out, _ = await cemetery.dead("show", "webhook")
    assert status == 0
    assert '"odd": "ü\\u001b[31m"' in out
    assert "\x1b" not in out

    _, out, _ = await cemetery.dead("show", "binary")
    assert "000000  00 01 02 03" in out

    status, out, _ = await cemetery.dead("show", "large", "--raw")
    assert (status, out.encode()) == (0, large)


async def test_given_beginnings_of_ids_then_an_ambiguous_or_unknown_one_changes_nothing(cemetery: Cemetery) -> None:
    for name, app in (("abc-1", "whatsapp"), ("abc-2", "whatsapp"), ("same", "whatsapp"), ("same", "instagram")):
        await cemetery.journal.bury(app, "unparsed", "odd", b"odd", letter_id=name)

    status, _, err = await cemetery.dead("drop", "abc")
    assert status == 1
    assert "abc is the beginning of 2: abc-1 (whatsapp), abc-2 (whatsapp)" in err
    status, _, err = await cemetery.dead("drop", "abc-1", "nothing")
    assert status == 1
    assert "no dead letter begins with nothing" in err
    assert len(await cemetery.letters()) == 4

    status, out, err = await cemetery.dead("drop", "same", "--app", "instagram")
    assert (status, err) == (0, "")
    assert "1 dropped" in out
    assert await cemetery.letters() == ["abc-1", "abc-2", "same"]


async def test_given_many_to_drop_and_no_terminal_then_only_yes_drops_them(cemetery: Cemetery) -> None:
    for number in (1, 2, 3):
        await cemetery.bury_leg(number)

    status, _, err = await cemetery.dead("drop", "--all")
    assert status == 1
    assert "3 dead letters would be dropped for good; say --yes" in err
    status, _, _ = await cemetery.dead("drop")
    assert status == 2
    status, _, _ = await cemetery.dead("drop", "--all", "--yes", "--app", "whatsapp")
    assert status == 0
    assert len(await cemetery.letters()) == 3

    status, out, err = await cemetery.dead("drop", "--all", "--yes")
    assert (status, err) == (0, "")
    assert "3 dropped" in out
    assert await cemetery.letters() == []


async def test_given_legs_when_replayed_then_they_stand_in_their_log_in_order_and_the_ledger_says_so(
    cemetery: Cemetery,
) -> None:
    letters = [await cemetery.bury_leg(number) for number in (3, 1, 2)]

    status, out, err = await cemetery.dead("replay", "--all", "--dry-run")
    assert (status, err) == (0, "")
    assert f"{letters[0]}: would be put back into gm.out.messenger.{CONVERSATION}" in out
    assert await cemetery.letters() == letters
    assert await cemetery.legs() == []

    status, out, err = await cemetery.dead("replay", "--all")

    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "3 replayed, 0 cannot be replayed"
    assert await cemetery.letters() == []
    legs = await cemetery.legs()
    assert [data for _, _, data in legs] == [encode(leg(number)) for number in (3, 1, 2)]
    assert {subject for subject, _, _ in legs} == {f"gm.out.messenger.{CONVERSATION}"}
    assert [(headers["Gm-Replay"], headers["Nats-Msg-Id"]) for _, headers, _ in legs] == [
        ("1", f"{leg(number).header.hex_id}:messenger:replay:{seq}") for seq, number in enumerate((3, 1, 2), 1)
    ]
    assert not any("Gm-Times" in headers for _, headers, _ in legs)
    entries = [
        msgspec.msgpack.decode(data, type=LedgerEntry) for _, data in await everything(cemetery.connection, "GM_LEDGER")
    ]
    assert [(entry.state, entry.detail, entry.to) for entry in entries] == [
        ("accepted", "replayed", "messenger:710")
    ] * 3


async def test_given_letters_that_cannot_go_then_they_stay_with_a_reason_and_the_others_go(cemetery: Cemetery) -> None:
    over = await cemetery.bury_leg(1, expires=2000)
    good = await cemetery.bury_leg(2)
    await cemetery.connection.js.publish(
        "gm.dead.messenger.cut", b"only the beginning", headers={"Gm-Reason": "unparsed", "Gm-Truncated": "9000000"}
    )
    await cemetery.connection.js.publish(
        "gm.dead.messenger.astray", b"what", headers={"Gm-Reason": "unparsed", "Gm-Subject": "elsewhere.in.a.b"}
    )
    await cemetery.connection.js.publish(
        "gm.dead.messenger.torn", b"no zlib", headers={"Gm-Subject": "gm.in.a.b", "Gm-Encoding": "zlib"}
    )

    status, out, err = await cemetery.dead("replay", "--all")

    assert status == 1
    assert f"{good}: put back" in out
    assert f"{over} stays: its time is over" in err
    assert "cut stays: its end was cut off when it was kept: 18 of 9000000 bytes are there" in err
    assert "astray stays: where it stood is no place of ours" in err
    assert "torn stays: it says that it is compressed, and cannot be read" in err
    assert out.splitlines()[-1] == "1 replayed, 4 cannot be replayed"
    assert await cemetery.letters() == [over, "cut", "astray", "torn"]

    status, _, err = await cemetery.dead("replay", over, "--anyway")
    assert (status, err) == (0, "")
    assert decode((await cemetery.legs())[-1][2]).header.expires is None


async def test_given_input_of_a_network_when_replayed_then_the_host_gets_its_bytes_and_its_answer_decides(
    cemetery: Cemetery,
) -> None:
    asked: list[bytes] = []
    answers = [("200", b""), ("400", b"it cannot be read")]
    large = json.dumps({"padding": "x" * 200_000}).encode()
    await cemetery.journal.bury("whatsapp", "unparsed", "odd", large, letter_id="one")
    await cemetery.journal.bury("whatsapp", "unparsed", "odd", WEBHOOK, letter_id="two")

    status, _, err = await cemetery.dead("replay", "--all")
    assert status == 1
    assert "one stays: it is input of the network, and no daemon is at work on whatsapp" in err
    assert await cemetery.letters() == ["one", "two"]

    async def host(question: Msg) -> None:
        asked.append(question.data)
        state, reason = answers[len(asked) - 1]
        await cemetery.connection.client.publish(question.reply, reason, headers={"Gm-Status": state})

    await cemetery.connection.client.subscribe("gm.ask.whatsapp.replay", cb=host)
    await cemetery.connection.client.flush()
    status, out, err = await cemetery.dead("replay", "--all")

    assert asked == [large, WEBHOOK]
    assert status == 1
    assert "one: handed to the host of whatsapp" in out
    assert "two stays: the host of whatsapp does not take it (400): it cannot be read" in err
    assert await cemetery.letters() == ["two"]


async def test_given_a_daemon_at_work_when_a_leg_is_replayed_then_it_arrives_once_and_one_that_had_been_sent_not_again(
    town: Town,
) -> None:
    async def dead(*arguments: str) -> tuple[int, str, str]:
        return await run(town.folder, "gearmesh", "dead", *arguments, "--data", "data", name="dead")

    await town.phones.types(ADA, "@ben sent before")
    await town.phones.sees(BEN, "sent before")
    connection = town.daemon.connection
    [(subject, _, sent)] = await with_headers(connection, "GM_OUT", "gm.out.messenger.*")
    header, body = decode(sent).header, decode(sent).body.replace(b"sent before", b"lost before")
    lost = encode(Envelope(msgspec.structs.replace(header, id=bytes(16)), body))
    async with Publisher(connection) as publisher:
        journal = Journal(connection, publisher, Subjects(), Metrics())
        for raw in (sent, lost):
            name = f"{decode(raw).header.hex_id}-messenger"
            await journal.bury("messenger", "unclear", "no answer", raw, letter_id=name, subject=subject)

    status, out, err = await dead("replay", "--all")

    assert (status, err) == (0, "")
    assert "2 replayed" in out
    await town.phones.sees(BEN, "lost before")
    assert await town.phones.texts(BEN) == ["sent before", "lost before"]
    assert await everything(connection, "GM_DEAD") == []


async def test_given_a_replayed_leg_that_is_new_in_every_other_way_then_the_map_is_asked_all_the_same(
    town: Town,
) -> None:
    await town.phones.types(ADA, "@ben once")
    await town.phones.sees(BEN, "once")
    [(subject, headers, sent)] = await with_headers(town.daemon.connection, "GM_OUT", "gm.out.messenger.*")
    again = {"Gm-Times": headers["Gm-Times"], "Gm-Replay": "1", "Nats-Msg-Id": "another"}
    await town.daemon.connection.js.publish(subject, sent, headers=again)

    await town.phones.types(ADA, "@ben and after it")

    await town.phones.sees(BEN, "and after it")
    assert await town.phones.texts(BEN) == ["once", "and after it"]


async def test_given_data_at_rest_then_the_command_reads_it_and_leaves_no_server_behind(town: Town) -> None:
    assert await town.webhook("whatsapp", b"no JSON") == 200
    await town.dead_letters(1)
    await town.stop()

    status, out, err = await run(town.folder, "gearmesh", "dead", "list", "--data", "data")

    assert (status, err) == (0, "")
    assert "1 dead letter" in out
    await is_gone(int((town.folder / "data" / "nats" / "nats-server.pid").read_text()))
    await town.start()
    assert len(await town.dead_letters(1)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
async def test_given_data_at_rest_of_another_user_then_nothing_is_written_there(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "nats"
    folder.mkdir(parents=True)
    os.chown(folder, 12345, 12345)

    status, out, err = await run(tmp_path, "gearmesh", "dead", "list", "--data", "data")

    assert (status, out) == (1, "")
    assert "it belongs to another user; work as that one" in err
    assert list(folder.iterdir()) == []


async def test_given_nothing_to_reach_then_one_line_says_what_to_do_with_status_1(tmp_path: Path) -> None:
    status, out, err = await run(tmp_path, "gearmesh", "dead", "list", "--data", "nowhere", name="nowhere")
    assert (status, out) == (1, "")
    assert "there is no data of gearmesh in nowhere; name its folder with --data" in err
    assert not (tmp_path / "nowhere").exists()

    (tmp_path / "other.toml").write_text(f'[nats]\nurl = ["nats://127.0.0.1:{free_port()}"]\n')
    status, out, err = await run(tmp_path, "gearmesh", "dead", "list", "other.toml", name="away")
    assert (status, out) == (1, "")
    assert "is it running, are the credentials right?" in err
    assert "Traceback" not in err

    (tmp_path / "wrong.toml").write_text('[nats]\nurl = ["nats://somebody:secret-word@127.0.0.1:4222"]\n')
    status, _, err = await run(tmp_path, "gearmesh", "dead", "list", "wrong.toml", name="wrong")
    assert status == 2
    assert "nats.url" in err
    assert "secret-word" not in err


async def test_given_a_nats_without_our_streams_then_the_command_says_so(tmp_path: Path, server: NatsServer) -> None:
    (tmp_path / "gearmesh.toml").write_text(f'[nats]\nurl = ["{server.url}"]\nprefix = "other"\n')

    status, out, err = await run(tmp_path, "gearmesh", "dead", "list")

    assert (status, out) == (1, "")
    assert "stream OTHER_DEAD cannot be read" in err
    assert "is [nats] prefix right?" in err


async def test_given_a_letter_that_dies_again_at_once_then_it_is_kept_again(cemetery: Cemetery) -> None:
    for _ in range(3):
        letter = await cemetery.bury_leg(1)
        await cemetery.bury_leg(1)
        assert await cemetery.letters() == [letter], "a repetition takes the place of the first"

        status, _, err = await cemetery.dead("replay", letter)
        assert (status, err) == (0, "")
        assert await cemetery.letters() == []

    assert len(await cemetery.legs()) == 3


async def test_given_input_that_dies_again_before_its_letter_is_taken_away_then_it_is_not_lost(
    cemetery: Cemetery,
) -> None:
    await cemetery.journal.bury("whatsapp", "unparsed", "odd", WEBHOOK, letter_id="one")

    async def host(question: Msg) -> None:
        await cemetery.journal.bury("whatsapp", "unparsed", "odd again", question.data, letter_id="one")
        await cemetery.connection.client.publish(question.reply, b"", headers={"Gm-Status": "200"})

    await cemetery.connection.client.subscribe("gm.ask.whatsapp.replay", cb=host)
    await cemetery.connection.client.flush()
    status, _, err = await cemetery.dead("replay", "one")

    assert (status, err) == (0, "")
    [(_, headers, data)] = await with_headers(cemetery.connection, "GM_DEAD")
    assert (headers["Gm-Detail"], data) == ("odd again", WEBHOOK)
