"""The WhatsApp template that tells somebody, whose window is closed, that another person wrote to them.

From the Cloud API's documentation of 2026: a template that Meta has approved may be sent at any time.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from gearmesh import Sender

Parameter = Literal["sender", "network", "handle"]
"""What can stand in a template: who wrote, on which network, and the handle (with its @) to answer to."""

MAX_PARAMETER: Final = 100
"""Characters. The whole body has 1024, and a name that fills it would be refused with the message around it."""

SOMEONE: Final = "someone"
"""Stands for what is not known: WhatsApp refuses a template with an empty parameter."""


def template_message(name: str, language: str, parameters: tuple[Parameter, ...], sender: Sender) -> dict[str, Any]:
    """The `type` and `template` of a message; `parameters` fill {{1}}, {{2}}... of its body in this order."""
    template: dict[str, Any] = {"name": name, "language": {"code": language}}
    if parameters:
        filled = [{"type": "text", "text": _filled(parameter, sender)} for parameter in parameters]
        template["components"] = [{"type": "body", "parameters": filled}]
    return {"type": "template", "template": template}


def invitation_id(delivery_id: str) -> str:
    """What goes along with an invitation: never to be taken for the id of the message that it speaks of."""
    return f"{delivery_id}:invitation"


def _filled(parameter: Parameter, sender: Sender) -> str:
    handle = f"@{sender.handle}" if sender.handle else ""
    value = {"sender": sender.name or handle, "network": sender.network, "handle": handle}[parameter]
    # Line breaks, tabs and rows of spaces are refused inside a template.
    shown = " ".join(value.split())
    return (shown if len(shown) <= MAX_PARAMETER else f"{shown[: MAX_PARAMETER - 1].rstrip()}…") or SOMEONE
