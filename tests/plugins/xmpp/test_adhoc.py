"""What a client's menu offers: commands as forms, which do what the written ones do."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh import MessageReceived, Text
from gearmesh_xmpp import hearing
from gearmesh_xmpp.adhoc import FIELD, NODES
from gearmesh_xmpp.elements import (
    COMMANDS,
    DISCO_INFO,
    DISCO_ITEMS,
    XDATA,
    Element,
    child,
    children,
    condition,
    element,
    every,
    said,
    with_children,
)

from .conftest import GRACE_JID, Desk
from .person import Person
from .server import BRIDGE

ADA = "ada@example.org"


async def chooses(person: Person, node: str, value: str | None = None, **attributes: str) -> Element:
    """Choose a command, with what is filled into its form; returns the whole answer."""
    command = element("command", COMMANDS, node=node, **attributes)
    if value is not None:
        field = with_children(element("field", XDATA, var=FIELD), element("value", XDATA, value))
        command.append(with_children(element("x", XDATA, type="submit"), field))
    return await person.asks("set", BRIDGE, command)


def command_in(answer: Element) -> Element:
    found = child(answer, "command", COMMANDS)
    assert found is not None, condition(answer)
    return found


async def test_given_the_menu_then_each_command_of_it_says_what_it_is(desk: Desk, ada: Person) -> None:
    menu = child(await ada.asks("get", BRIDGE, element("query", DISCO_ITEMS, node=COMMANDS)), "query", DISCO_ITEMS)
    assert menu is not None
    assert [one.get("node") for one in children(menu, "item", DISCO_ITEMS)] == list(NODES)
    about = child(await ada.asks("get", BRIDGE, element("query", DISCO_INFO, node="join")), "query", DISCO_INFO)
    assert about is not None
    assert [one.get("type") for one in children(about, "identity", DISCO_INFO)] == ["command-node"]
    plain = child(await ada.asks("get", BRIDGE, element("query", DISCO_INFO)), "query", DISCO_INFO)
    assert plain is not None
    assert COMMANDS in {one.get("var") for one in children(plain, "feature", DISCO_INFO)}


async def test_given_a_group_to_enter_then_its_code_is_asked_for_and_the_core_answers(desk: Desk, ada: Person) -> None:
    form = command_in(await chooses(ada, "join"))
    assert form.get("status") == "executing"
    assert [one.get("var") for one in every(form, "field", XDATA)] == [FIELD]
    wrong = command_in(await chooses(ada, "join", "two words", sessionid=form.get("sessionid", "")))
    assert wrong.get("status") == "executing"
    note = child(wrong, "note", COMMANDS)
    assert note is not None
    assert note.get("type") == "error"

    answering = asyncio.create_task(
        chooses(ada, "join", "parlour", sessionid=form.get("sessionid", ""), action="complete")
    )
    event = await desk.context.next_event(MessageReceived)
    assert (event.content, event.user, event.thread) == (Text("join parlour"), ADA, ADA)
    await desk.says("You are in The parlour now", ADA)
    done = command_in(await answering)
    assert (done.get("status"), said(done, "note", COMMANDS)) == ("completed", "You are in The parlour now")
    assert done.get("sessionid") == form.get("sessionid")
    await ada.reads("You are in The parlour now")


@pytest.mark.parametrize("word", ["leave", "mute", "unmute"])
async def test_given_a_command_without_a_form_then_it_is_the_word_and_silence_is_no_failure(
    desk: Desk, ada: Person, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setattr(hearing, "REPLIED_WITHIN", 0.1)
    done = command_in(await chooses(ada, word))
    assert done.get("status") == "completed"
    assert (await desk.context.next_event(MessageReceived)).content == Text(word)


async def test_given_somebody_to_find_then_their_jid_is_the_answer_and_nobody_hears_of_it(
    desk: Desk, ada: Person
) -> None:
    done = command_in(await chooses(ada, "find", "whatsapp:4915112345678"))
    assert [said(one, "value", XDATA) for one in every(done, "field", XDATA)] == [GRACE_JID]
    assert command_in(await chooses(ada, "find", "")).get("status") == "executing"
    assert said(command_in(await chooses(ada, "help")), "note", COMMANDS)
    assert not desk.context.events


async def test_given_no_such_command_or_action_then_it_is_refused_and_any_can_be_given_up(
    desk: Desk, ada: Person
) -> None:
    assert condition(await chooses(ada, "dance"))[0] == "item-not-found"
    assert condition(await chooses(ada, "join", action="jump"))[0] == "bad-request"
    assert command_in(await chooses(ada, "join", action="cancel")).get("status") == "canceled"
    assert not desk.context.events


async def test_given_an_old_version_of_what_can_be_done_when_it_is_asked_for_then_nothing_is_said_of_it(
    desk: Desk, ada: Person
) -> None:
    answer = await ada.asks("get", GRACE_JID, element("query", DISCO_INFO, node="https://gearmesh.example/xmpp#old"))
    assert condition(answer)[0] in {"item-not-found", "service-unavailable"}
