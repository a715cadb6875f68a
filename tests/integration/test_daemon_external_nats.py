"""A NATS that somebody else runs: every way to be let in, and clear words where we are not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nkeys
import pytest

from gearmesh.config import parse
from gearmesh.daemon import Daemon
from gearmesh.errors import BusUnavailable

from .configuration import example
from .guarded_nats import guarded
from .phones import ADA, BEN
from .ports import free_port
from .processes import run
from .town import Town

PASSWORD = "sandbox-nats-password"
USER = f'users: [ {{ user: "gearmesh", password: "{PASSWORD}" }} ]'


def new_seed() -> str:
    """A user's key that nobody else has."""
    return bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)).decode()


def public_key(seed: str) -> str:
    """What a server knows of it."""
    return str(nkeys.from_seed(bytearray(seed.encode())).public_key.decode())


async def meets_nobody(town: Town, **nats: Any) -> BusUnavailable:
    """Start a daemon that must not get in, and return what it says."""
    town.tables["nats"] = nats
    with pytest.raises(BusUnavailable) as error:
        await Daemon(parse(town.tables), town.folder / "data").__aenter__()
    return error.value


async def serves(town: Town, **nats: Any) -> None:
    """Start the daemon on this NATS, and see a message through."""
    town.tables["nats"] = nats
    await town.start()
    await town.phones.types(ADA, "@ben over your own NATS")
    await town.phones.sees(BEN, "over your own NATS")
    assert not (town.folder / "data").exists()


async def test_given_user_and_password_then_messages_go_over_it(quiet_town: Town, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    async with guarded(tmp_path / "nats", USER) as url:
        await serves(quiet_town, url=[url], user="gearmesh", password=f"file:{tmp_path / 'password'}")
        await quiet_town.stop()


async def test_given_the_seed_of_a_key_then_messages_go_over_it(
    quiet_town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = new_seed()
    monkeypatch.setenv("TEST_NATS_SEED", seed)
    async with guarded(tmp_path / "nats", f"users: [ {{ nkey: {public_key(seed)} }} ]") as url:
        await serves(quiet_town, url=[url], seed="env:TEST_NATS_SEED")
        await quiet_town.stop()


async def test_given_a_token_then_messages_go_over_it(quiet_town: Town, tmp_path: Path) -> None:
    async with guarded(tmp_path / "nats", 'token: "sandbox-nats-token"') as url:
        await serves(quiet_town, url=[url], token="plain:sandbox-nats-token")
        await quiet_town.stop()


async def test_given_two_servers_of_which_one_is_away_then_the_other_is_used(quiet_town: Town, tmp_path: Path) -> None:
    async with guarded(tmp_path / "nats", USER) as url:
        away = f"nats://127.0.0.1:{free_port()}"
        await serves(quiet_town, url=[away, url], user="gearmesh", password=f"plain:{PASSWORD}")
        await quiet_town.stop()


@pytest.mark.parametrize(
    "credentials",
    [
        {"user": "gearmesh", "password": "plain:sandbox-wrong-word"},
        {"user": "somebody", "password": f"plain:{PASSWORD}"},
        {"token": "plain:sandbox-wrong-word"},
        {"seed": f"plain:{new_seed()}"},
        {},
    ],
    ids=["password", "user", "token", "seed", "nothing"],
)
async def test_given_credentials_that_are_refused_then_it_is_said_at_once_and_they_are_not_shown(
    quiet_town: Town, tmp_path: Path, credentials: dict[str, str]
) -> None:
    async with guarded(tmp_path / "nats", USER) as url:
        error = await meets_nobody(quiet_town, url=[url], **credentials)

    assert url in str(error)
    assert "Authorization Violation" in str(error)
    assert "credentials" in str(error)
    for value in credentials.values():
        assert value.removeprefix("plain:") not in str(error).replace("gearmesh", "")


async def test_given_a_seed_that_is_none_then_it_is_said_and_not_shown(quiet_town: Town, tmp_path: Path) -> None:
    async with guarded(tmp_path / "nats", USER) as url:
        error = await meets_nobody(quiet_town, url=[url], seed="plain:sandbox-no-seed")

    assert "seed" in str(error)
    assert "sandbox-no-seed" not in str(error)


async def test_given_a_ca_file_that_is_none_then_it_is_said(quiet_town: Town, tmp_path: Path) -> None:
    async with guarded(tmp_path / "nats", USER) as url:
        error = await meets_nobody(quiet_town, url=[url], ca_file=str(tmp_path / "nowhere.pem"))

    assert f"ca_file: {tmp_path / 'nowhere.pem'}" in str(error)


async def test_given_a_server_without_jetstream_then_it_is_said(quiet_town: Town, tmp_path: Path) -> None:
    async with guarded(tmp_path / "nats", USER, jetstream=False) as url:
        error = await meets_nobody(quiet_town, url=[url], user="gearmesh", password=f"plain:{PASSWORD}")

    assert "JetStream" in str(error)


async def command(tmp_path: Path, nats: str) -> tuple[int, str, str]:
    """`gearmesh run` with this `[nats]`, to its end."""
    configuration = tmp_path / "gearmesh.toml"
    text = example(graph_url="http://127.0.0.1:1", port=free_port(), more=f"\n[nats]\n{nats}\n")
    configuration.write_text(text, encoding="utf-8")
    return await run(tmp_path, "gearmesh", "run", str(configuration), "--data", str(tmp_path / "data"))


async def test_given_a_wrong_password_when_the_command_runs_then_it_ends_with_status_1_and_one_clear_line(
    tmp_path: Path,
) -> None:
    async with guarded(tmp_path / "nats", USER) as url:
        nats = f'url = ["{url}"]\nuser = "gearmesh"\npassword = "plain:sandbox-wrong-word"'
        status, out, complaint = await command(tmp_path, nats)

    assert (status, out) == (1, "")
    line = complaint.strip().splitlines()[-1]
    assert line.startswith(f"gearmesh: no NATS server at {url} lets us in")
    assert "credentials" in line
    assert "Traceback" not in complaint
    assert "sandbox-wrong-word" not in complaint


@pytest.mark.slow  # a server that has just been started gets its ten seconds
async def test_given_no_server_there_when_the_command_runs_then_it_ends_with_status_1_and_says_where_it_looked(
    tmp_path: Path,
) -> None:
    url = f"nats://127.0.0.1:{free_port()}"

    status, _, complaint = await command(tmp_path, f'url = ["{url}"]')

    assert status == 1
    assert complaint.strip().splitlines()[-1].startswith(f"gearmesh: no NATS server at {url} lets us in")
    assert "Connect" in complaint
    assert "Traceback" not in complaint
