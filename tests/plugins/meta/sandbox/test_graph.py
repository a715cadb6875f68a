"""What holds for every Graph call: tokens, versions, objects, subscriptions."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest
from aiohttp import FormData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .harness import ADA, APP, BEARER, BEN, INSTAGRAM, NUMBER, PAGE, WABA, Start, World

APP_TOKEN = f"{APP}|sandbox-app-secret"
PROOF = hmac.digest(b"sandbox-app-secret", b"sandbox-token", "sha256").hex()


@pytest.mark.parametrize(
    ("path", "options", "status", "code"),
    [
        (f"/v25.0/{NUMBER}", {"headers": BEARER}, 200, None),
        (f"/v9.1/{NUMBER}?access_token=sandbox-token", {}, 200, None),
        (f"/{NUMBER}", {"headers": {"Authorization": "OAuth sandbox-token"}}, 200, None),
        (f"/{NUMBER}?access_token=sandbox-token&appsecret_proof={PROOF}", {}, 200, None),
        (f"/{NUMBER}?access_token=sandbox-token&appsecret_proof=00", {}, 400, 100),
        (f"/{NUMBER}", {}, 401, 104),
        (f"/{NUMBER}", {"headers": {"Authorization": "Basic eA=="}}, 401, 104),
        (f"/{NUMBER}", {"headers": {"Authorization": "Bearer wrong"}}, 401, 190),
        ("/v25.0/454545", {"headers": BEARER}, 400, 100),
        ("/v25.0/", {"headers": BEARER}, 400, 100),
        (f"/v25.0/{NUMBER}/nothing", {"headers": BEARER}, 400, 100),
    ],
)
async def test_given_a_token_when_calling_then_it_is_judged(
    world: World, path: str, options: dict[str, Any], status: int, code: int | None
) -> None:
    got, answer = await world.call("GET", path, **options)
    assert (got, answer.get("error", {}).get("code")) == (status, code), answer


async def test_given_an_unknown_object_when_asked_for_then_the_error_says_so_in_metas_words(world: World) -> None:
    async with world.session.get(f"{world.base}/v23.0/454545", headers=BEARER) as response:
        answer = await response.json()
        assert response.headers["facebook-api-version"] == "v23.0"
        assert response.headers["x-fb-trace-id"]
    error = answer["error"]
    assert error["message"].startswith("Unsupported get request. Object with ID '454545' does not exist")
    assert (error["type"], error["error_subcode"]) == ("GraphMethodException", 33)


async def test_given_a_broken_body_when_posted_then_it_is_an_error_in_graphs_form(world: World) -> None:
    headers = BEARER | {"Content-Type": "application/json"}
    for data in (b"{", b"[]", b"\xff", b'"x"'):
        status, answer = await world.call("POST", f"/{NUMBER}/messages", data=data, headers=headers)
        assert (status, answer["error"]["code"]) == (400, 100)
    headers = BEARER | {"Content-Type": "multipart/form-data"}
    status, answer = await world.call("POST", f"/{NUMBER}/media", data=b"x", headers=headers)
    assert (status, answer["error"]["code"]) == (400, 100)


async def test_given_accounts_when_read_then_the_fields_asked_for_come(world: World) -> None:
    assert (await world.graph(f"{NUMBER}?fields=verified_name,display_phone_number"))[1] == {
        "verified_name": "Sandbox",
        "display_phone_number": "15550001111",
        "id": NUMBER,
    }
    assert (await world.graph(f"{WABA}/phone_numbers"))[1]["data"][0]["id"] == NUMBER
    assert (await world.graph(WABA))[1]["id"] == WABA
    assert (await world.graph(PAGE))[1] == {"id": PAGE, "name": "Sandbox page"}
    assert (await world.graph("me"))[1]["id"] == PAGE
    assert (await world.graph("me?fields=user_id,username"))[1] == {
        "user_id": INSTAGRAM,
        "username": "sandbox",
        "id": INSTAGRAM,
    }
    assert (await world.graph(f"{INSTAGRAM}?fields=username"))[1] == {"username": "sandbox", "id": INSTAGRAM}


async def test_given_tokens_when_debugged_then_they_are_known_or_invalid(world: World) -> None:
    _, answer = await world.graph("debug_token?input_token=sandbox-token")
    assert answer["data"]["is_valid"] is True
    assert answer["data"]["app_id"] == APP
    _, answer = await world.graph("debug_token", params={"input_token": APP_TOKEN})
    assert answer["data"]["type"] == "APP"
    _, answer = await world.graph("debug_token?input_token=other")
    assert answer["data"]["is_valid"] is False
    status, _ = await world.graph("debug_token")
    assert status == 400
    query = {"client_id": APP, "client_secret": "sandbox-app-secret", "grant_type": "client_credentials"}
    assert (await world.call("GET", "/oauth/access_token", params=query))[1]["access_token"] == APP_TOKEN
    query["client_secret"] = "wrong"
    assert (await world.call("GET", "/oauth/access_token", params=query))[1]["error"]["code"] == 101


async def test_given_a_callback_when_subscribed_then_it_is_challenged_and_used_from_then_on(start: Start) -> None:
    world = await start(webhooks="http://127.0.0.1:9/{network}")
    callback = world.business.url.format(network="elsewhere")
    order = {"object": "page", "callback_url": callback, "verify_token": "sandbox-verify", "fields": "messages"}
    status, answer = await world.graph(f"{APP}/subscriptions", order)
    assert (status, answer["error"]["code"]) == (400, 15)
    options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {APP_TOKEN}"}}
    status, answer = await world.graph(f"{APP}/subscriptions", order | {"verify_token": "wrong"}, **options)
    assert (status, answer["error"]["code"]) == (400, 2200)
    status, answer = await world.graph(f"{APP}/subscriptions", order | {"object": "user"}, **options)
    assert (status, answer["error"]["code"]) == (400, 100)
    for wrong in ({"callback_url": "http://127.0.0.1:9/"}, {"callback_url": "no address"}):
        status, answer = await world.graph(f"{APP}/subscriptions", order | wrong, **options)
        assert (status, answer["error"]["code"]) == (400, 2200)
    status, answer = await world.graph(f"{APP}/subscriptions", order | {"verify_token": ""}, **options)
    assert (status, answer["error"]["code"]) == (400, 100)
    status, answer = await world.graph(f"{APP}/subscriptions")
    assert (status, answer["error"]["code"]) == (400, 15)
    assert await world.graph(f"{APP}/subscriptions", order, **options) == (200, {"success": True})
    await world.type("messenger", BEN, text="hello")
    await world.business.part("elsewhere", lambda part: part.get("message", {}).get("text") == "hello")
    _, answer = await world.graph(f"{APP}/subscriptions", **options)
    [page] = [subscription for subscription in answer["data"] if subscription["object"] == "page"]
    assert page["callback_url"] == callback
    assert page["fields"] == [{"name": "messages"}]


async def test_given_fields_when_the_page_subscribes_then_only_their_events_come(world: World) -> None:
    status, _ = await world.graph(f"{PAGE}/subscribed_apps?subscribed_fields=messages", method="POST")
    assert status == 200
    await world.page(BEN, {"text": "hello"})
    await world.type("messenger", BEN, text="answer")
    await world.settled()
    kinds = [sorted(part)[0] for part in world.business.parts("messenger")]
    assert kinds == ["postback", "message"]
    _, answer = await world.graph(f"{PAGE}/subscribed_apps")
    assert answer["data"][0]["subscribed_fields"] == ["messages"]
    assert (await world.graph(f"{PAGE}/subscribed_apps", method="POST"))[0] == 400
    status, _ = await world.graph(f"{INSTAGRAM}/subscribed_apps?subscribed_fields=messages", method="POST")
    assert status == 200


async def test_given_an_unsubscribed_number_when_typed_then_nothing_is_told_until_resubscribed(
    world: World,
) -> None:
    before = len(world.business.deliveries)
    await world.graph(f"{WABA}/subscribed_apps", method="DELETE")
    assert (await world.graph(f"{WABA}/subscribed_apps"))[1] == {"data": []}
    await world.type("whatsapp", ADA, text="unheard")
    assert await world.graph(f"{WABA}/subscribed_apps", method="POST") == (200, {"success": True})
    await world.type("whatsapp", ADA, text="heard")
    await world.settled()
    [told] = world.business.deliveries[before:]
    assert b"unheard" not in told.body
    override = {"override_callback_uri": world.business.url.format(network="other"), "verify_token": "sandbox-verify"}
    assert await world.graph(f"{WABA}/subscribed_apps", override) == (200, {"success": True})
    await world.type("whatsapp", ADA, text="there")
    await world.business.part("other", lambda part: part.get("text") == {"body": "there"})


async def test_given_calls_when_looked_at_then_the_last_ones_stand_there_without_their_tokens(world: World) -> None:
    form = FormData({"messaging_product": "whatsapp"})
    form.add_field("file", b"x", filename="a.png", content_type="image/png")
    await world.graph(f"{NUMBER}/media", method="POST", data=form)
    await world.call("POST", f"/{NUMBER}/messages", data=b"{", headers={"Content-Type": "application/json"})
    await world.whatsapp_text("x" * 500)
    await world.call("POST", f"/{PAGE}/messages?access_token=wrong", json={"recipient": {"id": BEN}})
    _, (upload, broken, *calls) = await world.call("GET", "/sandbox/calls")
    assert upload["body"]["file"] == "<a.png, image/png, 1 bytes>"
    assert (broken["status"], broken["body"]) == (400, {})
    assert calls == (await world.call("GET", "/sandbox/calls?limit=2"))[1]
    assert [(call["method"], call["status"]) for call in calls] == [("POST", 200), ("POST", 401)]
    assert calls[0]["path"] == f"/v25.0/{NUMBER}/messages"
    assert calls[0]["body"]["text"]["body"].endswith("… (500 characters)")
    assert "access_token" not in calls[1]["body"]
    _, state = await world.call("GET", "/sandbox/state")
    assert state["graph"] == {"calls": 4, "by_status": {"200": 2, "400": 1, "401": 1}}


KEYS = [
    "messaging_product", "type", "to", "recipient", "text", "body", "image", "id", "link", "template", "components",
    "parameters", "name", "language", "interactive", "action", "buttons", "sections", "rows", "reply", "contacts",
    "phones", "message", "attachment", "attachments", "payload", "elements", "quick_replies", "sticker_id", "context",
    "reply_to", "sender_action", "reaction", "message_id", "status", "typing_indicator", "persona_id", "location",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**12) | st.text(max_size=8) | st.just(ADA) | st.just(BEN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
FORMS = [
    {"messaging_product": "whatsapp", "to": ADA},
    {"recipient": {"id": BEN}},
    {"recipient": {"id": BEN}, "message": {}},
]


async def test_given_any_json_at_all_when_posted_then_the_answer_is_a_success_or_a_graph_error(world: World) -> None:
    bodies: list[dict[str, Any]] = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(FORMS), st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6), st.sampled_from(KEYS))
    def collect(form: dict[str, Any], extra: dict[str, Any], kind: str) -> None:
        bodies.append(json.loads(json.dumps(extra | form | {"type": kind})))
        if "message" in form:
            bodies[-1]["message"] = extra

    collect()
    for body in bodies:
        path = f"{NUMBER}/messages" if "messaging_product" in body else "me/messages"
        status, answer = await world.graph(path, body)
        assert status == 200 or set(answer) == {"error"}, (body, answer)
        assert status < 500, (body, answer)
