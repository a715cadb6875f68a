"""The command line as a person at a terminal meets it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from gearmesh_meta.sandbox import Settings

from .configuration import example
from .patience import eventually
from .phones import ADA, BEN, Phones
from .ports import free_port
from .processes import Program, is_gone, run
from .town import serving, town_of

MISTAKES: Final = """
[broker]
nmae = "main"
drain = "soon"

[nats]
url = "nats://user:pass-word-in-url@127.0.0.1:4222"
replicas = 7

[web]
port = 70000
colour = "blue"

[apps.whatsapp]
bridge = "whatsapp"
phone_number_id = "not digits"
token = "token-in-the-clear"
app_secret = "env:SURELY_NOT_SET_ANYWHERE"
verify_token = "file:no-such-file"

[apps.pigeon]
bridge = "carrier-pigeon"

[apps.nothing]

[people.ada]
addresses = ["whatsapp:1", "telegram:5", 7]

[people."two words"]
addresses = []

[weather]
rain = true
"""
EVERY_MISTAKE: Final = (
    "broker.nmae: unknown key; did you mean name?",
    "broker.drain:",
    "nats.url:",
    "nats.replicas:",
    "web.port:",
    "web.colour: unknown key",
    "apps.whatsapp.phone_number_id:",
    "apps.whatsapp.token: expected env:NAME, file:PATH or plain:VALUE",
    "apps.whatsapp.app_secret: the environment variable SURELY_NOT_SET_ANYWHERE is not set",
    "apps.whatsapp.verify_token: the file no-such-file cannot be read",
    "apps.pigeon.bridge: no plugin offers 'carrier-pigeon'",
    "apps.nothing.bridge: missing",
    "people.ada.addresses[1]: no app is named telegram",
    "people.two words:",
    "weather: unknown key",
)
NO_PIGEONS: Final = "raise RuntimeError('no pigeons today')\n"
PIGEON_APP: Final = '\n[apps.post]\nbridge = "pigeon"\n'
SECRETS: Final = ("token-in-the-clear", "pass-word-in-url", "sandbox-token", "sandbox-app-secret", "sandbox-verify")


@pytest.fixture
async def graph_url() -> AsyncIterator[str]:
    """A sandbox for daemons to talk to."""
    async with serving(Settings(webhooks="http://127.0.0.1:9/{network}")) as url:
        yield url


def configured(folder: Path, graph_url: str, *, port: int = 0, more: str = "") -> Path:
    """A right configuration file in `folder`."""
    path = folder / "gearmesh.toml"
    path.write_text(example(graph_url=graph_url, port=port, more=more), encoding="utf-8")
    return path


def plugin(folder: Path, name: str, source: str) -> dict[str, str]:
    """Install a plugin in `folder`; returns the environment in which it is found."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    facts = folder / f"{module}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text(f"[gearmesh]\n{name} = {module}\n", encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))}


@pytest.mark.parametrize("command", ["run", "check"])
async def test_given_no_configuration_then_the_command_says_which_file_it_wants(tmp_path: Path, command: str) -> None:
    status, out, err = await run(tmp_path, "gearmesh", command)

    assert (status, out) == (2, "")
    assert "gearmesh.toml: there is no such file" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[apps", "no valid TOML"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"", "apps: expected at least one table"),
        (b"apps = 5", "apps: expected at least one table"),
    ],
    ids=["no TOML", "no text", "empty", "no tables"],
)
async def test_given_a_file_that_is_none_then_the_command_says_so_with_status_2(
    tmp_path: Path, command: str, content: bytes, complaint: str
) -> None:
    (tmp_path / "other.toml").write_bytes(content)

    status, out, err = await run(tmp_path, "gearmesh", command, "other.toml")

    assert (status, out) == (2, "")
    assert complaint in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["run", "check"])
async def test_given_many_mistakes_then_all_are_listed_at_once_and_no_secret_is_shown(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / "gearmesh.toml").write_text(MISTAKES, encoding="utf-8")

    status, out, err = await run(tmp_path, "gearmesh", command)

    assert (status, out) == (2, "")
    assert [mistake for mistake in EVERY_MISTAKE if mistake not in err] == []
    assert [secret for secret in SECRETS if secret in err] == []
    assert "Traceback" not in err
    assert not (tmp_path / "nats").exists()


async def test_given_a_right_configuration_then_check_says_so_and_connects_nowhere(tmp_path: Path) -> None:
    path = configured(tmp_path, "http://127.0.0.1:9")

    status, out, err = await run(tmp_path, "gearmesh", "check", str(path))

    assert (status, err) == (0, "")
    assert "is right: whatsapp (WhatsApp), messenger (Messenger), instagram (Instagram); 3 people" in out
    assert [secret for secret in SECRETS if secret in out] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["run", "check", "plugins", "dead", "trace", "demo", "sandbox"]),
        (["run", "--help"], ["--data", "--port", "gearmesh.toml"]),
        (["check", "--help"], ["gearmesh.toml"]),
        (["dead", "--help"], ["list", "show", "replay", "drop"]),
        (["dead", "replay", "--help"], ["--all", "--app", "--older", "--dry-run", "--anyway", "--config", "--data"]),
        (["trace", "--help"], ["ID", "--app", "--json"]),
        (["demo", "--help"], ["--port", "--data", "--no-browser"]),
        (["sandbox", "--help"], ["--port", "--webhooks"]),
    ],
    ids=lambda value: " ".join(value),
)
async def test_given_a_cry_for_help_then_the_commands_and_options_are_listed(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    status, out, _ = await run(tmp_path, "gearmesh", *arguments)

    assert status == 0
    assert [word for word in words if word not in out] == []


async def test_given_a_command_that_is_none_then_status_2(tmp_path: Path) -> None:
    status, _, err = await run(tmp_path, "gearmesh", "fly")

    assert status == 2
    assert "fly" in err


async def test_given_the_installed_plugins_then_they_are_listed_with_what_they_offer(tmp_path: Path) -> None:
    status, out, err = await run(tmp_path, "gearmesh", "plugins")

    assert (status, err) == (0, "")
    assert [name for name in ("whatsapp", "messenger", "instagram", "demo", "sandbox") if name not in out] == []


async def test_given_a_configured_plugin_that_cannot_be_imported_then_check_names_it_and_why(tmp_path: Path) -> None:
    env = plugin(tmp_path, "pigeon", NO_PIGEONS)
    path = configured(tmp_path, "http://127.0.0.1:9", more=PIGEON_APP)

    status, out, err = await run(tmp_path, "gearmesh", "check", str(path), env=env)

    assert (status, out) == (2, "")
    assert "apps.post: plugin pigeon: cannot be imported: RuntimeError: no pigeons today" in err
    assert "Traceback" not in err


async def test_given_a_configured_plugin_that_cannot_be_imported_then_the_other_apps_run_without_it(
    tmp_path: Path,
) -> None:
    env = plugin(tmp_path, "pigeon", NO_PIGEONS)
    async with town_of(tmp_path) as town:
        path = configured(tmp_path, town.phones.url, port=town.port, more=PIGEON_APP)
        async with Program(tmp_path, "gearmesh", "run", str(path), "--data", "data", env=env) as program:
            await program.says("gearmesh is up")
            await town.app_is("messenger", "connected")
            await town.app_is("post", "failed")
            assert "no pigeons today" in (await town.get("/readyz"))[1]
            assert "no pigeons today" in program.stderr
            assert await town.webhook("post", b"{}") == 503
            await town.phones.all_told()
            await town.phones.types(ADA, "@ben without pigeons")
            await town.phones.sees(BEN, "without pigeons")


async def test_given_nothing_but_a_plugin_that_cannot_be_imported_then_run_says_so_with_status_2(
    tmp_path: Path,
) -> None:
    env = plugin(tmp_path, "pigeon", NO_PIGEONS)
    (tmp_path / "gearmesh.toml").write_text(PIGEON_APP, encoding="utf-8")

    status, out, err = await run(tmp_path, "gearmesh", "run", env=env)

    assert (status, out) == (2, "")
    assert "plugin pigeon: cannot be imported: RuntimeError: no pigeons today" in err
    assert "Traceback" not in err


async def test_given_a_broken_plugin_that_nobody_configured_then_the_others_work(tmp_path: Path) -> None:
    env = plugin(tmp_path, "pigeon", NO_PIGEONS)
    path = configured(tmp_path, "http://127.0.0.1:9")

    status, _, err = await run(tmp_path, "gearmesh", "check", str(path), env=env)
    assert (status, err) == (0, "")
    status, out, err = await run(tmp_path, "gearmesh", "plugins", env=env, name="plugins")
    assert status == 1
    assert "whatsapp" in out
    assert "no pigeons today" in err


async def test_given_a_port_in_use_then_run_says_so_with_status_2_and_leaves_nothing_behind(
    tmp_path: Path, graph_url: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        path = configured(tmp_path, graph_url, port=port)

        status, _, err = await run(tmp_path, "gearmesh", "run", str(path), "--data", "data")

    assert status == 2
    assert f"web.port: cannot listen on 127.0.0.1:{port} (" in err
    assert "choose another port" in err
    assert "Traceback" not in err
    await is_gone(int((tmp_path / "data" / "nats" / "nats-server.pid").read_text()))


async def test_given_a_second_instance_on_the_same_data_then_it_ends_with_the_firsts_pid_and_the_first_goes_on(
    tmp_path: Path, graph_url: str
) -> None:
    path = configured(tmp_path, graph_url)
    async with Program(tmp_path, "gearmesh", "run", str(path), "--data", "data", name="first") as first:
        await first.says("gearmesh is up")

        status, _, err = await run(tmp_path, "gearmesh", "run", str(path), "--data", "data", name="second")

        assert status == 1
        assert f"is in use by another gearmesh (pid {first.pid})" in err
        assert "Traceback" not in err
        assert first.runs
        first.send(signal.SIGTERM)
        assert await first.ended() == 0


async def test_given_a_port_option_then_it_wins_over_the_configuration(tmp_path: Path, graph_url: str) -> None:
    path, port = configured(tmp_path, graph_url, port=1), free_port()
    arguments = ("run", "--config", str(path), "--data", "data", "--port", str(port))
    async with Program(tmp_path, "gearmesh", *arguments) as program:
        await program.says(f"http://127.0.0.1:{port}")


async def test_given_a_daemon_that_runs_and_stops_then_its_log_shows_no_secret(tmp_path: Path) -> None:
    async with town_of(tmp_path) as town:
        path = configured(tmp_path, town.phones.url, port=town.port)
        async with Program(tmp_path, "gearmesh", "run", str(path), "--data", "data") as program:
            await program.says("gearmesh is up")
            await town.phones.all_told()
            await town.phones.fault(kind="error", network="messenger", status=401, code=190)
            await town.phones.types(ADA, "@ben words for Ben alone")
            await program.says("unauthorized")
            program.send(signal.SIGTERM)
            assert await program.ended() == 0

            said = program.stdout + program.stderr
            assert [secret for secret in (*SECRETS, "appsecret_proof", "words for Ben") if secret in said] == []


async def test_given_a_demo_when_it_is_up_then_one_line_names_its_address_and_three_phones_talk(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ("demo", "--port", str(port), "--no-browser", "--data", "data")
    async with Program(tmp_path, "gearmesh", *arguments) as demo, aiohttp.ClientSession() as http:
        await demo.says(f"Gearmesh demo on {url}/")
        assert len(demo.stdout.splitlines()) == 1

        async def healthy() -> int:
            async with http.get(f"{url}/healthz") as response:
                return response.status

        await eventually(healthy, lambda status: status == 200, awaited="/healthz to say 200")
        phones = Phones(http, url)
        await phones.all_told()
        await phones.types(ADA, "@ben hello from the demo")
        assert (await phones.sees(BEN, "hello from the demo"))["sender_name"] == "Ada Lovelace (WhatsApp)"
        async with http.get(f"{url}/") as page:
            assert (page.status, page.content_type) == (200, "text/html")

        nats_server = int((tmp_path / "data" / "nats" / "nats-server.pid").read_text())
        demo.send(signal.SIGINT)
        assert await demo.ended() == 0
        await is_gone(nats_server)
        assert "Traceback" not in demo.stderr
        assert len(demo.stdout.splitlines()) == 1


async def test_given_a_demo_whose_port_is_taken_then_it_says_so_and_ends(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        status, out, err = await run(tmp_path, "gearmesh", "demo", "--port", str(port), "--no-browser")

    assert (status, out) == (2, "")
    assert "choose another port" in err
    assert "Traceback" not in err
