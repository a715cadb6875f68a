"""What the component and its ghosts answer when a client asks about them: pure functions from a question to an answer.

A client offers what works by what it finds here (XEP-0030, with the hash of XEP-0115 in presences). Search (XEP-0055)
and the older gateway prompt (XEP-0100, section 6.3) turn a handle or an address of another network into the JID that
it has here; nothing is looked up, so nobody learns who exists.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from gearmesh import InvalidAddress, Sender
from gearmesh_xmpp.adhoc import info, items
from gearmesh_xmpp.elements import (
    AVATAR_DATA,
    AVATAR_METADATA,
    CHATSTATES,
    COMMANDS,
    CORRECT,
    DISCO_INFO,
    DISCO_ITEMS,
    MARKERS,
    NICK,
    OOB,
    PING,
    PUBSUB,
    REACTIONS,
    RECEIPTS,
    REPLY,
    RETRACT,
    SID,
    VCARD,
    Element,
    child,
    element,
    namespace_of,
    said,
    with_children,
)
from gearmesh_xmpp.names import VEIL, bare, found_as, meant_by
from gearmesh_xmpp.pictures import Picture, metadata, photo
from gearmesh_xmpp.sims import SIMS

CAPS: Final = "http://jabber.org/protocol/caps"
CAPS_NODE: Final = "https://gearmesh.example/xmpp"
GATEWAY: Final = "jabber:iq:gateway"
REGISTER: Final = "jabber:iq:register"
SEARCH: Final = "jabber:iq:search"
OF_GHOSTS: Final = (
    CHATSTATES,
    DISCO_INFO,
    DISCO_ITEMS,
    CORRECT,
    MARKERS,
    NICK,
    OOB,
    PING,
    REACTIONS,
    RECEIPTS,
    REPLY,
    RETRACT,
    SID,
    SIMS,
    VCARD,
)
OF_COMPONENT: Final = (*OF_GHOSTS, COMMANDS, GATEWAY, REGISTER, SEARCH, r"jid\20escaping")
HIDDEN: Final = "Somebody elsewhere"
SEARCHED: Final = (
    "Fill in the handle of somebody, such as grace, or their address on another network, such as whatsapp:4915112345678"
)
REGISTERED: Final = "Choose the handle under which people on other networks find you"


def features_of(jid: str) -> tuple[str, ...]:
    """What can be done with one of our JIDs, sorted."""
    return tuple(sorted(OF_GHOSTS if "@" in jid else OF_COMPONENT))


def identity_of(jid: str) -> tuple[str, str]:
    """Category and type of an identity (XEP-0030; the registry has both)."""
    return ("account", "registered") if "@" in jid else ("gateway", "xmpp")


def version_of(jid: str) -> str:
    """The hash of what can be done (XEP-0115, section 5.1), of identities without names."""
    category, kind = identity_of(jid)
    text = "".join(f"{one}<" for one in (f"{category}/{kind}//", *features_of(jid)))
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()


def caps(jid: str) -> Element:
    """What stands in the presences of one of our JIDs (XEP-0115)."""
    return element("c", CAPS, hash="sha-1", node=CAPS_NODE, ver=version_of(jid))


def answer(
    iq: Element, component: str, face: Sender | None, name: str, picture: Picture | None = None
) -> Element | None:
    """What the answer to a question holds; None: we have none. `face` is whom the ghost that is asked shows.

    Raises:
        InvalidAddress: the question is about an address that is none.
    """
    asked = bare(iq.get("to", ""))
    query = next(iter(iq), None)
    if query is None:
        return None
    match iq.get("type"), namespace_of(query):
        case "get", "http://jabber.org/protocol/disco#info":
            return _info(asked, query) if asked != component else info(query.get("node", "")) or _info(asked, query)
        case "get", "http://jabber.org/protocol/disco#items" if asked == component and query.get("node") == COMMANDS:
            return items(component)
        case "get", "http://jabber.org/protocol/disco#items" if "@" in asked and picture is not None:
            avatar = element("item", DISCO_ITEMS, jid=asked, node=AVATAR_METADATA)  # XEP-0084, section 3.2
            return with_children(element("query", DISCO_ITEMS, node=query.get("node", "")), avatar)
        case "get", "http://jabber.org/protocol/disco#items":
            return element("query", DISCO_ITEMS, node=query.get("node", ""))
        case "get", "vcard-temp":
            card = _vcard(asked, face, name)
            return with_children(card, photo(picture) if picture is not None else None)
        case "get", "http://jabber.org/protocol/pubsub" if picture is not None:
            return _avatar(query, picture)
        case _, "jabber:iq:search" if asked == component:
            return _search(query, component, iq.get("type") == "set")
        case _, "jabber:iq:gateway" if asked == component:
            return _gateway(query, component, iq.get("type") == "set")
        case "get", "jabber:iq:register" if asked == component:
            form = element("query", REGISTER)
            return with_children(form, element("instructions", REGISTER, REGISTERED), element("username", REGISTER))
        case _:
            return None


def handle_wanted(iq: Element) -> str | None:
    """The handle that a registration asks for (XEP-0077), "" for any; None: it is no registration."""
    query = child(iq, "query", REGISTER)
    if iq.get("type") != "set" or query is None or child(query, "remove", REGISTER) is not None:
        return None
    return said(query, "username", REGISTER).strip()


def _info(asked: str, query: Element) -> Element | None:
    node = query.get("node", "")
    if node and node != f"{CAPS_NODE}#{version_of(asked)}":
        return None  # of another version than is now, nothing can be said
    category, kind = identity_of(asked)
    info = element("query", DISCO_INFO, node=query.get("node", ""))
    info.append(element("identity", DISCO_INFO, category=category, type=kind))
    info.extend(element("feature", DISCO_INFO, var=feature) for feature in features_of(asked))
    return info


def _vcard(asked: str, face: Sender | None, name: str) -> Element:
    if "@" not in asked:
        shown = name
    elif face is not None:
        shown = face.name or face.handle or HIDDEN
    else:
        shown = HIDDEN if asked.startswith(VEIL) else meant_by(asked)
    card = with_children(element("vCard", VCARD), element("FN", VCARD, shown), element("NICKNAME", VCARD, shown))
    if face is not None and face.network:
        card.append(element("NOTE", VCARD, f"On {face.network}, by Gearmesh"))
    return card


def _avatar(query: Element, picture: Picture) -> Element | None:
    """A picture as XEP-0084 has it: what is known of it, or itself; None for any other node."""
    items = child(query, "items", PUBSUB)
    node = items.get("node", "") if items is not None else ""
    if node == AVATAR_DATA:
        payload = element("data", AVATAR_DATA, base64.b64encode(picture.data).decode())
    elif node == AVATAR_METADATA:
        payload = metadata(picture)
    else:
        return None
    item = with_children(element("item", PUBSUB, id=picture.sha1), payload)
    return with_children(element("pubsub", PUBSUB), with_children(element("items", PUBSUB, node=node), item))


def _search(query: Element, component: str, filled: bool) -> Element:
    found = element("query", SEARCH)
    if not filled:
        return with_children(found, element("instructions", SEARCH, SEARCHED), element("nick", SEARCH))
    asked = said(query, "nick", SEARCH).strip()
    jid = found_as(asked, component)
    if jid:
        found.append(with_children(element("item", SEARCH, jid=jid), element("nick", SEARCH, asked)))
    return found


def _gateway(query: Element, component: str, filled: bool) -> Element:
    told = element("query", GATEWAY)
    if not filled:
        return with_children(told, element("desc", GATEWAY, SEARCHED), element("prompt", GATEWAY))
    asked = said(query, "prompt", GATEWAY).strip()
    jid = found_as(asked, component)
    if not jid:
        raise InvalidAddress(asked, "a handle, or app:user")
    return with_children(told, element("jid", GATEWAY, jid))
