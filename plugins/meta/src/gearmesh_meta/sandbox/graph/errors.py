"""Errors in Graph's form, by the codes of Meta's error references (WhatsApp 2026-09, Messenger Platform mid-2026)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gearmesh_meta.sandbox.settings import Network

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class GraphError(Exception):
    """An error answer: HTTP `status`, `code`, `subcode`, `kind` (the body's `type`) and, for WhatsApp, `details`.

    `headers` come besides those that every answer has.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 400,
        subcode: int | None = None,
        kind: str = "OAuthException",
        details: str | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.subcode = subcode
        self.kind = kind
        self.details = details
        self.headers = headers
        super().__init__(message)

    def body(self, trace: str) -> dict[str, Any]:
        """The JSON of the answer; `trace` becomes `fbtrace_id`."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.details is not None:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        error["fbtrace_id"] = trace
        return {"error": error}


def no_token() -> GraphError:
    """No access token was sent."""
    return GraphError(104, "An access token is required to request this resource.", status=401)


def bad_token() -> GraphError:
    """The access token is none of this sandbox's."""
    return GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)


def bad_proof() -> GraphError:
    """`appsecret_proof` is not the token's HMAC under the app secret."""
    return GraphError(100, "Invalid appsecret_proof provided in the API argument", kind="GraphMethodException")


def app_token_needed() -> GraphError:
    """The call wants the app's own token, `<app id>|<app secret>`."""
    return GraphError(15, "(#15) This method must be called with an app access_token.")


def unknown_object(method: str, object_id: str) -> GraphError:
    """Also what Graph answers for an edge or method that an object does not have."""
    return GraphError(
        100,
        f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation.",
        subcode=33,
        kind="GraphMethodException",
    )


def bad_parameter(message: str, subcode: int | None = None) -> GraphError:
    """Code 100: a parameter is wrong."""
    return GraphError(100, f"(#100) {message}", subcode=subcode)


def missing_parameter(name: str) -> GraphError:
    """WhatsApp's code for a parameter that is not there."""
    return whatsapp_error(131008, "Required parameter is missing", f"Parameter {name} is required.")


def invalid_value(details: str) -> GraphError:
    """WhatsApp's code for a value that cannot be."""
    return whatsapp_error(131009, "Parameter value is not valid", details)


def whatsapp_error(code: int, title: str, details: str, status: int = 400) -> GraphError:
    """An error in WhatsApp's form: the details say what, the code says which."""
    return GraphError(code, f"(#{code}) {title}", status=status, details=details)


def undeliverable(recipient: str) -> GraphError:
    """The recipient is no WhatsApp user, or one whose number the business does not know."""
    return whatsapp_error(131026, "Message undeliverable", f"{recipient} is not a WhatsApp user of this sandbox.")


def no_such_user() -> GraphError:
    """The recipient is neither a Messenger nor an Instagram user of this sandbox."""
    return bad_parameter("No matching user found", 2018001)


def no_such_instagram_user() -> GraphError:
    """The recipient is no Instagram user of this sandbox."""
    return bad_parameter("No matching Instagram user found", 2534014)


def message_deleted() -> GraphError:
    """What the call is about was taken back."""
    return GraphError(9000001, "(#9000001) This Message has been deleted by the user or the business.")


def window_closed(subcode: int) -> GraphError:
    """Messenger (2018278) and Instagram (2534022) refuse a message outside the window."""
    return GraphError(
        10,
        "(#10) This message is sent outside of allowed window. Learn more about the new policy here: "
        "https://developers.facebook.com/docs/messenger-platform/policy-overview",
        subcode=subcode,
    )


def pair_limit() -> GraphError:
    """Too many messages to one WhatsApp user."""
    return whatsapp_error(
        131056, "Pair rate limit hit", "Too many messages went from this number to the same person in a short time."
    )


def account_limit(network: Network) -> GraphError:
    """Too many messages of one account in a second, as each network says it."""
    if network == "whatsapp":
        return whatsapp_error(130429, "Rate limit hit", "Too many messages went from this number in a short time.")
    message = "(#613) Calls to this api have exceeded the rate limit."
    return GraphError(613, message, subcode=2534040 if network == "instagram" else None)


def status_error(code: int, title: str, details: str) -> dict[str, Any]:
    """An error inside a WhatsApp `failed` status."""
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }
