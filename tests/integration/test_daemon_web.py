"""What the daemon serves over HTTP besides the messages themselves."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import aiohttp
import msgspec
import pytest

from gearmesh.bridge import WebhookRequest, WebhookResponse
from gearmesh.host.media_links import LIVES, MediaLinks
from gearmesh.model.content import KEPT_FILES, Media, MediaRef
from gearmesh.wire.body import open_body
from gearmesh.wire.codec import decode

from .metrics import samples
from .patience import eventually
from .phones import ADA, BEN, CLEO, PAIRS, PHONES
from .streams import everything
from .town import SETTINGS, Town, signed

PICTURE: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
APPS: Final = pytest.mark.parametrize("app", ["whatsapp", "messenger", "instagram"])
VERIFICATION: Final = {
    "hub.mode": "subscribe",
    "hub.challenge": "1158201444",
    "hub.verify_token": SETTINGS.verify_token,
}


async def next_path(stream: aiohttp.StreamReader) -> dict[str, Any]:
    """The next event of a stream of paths."""
    while True:
        line = await stream.readline()
        assert line, "the stream has ended"
        if line.startswith(b"data: "):
            path: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
            return path


async def test_given_a_running_daemon_then_it_is_healthy_and_ready_and_says_what_of(town: Town) -> None:
    state: dict[str, Any] = {
        "nats": "connected",
        "draining": False,
        "apps": {phone.network: {"status": "connected", "detail": ""} for phone in PHONES},
    }

    async def partitions() -> list[int]:
        found: list[int] = json.loads((await town.get("/healthz"))[1])["partitions"]
        return found

    # A partition is somebody's when something has come in it: people have opened their chats, nothing was routed yet.
    state["partitions"] = await partitions()
    status, text = await town.get("/healthz")
    assert (status, json.loads(text)) == (200, state | {"status": "ok"})
    status, text = await town.get("/readyz")
    assert (status, json.loads(text)) == (200, state | {"status": "ready"})


async def test_given_a_network_that_cannot_be_reached_then_healthy_but_not_ready_until_it_can(quiet_town: Town) -> None:
    town = quiet_town
    await town.phones.fault(kind="error", network="messenger", on="any", status=500, count=1)

    await town.start_without_waiting()
    await town.app_is("messenger", "reconnecting")
    assert (await town.get("/healthz"))[0] == 200
    assert (await town.get("/readyz"))[0] == 503

    await town.is_ready()


async def test_given_messages_then_the_metrics_count_them_by_app_direction_and_outcome(town: Town) -> None:
    for writer, reader in PAIRS:
        await town.phones.types(writer, f"@{reader.handle} counted")
    for reader in PHONES:
        await town.phones.counts(reader, 2)
        await town.counted("gearmesh_messages_total", 2, app=reader.network, direction="out", outcome="sent")
    await town.phones.all_told()
    await town.phones.types(ADA, "@nobody hello")
    await town.phones.sees(ADA, "Nobody is known")

    counted = await samples(town)
    for phone in PHONES:
        app = {"app": phone.network}
        assert counted.value("gearmesh_messages_total", **app, direction="in", outcome="accepted") == 2
        assert counted.value("gearmesh_hop_seconds_count", **app, hop="total") >= 2
        assert counted.value("gearmesh_hop_seconds_sum", **app, hop="total") > 0
        assert counted.value("gearmesh_webhooks_total", **app, outcome="accepted") >= 2
        assert counted.value("gearmesh_app_connected", **app) == 1
    assert counted.value("gearmesh_messages_total", app="whatsapp", direction="in", outcome="answered") == 1
    assert counted.value("gearmesh_nats_up") == 1
    hops = {labels["hop"] for labels in counted.labels("gearmesh_hop_seconds_bucket")}
    assert hops == {"stored in", "routed", "stored out", "taken", "sent", "total"}
    assert {frozenset(labels) for labels in counted.labels("gearmesh_messages_total")} == {
        frozenset({"app", "direction", "outcome"})
    }
    assert {(labels["app"], labels["queue"]) for labels in counted.labels("gearmesh_queue_depth")} == {
        ("", "publisher"),
        *((phone.network, queue) for phone in PHONES for queue in ("lanes", "queues")),
    }
    assert counted.families["gearmesh_messages"].type == "counter"
    assert counted.families["gearmesh_hop_seconds"].type == "histogram"
    assert counted.families["gearmesh_queue_depth"].type == "gauge"


async def test_given_a_network_that_takes_nothing_then_the_queue_depth_shows_what_waits(town: Town) -> None:
    await town.phones.fault(kind="error", network="messenger", status=503)
    for number in range(3):
        await town.phones.types(ADA, f"@ben number {number}")

    await town.counted("gearmesh_queue_depth", 3, app="messenger", queue="lanes")
    assert (await samples(town)).value("gearmesh_queue_depth", app="instagram") == 0
    await town.phones.lift()
    await town.phones.sees(BEN, "number 2")


async def test_given_messages_then_their_paths_are_listed_and_nobodys_words_are_in_them(town: Town) -> None:
    await town.phones.types(ADA, "@ben a secret")
    await town.phones.sees(BEN, "a secret")
    await town.steps(f"messenger:{BEN.user}", 1)

    await town.counted("gearmesh_hop_seconds_count", 1, app="messenger", hop="total")
    status, text = await town.get("/paths")
    assert status == 200
    assert "secret" not in text
    [path] = json.loads(text)
    assert (path["from"], path["to"]) == (f"whatsapp:{ADA.user}", f"messenger:{BEN.user}")
    assert (path["kind"], path["state"], path["reason"]) == ("event", "sent", None)
    assert [hop["name"] for hop in path["hops"]] == ["received", "stored in", "routed", "stored out", "taken", "sent"]
    times = [hop["at"] for hop in path["hops"]]
    assert times == sorted(times)


async def test_given_two_listeners_then_each_gets_every_path_as_it_ends(town: Town) -> None:
    async with town.http.get(f"{town.url}/paths/stream") as one, town.http.get(f"{town.url}/paths/stream") as two:
        assert one.content_type == "text/event-stream"
        for stream in (one, two):
            assert (await stream.content.readline()).startswith(b":")
        await town.phones.types(ADA, "@cleo one")
        await town.phones.fault(kind="error", network="messenger", status=400, code=551, count=1)
        await town.phones.types(CLEO, "@ben never")

        for stream in (one, two):
            paths = [await next_path(stream.content) for _ in range(3)]
            found = {(path["to"], path["state"], path["reason"]) for path in paths}
            assert found == {
                (f"instagram:{CLEO.user}", "sent", None),
                (f"messenger:{BEN.user}", "failed", "rejected"),
                (f"instagram:{CLEO.user}", "sent", None),  # the notice
            }


async def test_given_a_listener_when_the_daemon_stops_then_its_stream_ends(town: Town) -> None:
    async with town.http.get(f"{town.url}/paths/stream") as stream:
        assert (await stream.content.readline()).startswith(b":")

        await town.stop()

        assert (await stream.content.read()).strip() == b""


async def test_given_a_file_that_came_in_then_its_link_gives_its_bytes_and_no_browser_runs_it(town: Town) -> None:
    await town.phones.types(ADA, "@cleo look at this")
    await town.phones.sees(CLEO, "look at this")
    encoded = base64.b64encode(PICTURE).decode()
    await town.phones.types(ADA, media={"type": "image", "base64": encoded, "mime": "image/png"})
    shown = await town.phones.sees(CLEO, lambda message: message["media"])
    assert shown["media"]["mime"] == "image/png"

    leg = decode((await everything(town.daemon.connection, "GM_OUT", "gm.out.instagram.*"))[-1][1])
    content = open_body(leg.header.seal, leg.body)
    assert isinstance(content, Media)
    shared = town.daemon.apps["whatsapp"].app.shared
    async with town.http.get(shared.media_links.link(content.ref, shared.clock.seconds())) as response:
        assert (response.status, await response.read()) == (200, PICTURE)
        assert response.content_type == "image/png"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Disposition"] == "attachment"
        assert "sandbox" in response.headers["Content-Security-Policy"]
    named = msgspec.structs.replace(content.ref, name="our house.png")
    link = shared.media_links.link(named, shared.clock.seconds())
    assert link.endswith("/our%20house.png")
    async with town.http.get(link) as response:
        assert (response.status, await response.read()) == (200, PICTURE)
        assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''our%20house.png"


async def test_given_a_link_that_is_forged_or_expired_or_of_another_broker_then_404(town: Town) -> None:
    shared = town.daemon.apps["whatsapp"].app.shared
    links, now = shared.media_links, shared.clock.seconds()
    ref = MediaRef("whatsapp", "100000000000009")
    genuine = links.link(ref, now)
    expired = links.link(ref, now - LIVES - 10)
    foreign = MediaLinks(b"k" * 32, town.url).link(ref, now)
    nobodys = links.link(MediaRef("telegram", "7"), now)
    forged = f"{genuine[:-1]}{'A' if genuine[-1] != 'A' else 'B'}"
    cut = genuine[:-8]

    for link in (expired, foreign, nobodys, forged, cut, f"{town.url}/media/x", f"{town.url}/media/%00%ff"):
        async with town.http.get(link) as response:
            assert response.status == 404, link
    async with town.http.get(expired) as response:
        assert "expired" in await response.text()


async def test_given_a_link_to_a_file_that_its_network_does_not_have_then_502(town: Town) -> None:
    shared = town.daemon.apps["whatsapp"].app.shared
    for ref in (
        MediaRef("whatsapp", "100000000000009"),
        MediaRef("whatsapp", "../../me"),
        MediaRef("messenger", f"{town.phones.url}/ig_messaging_cdn/?asset_id=1"),
    ):
        async with town.http.get(shared.media_links.link(ref, shared.clock.seconds())) as response:
            assert response.status == 502, ref


async def test_given_a_reference_to_an_inner_server_then_it_is_never_asked(town: Town) -> None:
    shared = town.daemon.apps["messenger"].app.shared
    for source in (f"{town.url}/healthz", "http://127.0.0.1:1/", "https://localhost/", "file:///etc/passwd", "x"):
        for app in ("messenger", "instagram"):
            link = shared.media_links.link(MediaRef(app, source), shared.clock.seconds())
            async with town.http.get(link) as response:
                assert response.status == 502, source
                assert "nats" not in await response.text()


@APPS
async def test_given_metas_verification_then_its_challenge_is_answered_to_whoever_knows_the_token(
    town: Town, app: str
) -> None:
    url = f"{town.url}/webhooks/{app}"
    async with town.http.get(url, params=VERIFICATION) as response:
        assert (response.status, await response.text()) == (200, VERIFICATION["hub.challenge"])
        assert response.content_type == "text/plain"

    for wrong in (
        {},
        VERIFICATION | {"hub.verify_token": "guessed"},
        VERIFICATION | {"hub.mode": "unsubscribe"},
        {key: value for key, value in VERIFICATION.items() if key != "hub.verify_token"},
        {key: value for key, value in VERIFICATION.items() if key != "hub.challenge"},
    ):
        async with town.http.get(url, params=wrong) as response:
            assert response.status == 403
            assert VERIFICATION["hub.challenge"] not in await response.text()

    counted = await samples(town)
    assert counted.value("gearmesh_webhooks_total", app=app, outcome="verified") == 1
    assert counted.value("gearmesh_webhooks_total", app=app, outcome="refused") == 5


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_given_another_method_on_a_webhook_then_405(town: Town, method: str) -> None:
    url = f"{town.url}/webhooks/whatsapp"
    async with town.http.request(method, url, params=VERIFICATION, data=b"") as response:
        assert response.status == 405
        assert set(response.headers["Allow"].split(",")) == {"GET", "POST"}


async def test_given_another_process_that_stores_nothing_then_the_network_is_told_when_to_come_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cannot(request: WebhookRequest) -> WebhookResponse:
        """What a process says over NATS that is at work on the app."""
        return WebhookResponse(503, "not stored; send it again\n", "unavailable")

    monkeypatch.setattr(town.daemon.apps["whatsapp"].door, "webhook", cannot)
    async with town.http.post(f"{town.url}/webhooks/whatsapp", data=b"{}") as response:
        assert (response.status, response.headers.get("Retry-After")) == (503, "5")


@pytest.mark.parametrize("app", ["telegram", "WhatsApp", "gearmesh", "native", "%2e%2e", "x" * 500])
async def test_given_an_app_that_nobody_configured_then_404_and_it_is_no_label_of_a_metric(
    town: Town, app: str
) -> None:
    body = b"{}"
    headers = {"X-Hub-Signature-256": signed(body)}
    async with town.http.post(f"{town.url}/webhooks/{app}", data=body, headers=headers) as response:
        assert response.status == 404
    async with town.http.get(f"{town.url}/webhooks/{app}", params=VERIFICATION) as response:
        assert response.status == 404

    labels = {labels["app"] for labels in (await samples(town)).labels("gearmesh_webhooks_total")}
    assert labels <= {"whatsapp", "messenger", "instagram"}


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/", "/media/", "/nothing", "/paths/else"])
async def test_given_a_path_that_is_nothing_then_404(town: Town, path: str) -> None:
    assert (await town.get(path))[0] == 404


async def kept_file(town: Town, data: bytes) -> str:
    """The link to a file that somebody has sent."""
    await town.phones.types(ADA, "@cleo look at this")
    await town.phones.sees(CLEO, "look at this")
    encoded = base64.b64encode(data).decode()
    await town.phones.types(ADA, media={"type": "file", "base64": encoded, "mime": "application/pdf", "name": "p.pdf"})
    leg = await eventually(
        lambda: everything(town.daemon.connection, "GM_OUT", "gm.out.instagram.*"),
        lambda legs: len(legs) == 2,
        awaited="the file to be routed",
    )
    envelope = decode(leg[-1][1])
    content = open_body(envelope.header.seal, envelope.body)
    assert isinstance(content, Media)
    shared = town.daemon.apps["whatsapp"].app.shared
    record = await shared.files.fetch(content.ref)
    return shared.media_links.link(MediaRef(KEPT_FILES, record.name), shared.clock.seconds())


async def test_given_a_kept_file_then_a_part_of_it_or_only_its_size_can_be_asked_for(town: Town) -> None:
    data = b"%PDF-1.4\n" + bytes(number % 251 for number in range(300_000))
    link = await kept_file(town, data)

    async with town.http.head(link) as response:
        assert (response.status, await response.read()) == (200, b"")
        assert response.headers["Content-Length"] == str(len(data))
        assert response.headers["Accept-Ranges"] == "bytes"
    for asked, start, stop in (
        ("bytes=0-0", 0, 1),
        ("bytes=131000-131200", 131_000, 131_201),
        ("bytes=299000-", 299_000, len(data)),
        ("bytes=-5", len(data) - 5, len(data)),
        ("bytes=5-99999999", 5, len(data)),
    ):
        async with town.http.get(link, headers={"Range": asked}) as response:
            assert (response.status, await response.read()) == (206, data[start:stop]), asked
            assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(data)}"
    for ignored in ("bytes=0-1,5-6", "lines=1-2", "bytes=x", "bytes=--1"):
        async with town.http.get(link, headers={"Range": ignored}) as response:
            assert (response.status, await response.read()) == (200, data), ignored
    async with town.http.get(link, headers={"Range": f"bytes={len(data)}-"}) as response:
        assert (response.status, response.headers["Content-Range"]) == (416, f"bytes */{len(data)}")


async def test_given_a_kept_file_whose_pieces_are_gone_then_nobody_takes_a_part_for_the_whole(town: Town) -> None:
    link = await kept_file(town, b"%PDF-1.4\n" + bytes(400_000))
    js = town.daemon.connection.js
    state = (await js.stream_info("OBJ_gm-media")).state
    await js.delete_msg("OBJ_gm-media", state.last_seq - 1)

    async with town.http.get(link) as response:
        assert response.status == 404
