"""When and how fast the three networks may be written to, and what each carries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec
import pytest

from gearmesh import (
    Capabilities,
    Feature,
    MediaKind,
    MediaRef,
    Rate,
    SupportsEdit,
    SupportsReactions,
    SupportsReceipts,
    SupportsRedaction,
    SupportsTyping,
    Window,
)
from gearmesh_meta.capabilities import (
    INSTAGRAM,
    INSTAGRAM_WAYS,
    MESSENGER,
    MESSENGER_WAYS,
    WHATSAPP,
    WHATSAPP_WAYS,
    Ways,
    way_for,
)
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.sandbox import media_rules
from gearmesh_meta.whatsapp import WhatsApp

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import AnyBridge, FakeContext

DAY = 24 * 3600
BEN = "7100000000000001"
ALL: Final = {"whatsapp": WHATSAPP, "messenger": MESSENGER, "instagram": INSTAGRAM}
BRIDGES: Final = {"whatsapp": WhatsApp, "messenger": Messenger, "instagram": Instagram}
WAYS: Final = {"whatsapp": WHATSAPP_WAYS, "messenger": MESSENGER_WAYS, "instagram": INSTAGRAM_WAYS}
PROTOCOLS: Final[dict[Feature, type]] = {
    "reaction": SupportsReactions,
    "edit": SupportsEdit,
    "redaction": SupportsRedaction,
    "typing": SupportsTyping,
    "read": SupportsReceipts,
}
networks = pytest.mark.parametrize("network", list(ALL))


def without_source(bound: Rate | Window | None) -> Any:
    return bound and msgspec.structs.replace(bound, source="")


def test_each_network_has_its_rates_and_its_window() -> None:
    bounds = [
        [without_source(bound) for bound in (network.app_rate, network.recipient_rate, network.window)]
        for network in (WHATSAPP, MESSENGER, INSTAGRAM)
    ]

    assert bounds == [
        [Rate(1 / 80), Rate(6, burst=45, within=6), Window(DAY)],
        [Rate(1 / 300), None, Window(DAY)],
        [Rate(1 / 100), None, Window(DAY)],
    ]


@pytest.mark.parametrize("network", [WHATSAPP, MESSENGER, INSTAGRAM])
def test_each_bound_names_its_source(network: Capabilities) -> None:
    bounds = [network.app_rate, network.window] + ([network.recipient_rate] if network.recipient_rate else [])

    assert all(bound is not None and "2026" in bound.source for bound in bounds)


def again_with_permission(bridge: Messenger | Instagram, context: FakeContext) -> AnyBridge:
    return type(bridge)(msgspec.structs.replace(bridge.config, human_agent=True), context)


def test_with_metas_permission_a_person_is_answered_for_a_week(
    messenger: Messenger, instagram: Instagram, context: FakeContext
) -> None:
    for bridge in (messenger, instagram):
        late = again_with_permission(bridge, context).capabilities(BEN)

        assert without_source(bridge.capabilities(BEN).window) == Window(DAY)
        assert without_source(late.window) == Window(DAY, late=7 * DAY)
        assert msgspec.structs.replace(late, window=bridge.capabilities(BEN).window) == bridge.capabilities(BEN)


@networks
def test_every_number_and_every_level_names_its_source(network: str) -> None:
    capabilities = ALL[network]
    sources = {feature: capabilities.support(feature).source for feature in get_args(Feature)}
    sources |= {f"file {kind}": rule.source for kind, rule in capabilities.files.items()}
    assert capabilities.buttons is not None
    sources |= {
        "text": capabilities.text.source,
        "caption": capabilities.caption.source if capabilities.caption else "-",
        "buttons": capabilities.buttons.title.source,
        "text of buttons": capabilities.buttons.text.source,
        "dialect": capabilities.dialect.source if capabilities.dialect else "-",
    }

    assert [name for name, source in sources.items() if not source] == []
    dated = [source for source in sources.values() if source != "-"]
    assert [
        source for source in dated if not re.search(r"\b202[4-6]\b|v23\.0|mid-2026|Messenger|hiinsta", source)
    ] == []


@networks
def test_what_is_carried_in_part_or_as_something_else_says_what_is_missing(network: str) -> None:
    features = ALL[network].features

    assert [name for name, support in features.items() if support.level == "partial" and not support.note] == []
    assert "rejected" not in {support.level for support in features.values()}


@networks
@pytest.mark.parametrize("feature", list(PROTOCOLS))
def test_what_is_claimed_has_its_method_and_what_is_not_has_none(network: str, feature: Feature) -> None:
    claimed = ALL[network].shows(feature)

    assert issubclass(BRIDGES[network], PROTOCOLS[feature]) == claimed


@networks
def test_every_kind_of_file_that_is_claimed_has_a_rule_and_a_way(network: str) -> None:
    capabilities = ALL[network]
    kinds: tuple[MediaKind, ...] = get_args(MediaKind)

    assert set(capabilities.files) == capabilities.media == set(WAYS[network])
    assert [kind for kind in kinds if kind in capabilities.media and not capabilities.shows(kind)] == []


@networks
def test_a_file_within_its_rule_goes_as_what_it_is_and_the_network_takes_it(network: str) -> None:
    rules: dict[str, media_rules.Rule] = getattr(media_rules, network.upper())
    ways: Ways = WAYS[network]
    for kind, rule in ALL[network].files.items():
        for mime in rule.mimes or ("application/pdf", "text/plain"):
            way = way_for(kind, MediaRef("other", "src", mime, rule.size), ways)
            assert way is not None, (kind, mime)
            assert rules[way.type].takes(mime), (kind, mime, way.type)
            assert rule.size <= rules[way.type].limit, (kind, mime)
            still = media_rules.STILL_STICKER_LIMIT if way.type == "sticker" else rules[way.type].limit
            assert (rule.still_size or rule.size) <= still, (kind, mime)


def test_the_levels_that_matter_most_are_these() -> None:
    rows: dict[Feature, tuple[str, str, str]] = {
        "formatting": ("partial", "fallback", "fallback"),
        "location": ("partial", "fallback", "fallback"),
        "contacts": ("partial", "fallback", "fallback"),
        "poll": ("fallback", "fallback", "fallback"),
        "product": ("fallback", "fallback", "fallback"),
        "buttons": ("full", "full", "partial"),
        "reply": ("full", "full", "fallback"),
        "forward": ("fallback", "fallback", "fallback"),
        "reaction": ("partial", "partial", "partial"),
        "edit": ("fallback", "fallback", "fallback"),
        "redaction": ("fallback", "fallback", "fallback"),
        "view_once": ("fallback", "fallback", "fallback"),
        "typing": ("partial", "full", "partial"),
        "delivered": ("dropped", "dropped", "dropped"),
        "read": ("full", "partial", "partial"),
    }

    for feature, levels in rows.items():
        assert tuple(capabilities.level(feature) for capabilities in ALL.values()) == levels, feature
