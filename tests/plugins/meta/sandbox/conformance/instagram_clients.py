"""hiinsta and instagram-platform-sdk: sends and profiles; hiinsta also verifies and reads the webhooks.

hiinsta's base URL is a constant of its module, which is the one thing changed in it.
"""

import asyncio
import base64
import json
import sys

from hiinsta import InstagramMessenger, verify_signature, verify_subscription
from instagram_platform import InstagramClient

USER = "17841405793187218"
ACCOUNT = "17841400000000001"


async def send(sandbox):
    sys.modules["hiinsta.InstagramMessenger"].INSTAGRAM_BASE_URL = sandbox
    messenger = InstagramMessenger("sandbox-token")
    picture = f"{sandbox}/sandbox/pictures/instagram/{USER}.png"
    with InstagramClient("sandbox-token", ACCOUNT, base_url=sandbox, max_retries=0) as client:
        sent = client.messaging.send_message(USER, "hello from the SDK")
        profile = client.messaging.get_user_profile(USER)
        try:
            client.messaging.send_message("1", "x")
            unknown = None
        except Exception as error:
            unknown = [type(error).__name__, error.code, error.subcode]
    return {
        "text": await messenger.send_text("hello from hiinsta", USER),
        "image": await messenger.send_image(picture, USER),
        "user": (await messenger.get_user_data(USER)).username,
        "sdk_text": sent.message_id,
        "sdk_profile": profile.username,
        "sdk_unknown_user": unknown,
        "challenge": verify_subscription(
            {"hub.mode": "subscribe", "hub.verify_token": "sandbox-verify", "hub.challenge": "1"}, "sandbox-verify"
        ),
    }


def read(deliveries):
    result = {"signed": [], "seen": []}
    for delivery in deliveries:
        body = base64.b64decode(delivery["body"])
        result["signed"].append(verify_signature("sandbox-app-secret", body, delivery["signature"]))
        update = InstagramMessenger.process_payload(json.loads(body))
        for entry in update.entry:
            for messaging in entry.messaging:
                message = messaging.message
                result["seen"].append([messaging.sender.id, message.text if message else None])
    return result


def main(sandbox, deliveries=None):
    if deliveries is None:
        return asyncio.run(send(sandbox))
    with open(deliveries) as file:
        return read(json.load(file))


print(json.dumps(main(*sys.argv[1:])))
