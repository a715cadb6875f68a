"""fbmessenger: JSON calls to an old version of the API, and its webhook dispatcher. Only its base URL is changed."""

import base64
import json
import sys

from fbmessenger import BaseMessenger, MessengerClient
from fbmessenger.attachments import Image

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


def send(sandbox):
    client = MessengerClient("sandbox-token", app_secret="sandbox-app-secret", api_version="3.3")
    client.graph_url = f"{sandbox}/v3.3"
    picture = f"{sandbox}/sandbox/pictures/messenger/{USER}.png"
    uploaded = client.upload_attachment(Image(url=picture, is_reusable=True))
    return {
        "text": client.send({"text": "hello from fbmessenger"}, USER),
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
