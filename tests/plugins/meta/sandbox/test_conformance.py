"""Clients that nobody here wrote, against the sandbox: they send, and they read the webhooks that came of it.

They live in an environment of their own, so that their pins never meet ours. Their drivers are the scripts in
`conformance/`; each prints one JSON object.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from .harness import ADA, BEN, CLEO, Start, World

DRIVERS = Path(__file__).parent / "conformance"
REQUIREMENTS = DRIVERS / "requirements-clients.txt"
ENVIRONMENTS = Path(__file__).parents[3] / ".venvs"


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter of an environment with the clients; made once for each set of requirements and Python."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    environment = ENVIRONMENTS / digest
    interpreter = environment / "bin" / "python"
    finished = environment / "finished"
    if finished.exists():
        return interpreter
    shutil.rmtree(environment, ignore_errors=True)
    venv.create(environment, with_pip=True)
    install = [
        str(interpreter),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(REQUIREMENTS),
    ]
    done = subprocess.run(install, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        shutil.rmtree(environment, ignore_errors=True)
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"the clients cannot be installed: {last}")
    finished.touch()
    return interpreter


@pytest.fixture
async def world(start: Start) -> World:
    """A sandbox that tells one thing in each webhook, as some of the clients read no more than the first.

    pywa reads a failed status only when it has contacts, which Meta's documentation says it has not.
    """
    world = await start(batch=1, failed_contacts=True)
    await world.settled()
    return world


async def drive(python: Path, script: str, *arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        python, DRIVERS / script, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return dict(json.loads(output))


def saved(world: World, network: str, folder: Path) -> str:
    """The network's webhooks as a file for a driver to read."""
    deliveries = [
        {"body": base64.b64encode(delivery.body).decode(), "signature": delivery.headers["X-Hub-Signature-256"]}
        for delivery in world.business.deliveries
        if delivery.network == network
    ]
    path = folder / "deliveries.json"
    path.write_text(json.dumps(deliveries))
    return str(path)


async def test_given_pywa_when_it_sends_and_reads_then_both_sides_understand(
    python: Path, world: World, tmp_path: Path
) -> None:
    result = await drive(python, "pywa_client.py", world.base)
    sent = result.pop("sent")
    assert base64.b64decode(result.pop("downloaded")) == b"\x89PNG bytes"
    assert result == {
        "sha256": base64.b64encode(hashlib.sha256(b"\x89PNG bytes").digest()).decode(),
        "size": "10",
        "read": True,
        "typing": True,
        "deleted": True,
        "unknown_user": ["MessageUndeliverable", 131026],
        "too_long": ["WhatsAppError", 100],
        "too_many": ["InvalidParameter", 131009],
    }
    shown = {message["id"]: message for message in await world.shown("whatsapp", ADA)}
    assert shown[sent["text"]]["text"] == "hello from pywa"
    assert shown[sent["image"]]["media"]["mime"] == "image/png"
    assert shown[sent["buttons"]]["text"] == "well?"
    assert shown[sent["buttons"]]["buttons"] == [{"kind": "reply", "title": "Yes", "id": "y"}]
    assert shown[sent["list"]]["buttons"] == [{"kind": "list", "title": "A", "id": "a", "text": "the first"}]
    assert shown[sent["link"]]["buttons"] == [{"kind": "url", "title": "Open", "url": "https://example.org/"}]
    assert shown[sent["location"]]["place"] == {
        "latitude": 52.5,
        "longitude": 13.4,
        "name": "Here",
        "address": "Street 1",
    }
    card = {"name": "Bo Li", "phones": ["+1 23"], "emails": ["bo@example.org"], "organisation": "ACME"}
    assert shown[sent["contact"]]["contacts"] == [card]
    assert shown[sent["text"]]["reactions"] == {"business": "👍"}
    assert "reactions" not in shown[sent["second"]]
    assert not {sent["reaction"], sent["unreacted"]} & shown.keys()
    assert shown[sent["reply"]]["reply_to"] == sent["text"]

    image = {"type": "image", "mime": "image/png", "base64": "eA=="}
    await world.type("whatsapp", ADA, text="caption", media=image)
    await world.type("whatsapp", ADA, text="yes", reply_to=sent["text"])
    world.clock.advance(86_401)
    failed = await world.whatsapp_text("too late", biz_opaque_callback_data="leg-2")
    await world.settled()
    read = await drive(python, "pywa_client.py", world.base, saved(world, "whatsapp", tmp_path))
    assert set(map(str, read["verdicts"][0::2])) == {"None"}
    assert not any(read["verdicts"][1::2])
    seen = read["seen"]
    assert ["message", "request_welcome", None, ADA, "Ada Lovelace", None] in seen
    assert ["message", "text", "äöå / 😀", ADA, "Ada Lovelace", None] in seen
    assert ["message", "image", None, ADA, "Ada Lovelace", None] in seen
    assert ["message", "text", "yes", ADA, "Ada Lovelace", sent["text"]] in seen
    for status in ("sent", "delivered", "read"):
        assert ["status", status, sent["text"], "leg-1", None] in seen
    assert seen[-1] == ["status", "failed", failed, "leg-2", 131047]
    assert len(seen) == len([delivery for delivery in world.business.deliveries if delivery.network == "whatsapp"])


async def test_given_kapso_when_it_sends_and_reads_then_both_sides_understand(
    python: Path, world: World, tmp_path: Path
) -> None:
    result = await drive(python, "kapso_client.py", world.base)
    shown = {message["id"]: message for message in await world.shown("whatsapp", ADA)}
    assert shown[result["text"]]["text"] == "hello from kapso"
    assert shown[result["image"]]["media"]["mime"] == result["mime"] == "image/jpeg"
    assert base64.b64decode(result["downloaded"]) == b"jpeg bytes"
    await world.type("whatsapp", ADA, text="hello")
    await world.settled()
    read = await drive(python, "kapso_client.py", world.base, saved(world, "whatsapp", tmp_path))
    assert all(read["signed"])
    assert read["messages"] == [["request_welcome", ADA], ["text", ADA]]
    statuses = [[status, result[kind], ADA] for kind in ("text", "image") for status in ("sent", "delivered")]
    assert read["statuses"][:4] == statuses
    assert [status for status, _, _ in read["statuses"][4:]] == ["read", "read"]


async def test_given_kapso_when_it_sends_each_kind_then_the_phone_shows_it(python: Path, world: World) -> None:
    sent = await drive(python, "kapso_kinds_client.py", world.base)
    shown = {message["id"]: message for message in await world.shown("whatsapp", ADA)}
    text, buttons = shown[sent["text"]], shown[sent["buttons"]]
    assert text["reactions"] == {"business": "👍"}
    assert shown[sent["contacts"]]["contacts"] == [{"name": "Bo Li", "phones": ["+1 23"]}]
    assert shown[sent["location"]]["place"] == {"latitude": 52.5, "longitude": 13.4}
    assert (buttons["text"], buttons["reply_to"]) == ("H\nwell?\nF", text["id"])
    assert [button["title"] for button in buttons["buttons"]] == ["Yes", "No"]
    assert shown[sent["list"]]["buttons"][0]["title"] == "A"
    assert shown[sent["link"]]["buttons"][0]["url"] == "https://example.org/"
    assert [item["retailer_id"] for item in shown[sent["product"]]["goods"]] == ["lamp"]
    assert [item["retailer_id"] for item in shown[sent["products"]]["goods"]] == ["a", "b"]
    assert shown[sent["where"]]["text"] == "where?"


async def test_given_metas_own_sdk_when_it_calls_then_its_forms_proofs_and_errors_work(
    python: Path, world: World
) -> None:
    callback = world.business.url.format(network="sdk")
    result = await drive(python, "facebook_business_client.py", world.base, callback)
    [message] = await world.shown("messenger", BEN)
    assert (message["text"], message["sender_name"]) == ("hello from the SDK", "Ada Lovelace")
    assert result["sent"] == {"recipient_id": BEN, "message_id": message["id"]}
    assert result["attachment"]["attachment_id"]
    assert message["reactions"] == {"business": "👍"}
    assert result["reacted"] == {"recipient_id": BEN}
    message, asked = await world.shown("instagram", CLEO)
    assert result["instagram"] == {"recipient_id": CLEO, "message_id": message["id"]}
    assert result["asked"] == {"recipient_id": CLEO, "message_id": asked["id"]}
    assert asked["buttons"] == [{"kind": "quick_reply", "title": "Yes", "id": "y"}]
    assert result["page"]["name"] == "Sandbox page"
    assert [persona["name"] for persona in result["personas"]] == ["Ada Lovelace"]
    assert result["unknown_user"] == [400, 100, 2018001, "OAuthException"]
    assert result["unknown_object"] == [400, 100, 33, "GraphMethodException"]
    assert result["bad_token"] == [401, 190, None, "OAuthException"]
    typed = await world.type("messenger", BEN, text="over there")
    part = await world.business.part("sdk", lambda part: part.get("message", {}).get("mid") == typed["id"])
    assert part["message"]["text"] == "over there"


async def test_given_fbmessenger_when_it_sends_and_reads_then_both_sides_understand(
    python: Path, world: World, tmp_path: Path
) -> None:
    typed = await world.type("messenger", BEN, text="äöå / 😀")
    result = await drive(python, "fbmessenger_client.py", world.base)
    assert result["profile"] == {"first_name": "Ben", "last_name": "Okri", "id": BEN}
    assert result["typing"] == result["seen"] == {"recipient_id": BEN}
    assert result["greeting"] == {"result": "success"}
    assert result["tag"] == 100
    mine, text, asked, card, buttons, image = await world.shown("messenger", BEN)
    assert mine["status"] == "read"
    assert result["text"] == {"recipient_id": BEN, "message_id": text["id"]}
    assert [button["title"] for button in asked["buttons"]] == ["Yes", "No"]
    assert (card["goods"][0]["title"], card["goods"][0]["text"]) == ("Lamp", "30 €")
    assert [button["kind"] for button in card["buttons"]] == ["url", "postback"]
    assert (buttons["text"], buttons["buttons"][0]["id"]) == ("look", "BUY")
    assert (image["id"], image["media"]["mime"]) == (result["image"]["message_id"], "image/png")
    await world.call("POST", f"/sandbox/phones/messenger/{BEN}/read")
    await world.settled()
    seen = (await drive(python, "fbmessenger_client.py", world.base, saved(world, "messenger", tmp_path)))["seen"]
    assert seen[0] == ["postback", "GET_STARTED", BEN]
    assert seen[1] == ["message", typed["id"], "äöå / 😀", False]
    assert ["message", text["id"], "hello from fbmessenger", True] in seen
    assert ["delivery", [image["id"]]] in seen
    assert seen[-1][0] == "read"


async def test_given_instagram_clients_when_they_send_and_read_then_both_sides_understand(
    python: Path, world: World, tmp_path: Path
) -> None:
    result = await drive(python, "instagram_clients.py", world.base)
    shown = {message["id"]: message for message in await world.shown("instagram", CLEO)}
    assert shown[result["sdk_text"]]["text"] == "hello from the SDK"
    assert shown[result["text"]]["text"] == "hello from hiinsta"
    assert shown[result["image"]]["media"]["mime"] == "image/png"
    assert (result["user"], result["sdk_profile"], result["challenge"]) == ("cleo", "cleo", "1")
    assert result["sdk_unknown_user"] == ["InstagramAPIError", 100, 2534014]
    await world.type("instagram", CLEO, text="äöå / 😀")
    await world.settled()
    read = await drive(python, "instagram_clients.py", world.base, saved(world, "instagram", tmp_path))
    assert all(read["signed"])
    assert read["seen"][0] == [CLEO, None]
    assert read["seen"][-1] == [CLEO, "äöå / 😀"]
    assert len(read["seen"]) == 6
