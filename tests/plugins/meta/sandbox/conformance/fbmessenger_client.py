"""fbmessenger: JSON calls to an old version of the API, and its webhook dispatcher. Only its base URL is changed."""

import base64
import json
import sys

from fbmessenger import BaseMessenger, MessengerClient
from fbmessenger.attachments import Image
from fbmessenger.elements import Button, Element, Text
from fbmessenger.quick_replies import QuickReplies, QuickReply

USER = "7100000000000001"


class Reader(BaseMessenger):
    def __init__(self):
        super().__init__("sandbox-token")
        self.seen = []

    def message(self, message):
        content = message["message"]
        self.seen.append(["message", content["mid"], content.get("text"), content.get("is_echo", False)])

    def delivery(self, message):
        self.seen.append(["delivery", message["delivery"]["mids"]])

    def read(self, message):
        self.seen.append(["read", message["read"]["watermark"]])

    def postback(self, message):
        self.seen.append(["postback", message["postback"]["payload"], self.get_user_id()])

    def optin(self, message):
        self.seen.append(["optin"])

    def account_linking(self, message):
        self.seen.append(["account_linking"])


def template(**payload):
    return {"attachment": {"type": "template", "payload": payload}}


def send(sandbox):
    client = MessengerClient("sandbox-token", app_secret="sandbox-app-secret", api_version="3.3")
    client.graph_url = f"{sandbox}/v3.3"
    picture = f"{sandbox}/sandbox/pictures/messenger/{USER}.png"
    uploaded = client.upload_attachment(Image(url=picture, is_reusable=True))
    replies = QuickReplies([QuickReply(title="Yes", payload="y"), QuickReply(title="No", payload="n")])
    open_it = Button(button_type="web_url", title="Open", url="https://example.org/")
    buy = Button(button_type="postback", title="Buy", payload="BUY")
    # Its own templates want a name that Python has no more (collections.Iterable); what stands on them works.
    card = Element(title="Lamp", subtitle="30 €", image_url=picture, buttons=[open_it, buy])
    return {
        "text": client.send({"text": "hello from fbmessenger"}, USER),
        "asked": client.send(Text(text="well?", quick_replies=replies).to_dict(), USER),
        "card": client.send(template(template_type="generic", elements=[card.to_dict()]), USER),
        "buttons": client.send(template(template_type="button", text="look", buttons=[buy.to_dict()]), USER),
        "image": client.send(Image(attachment_id=uploaded["attachment_id"]).to_dict(), USER),
        "typing": client.send_action("typing_on", USER),
        "seen": client.send_action("mark_seen", USER),
        "profile": client.get_user_data(USER, fields=["first_name", "last_name"]),
        "greeting": client.set_messenger_profile({"greeting": [{"locale": "default", "text": "Hi"}]}),
        "tag": client.send({"text": "x"}, USER, messaging_type="MESSAGE_TAG", tag="ACCOUNT_UPDATE")["error"]["code"],
    }


def read(deliveries):
    reader = Reader()
    for delivery in deliveries:
        for entry in json.loads(base64.b64decode(delivery["body"]))["entry"]:
            reader.handle({"entry": [entry]})
    return {"seen": reader.seen}


def main(sandbox, deliveries=None):
    if deliveries is None:
        return send(sandbox)
    with open(deliveries) as file:
        return read(json.load(file))


print(json.dumps(main(*sys.argv[1:])))
