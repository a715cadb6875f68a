"""What Messenger and Instagram tell about their users."""

from __future__ import annotations

from gearmesh import Profile, SendFailed
from gearmesh_meta.codes import tells_no_profile
from gearmesh_meta.fields import text
from gearmesh_meta.graph import Graph


async def profile_of(graph: Graph, user: str, fields: str) -> Profile:
    """What Messenger or Instagram tells about a user; empty where it tells nothing."""
    try:
        told = await graph.get(graph.url(user, fields=fields))
    except SendFailed as error:
        if tells_no_profile(error):
            return Profile()
        raise
    parts = " ".join(part for part in (text(told.get("first_name")), text(told.get("last_name"))) if part)
    return Profile(
        name=text(told.get("name")) or parts,
        username=text(told.get("username")).removeprefix("@"),
        avatar=text(told.get("profile_pic")),
    )
