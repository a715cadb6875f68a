"""Single values inside a send body: there, of the right kind, and within their limits."""

from __future__ import annotations

from typing import Any

from .errors import bad_parameter, invalid_value, missing_parameter


def limited(body: dict[str, Any], owner: str, key: str, limit: int) -> str:
    """A text of `body` that is there and not longer than `limit` characters. Raises GraphError."""
    value = _required(body, owner, key)
    if len(value) > limit:
        raise bad_parameter(f"Param {owner}['{key}'] must be at most {limit} characters long.")
    return value


def label(body: dict[str, Any], owner: str, key: str, limit: int) -> str:
    """The same for what stands on a button or in a list, where WhatsApp has another code for the length."""
    value = _required(body, owner, key)
    if len(value) > limit:
        raise invalid_value(f"{owner}['{key}'] length invalid. Min length: 1, Max length: {limit}")
    return value


def degrees(body: dict[str, Any], owner: str, key: str, most: float) -> float:
    """A number between `-most` and `most`. Raises GraphError."""
    if body.get(key) is None:
        raise missing_parameter(f"{owner}['{key}']")
    try:
        value = float(body[key])
    except (TypeError, ValueError) as error:
        raise invalid_value(f"{owner}['{key}'] must be a number.") from error
    if not -most <= value <= most:
        raise invalid_value(f"{owner}['{key}'] must be between -{most:g} and {most:g}.")
    return value


def _required(body: dict[str, Any], owner: str, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise missing_parameter(f"{owner}['{key}']")
    return value
