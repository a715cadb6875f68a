"""What WhatsApp tells a person whose window is closed: the operator's template, filled with who wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gearmesh import (
    ChatOpened,
    Delivery,
    EchoReceived,
    ReceiptReceived,
    Rejected,
    Sender,
    Sent,
    SupportsInvitations,
    Text,
    Unclear,
)
from gearmesh.config import parse
from gearmesh.errors import ConfigInvalid
from gearmesh_meta.config import WhatsAppConfig
from gearmesh_meta.whatsapp import WhatsApp

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import FakeContext, GraphStub, World

ADA = "16505551234"
BSUID = "US.13491208655302741918"
CLEO = Sender(name="Cleo Dubois", handle="cleo", network="Instagram")
OURS = f"{7:032x}:app:0"


def inviting(whatsapp: WhatsApp, context: FakeContext, *parameters: str, template: str = "someone_wrote") -> WhatsApp:
    changes = {"template": template, "template_parameters": parameters}
    return WhatsApp(msgspec.structs.replace(whatsapp.config, **changes), context)


def to(user: str, sender: Sender = CLEO) -> Delivery:
    return Delivery(OURS, user, user, Text("A secret"), sender, reply_to="wamid.Q")


async def test_given_a_template_then_it_is_sent_instead_of_the_message_and_told_apart_from_it(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext
) -> None:
    sent = await inviting(whatsapp, context, "sender", "network", "handle").invite(to(ADA))

    assert sent == Sent(("wamid.1",))
    assert graph_stub.calls[0][:2] == ("POST", "/v25.0/106540352242922/messages")
    assert graph_stub.bodies == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": ADA,
            "type": "template",
            "template": {
                "name": "someone_wrote",
                "language": {"code": "en_US"},
                "components": [
                    {
                        "type": "body",
                        "parameters": [
                            {"type": "text", "text": "Cleo Dubois"},
                            {"type": "text", "text": "Instagram"},
                            {"type": "text", "text": "@cleo"},
                        ],
                    }
                ],
            },
            "biz_opaque_callback_data": f"{OURS}:invitation",
        }
    ]


async def test_given_a_template_without_parameters_then_it_has_no_components(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext
) -> None:
    await inviting(whatsapp, context).invite(to(BSUID))

    assert graph_stub.bodies[0]["recipient"] == BSUID
    assert graph_stub.bodies[0]["template"] == {"name": "someone_wrote", "language": {"code": "en_US"}}


async def test_given_no_template_then_nobody_is_invited(whatsapp: WhatsApp, graph_stub: GraphStub) -> None:
    assert isinstance(whatsapp, SupportsInvitations)
    assert await whatsapp.invite(to(ADA)) is None
    assert graph_stub.calls == []


@pytest.mark.parametrize(
    ("sender", "filled"),
    [
        (Sender(), ["someone", "someone", "someone"]),
        (Sender(name=" \n\t "), ["someone", "someone", "someone"]),
        (Sender(handle="cleo"), ["@cleo", "someone", "@cleo"]),
        (Sender(name="Cleo\nof   the\tSea", network="Instagram"), ["Cleo of the Sea", "Instagram", "someone"]),
        (Sender(name="x" * 200), ["x" * 99 + "…", "someone", "someone"]),
    ],
)
async def test_a_parameter_is_never_of_a_form_that_whatsapp_refuses(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext, sender: Sender, filled: list[str]
) -> None:
    await inviting(whatsapp, context, "sender", "network", "handle").invite(to(ADA, sender))

    (component,) = graph_stub.bodies[0]["template"]["components"]
    assert [parameter["text"] for parameter in component["parameters"]] == filled


async def test_given_a_template_that_meta_does_not_know_then_the_invitation_fails(
    whatsapp: WhatsApp, graph_stub: GraphStub, context: FakeContext
) -> None:
    bridge = inviting(whatsapp, context)
    graph_stub.fails(132001, status=404)
    with pytest.raises(Rejected, match="132001"):
        await bridge.invite(to(ADA))
    graph_stub.says({})
    with pytest.raises(Unclear):
        await bridge.invite(to(ADA))


async def test_given_a_closed_window_then_the_phone_shows_the_invitation_and_its_statuses_are_not_the_messages(
    world: World,
) -> None:
    await world.next("whatsapp", ChatOpened)
    await world.control("POST", "clock", advance=25 * 3600)
    bridge, user = world.bridges["whatsapp"], "4915112345678"
    assert isinstance(bridge, WhatsApp)
    sent = await inviting(bridge, world.contexts["whatsapp"], "sender").invite(to(user))

    delivered = await world.next("whatsapp", ReceiptReceived)

    assert sent is not None
    assert [shown["text"] for shown in await world.sees("whatsapp")] == ["[someone_wrote] Cleo Dubois"]
    assert (delivered.state, delivered.native_ids, delivered.delivery_id) == ("delivered", sent.native_ids, "")
    events = [event for batch in world.contexts["whatsapp"].batches for event in batch]
    assert [event for event in events if isinstance(event, EchoReceived)] == []


def tables(**keys: Any) -> dict[str, Any]:
    secrets = {"token": "plain:t", "app_secret": "plain:s", "verify_token": "plain:v"}
    return {"apps": {"wa": {"bridge": "whatsapp", "phone_number_id": "1", **secrets, **keys}}}


def test_given_a_right_template_then_the_configuration_is_right() -> None:
    keys = {"template": "someone_wrote", "template_language": "de", "template_parameters": ["sender", "network"]}

    settings = parse(tables(**keys)).apps["wa"].settings

    assert isinstance(settings, WhatsAppConfig)
    assert (settings.template, settings.template_language) == ("someone_wrote", "de")
    assert settings.template_parameters == ("sender", "network")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("template", "Someone Wrote", "a template's name"),
        ("template", 5, "a template's name"),
        ("template_language", "english", "such as en_US"),
        ("template_language", "en-US", "such as en_US"),
        ("template_language", "", "such as en_US"),
        ("template_parameters", ["sender", "phone"], 'a list of "sender"'),
        ("template_parameters", "sender", 'a list of "sender"'),
    ],
)
def test_given_a_mistake_about_the_template_then_the_check_names_its_key(key: str, value: object, says: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse(tables(**{key: value}))

    (problem,) = caught.value.problems
    assert problem.startswith(f"apps.wa.{key}: ")
    assert says in problem
