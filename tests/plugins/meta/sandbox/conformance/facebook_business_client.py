"""Meta's own Python SDK: form-encoded calls with `appsecret_proof`. Only its base URL is changed."""

import json
import sys

from facebook_business.adobjects.application import Application
from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.page import Page
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

MESSENGER, INSTAGRAM = "7100000000000001", "17841405793187218"
APP, SECRET = "100000000000000", "sandbox-app-secret"


def failure(call):
    try:
        call()
    except FacebookRequestError as error:
        return [error.http_status(), error.api_error_code(), error.api_error_subcode(), error.api_error_type()]
    return None


def main(sandbox, callback):
    FacebookSession.GRAPH = sandbox
    api = FacebookAdsApi.init(APP, SECRET, "sandbox-token")
    page = Page("100000000000002", api=api)
    instagram = IGUser("17841400000000001", api=api)
    picture = f"{sandbox}/sandbox/pictures/messenger/{MESSENGER}.png"
    persona = page.create_persona(params={"name": "Ada Lovelace", "profile_picture_url": picture})
    text = {"recipient": {"id": MESSENGER}, "message": {"text": "hello from the SDK"}, "persona_id": persona["id"]}
    image = {"type": "image", "payload": {"url": picture, "is_reusable": True}}
    sent = page.create_message(params=text | {"messaging_type": "RESPONSE"})
    uploaded = page.create_message_attachment(params={"message": {"attachment": image}})
    on_instagram = instagram.create_message(
        params={"recipient": {"id": INSTAGRAM}, "message": {"text": "hello from the SDK"}}
    )
    reaction = {"message_id": sent["message_id"], "reaction": "👍"}
    reacted = page.create_message(
        params={"recipient": {"id": MESSENGER}, "sender_action": "react", "payload": reaction}
    )
    reply = {"content_type": "text", "title": "Yes", "payload": "y"}
    asked = instagram.create_message(
        params={"recipient": {"id": INSTAGRAM}, "message": {"text": "well?", "quick_replies": [reply]}}
    )
    app_api = FacebookAdsApi.init(APP, SECRET, f"{APP}|{SECRET}")
    application = Application(APP, api=app_api)
    subscription = {
        "object": "page",
        "callback_url": callback,
        "verify_token": "sandbox-verify",
        "fields": ["messages", "message_echoes"],
    }
    application.create_subscription(params=subscription)
    return {
        "sent": sent.export_all_data(),
        "attachment": uploaded.export_all_data(),
        "instagram": on_instagram.export_all_data(),
        "reacted": reacted.export_all_data(),
        "asked": asked.export_all_data(),
        "page": page.api_get(fields=["name"]).export_all_data(),
        "personas": [found.export_all_data() for found in page.get_personas()],
        "unknown_user": failure(
            lambda: page.create_message(params={"recipient": {"id": "1"}, "message": {"text": "x"}})
        ),
        "unknown_object": failure(lambda: Page("454545", api=api).api_get()),
        "bad_token": failure(lambda: Page("100000000000002", api=FacebookAdsApi.init(APP, SECRET, "wrong")).api_get()),
    }


print(json.dumps(main(*sys.argv[1:])))
