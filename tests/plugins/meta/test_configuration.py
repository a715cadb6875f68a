"""What the plugin offers, what it is told, and how its users are named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import gearmesh_meta
from gearmesh import (
    Bridge,
    InvalidAddress,
    Secret,
    SupportsGhosts,
    SupportsInvitations,
    SupportsMedia,
    SupportsProfiles,
    SupportsReceipts,
    SupportsReplay,
    SupportsWebhook,
)
from gearmesh_meta.config import FACEBOOK_GRAPH, INSTAGRAM_GRAPH, InstagramConfig, MessengerConfig, WhatsAppConfig
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.whatsapp import WhatsApp

if TYPE_CHECKING:
    pass

ADA = "16505551234"
BEN = "7100000000000001"
BSUID = "US.13491208655302741918"
EXAMPLE = Path(__file__).parents[3] / "plugins" / "meta" / "example.toml"
SECRETS = {"token": "plain:t", "app_secret": "plain:s", "verify_token": "plain:v"}


def test_the_plugin_offers_three_bridges_with_their_abilities() -> None:
    bridges = {bridge.network: bridge for bridge in gearmesh_meta.gearmesh_bridges()}

    assert set(bridges) == {"whatsapp", "messenger", "instagram"}
    assert all(issubclass(bridge, Bridge) and bridge.api == 1 for bridge in bridges.values())


def test_each_bridge_has_the_abilities_of_its_network(
    whatsapp: WhatsApp, messenger: Messenger, instagram: Instagram
) -> None:
    abilities = (
        SupportsWebhook,
        SupportsReceipts,
        SupportsMedia,
        SupportsProfiles,
        SupportsGhosts,
        SupportsInvitations,
        SupportsReplay,
    )

    assert [[isinstance(bridge, ability) for ability in abilities] for bridge in (whatsapp, messenger, instagram)] == [
        [True, True, True, False, False, True, True],
        [True, True, True, True, True, False, True],
        [True, True, True, True, False, False, True],
    ]


def test_a_network_that_promises_no_order_and_tells_milliseconds_is_sorted() -> None:
    assert {bridge.network: bridge.in_order for bridge in gearmesh_meta.gearmesh_bridges()} == {
        "whatsapp": True,
        "messenger": False,
        "instagram": False,
    }


def convert(config: type[msgspec.Struct], **values: Any) -> Any:
    hook = lambda kind, value: Secret.read(value) if kind is Secret else value  # noqa: E731
    return msgspec.convert(SECRETS | values, config, dec_hook=hook)


def test_a_configuration_needs_its_id_and_its_secrets() -> None:
    config = convert(WhatsAppConfig, phone_number_id="106540352242922")

    assert (config.version, config.graph_url, config.token) == ("v25.0", FACEBOOK_GRAPH, Secret("t"))
    assert convert(MessengerConfig, page_id="1").personas is True
    with pytest.raises(msgspec.ValidationError, match="phone_number_id"):
        convert(WhatsAppConfig)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("phone_number_id", "+49 151"),
        ("phone_number_id", ""),
        ("version", "25"),
        ("version", "v25.0\n"),
        ("graph_url", "ftp://graph"),
        ("graph_url", "https://graph.facebook.com/v25.0"),
        ("graph_url", "https://user@graph"),
    ],
)
def test_a_value_of_another_form_is_refused(key: str, value: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        convert(WhatsAppConfig, **{"phone_number_id": "1", key: value})


def test_the_kind_of_login_decides_which_instagram_server_is_asked() -> None:
    assert convert(InstagramConfig, instagram_id="1").base == INSTAGRAM_GRAPH
    assert convert(InstagramConfig, instagram_id="1", login="facebook").base == FACEBOOK_GRAPH
    assert convert(InstagramConfig, instagram_id="1", graph_url="http://localhost:1").base == "http://localhost:1"


def test_a_printed_configuration_shows_no_secret() -> None:
    assert "plain" not in repr(convert(WhatsAppConfig, phone_number_id="1", token="plain:hidden"))
    assert "hidden" not in repr(convert(WhatsAppConfig, phone_number_id="1", token="plain:hidden"))


@pytest.mark.parametrize(
    "text",
    [
        "+49 151 2345-6789",
        "004915123456789",
        "4915123456789",
        "+49 (151) 2345.6789",
        " +49/151/23456789 ",
        "+49–15123456789",
    ],
)
def test_a_phone_number_has_one_form(whatsapp: WhatsApp, text: str) -> None:
    assert whatsapp.parse_address(text) == "4915123456789"


@pytest.mark.parametrize(
    "text", ["", "+", "0151 23456789", "1234", "1234567890123456", "ada", "+49 151 x", "++49151234", "US."]
)
def test_what_is_no_phone_number_is_refused_with_an_example(whatsapp: WhatsApp, text: str) -> None:
    with pytest.raises(InvalidAddress, match="country code"):
        whatsapp.parse_address(text)


def test_addresses_are_shown_as_people_read_them(
    whatsapp: WhatsApp, messenger: Messenger, instagram: Instagram
) -> None:
    assert whatsapp.parse_address(BSUID) == whatsapp.format_address(BSUID) == BSUID
    assert whatsapp.format_address(ADA) == "+16505551234"
    for bridge in (messenger, instagram):
        assert bridge.parse_address(f" {BEN} ") == bridge.format_address(BEN) == BEN
        assert bridge.thread_of(BEN) == BEN
        for text in ("ada", "", "-1", "7" * 41, "7,7"):
            with pytest.raises(InvalidAddress):
                bridge.parse_address(text)


def test_the_example_is_a_configuration_of_all_three(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WHATSAPP_TOKEN", "MESSENGER_PAGE_TOKEN", "INSTAGRAM_TOKEN", "INSTAGRAM_APP_SECRET"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("META_APP_SECRET", "x")
    monkeypatch.setenv("META_VERIFY_TOKEN", "x")
    bridges = {bridge.network: bridge for bridge in gearmesh_meta.gearmesh_bridges()}
    tables = tomllib.loads(EXAMPLE.read_text())["apps"]

    assert set(tables) == set(bridges)
    for table in tables.values():
        bridge = bridges[table.pop("bridge")]
        assert set(table) <= {field.name for field in msgspec.structs.fields(bridge.Config)}
        convert(bridge.Config, **table)


def test_each_bridge_is_found_under_its_own_name() -> None:
    points = tomllib.loads((EXAMPLE.parent / "pyproject.toml").read_text())["project"]["entry-points"]["gearmesh"]

    assert points == {bridge.network: "gearmesh_meta" for bridge in gearmesh_meta.gearmesh_bridges()}


def test_the_plugin_adds_its_commands() -> None:
    assert [command.name for command in gearmesh_meta.gearmesh_commands()] == ["sandbox", "demo"]
