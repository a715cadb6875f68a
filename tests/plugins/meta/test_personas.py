"""Personas: people from other networks under their own names on Messenger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from gearmesh import Delivery, Rejected, Secret, Sender, Text
from gearmesh_meta.config import MessengerConfig
from gearmesh_meta.messenger import Messenger
from gearmesh_meta.personas import shown_name

if TYPE_CHECKING:
    from tests.plugins.meta.conftest import FakeContext, GraphStub

THREAD = "7100000000000001"
ADA = Sender(name="Ada Lovelace", handle="ada", network="WhatsApp")
CLEO = Sender(name="Cleo", handle="cleo", network="Instagram", avatar="https://cdn.example/cleo.jpg?sig=1")


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def made(stub: GraphStub) -> list[Any]:
    """What personas were asked to be made."""
    return [body for method, path, _, body in stub.calls if method == "POST" and path.endswith("/personas")]


async def test_given_a_sender_then_their_persona_is_made_once(messenger: Messenger, graph_stub: GraphStub) -> None:
    graph_stub.says({"data": []})
    graph_stub.says({"id": "501"})

    assert [await messenger.ghost(THREAD, ADA) for _ in range(3)] == ["501"] * 3
    assert made(graph_stub) == [{"name": "Ada Lovelace (WhatsApp)"}]


async def test_given_a_sender_with_a_picture_then_it_is_shown(messenger: Messenger, graph_stub: GraphStub) -> None:
    graph_stub.says({"data": []})
    await messenger.ghost(THREAD, CLEO)
    graph_stub.says({"id": "9"})
    await messenger.ghost(THREAD, Sender(name="Dot", avatar="mxc://inner"))

    assert made(graph_stub) == [
        {"name": "Cleo (Instagram)", "profile_picture_url": CLEO.avatar},
        {"name": "Dot"},
    ]


async def test_given_a_picture_for_those_without_then_it_is_shown(context: FakeContext, graph_stub: GraphStub) -> None:
    config = MessengerConfig(
        page_id="1",
        token=Secret("t"),
        app_secret=Secret("s"),
        verify_token=Secret("v"),
        graph_url=graph_stub.url,
        persona_picture="https://example.org/person.png",
    )
    graph_stub.says({"data": []})

    await Messenger(config, context).ghost(THREAD, ADA)

    assert made(graph_stub)[0]["profile_picture_url"] == "https://example.org/person.png"


async def test_given_many_messages_of_one_sender_at_once_then_one_persona_is_made(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    graph_stub.says({"data": []})

    ids = await asyncio.gather(*(messenger.ghost(THREAD, ADA) for _ in range(20)))

    assert set(ids) == {"1"}
    assert len(made(graph_stub)) == 1


async def test_given_personas_from_before_a_restart_then_they_are_found_on_any_page(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    # Meta's picture addresses are signed anew each time: the signature does not make another person.
    first = {"id": "501", "name": "Cleo (Instagram)", "profile_picture_url": "https://cdn.example/cleo.jpg?sig=2"}
    second = {"id": 502, "name": "Ada Lovelace (WhatsApp)"}
    graph_stub.says({"data": [first], "paging": {"cursors": {"after": "c1"}, "next": "https://x"}})
    graph_stub.says({"data": [second], "paging": {"cursors": {"after": "c2"}}})

    assert await messenger.ghost(THREAD, ADA) == "502"
    assert await messenger.ghost(THREAD, CLEO) == "501"
    assert made(graph_stub) == []
    assert [query.get("after") for _, _, query, _ in graph_stub.calls] == [None, "c1"]


async def test_given_another_person_of_the_same_name_then_they_do_not_get_the_others_picture(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    other = {"id": "501", "name": "Cleo (Instagram)", "profile_picture_url": "https://cdn.example/somebody.jpg"}
    graph_stub.says({"data": [other]})
    graph_stub.says({"id": "502"})

    assert await messenger.ghost(THREAD, CLEO) == "502"


async def test_given_a_picture_that_meta_refuses_then_the_name_is_shown_without(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    graph_stub.says({"data": []})
    graph_stub.fails(100)
    graph_stub.says({"id": "503"})

    assert await messenger.ghost(THREAD, CLEO) == "503"
    assert made(graph_stub)[1] == {"name": "Cleo (Instagram)"}


async def test_given_a_refusal_then_nothing_is_tried_for_an_hour_and_it_is_logged_once(
    messenger: Messenger, graph_stub: GraphStub, context: FakeContext, logged: list[Any]
) -> None:
    graph_stub.says({"data": []})
    graph_stub.fails(100)
    assert await messenger.ghost(THREAD, ADA) == ""
    assert await messenger.ghost(THREAD, Sender(name="Dot")) == ""
    context.time += 3599
    assert await messenger.ghost(THREAD, ADA) == ""
    assert len(made(graph_stub)) == 1
    assert [line["log_level"] for line in logged] == ["warning"]

    context.time += 2

    assert await messenger.ghost(THREAD, ADA) == "1"


async def test_given_a_refusal_without_picture_then_those_with_one_still_have_their_persona(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    graph_stub.says({"data": []})
    graph_stub.fails(100)
    assert await messenger.ghost(THREAD, ADA) == ""

    assert await messenger.ghost(THREAD, CLEO) == "1"


async def test_given_a_passing_failure_then_it_is_tried_again_soon(
    messenger: Messenger, graph_stub: GraphStub, context: FakeContext
) -> None:
    graph_stub.fails(2, status=503)
    assert await messenger.ghost(THREAD, ADA) == ""
    context.time += 61
    graph_stub.says({"data": []})

    assert await messenger.ghost(THREAD, ADA) == "1"


async def test_given_a_persona_that_was_deleted_at_meta_then_the_message_goes_out_under_a_new_one(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    graph_stub.says({"data": []})
    graph_stub.says({"id": "501"})
    delivery = Delivery("leg", THREAD, THREAD, Text("hi"), ADA, ghost=await messenger.ghost(THREAD, ADA))
    graph_stub.fails(100)
    graph_stub.fails(100, 33)

    graph_stub.says({"id": "502"})
    await messenger.send(delivery)

    assert graph_stub.bodies[-1]["persona_id"] == "502"
    assert await messenger.ghost(THREAD, ADA) == "502"


async def test_given_a_deleted_persona_that_cannot_be_made_again_then_the_message_is_rejected(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    graph_stub.says({"data": []})
    delivery = Delivery("leg", THREAD, THREAD, Text("hi"), ADA, ghost=await messenger.ghost(THREAD, ADA))
    graph_stub.fails(100)
    graph_stub.fails(100, 33)
    graph_stub.fails(100)

    with pytest.raises(Rejected):
        await messenger.send(delivery)


async def test_given_a_rejection_for_another_reason_then_the_persona_stays(
    messenger: Messenger, graph_stub: GraphStub
) -> None:
    graph_stub.says({"data": []})
    delivery = Delivery("leg", THREAD, THREAD, Text("hi"), ADA, ghost=await messenger.ghost(THREAD, ADA))
    graph_stub.fails(100)
    graph_stub.says({"id": "1"})

    with pytest.raises(Rejected):
        await messenger.send(delivery)

    assert await messenger.ghost(THREAD, ADA) == "1"
    assert len(made(graph_stub)) == 1


async def test_given_personas_switched_off_then_none_is_made(context: FakeContext, graph_stub: GraphStub) -> None:
    config = MessengerConfig(
        page_id="1",
        token=Secret("t"),
        app_secret=Secret("s"),
        verify_token=Secret("v"),
        graph_url=graph_stub.url,
        personas=False,
    )

    assert await Messenger(config, context).ghost(THREAD, ADA) == ""
    assert graph_stub.calls == []


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        (ADA, "Ada Lovelace (WhatsApp)"),
        (Sender(handle="ada", network="Matrix"), "@ada (Matrix)"),
        (Sender(name="Ada"), "Ada"),
        (Sender(network="Matrix"), ""),
        (Sender(name="x" * 80, network="WhatsApp"), "x" * 38 + "… (WhatsApp)"),
        (Sender(name="Ada", network="N" * 60), "Ada"),
    ],
)
def test_a_name_says_the_network_and_has_at_most_50_characters(sender: Sender, name: str) -> None:
    assert shown_name(sender) == name
    assert len(name) <= 50
