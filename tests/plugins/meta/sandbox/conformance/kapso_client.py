"""kapso-whatsapp-cloud-api: sends to the sandbox, then checks and normalises the webhooks that came of it."""

import asyncio
import base64
import json
import sys

from kapso_whatsapp import WhatsAppClient
from kapso_whatsapp.webhooks import normalize_webhook, verify_signature

USER = "4915112345678"
NUMBER = "100000000000001"


async def send(sandbox):
    async with WhatsAppClient(access_token="sandbox-token", base_url=sandbox, graph_version="v25.0") as client:
        text = await client.messages.send_text(phone_number_id=NUMBER, to=USER, body="hello from kapso")
        media = await client.media.upload(
            phone_number_id=NUMBER, file=b"jpeg bytes", filename="a.jpg", type="image/jpeg"
        )
        image = await client.messages.send_image(phone_number_id=NUMBER, to=USER, image={"id": media.id})
        found = await client.media.get(media_id=media.id, phone_number_id=NUMBER)
        data = await client.media.download(media_id=media.id, phone_number_id=NUMBER)
        return {
            "text": text.messages[0].id,
            "image": image.messages[0].id,
            "mime": found.mime_type,
            "downloaded": base64.b64encode(data).decode(),
        }


def read(deliveries):
    result = {"signed": [], "messages": [], "statuses": []}
    for delivery in deliveries:
        body = base64.b64decode(delivery["body"])
        result["signed"].append(
            verify_signature(app_secret="sandbox-app-secret", raw_body=body, signature_header=delivery["signature"])
        )
        found = normalize_webhook(json.loads(body))
        result["messages"].extend([message["type"], message.get("from")] for message in found.messages)
        result["statuses"].extend([status.status, status.id, status.recipient_id] for status in found.statuses)
    return result


def main(sandbox, deliveries=None):
    if deliveries is None:
        return asyncio.run(send(sandbox))
    with open(deliveries) as file:
        return read(json.load(file))


print(json.dumps(main(*sys.argv[1:])))
