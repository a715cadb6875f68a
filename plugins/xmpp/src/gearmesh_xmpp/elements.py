"""XML of stanzas: namespaces, and ways to read and to write elements.

Elements of a stanza's own namespace (`jabber:client`, which a component's stream calls `jabber:component:accept`) have
none here: the same stanza looks the same, whether it comes by the stream or out of an archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from slixmpp.xmlstream import tostring

Element = ET.Element

OWN: Final = frozenset({"jabber:client", "jabber:component:accept"})
ATTENTION_FREE: Final = "urn:xmpp:hints"  # XEP-0334
AVATAR_DATA: Final = "urn:xmpp:avatar:data"  # XEP-0084
AVATAR_METADATA: Final = "urn:xmpp:avatar:metadata"
CHATSTATES: Final = "http://jabber.org/protocol/chatstates"  # XEP-0085
COMMANDS: Final = "http://jabber.org/protocol/commands"  # XEP-0050
CORRECT: Final = "urn:xmpp:message-correct:0"  # XEP-0308
DELAY: Final = "urn:xmpp:delay"  # XEP-0203
DISCO_INFO: Final = "http://jabber.org/protocol/disco#info"  # XEP-0030
DISCO_ITEMS: Final = "http://jabber.org/protocol/disco#items"
FALLBACK: Final = "urn:xmpp:fallback:0"  # XEP-0428
FASTEN: Final = "urn:xmpp:fasten:0"  # XEP-0422, as XEP-0424 had it until version 0.4
FORWARD: Final = "urn:xmpp:forward:0"  # XEP-0297
MAM: Final = "urn:xmpp:mam:2"  # XEP-0313
MARKERS: Final = "urn:xmpp:chat-markers:0"  # XEP-0333
MUC: Final = "http://jabber.org/protocol/muc"  # XEP-0045
MUC_USER: Final = "http://jabber.org/protocol/muc#user"
MUC_OWNER: Final = "http://jabber.org/protocol/muc#owner"
NICK: Final = "http://jabber.org/protocol/nick"  # XEP-0172
OOB: Final = "jabber:x:oob"  # XEP-0066
PING: Final = "urn:xmpp:ping"  # XEP-0199
PUBSUB: Final = "http://jabber.org/protocol/pubsub"  # XEP-0060
PUBSUB_EVENT: Final = "http://jabber.org/protocol/pubsub#event"
REACTIONS: Final = "urn:xmpp:reactions:0"  # XEP-0444
RECEIPTS: Final = "urn:xmpp:receipts"  # XEP-0184
REPLY: Final = "urn:xmpp:reply:0"  # XEP-0461
RETRACT: Final = "urn:xmpp:message-retract:1"  # XEP-0424
RETRACT_OLD: Final = "urn:xmpp:message-retract:0"
RSM: Final = "http://jabber.org/protocol/rsm"  # XEP-0059
SID: Final = "urn:xmpp:sid:0"  # XEP-0359
STANZAS: Final = "urn:ietf:params:xml:ns:xmpp-stanzas"  # RFC 6120, section 8.3.2
STYLING: Final = "urn:xmpp:styling:0"  # XEP-0393
VCARD: Final = "vcard-temp"  # XEP-0054
VCARD_UPDATE: Final = "vcard-temp:x:update"  # XEP-0153
XDATA: Final = "jabber:x:data"  # XEP-0004

_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to say (section 2.2). A server ends the stream of whoever tries."""


def element(tag: str, namespace: str = "", text: str = "", /, **attributes: str) -> Element:
    """An element. Attributes that are empty are left out; characters that XML cannot have become U+FFFD."""
    made = Element(f"{{{namespace}}}{tag}" if namespace else tag)
    for name, value in attributes.items():
        if value:
            made.set(name.rstrip("_"), legal(value))
    if text:
        made.text = legal(text)
    return made


def legal(text: str) -> str:
    """A text that XML can have."""
    return _ILLEGAL.sub("\ufffd", text)


def with_children(parent: Element, *children: Element | None) -> Element:
    """The same element, with these in it; None is nothing."""
    parent.extend([child for child in children if child is not None])
    return parent


def child(parent: Element, tag: str, namespace: str = "") -> Element | None:
    """The first child of this name."""
    return parent.find(f"{{{namespace}}}{tag}" if namespace else tag)


def children(parent: Element, tag: str, namespace: str = "") -> list[Element]:
    """All children of this name."""
    return parent.findall(f"{{{namespace}}}{tag}" if namespace else tag)


def said(parent: Element, tag: str, namespace: str = "") -> str:
    """The text of the first child of this name; "" without one."""
    found = child(parent, tag, namespace)
    return "" if found is None or found.text is None else found.text


def namespace_of(found: Element) -> str:
    """The namespace of an element."""
    return found.tag[1:].partition("}")[0] if found.tag.startswith("{") else ""


def settle(stanza: Element) -> Element:
    """The same stanza, with no namespace where it is the stanza's own."""
    for one in stanza.iter():
        if namespace_of(one) in OWN:
            one.tag = one.tag.partition("}")[2]
    return stanza


def written(stanza: Element) -> str:
    """A stanza as it goes on the stream."""
    return str(tostring(stanza))


def condition(stanza: Element) -> tuple[str, str, str]:
    """Of an error: its condition, its type, its text (RFC 6120, section 8.3); "undefined-condition" without one."""
    error = child(stanza, "error")
    if error is None:
        return "undefined-condition", "cancel", ""
    named = [one.tag.partition("}")[2] for one in error if namespace_of(one) == STANZAS]
    name = next((one for one in named if one != "text"), "undefined-condition")
    return name, error.get("type", "cancel"), said(error, "text", STANZAS)


def stamp(milliseconds: float) -> str:
    """A time as XEP-0082 writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def delayed(stanza: Element, by: str = "") -> int | None:
    """When it was sent, in milliseconds, where it says so (XEP-0203).

    With `by`, where that one says so, such as a room, which lets nobody else say it in its name.
    """
    for delay in children(stanza, "delay", DELAY):
        if by and delay.get("from") != by:
            continue
        try:
            at = datetime.fromisoformat(delay.get("stamp", "").replace("Z", "+00:00"))
        except ValueError:
            continue
        return max(0, int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000))
    return None


def form(kind: str, **fields: str) -> Element:
    """A form that is filled in (XEP-0004), with FORM_TYPE `kind`."""
    made = element("x", XDATA, type="submit")
    for name, value in (("FORM_TYPE", kind), *fields.items()):
        field = element("field", XDATA, var=name, type="hidden" if name == "FORM_TYPE" else "")
        made.append(with_children(field, element("value", XDATA, value)))
    return made


def every(root: Element, tag: str, namespace: str = "") -> Iterator[Element]:
    """All elements of this name, however deep."""
    return root.iter(f"{{{namespace}}}{tag}" if namespace else tag)


def result(stanza: Element, *payload: Element) -> Element:
    """The answer to a question."""
    made = element("iq", type="result", to=stanza.get("from", ""), id=stanza.get("id", ""))
    made.set("from", stanza.get("to", ""))
    return with_children(made, *payload)


def sent_back(stanza: Element, kind: str, name: str) -> Element:
    """A stanza with an error, to whoever sent it (RFC 6120, section 8.3)."""
    made = element(stanza.tag, type="error", to=stanza.get("from", ""), id=stanza.get("id", ""))
    made.set("from", stanza.get("to", ""))
    return with_children(made, with_children(element("error", type=kind), element(name, STANZAS)))


def real_jid(message: Element) -> str:
    """Who wrote in a room by their bare JID, where its archive tells (XEP-0313, section 5.1.2); "" where not.

    Prosody keeps what the writer may have claimed there beside its own word: where it stands twice, nobody is believed.
    """
    items = [item for told in children(message, "x", MUC_USER) for item in children(told, "item", MUC_USER)]
    return items[0].get("jid", "").partition("/")[0] if len(items) == 1 else ""
