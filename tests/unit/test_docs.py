"""What stands in the documents is so: their links lead somewhere, their examples work, their tables are complete."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

import aiohttp
import msgspec
import nkeys
import pytest
from tests.integration.ports import free_port

from gearmesh.bus import consumer
from gearmesh.bus.embedded import find_binary
from gearmesh.bus.lease import Holder
from gearmesh.bus.media import MediaRecord, MediaStore
from gearmesh.bus.precedence import Precedence
from gearmesh.bus.streams import BUCKETS, DAY, MEDIA_TTL, streams
from gearmesh.bus.whereabouts import Process
from gearmesh.config import AppConfig, BrokerConfig, MediaConfig, NatsConfig, PersonConfig, WebConfig, parse
from gearmesh.core.degrade import recognised
from gearmesh.core.degrade.table import TABLE
from gearmesh.daemon import Daemon
from gearmesh.host import supervisor
from gearmesh.host.files import FileRecord
from gearmesh.host.message_map import LegRecord, NativeRecord
from gearmesh.host.supervisor import AppStatus
from gearmesh.metrics import Metrics
from gearmesh.model import delivery
from gearmesh.model.content import KEPT_FILES, Card, Content, Listing, MediaRef, Sender
from gearmesh.model.conversation import Conversation, Portal
from gearmesh.model.delivery import TRANSITIONS, LedgerEntry
from gearmesh.model.person import Person
from gearmesh.wire.subjects import Subjects
from gearmesh_meta.capabilities import INSTAGRAM, MESSENGER, WHATSAPP
from gearmesh_meta.sandbox import Sandbox, Settings

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = tuple(
    name
    for name in (
        "README.md",
        "deploy/README.md",
        "plugins/README.md",
        "plugins/SENDING.md",
        "plugins/FEATURES.md",
        "plugins/ROOMS.md",
        "plugins/meta/README.md",
        "plugins/meta/SANDBOX.md",
        "plugins/irc/README.md",
        "plugins/xmpp/README.md",
        "broker/PROTOCOL.md",
        "tests/chaos/README.md",
    )
    if (ROOT / name).exists()
)
GUIDE: Final = ROOT / "deploy" / "README.md"
PROTOCOL: Final = ROOT / "broker" / "PROTOCOL.md"
EXAMPLES: Final = ROOT / "deploy" / "examples"
LINK: Final = re.compile(r"\]\((?P<target>[^)\s]+)\)")
BLOCK: Final = re.compile(r"^```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS: Final = {
    "`[broker]`": BrokerConfig,
    "`[nats]`": NatsConfig,
    "`[web]`": WebConfig,
    "`[media]`": MediaConfig,
    "`[apps.<name>]`": AppConfig,
    "`[people.<handle>]`": PersonConfig,
}


def blocks(file: Path, language: str) -> list[str]:
    """The code blocks of a document in one language, those of list items among them."""
    text = re.sub(r"^ {3}(?=```)", "", file.read_text(), flags=re.MULTILINE)
    return [textwrap.dedent(match["text"]) for match in BLOCK.finditer(text) if match["language"] == language]


def anchors(file: Path) -> set[str]:
    """The fragments that a document's headings can be linked by."""
    prose = BLOCK.sub("", file.read_text())
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_under(heading: str, document: Path = GUIDE) -> list[list[str]]:
    """The rows of the table under a heading, by default of the operator's guide, without their marks."""
    section = document.read_text().partition(f"# {heading}\n")[2].partition("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def with_secrets(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same configuration, and every secret that it names exists."""
    for name in set(re.findall(r'"env:(\w+)"', text)):
        monkeypatch.setenv(name, "a-value")
    secret = tmp_path / "secret"
    secret.write_text("a-value")
    return re.sub(r'"file:[^"]+"', f'"file:{secret}"', text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_given_a_document_then_every_relative_link_leads_to_a_file_and_a_heading(document: str) -> None:
    file = ROOT / document
    for match in LINK.finditer(BLOCK.sub("", file.read_text())):
        target, _, fragment = match["target"].partition("#")
        if "://" in target:
            continue
        there = (file.parent / target).resolve() if target else file
        assert there.exists(), f"{document} links to {target}, which is not there"
        assert ROOT in (there, *there.parents), f"{document} links to {target}, outside the project"
        if fragment and there.suffix == ".md":
            assert fragment in anchors(there), f"{document} links to {match['target']}: no such heading"


@pytest.mark.parametrize("document", ["README.md", "deploy/README.md"])
def test_given_a_configuration_in_a_document_then_it_is_right(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = blocks(ROOT / document, "toml")
    assert found
    example = tomllib.loads(with_secrets((EXAMPLES / "gearmesh.toml").read_text(), tmp_path, monkeypatch))
    for text in found:
        tables = tomllib.loads(with_secrets(text, tmp_path, monkeypatch))
        # A block that shows other tables stands for a file that has apps too.
        parse(tables if "apps" in tables else {"apps": example["apps"], **tables})


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.name)
def test_given_an_example_file_when_checked_by_the_command_then_it_is_right(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_secrets(example.read_text(), tmp_path, monkeypatch)
    checked = subprocess.run(
        [sys.executable, "-m", "gearmesh", "check", str(example)], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"{example} is right: whatsapp (WhatsApp), messenger (Messenger), instagram (Instagram)" in checked.stdout


def test_given_the_club_then_its_commented_part_is_right_too_and_five_apps_are_in_one_conversation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (EXAMPLES / "club.toml").read_text()
    uncommented = re.sub(r"^# (?=\[apps\.irc\.keys\]|\"#club\" = )", "", text, flags=re.MULTILINE)
    config = parse(tomllib.loads(with_secrets(uncommented, tmp_path, monkeypatch)))
    assert {app.config.bridge for app in config.apps.values()} == {"whatsapp", "messenger", "instagram", "irc", "xmpp"}
    assert [room.partition(":")[0] for group in config.conversations for room in group.rooms] == ["irc", "xmpp"]


@pytest.mark.parametrize("network", ["irc", "xmpp"])
def test_given_a_network_with_rooms_then_its_example_file_and_the_configurations_in_its_document_are_right(
    network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ROOT / "plugins" / network
    example = tomllib.loads(with_secrets((folder / "example.toml").read_text(), tmp_path, monkeypatch))
    assert parse(example).apps
    found = blocks(folder / "README.md", "toml")
    assert found
    for text in found:
        tables = tomllib.loads(with_secrets(text, tmp_path, monkeypatch))
        parse(tables if "apps" in tables else {"apps": example["apps"], **tables})


def test_given_the_first_configuration_then_its_commented_part_is_right_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (EXAMPLES / "gearmesh.toml").read_text()
    uncommented = re.sub(r"^# (?=\[nats\]|(?:url|seed|replicas) = )", "", text, flags=re.MULTILINE)
    config = parse(tomllib.loads(with_secrets(uncommented, tmp_path, monkeypatch)))
    assert (len(config.nats.url), config.nats.replicas) == (2, 3)


@pytest.mark.parametrize(("heading", "struct"), SECTIONS.items(), ids=lambda value: str(value).strip("`"))
def test_given_a_table_of_the_configuration_then_it_has_every_key_with_its_default(
    heading: str, struct: type[msgspec.Struct]
) -> None:
    rows = {row[0]: row[-1] for row in table_under(heading)}
    expected = {field.encode_name: "" if field.required else shown(field.default) for field in fields_of(struct)}
    assert rows == expected


def fields_of(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(struct)


def shown(default: object) -> str:
    """A default as it is written in TOML."""
    match default:
        case None:
            return "none"
        case str():
            return f'"{default}"'
        case ():
            return "[]"
        case bool():
            return str(default).lower()
        case _:
            return f"{default:g}" if isinstance(default, float) else str(default)


def test_given_the_metrics_then_the_guide_names_each_with_its_labels_and_no_other() -> None:
    documented = {name: set(re.findall(r"\w+", labels)) for name, labels, _ in table_under("Metrics")}
    metrics = Metrics()
    counted = [metrics.webhooks, metrics.dead_letters]
    measured = [metrics.waiting, metrics.connected, metrics.nats_up]
    exported = {f"{metric._name}_total": set(metric._labelnames) for metric in counted}
    exported |= {metric._name: set(metric._labelnames) for metric in measured}
    exported[metrics.hops.name] = set(metrics.hops.labels)
    exported[f"{metrics.messages.name}_total"] = set(metrics.messages.labels)
    families = {f"{one.name}_total" if one.type == "counter" else one.name for one in metrics.registry.collect()}
    assert families == set(exported), "a metric that this test does not know"
    assert documented == exported
    assert set(re.findall(r"\bgearmesh_[a-z_]+\b", GUIDE.read_text())) <= set(exported)


def test_given_the_streams_then_the_protocol_and_the_guide_name_each_with_the_days_that_it_is_kept() -> None:
    expected = {spec.name: round(spec.max_age / DAY) for spec in streams(Subjects())}
    rows = [row for row in table_under("Subjects and streams", PROTOCOL) if row[1].startswith("GM_")]
    assert {row[1]: int(row[2].removesuffix(" days")) for row in rows} == expected
    created = created_at_the_start()
    told = re.findall(r"((?:`GM_\w+`(?: and )?)+) \((?:kept )?(\d+)", created)
    assert {name: int(days) for names, days in told for name in re.findall(r"GM_\w+", names)} == expected


def test_given_the_buckets_then_the_protocol_and_the_guide_name_each_with_the_days_that_it_is_kept() -> None:
    expected = {f"gm-{bucket.name}": round(bucket.ttl / DAY) for bucket in BUCKETS}
    found: dict[str, set[int]] = {}
    for bucket, _, value in table_under("Buckets", PROTOCOL):
        kept = re.search(r"\. (\d+) days$", value)
        found.setdefault(bucket, set()).add(int(kept[1]) if kept else 0)
    assert found == {name: {days} for name, days in expected.items()}
    created = created_at_the_start()
    made = expected | {"gm-media": round(MEDIA_TTL / DAY)}
    assert set(re.findall(r"`(gm-\w+)`", created)) == set(made)
    assert {name: int(days) for name, days in re.findall(r"`(gm-\w+)` \((\d+)", created)} == {
        name: days for name, days in made.items() if days
    }
    assert f"**Object store `gm-media`** ({made['gm-media']} days)" in PROTOCOL.read_text()
    assert set(re.findall(r"\$KV\.(gm-\w+)\.>", blocks(GUIDE, "conf")[0])) == set(expected)


def created_at_the_start() -> str:
    """What the guide says of streams and buckets that are created."""
    return GUIDE.read_text().partition("Gearmesh creates what is missing:")[2].partition("You may")[0]


ROW: Final = "\n| `gm-"
PARAGRAPH: Final = "\n\n"
"""What ends a record's description in the protocol."""


@pytest.mark.parametrize(
    ("record", "begins", "ends"),
    [
        (Portal, "`<app>.<thread>`", ROW),
        (NativeRecord, "`<app>.<native id>`", ROW),
        (LegRecord, "`<envelope id>.<app>.<thread>`", ROW),
        (Person, "`p.<person id>`", ROW),
        (Conversation, "`gm-groups` | `<conversation id>`", ROW),
        (FileRecord, "`gm-files` | `<app>.<digest>`", ROW),
        (MediaRecord, "**Object store `gm-media`**", PARAGRAPH),
        (AppStatus, "`gm-apps` | `<app>`", ROW),
        (Holder, "**Leases.**", PARAGRAPH),
        (Process, "**Leases.**", PARAGRAPH),
        (LedgerEntry, "A ledger entry is", "A leg goes through"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_given_a_record_that_others_read_then_the_protocol_names_every_field(
    record: type[msgspec.Struct], begins: str, ends: str
) -> None:
    described = PROTOCOL.read_text().partition(begins)[2].partition(ends)[0]
    assert {field.encode_name for field in fields_of(record)} <= set(re.findall(r"`(\w+)`", described))


@pytest.mark.parametrize("kind", get_args(Content), ids=lambda kind: str(kind.__name__))
def test_given_a_kind_of_content_then_the_protocol_names_its_type_and_every_field(kind: type[msgspec.Struct]) -> None:
    section = PROTOCOL.read_text().partition("\n## Body\n")[2].partition("\n## ")[0]
    common = {"sender", "reply_to", "target"}
    (row,) = re.findall(rf"^\| `{kind.__struct_config__.tag}` \|(.*)$", section, re.MULTILINE)
    fields = {field.encode_name for field in fields_of(kind)} - common
    assert fields <= set(re.findall(r"`(\w+)`", row))
    assert all(f"| `{name}`" in section for name in common)


@pytest.mark.parametrize("record", [Card, Listing, MediaRef, Sender], ids=lambda record: str(record.__name__))
def test_given_a_record_in_content_then_the_protocol_names_every_field(record: type[msgspec.Struct]) -> None:
    section = PROTOCOL.read_text().partition("\n## Body\n")[2].partition("\n## ")[0]
    assert {field.encode_name for field in fields_of(record)} <= set(re.findall(r"`(\w+)`", section))


def test_given_how_words_begin_then_the_protocol_names_each_kind_that_they_tell() -> None:
    section = PROTOCOL.read_text().partition("**Words for what a network cannot show.**")[2].partition("\n## ")[0]
    begins = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
    told = {recognised(begin) for line in begins for begin in re.findall(r"`([^`]+)`", line[0])}
    assert told == {feature for row in TABLE.values() for feature in row.begins.values()}


def test_given_the_states_of_a_leg_then_the_protocol_names_and_draws_them_as_the_code_does() -> None:
    row = next(row for row in table_under("What became of it: ledger and dead letters", PROTOCOL) if row[0] == "state")
    assert {state for state in re.findall(r"`?(\w+)`", row[1]) if state != "exp"} == set(TRANSITIONS)
    lines = (delivery.__doc__ or "").splitlines()
    drawing = "\n".join(line.removeprefix("    ") for line in lines if line.startswith("    "))
    assert drawing
    assert f"```\n{drawing}\n```" in PROTOCOL.read_text()


def test_given_the_consumers_then_the_protocol_tells_their_settings() -> None:
    rows = re.findall(r"^\| `(\w+)-<\w+>` \| (\d+) s \| ([\d,]+) \|$", PROTOCOL.read_text(), re.MULTILINE)
    assert {name: (float(wait), int(most.replace(",", ""))) for name, wait, most in rows} == {
        "router": (consumer.ACK_WAIT, consumer.MAX_ACK_PENDING),
        "egress": (supervisor.ACK_WAIT, supervisor.MOST_UNACKNOWLEDGED),
    }


def test_given_the_text_limits_in_the_readme_then_they_are_those_of_the_bridges() -> None:
    (row,) = re.findall(r"^\| long text, cut at \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    units = {"utf16": "characters", "bytes": "bytes"}
    limits = [capabilities.text for capabilities in (WHATSAPP, MESSENGER, INSTAGRAM)]
    assert row.split(" | ") == [f"{limit.value} {units[limit.unit]}" for limit in limits]


def test_given_the_programs_in_the_guide_then_they_compile() -> None:
    for document in DOCUMENTS:
        for number, text in enumerate(blocks(ROOT / document, "python")):
            compile(text, f"{document}, block {number}", "exec")


@pytest.mark.parametrize("form", ["text", "json"])
def test_given_a_failure_in_the_log_then_it_shows_the_traceback_and_no_values_of_variables(form: str) -> None:
    program = (
        "import structlog\nfrom gearmesh.cli.logs import set_up_logs\n"
        f"set_up_logs({form!r})\ndef fail(words):\n    raise ValueError('it failed')\n"
        "try:\n    fail('somebody' + 's words')\n"
        "except ValueError:\n    structlog.get_logger().exception('a message could not be taken in')\n"
    )
    logged = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr
    assert "a message could not be taken in" in logged
    assert "Traceback (most recent call last)" in logged
    assert "ValueError: it failed" in logged
    assert "somebodys words" not in logged


@asynccontextmanager
async def nats_of_the_guide(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """The nats-server that the guide configures, but for its port, key and folders; its URL and our seed's file."""
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    seed_file = folder / "nats.nk"
    seed_file.write_bytes(seed)
    (text,) = blocks(GUIDE, "conf")
    text = re.sub(r"nkey: U\w+", f"nkey: {nkeys.from_seed(seed).public_key.decode()}", text)
    text = text.replace("port: 4222", f'port: -1\nports_file_dir: "{folder}"').replace("/var/lib/nats", str(folder))
    (folder / "nats-server.conf").write_text(text)
    with (folder / "nats.log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            str(find_binary()), "-c", str(folder / "nats-server.conf"), stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(20):
            ports = folder / f"nats-server_{server.pid}.ports"
            while not (ports.exists() and (found := re.search(r"nats://[\d.:]+", ports.read_text()))):
                assert server.returncode is None, (folder / "nats.log").read_text()
                await asyncio.sleep(0.02)
        yield found.group(), seed_file
    finally:
        server.send_signal(signal.SIGTERM)
        await server.wait()


def sandbox_settings(port: int, nats: dict[str, Any]) -> dict[str, Any]:
    """The configuration of deploy/examples/sandbox.toml, with the sandbox on the daemon's own port."""
    tables = tomllib.loads((EXAMPLES / "sandbox.toml").read_text())
    for app in tables["apps"].values():
        app["graph_url"] = f"http://127.0.0.1:{port}"
    return tables | {"nats": nats, "web": {"port": port}}


async def test_given_the_nats_user_of_the_guide_then_its_rights_are_enough_to_send_and_for_every_command(
    tmp_path: Path,
) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    settings = Settings(webhooks=f"{base}/webhooks/{{network}}")
    async with nats_of_the_guide(tmp_path) as (url, seed_file), aiohttp.ClientSession(base) as http:
        tables = sandbox_settings(port, {"url": [url], "seed": f"file:{seed_file}"})
        async with Daemon(parse(tables), tmp_path, mount=Sandbox(settings).mount) as daemon:
            ada, cleo = settings.seed_phones[0], settings.seed_phones[2]
            typed = f"/sandbox/phones/{ada.network}/{ada.user}/messages"
            async with http.post(typed, json={"text": "@cleo hello"}) as answer:
                assert answer.status == 201
                native_id = (await answer.json())["id"]
            async with asyncio.timeout(20):
                while not await arrived(http, f"/sandbox/phones/{cleo.network}/{cleo.user}/messages"):
                    await asyncio.sleep(0.05)
            await files_come_and_go(daemon, tmp_path)
            await daemon.connection.client.publish("gm.in.native.none", b"no envelope")
            commands = partial(operate, tmp_path, url, seed_file)
            async with asyncio.timeout(20):
                while not (listing := await commands("dead", "list", "--json")):
                    await asyncio.sleep(0.05)
            letter = json.loads(listing)
            assert (letter["app"], letter["reason"]) == ("native", "unparsed")
            assert "no envelope" in await commands("dead", "show", letter["id"])
            assert "1 replayed" in await commands("dead", "replay", letter["id"])
            async with asyncio.timeout(20):
                while not await commands("dead", "list", "--json"):
                    await asyncio.sleep(0.05)
            assert "1 dropped" in await commands("dead", "drop", letter["id"])
            assert f"{cleo.user} on {cleo.network}" in await commands("trace", native_id, "--app", ada.network)
    assert "violation" not in (tmp_path / "nats.log").read_text().lower()


async def files_come_and_go(daemon: Daemon, folder: Path) -> None:
    """What is done with the object store: a file is stored, found, read, and its pieces taken away."""
    shared = daemon.apps["whatsapp"].app.shared
    store = MediaStore(daemon.connection, shared.publisher, Subjects(), Precedence(daemon.connection))
    path = folder / "paper.pdf"
    path.write_bytes(b"%PDF-1.4\n" + bytes(200_000))
    name = "0" * 64
    await store.put(path, MediaRecord(name, path.stat().st_size, name, "application/pdf"))
    ref = MediaRef(KEPT_FILES, name)
    assert b"".join([piece async for piece in shared.files.read(ref)]) == path.read_bytes()
    await shared.files._records.put("whatsapp.digest", FileRecord(name), patience=5.0)
    await daemon.connection.js.purge_stream("OBJ_gm-media", subject="$O.gm-media.C.none")


async def arrived(http: aiohttp.ClientSession, path: str) -> bool:
    async with http.get(path) as answer:
        return any(message["direction"] == "in" for message in await answer.json())


async def operate(folder: Path, url: str, seed_file: Path, *arguments: str) -> str:
    """What a command of the operator prints, as the user of the guide."""
    (folder / "operator.toml").write_text(f'[nats]\nurl = ["{url}"]\nseed = "file:{seed_file}"\n')
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gearmesh",
        *arguments,
        "--config",
        str(folder / "operator.toml"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()
