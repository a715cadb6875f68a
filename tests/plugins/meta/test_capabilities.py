"""When and how fast the three networks may be written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gearmesh import Capabilities, Rate, Window
from gearmesh_meta.capabilities import INSTAGRAM, MESSENGER, WHATSAPP
from gearmesh_meta.instagram import Instagram
from gearmesh_meta.messenger import Messenger

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import AnyBridge, FakeContext

DAY = 24 * 3600
BEN = "7100000000000001"


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
