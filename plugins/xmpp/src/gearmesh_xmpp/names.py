"""Addresses both ways: people of other networks as JIDs of ours, people and rooms of XMPP as ids of this app.

A person of another network is `user%app` in the component's domain, or their handle where no address of theirs is
known; somebody on XMPP is a bare JID. A room is its JID with `?join`, as in `xmpp:` links (XEP-0147), and who is known
by a nickname there only is that with `/nickname`: `?` is in no domain, so the three cannot be taken for each other.
"""

from __future__ import annotations

import re
from typing import Final

from slixmpp import JID
from slixmpp.jid import InvalidJID

from gearmesh import InvalidAddress

ROOM: Final = "?join"
VEIL: Final = "%"
"""With what a local part begins that hides whose it is (`veils`); before the `%` of any other stands a user id."""
MOST_CHARACTERS: Final = 512
"""Of a user id in Gearmesh (`gearmesh.model.address`)."""
_MOST_BYTES: Final = 1023
"""Of the local part of a JID (RFC 7622, section 3.3)."""
_ESCAPES: Final = {
    " ": r"\20",
    '"': r"\22",
    "&": r"\26",
    "'": r"\27",
    "/": r"\2f",
    ":": r"\3a",
    "<": r"\3c",
    ">": r"\3e",
    "@": r"\40",
    "\\": r"\5c",
}
"""XEP-0106, section 3."""
_UNESCAPED: Final = {escape: character for character, escape in _ESCAPES.items()}
_PLAIN: Final = re.compile(r"[a-z0-9!#$%()*+,.;?\[\]^_`{|}~-]")
"""What a server leaves as it is when it prepares a local part (RFC 7622, section 3.3), and XEP-0106 does not escape."""
_ESCAPED: Final = re.compile(r"\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)|(?:=[0-9a-f]{2})+")


def escaped(text: str) -> str:
    """A text as (a piece of) the local part of a JID: XEP-0106, and `=` with two hex digits for each byte of UTF-8 of
    whatever a server would change: capitals, other scripts, and spaces at an end (which XEP-0106 forbids there)."""
    last = len(text) - 1
    return "".join(
        character
        if _PLAIN.fullmatch(character)
        else _ESCAPES[character]
        if character in _ESCAPES and not (character == " " and number in {0, last})
        else "".join(f"={byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
        for number, character in enumerate(text)
    )


def unescaped(local: str) -> str:
    """The text that was `escaped`.

    Raises:
        InvalidAddress: it was none: its bytes are no UTF-8.
    """

    def character(found: re.Match[str]) -> str:
        if found[0] in _UNESCAPED:
            return _UNESCAPED[found[0]]
        return bytes.fromhex(found[0].replace("=", "")).decode("utf-8")

    try:
        return _ESCAPED.sub(character, local)
    except UnicodeDecodeError:
        raise InvalidAddress(local, "the address of somebody on another network") from None


def ghost_of(address: str, handle: str, component: str) -> str:
    """The JID under which somebody is shown: by `address` (`app:user`), else by `handle`; "" where there is none."""
    app, colon, user = address.partition(":")
    local = f"{escaped(user)}%{escaped(app)}" if colon and app and user else escaped(handle)
    if not local or len(local) > _MOST_BYTES:
        return ""
    return f"{local}@{component}"


def found_as(asked: str, component: str) -> str:
    """The JID of whom somebody asks for: `@grace`, `grace`, `whatsapp:4915112345678`; "" where it can be nobody."""
    asked = asked.removeprefix("@") if ":" not in asked else asked
    return ghost_of(asked if ":" in asked else "", asked.lower(), component)


def meant_by(ghost: str) -> str:
    """Whom a JID in the component's domain is: `app:user` or a handle; "" for the component itself.

    Raises:
        InvalidAddress: it can be nobody.
    """
    local = ghost.rpartition("@")[0]
    user, percent, app = local.rpartition("%")
    if not percent:
        return unescaped(local)
    if not user or not app:
        raise InvalidAddress(ghost, "user%app, for example 4915112345678%whatsapp")
    return f"{unescaped(app)}:{unescaped(user)}"


def user_of(text: str, component: str) -> str:
    """The id of the user that a person means who types this: a bare JID, or somebody in a room by their nickname.

    Raises:
        InvalidAddress: it is no JID of a person, or one of the component's own.
    """
    expected = "a JID such as ada@example.org"
    text = text.strip()
    if text[:5].lower() == "xmpp:":
        text = text[5:]
    room, join, nick = text.partition(f"{ROOM}/")
    try:
        jid = JID(f"{room}/{nick}" if join else text)
    except (InvalidJID, UnicodeError):
        raise InvalidAddress(text[:120], expected) from None
    user = f"{jid.bare}{ROOM}/{jid.resource}" if join else jid.bare
    if not jid.local or (join and not jid.resource) or len(user) > MOST_CHARACTERS or not user.isprintable():
        raise InvalidAddress(text[:120], expected)
    if jid.domain == component:
        raise InvalidAddress(text[:120], f"{expected}, and not one of {component}, where others are shown")
    return user


def room_of(text: str) -> str:
    """The id of the room that an operator means.

    Raises:
        InvalidAddress: it is no JID of a room.
    """
    text = text.strip()
    if text[:5].lower() == "xmpp:":
        text = text[5:]
    text = text.removesuffix(ROOM)
    try:
        jid = JID(text)
    except (InvalidJID, UnicodeError):
        jid = JID("")
    room = f"{jid.bare}{ROOM}"
    if not jid.local or jid.resource or len(room) > MOST_CHARACTERS or not room.isprintable():
        raise InvalidAddress(text[:120], "the JID of a room, such as talk@conference.example.org")
    return room


def is_room(thread: str) -> bool:
    """Whether it is the id of a room."""
    return thread.endswith(ROOM)


def room_in(thread: str) -> str:
    """The id of the room that a thread is, or in which somebody is who is written to in private; "" without one."""
    room, join, _ = thread.partition(ROOM)
    return f"{room}{join}" if join else ""


def jid_of(user: str) -> str:
    """The JID behind the id of a user or a room."""
    room, join, nick = user.partition(f"{ROOM}/")
    return f"{room}/{nick}" if join else user.removesuffix(ROOM)


def bare(jid: str) -> str:
    """A JID without its resource, as a server writes it."""
    return jid.partition("/")[0]
