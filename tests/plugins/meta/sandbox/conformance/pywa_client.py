"""pywa: sends to the sandbox, then reads the webhooks that came of it. Only its base URL is changed."""

import base64
import json
import sys

import httpx
from pywa import WhatsApp, errors
from pywa.types import Button, Contact, Message, MessageStatus, Section, SectionList, SectionRow, URLButton

USER = "4915112345678"


def connect(sandbox):
    client = WhatsApp(
        phone_id="100000000000001",
        token="sandbox-token",
        waba_id="100000000000003",
        app_secret="sandbox-app-secret",
        session=httpx.Client(),
        server=None,
    )
    client.api._session.base_url = f"{sandbox}/v25.0"
    return client


def failure(kind, call):
    try:
        call()
    except kind as error:
        return [type(error).__name__, error.code]
    return None


def send(client, sandbox):
    text = client.send_message(USER, "hello from pywa", tracker="leg-1")
    media = client.upload_media(b"\x89PNG bytes", mime_type="image/png", filename="a.png")
    image = client.send_image(USER, media, caption="look")
    url = client.get_media_url(media.id)
    downloaded = client.get_media_bytes(url.url)
    card = Contact(
        name=Contact.Name(formatted_name="Bo Li", first_name="Bo"),
        phones=[Contact.Phone(phone="+1 23", type="WORK")],
        emails=[Contact.Email(email="bo@example.org")],
        org=Contact.Org(company="ACME"),
    )
    rows = SectionList("Choose", [Section("S", [SectionRow("A", callback_data="a", description="the first")])])
    second = client.send_message(USER, "second")
    client.send_reaction(USER, "❤️", second.id)
    sent = {
        "second": second.id,
        "unreacted": client.remove_reaction(USER, second.id).id,
        "contact": client.send_contact(USER, card).id,
        "list": client.send_message(USER, "which?", buttons=rows).id,
        "link": client.send_message(USER, "look", buttons=URLButton("Open", url="https://example.org/")).id,
        "text": text.id,
        "image": image.id,
        "buttons": client.send_message(USER, "well?", buttons=[Button("Yes", callback_data="y")]).id,
        "location": client.send_location(USER, 52.5, 13.4, name="Here", address="Street 1").id,
        "reaction": client.send_reaction(USER, "👍", text.id).id,
        "reply": client.send_message(USER, "again", reply_to_message_id=text.id).id,
    }
    typed = httpx.post(f"{sandbox}/sandbox/phones/whatsapp/{USER}/messages", json={"text": "äöå / 😀"}).json()
    return {
        "sent": sent,
        "downloaded": base64.b64encode(downloaded).decode(),
        "sha256": url.sha256,
        "size": url.file_size,
        "read": client.mark_message_as_read(typed["id"]).success,
        "typing": client.indicate_typing(typed["id"]).success,
        "deleted": client.delete_media(media.id).success,
        "unknown_user": failure(errors.WhatsAppError, lambda: client.send_message("4900000000", "x")),
        "too_long": failure(errors.WhatsAppError, lambda: client.send_message(USER, "x" * 4097)),
        "too_many": failure(
            errors.WhatsAppError,
            lambda: client.send_message(
                USER, "x", buttons=[Button(str(each), callback_data=str(each)) for each in range(4)]
            ),
        ),
    }


def read(client, deliveries):
    seen = []

    @client.on_message
    def message(_, message: Message):
        quoted = message.reply_to_message.message_id if message.reply_to_message else None
        seen.append(["message", message.type, message.text, message.from_user.wa_id, message.from_user.name, quoted])

    @client.on_message_status
    def status(_, status: MessageStatus):
        code = status.error.code if status.error else None
        seen.append(["status", status.status, status.id, status.tracker, code])

    verdicts = []
    for delivery in deliveries:
        body = base64.b64decode(delivery["body"])
        verdicts.append(client.webhook_update_validator(body, delivery["signature"]))
        verdicts.append(client.webhook_update_validator(body + b" ", delivery["signature"]) is None)
        client.webhook_update_handler(body)
    return {"seen": seen, "verdicts": verdicts}


def main(sandbox, deliveries=None):
    client = connect(sandbox)
    if deliveries is None:
        return send(client, sandbox)
    with open(deliveries) as file:
        return read(client, json.load(file))


print(json.dumps(main(*sys.argv[1:])))
