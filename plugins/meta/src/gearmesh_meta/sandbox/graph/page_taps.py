"""What a Messenger or Instagram message has to tap: quick replies, and templates with their cards and buttons.

Limits: Messenger Platform docs on quick replies, generic, button and product templates, 2026; Instagram messaging docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gearmesh_meta.sandbox.settings import Network
from gearmesh_meta.sandbox.things import Button, Goods

from .errors import GraphError, bad_parameter

QUICK_REPLIES: Final = 13
TITLE_LIMIT: Final = 20
PAYLOAD_LIMIT: Final = 1000
ELEMENTS: Final = 10
ELEMENT_LIMIT: Final = 80
BUTTONS: Final = 3
BUTTON_TEXT_LIMIT: Final = 640
_ASKED_FOR: Final = {"user_phone_number": "Send phone number", "user_email": "Send e-mail address"}


@dataclass(frozen=True, slots=True)
class Template:
    """A template as a person sees it."""

    text: str = ""
    goods: tuple[Goods, ...] = ()
    buttons: tuple[Button, ...] = ()


def read_quick_replies(network: Network, replies: Any) -> tuple[Button, ...]:
    """The quick replies of a message. Instagram cuts a title that is too long. Raises GraphError."""
    if replies is None:
        return ()
    if not isinstance(replies, list) or len(replies) > QUICK_REPLIES:
        raise _refused(network, f"quick_replies is a list of at most {QUICK_REPLIES} replies.")
    return tuple(_quick_reply(network, reply) for reply in replies)


def read_template(network: Network, payload: dict[str, Any]) -> Template:
    """A template. Kinds that have no cards and no buttons of their own come as a word. Raises GraphError."""
    elements = payload.get("elements") or []
    match payload.get("template_type"):
        case "generic":
            _count(network, elements, ELEMENTS, "elements")
            cards = tuple(_card(network, element) for element in elements)
            below = [button for element in elements for button in element.get("buttons") or []]
            return Template(goods=cards, buttons=tuple(_button(network, button) for button in below))
        case "product":
            _count(network, elements, ELEMENTS, "elements")
            ids = [_required(network, element, "id") for element in elements]
            return Template(goods=tuple(Goods(title=each, id=each) for each in ids))
        case "button":
            text = _limited(network, payload, "text", BUTTON_TEXT_LIMIT)
            _count(network, payload.get("buttons") or [], BUTTONS, "buttons")
            return Template(text, buttons=tuple(_button(network, button) for button in payload["buttons"]))
        case None:
            raise _refused(network, "template_type must be non-empty.")
        case _:
            return Template("[template]")


def _quick_reply(network: Network, reply: Any) -> Button:
    if not isinstance(reply, dict) or not reply.get("content_type"):
        raise _refused(network, "quick_replies[content_type] must be non-empty.")
    kind = str(reply["content_type"])
    if kind in _ASKED_FOR:
        return Button("quick_reply", _ASKED_FOR[kind])
    if kind != "text":
        raise _refused(network, f"quick_replies[content_type] cannot be {kind}.")
    payload = reply.get("payload")
    if payload is None or len(str(payload)) > PAYLOAD_LIMIT:
        raise _refused(network, f"quick_replies[payload] has between 0 and {PAYLOAD_LIMIT} characters.")
    if network == "instagram":
        return Button("quick_reply", _required(network, reply, "title")[:TITLE_LIMIT], str(payload))
    return Button("quick_reply", _limited(network, reply, "title", TITLE_LIMIT), str(payload))


def _card(network: Network, element: dict[str, Any]) -> Goods:
    title = _limited(network, element, "title", ELEMENT_LIMIT)
    text = _limited(network, element, "subtitle", ELEMENT_LIMIT) if element.get("subtitle") else ""
    picture = str(element.get("image_url") or "")
    url = str((element.get("default_action") or {}).get("url") or "")
    if not (text or picture or url or element.get("buttons")):
        raise _refused(network, "an element has at least one property besides title.")
    if len(element.get("buttons") or []) > BUTTONS:
        raise _refused(network, f"an element has at most {BUTTONS} buttons.")
    return Goods(title, text, picture=picture, url=url)


def _button(network: Network, button: dict[str, Any]) -> Button:
    title = _limited(network, button, "title", TITLE_LIMIT)
    match button.get("type"):
        case "web_url":
            return Button("url", title, url=_required(network, button, "url"))
        case "phone_number":
            return Button("url", title, url=f"tel:{_required(network, button, 'payload')}")
        case "postback":
            return Button("postback", title, _limited(network, button, "payload", PAYLOAD_LIMIT))
        case other:
            raise _refused(network, f"buttons[type] cannot be {other}.")


def _count(network: Network, items: list[Any], most: int, name: str) -> None:
    if not 1 <= len(items) <= most:
        raise _refused(network, f"{name} has between 1 and {most} entries.")


def _limited(network: Network, body: dict[str, Any], key: str, limit: int) -> str:
    value = _required(network, body, key)
    if len(value) > limit:
        raise _refused(network, f"{key} has at most {limit} characters.")
    return value


def _required(network: Network, body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise _refused(network, f"{key} must be a non-empty string.")
    return value


def _refused(network: Network, message: str) -> GraphError:
    return bad_parameter(f"Invalid parameter: {message}", 2534015 if network == "instagram" else None)
