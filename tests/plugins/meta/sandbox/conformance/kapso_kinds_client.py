"""kapso-whatsapp-cloud-api: one message of each kind that is not a text or a file."""

import asyncio
import json
import sys

from kapso_whatsapp import WhatsAppClient

TO = {"phone_number_id": "100000000000001", "to": "4915112345678"}


async def send(sandbox):
    async with WhatsAppClient(access_token="sandbox-token", base_url=sandbox, graph_version="v25.0") as client:
        messages = client.messages
        text = (await messages.send_text(**TO, body="hello")).messages[0].id
        card = {"name": {"formatted_name": "Bo Li", "last_name": "Li"}, "phones": [{"phone": "+1 23"}]}
        rows = [{"title": "S", "rows": [{"id": "a", "title": "A", "description": "the first"}]}]
        items = [{"title": "S", "product_items": [{"product_retailer_id": "a"}, {"product_retailer_id": "b"}]}]
        answers = {
            "reaction": await messages.send_reaction(**TO, reaction={"message_id": text, "emoji": "👍"}),
            "contacts": await messages.send_contacts(**TO, contacts=[card]),
            "location": await messages.send_location(**TO, location={"latitude": 52.5, "longitude": 13.4}),
            "buttons": await messages.send_interactive_buttons(
                **TO,
                body_text="well?",
                buttons=[{"id": "y", "title": "Yes"}, {"id": "n", "title": "No"}],
                header_text="H",
                footer_text="F",
                context={"message_id": text},
            ),
            "list": await messages.send_interactive_list(**TO, body_text="which?", button_text="Choose", sections=rows),
            "link": await messages.send_interactive_cta_url(
                **TO, body_text="look", parameters={"display_text": "Open", "url": "https://example.org/"}
            ),
            "product": await messages.send_interactive_product(**TO, catalog_id="77", product_retailer_id="lamp"),
            "products": await messages.send_interactive_product_list(
                **TO, catalog_id="77", sections=items, header_text="H", body_text="B"
            ),
            "where": await messages.send_interactive_location_request(**TO, body_text="where?"),
        }
        return {"text": text, **{kind: answer.messages[0].id for kind, answer in answers.items()}}


print(json.dumps(asyncio.run(send(*sys.argv[1:]))))
