"""The accounts themselves, their settings and the profiles of the people who write to them."""

from __future__ import annotations

from typing import Any

from gearmesh_meta.sandbox.phone import Phone

from .call import GraphCall
from .errors import unknown_object
from .world import World


class Accounts:
    """Number, business account, page and Instagram account; and, by their ids, the people."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._messenger_profile: dict[str, Any] = {}

    async def phone_number(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{phone-number-id}`."""
        default = "id,display_phone_number,verified_name,quality_rating"
        return _pick(self._number(), call.fields(default))

    async def phone_numbers(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{waba-id}/phone_numbers`."""
        return {"data": [self._number()]}

    async def business_account(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{waba-id}`."""
        settings = self._world.settings
        account = {
            "id": settings.waba_id,
            "name": settings.verified_name,
            "timezone_id": "1",
            "message_template_namespace": "sandbox",
        }
        return _pick(account, call.fields("id,name,timezone_id,message_template_namespace"))

    async def page(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{page-id}`."""
        settings = self._world.settings
        page = {
            "id": settings.page_id,
            "name": settings.page_name,
            "link": f"https://www.facebook.com/{settings.page_id}",
            "instagram_business_account": {"id": settings.instagram_id},
        }
        return _pick(page, call.fields("id,name"))

    async def instagram(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{instagram-id}`."""
        settings = self._world.settings
        account = {
            "id": settings.instagram_id,
            "user_id": settings.instagram_id,
            "username": settings.instagram_username,
            "name": settings.instagram_name,
            "account_type": "BUSINESS",
            "followers_count": sum(1 for phone in self._world.phones if phone.network == "instagram"),
        }
        return _pick(account, call.fields("id,username"))

    async def me(self, call: GraphCall) -> dict[str, Any]:
        """`GET /me`: one token opens page and Instagram account, so what is asked for decides which is meant."""
        asked = set(call.fields(""))
        return await (self.instagram(call) if asked & {"username", "user_id", "account_type"} else self.page(call))

    async def person(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{psid}` and `GET /{igsid}`: the profile of someone who has written to the account."""
        phone = self._world.phones.get("messenger", call.subject) or self._world.phones.get("instagram", call.subject)
        if phone is None:
            raise unknown_object("get", call.subject)
        if phone.network == "messenger":
            return _pick(_messenger_profile(phone, call.base), call.fields("first_name,last_name,profile_pic"))
        return _pick(_instagram_profile(phone, call.base), call.fields("name,username,profile_pic"))

    async def read_messenger_profile(self, call: GraphCall) -> dict[str, Any]:
        """`GET /{page-id}/messenger_profile`."""
        picked = {name: value for name, value in self._messenger_profile.items() if name in call.fields("")}
        return {"data": [picked] if picked else []}

    async def write_messenger_profile(self, call: GraphCall) -> dict[str, Any]:
        """`POST /{page-id}/messenger_profile`: greeting, persistent menu and so on; kept, not played."""
        self._messenger_profile |= {name: value for name, value in call.params.items() if name != "access_token"}
        return {"result": "success"}

    async def delete_messenger_profile(self, call: GraphCall) -> dict[str, Any]:
        """`DELETE /{page-id}/messenger_profile`."""
        names = call.params.get("fields")
        for name in names if isinstance(names, list) else call.fields(""):
            self._messenger_profile.pop(name, None)
        return {"result": "success"}

    def _number(self) -> dict[str, Any]:
        settings = self._world.settings
        return {
            "id": settings.phone_number_id,
            "display_phone_number": settings.display_phone_number,
            "verified_name": settings.verified_name,
            "quality_rating": "GREEN",
            "code_verification_status": "VERIFIED",
            "platform_type": "CLOUD_API",
            "throughput": {"level": "STANDARD"},
        }


def _pick(thing: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """The fields asked for that the object has; its id comes always."""
    return {name: thing[name] for name in fields if name in thing} | {"id": thing["id"]}


def _messenger_profile(phone: Phone, base: str) -> dict[str, Any]:
    first, _, last = phone.name.partition(" ")
    return {
        "id": phone.user,
        "first_name": first,
        "last_name": last,
        "name": phone.name,
        "profile_pic": _picture(phone, base),
        "locale": "en_US",
        "timezone": 0,
    }


def _instagram_profile(phone: Phone, base: str) -> dict[str, Any]:
    return {
        "id": phone.user,
        "name": phone.name,
        "username": phone.handle,
        "profile_pic": _picture(phone, base),
        "follower_count": 0,
        "is_verified_user": False,
        "is_user_follow_business": False,
        "is_business_follow_user": False,
    }


def _picture(phone: Phone, base: str) -> str:
    return f"{base}/sandbox/pictures/{phone.network}/{phone.user}.png"
