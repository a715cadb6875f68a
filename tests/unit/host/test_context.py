"""What a bridge keeps, on a real nats-server: by groups, and gone when it is forgotten."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gearmesh.bus.connection import Connection
from gearmesh.bus.publisher import Publisher
from gearmesh.bus.store import Store
from gearmesh.errors import Malformed
from gearmesh.host import context as context_module
from gearmesh.host.context import HostContext
from gearmesh.wire.subjects import Subjects


@pytest.fixture
def contexts(connection: Connection, publisher: Publisher) -> tuple[HostContext, HostContext]:
    """Those of two apps."""
    kept = Store(connection, publisher, Subjects().bucket("kept"), str)
    unused = cast(Any, None)
    one, two = (HostContext(app, unused, unused, unused, kept, unused) for app in ("one", "two"))
    return one, two


async def test_what_was_kept_comes_back_by_key_by_group_and_as_a_whole(
    contexts: tuple[HostContext, HostContext],
) -> None:
    one, two = contexts
    keys = ["plain", "alias/1650", "alias/US.13/x", "aliases/7", "upload/ab.image/jpeg", "/odd", "odd/", "ghost Ä d/a"]
    keys += ["x" * 500, f"room/{'ä' * 512}"]
    for key in keys:
        await one.keep(key, f"of {key}")
        await two.keep(key, "somebody else's")

    assert [await one.recall(key) for key in keys] == [f"of {key}" for key in keys]
    assert await one.recall_all() == {key: f"of {key}" for key in keys}
    assert await one.recall_all("alias") == {key: f"of {key}" for key in ("alias/1650", "alias/US.13/x")}
    assert await one.recall_all("nothing") == {}


async def test_a_key_of_any_length_is_kept_or_refused_and_nothing_waits_behind_it(
    contexts: tuple[HostContext, HostContext],
) -> None:
    one, _ = contexts
    key = f"{'r' * 20}/{'ä' * 1_180}"
    await one.keep(key, "seen")
    with pytest.raises(Malformed):
        await one.keep("ä" * 3_000, "never")
    await one.keep("next", "kept")
    assert await one.recall_all() == {key: "seen", "next": "kept"}
    assert await one.recall("ä" * 3_000) == ""


async def test_what_is_forgotten_takes_no_place_of_what_is_kept(
    contexts: tuple[HostContext, HostContext], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = contexts
    monkeypatch.setattr(context_module, "RECALLED_MOST", 3)
    for number in range(3):
        await one.keep(f"alias/{number}", "x")
    for number in range(5):
        await one.keep(f"upload/{number}", "x")
        await one.keep(f"upload/{number}", "")
    await one.keep("alias/0", "y")

    assert await one.recall_all() == await one.recall_all("alias") == {"alias/1": "x", "alias/2": "x", "alias/0": "y"}
    assert await one.recall("upload/1") == ""
    subjects = (await connection.js.stream_info("KV_gm-kept", subjects_filter="$KV.gm-kept.>")).state.subjects or {}
    marks = [
        (await connection.js.get_msg("KV_gm-kept", subject=subject)).headers or {}
        for subject in subjects
        if ".upload." in subject
    ]
    assert all("Nats-TTL" in headers for headers in marks), "something stays for ever"
