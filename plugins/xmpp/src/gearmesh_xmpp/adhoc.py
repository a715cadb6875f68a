"""What people can do from a menu of their client (XEP-0050): the commands that they could also write, as forms.

A command becomes the words that a person would have written to the component, so the core does the same with it; what
the core says to them next is the answer. Forms have all that is needed, so nothing is remembered between the steps.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Final

import msgspec

from gearmesh_xmpp.elements import (
    COMMANDS,
    DISCO_INFO,
    DISCO_ITEMS,
    XDATA,
    Element,
    child,
    children,
    element,
    said,
    with_children,
)
from gearmesh_xmpp.names import found_as

CODE: Final = re.compile(r"[\w-]{1,64}")
"""Of a group, as Gearmesh reads it after `join`."""
HELP: Final = (
    "To write to somebody on another network, write to their JID here (“Find somebody” tells it), or write "
    "“@handle hello” to this address. Write “join CODE” to this address to enter a group; then what you write to this "
    "address goes to everybody in it, until you write “leave”."
)
UNANSWERED: Final = "It is done as if you had written it. What there is to say about it comes as a message."


class Node(msgspec.Struct, frozen=True):
    """One command: its name in menus, what is asked for (a label, or ""), and the words that it stands for, if any."""

    title: str
    label: str = ""
    words: str = ""


NODES: Final[Mapping[str, Node]] = {
    "find": Node("Find somebody", "Their handle, or their address, such as whatsapp:4915112345678"),
    "join": Node("Enter a group", "The group's code", "join"),
    "leave": Node("Leave the group that I write to", words="leave"),
    "mute": Node("Get nothing of the group that I write to", words="mute"),
    "unmute": Node("Get all of the group that I write to again", words="unmute"),
    "help": Node("How it works"),
}
FIELD: Final = "value"


class Written(msgspec.Struct, frozen=True):
    """A command stands for these words; `answered` makes its answer of what the core says to them."""

    words: str
    node: str
    session: str

    def answered(self, text: str) -> Element:
        """The answer, with what the core said; "" for nothing."""
        return _done(self.node, self.session, text or UNANSWERED)


class Impossible(Exception):
    """There is no such command, or it cannot be done. `name` is the error's condition, `kind` its type."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        super().__init__(name)


def items(component: str) -> Element:
    """The menu, as an answer about the node of all commands (section 2.2)."""
    menu = element("query", DISCO_ITEMS, node=COMMANDS)
    menu.extend(element("item", DISCO_ITEMS, jid=component, node=name, name=node.title) for name, node in NODES.items())
    return menu


def info(name: str) -> Element | None:
    """What a command is (section 2.3); None for what is none."""
    node = NODES.get(name)
    if node is None:
        return None
    told = element("query", DISCO_INFO, node=name)
    identity = element("identity", DISCO_INFO, category="automation", type="command-node", name=node.title)
    return with_children(told, identity, *(element("feature", DISCO_INFO, var=one) for one in (COMMANDS, XDATA)))


def performed(command: Element, component: str) -> Element | Written:
    """The answer to a command, or what it stands for.

    Raises:
        Impossible: there is none.
    """
    name, session = command.get("node", ""), command.get("sessionid", "") or uuid.uuid4().hex
    node = NODES.get(name)
    if node is None:
        raise Impossible("cancel", "item-not-found")
    if command.get("action") == "cancel":
        return element("command", COMMANDS, node=name, sessionid=session, status="canceled")
    if command.get("action", "execute") not in {"execute", "complete", "next"}:
        raise Impossible("modify", "bad-request")
    if name == "help":
        return _done(name, session, HELP)
    if not node.label:
        return Written(node.words, name, session)
    value = _value(command)
    if value is None:
        return _asks(name, node, session)
    if name == "find":
        jid = found_as(value, component)
        return _found(session, value, jid) if jid else _asks(name, node, session, "Nobody can have such an address.")
    if not CODE.fullmatch(value):
        return _asks(name, node, session, "A code is one word of letters, digits, - and _.")
    return Written(f"{node.words} {value}", name, session)


def _value(command: Element) -> str | None:
    """What was filled in; None where nothing was asked yet."""
    filled = child(command, "x", XDATA)
    if filled is None or filled.get("type") != "submit":
        return None
    fields = (one for one in children(filled, "field", XDATA) if one.get("var") == FIELD)
    return next((said(one, "value", XDATA).strip() for one in fields), "")


def _asks(name: str, node: Node, session: str, wrong: str = "") -> Element:
    asked = element("command", COMMANDS, node=name, sessionid=session, status="executing")
    actions = with_children(element("actions", COMMANDS, execute="complete"), element("complete", COMMANDS))
    form = with_children(element("x", XDATA, type="form"), element("title", XDATA, node.title))
    field = element("field", XDATA, var=FIELD, type="text-single", label=node.label)
    form.append(with_children(field, element("required", XDATA)))
    note = element("note", COMMANDS, wrong, type="error") if wrong else None
    return with_children(asked, actions, note, form)


def _found(session: str, asked: str, jid: str) -> Element:
    done = _done("find", session, f"{asked} is {jid} here: write to it, or add it to your contacts.")
    table = with_children(element("x", XDATA, type="result"), element("title", XDATA, NODES["find"].title))
    field = element("field", XDATA, var="jid", type="jid-single", label="Address")
    table.append(with_children(field, element("value", XDATA, jid)))
    done.append(table)
    return done


def _done(name: str, session: str, words: str) -> Element:
    done = element("command", COMMANDS, node=name, sessionid=session, status="completed")
    return with_children(done, element("note", COMMANDS, words, type="info"))
