"""Personas: names and pictures under which a page can write on Messenger."""

from __future__ import annotations

from typing import Any, Final

from gearmesh_meta.sandbox.identifiers import Identifiers

from .call import GraphCall
from .errors import bad_parameter, unknown_object

NAME_LIMIT: Final = 50


class Personas:
    """The page's personas."""

    def __init__(self, identifiers: Identifiers) -> None:
        self._identifiers = identifiers
        self._personas: dict[str, dict[str, Any]] = {}

    def __contains__(self, persona_id: str) -> bool:
        return persona_id in self._personas

    def name_of(self, persona_id: str | None) -> str | None:
        """The name to show; None without a persona. Raises GraphError for an unknown one."""
        if persona_id is None:
            return None
        if persona_id not in self._personas:
            raise bad_parameter(f"The persona {persona_id} does not exist.")
        return str(self._personas[persona_id]["name"])

    async def create(self, call: GraphCall) -> dict[str, Any]:
        """`POST /{page-id}/personas`."""
        name, picture = call.text("name"), call.text("profile_picture_url")
        if not name or not picture:
            raise bad_parameter("Params name and profile_picture_url must be non-empty.")
        if len(name) > NAME_LIMIT:
            raise bad_parameter(f"Length of param name must be less than or equal to {NAME_LIMIT}")
        persona_id = self._identifiers.number()
        self._personas[persona_id] = {"name": name, "profile_picture_url": picture, "id": persona_id}
        return {"id": persona_id}

    async def list(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{page-id}/personas`, newest first."""
        return {"data": list(reversed(self._personas.values()))}

    async def get(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{persona-id}`."""
        return self._personas[call.subject]

    async def delete(self, call: GraphCall) -> dict[str, Any]:
        """`DELETE /{persona-id}`. Messages sent under it keep its name."""
        if self._personas.pop(call.subject, None) is None:
            raise unknown_object("delete", call.subject)
        return {"success": True}
