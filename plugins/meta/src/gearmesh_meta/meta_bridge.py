"""What the three bridges have in common: webhooks in, one Graph account out."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Any, ClassVar, Final

import msgspec

from gearmesh import (
    Bridge,
    BridgeContext,
    Event,
    Rejected,
    Unauthorized,
    Unclear,
    Unparsed,
    WebhookRequest,
    WebhookResponse,
)
from gearmesh_meta.codes import names_no_object
from gearmesh_meta.config import MetaConfig
from gearmesh_meta.fields import lenient_json
from gearmesh_meta.graph import Graph
from gearmesh_meta.origin import Origin
from gearmesh_meta.signature import answer_challenge, is_signed

MAX_NESTING: Final = 64
"""Levels of JSON that are read. Meta's webhooks have about ten."""
FRAME_NESTING: Final = 2
"""Levels, at most, by which a piece can lie deeper in the webhook around it than in the one that it came in."""


class MetaBridge(Bridge):
    """One account of one Meta product."""

    account_key: ClassVar[str]
    """The configuration key that names the account, for messages to operators."""

    def __init__(self, config: MetaConfig, context: BridgeContext, *, account: str, graph: Graph) -> None:
        super().__init__(config, context)
        self.account = account
        self.graph = graph
        self._app_secret = config.app_secret.reveal().encode()
        self._verify_token = config.verify_token

    @abstractmethod
    def read(self, payload: object, origin: Origin) -> list[Event]:
        """The events of a webhook that has proved to be Meta's."""

    async def run(self) -> None:
        """Ask for the own account once, to know that the token works; then webhooks do the rest.

        Raises:
            Unauthorized: the token is refused, or does not open this account.
            SendFailed: Meta could not be asked.
        """
        try:
            await self.graph.get(self.graph.url(self.account, fields="id"))
        except Unauthorized as error:
            raise Unauthorized(
                f"the access token of {self.context.app} is refused: create a new one, put it where the configuration "
                "says, and restart",
                code=error.code,
            ) from None
        except Rejected as error:
            if not names_no_object(error):
                raise
            raise Unauthorized(
                f"the access token of {self.context.app} does not open {self.account_key} {self.account}: "
                "check the id, and that the token belongs to it",
                code=error.code,
            ) from None
        await self.context.status("connected")
        await asyncio.get_running_loop().create_future()

    async def webhook(self, request: WebhookRequest) -> WebhookResponse:
        """Verify first, read then. What cannot be read is kept and answered 200: Meta would send it again for days."""
        if request.method == "GET":
            return answer_challenge(request.query, self._verify_token.reveal())
        if not is_signed(request.headers, request.body, self._app_secret):
            return WebhookResponse(403, "", "forged")
        payload = self._decoded(request.body, MAX_NESTING)
        if isinstance(payload, Unparsed):
            await self.context.receive(payload)
            return WebhookResponse()
        await self.before_reading(payload)
        events = self.read(payload, self._origin())
        await self.after_reading()
        if events:
            await self.context.receive(*events)
        return WebhookResponse()

    async def before_reading(self, payload: object) -> None:
        """Look up what must be known to read this webhook.

        Raises:
            BusUnavailable: it could not be looked up; Meta sends the webhook again.
        """

    async def after_reading(self) -> None:
        """Write down what was learned from a webhook, before its events are taken in.

        Raises:
            BusUnavailable: it is not written down; Meta sends the webhook again.
        """

    def replay(self, raw: bytes) -> list[Event]:
        """The events of a webhook, or of a piece of one with the smallest webhook around it: all that is ever kept."""
        return self._events(raw, MAX_NESTING + FRAME_NESTING)

    def _events(self, body: bytes, nesting: int) -> list[Event]:
        payload = self._decoded(body, nesting)
        return [payload] if isinstance(payload, Unparsed) else self.read(payload, self._origin())

    def _decoded(self, body: bytes, nesting: int) -> Any:
        """The JSON in a body; `Unparsed` where there is none."""
        try:
            return decode(body, nesting)
        except ValueError as error:
            return Unparsed(body, str(error), kind="malformed")

    def _origin(self) -> Origin:
        return Origin(self.context.app, self.account, int(self.context.now() * 1000), self.config.any_account)

    def accepted_id(self, native_id: object) -> str:
        """The id in an answer to a sent message.

        Raises:
            Unclear: there is none, so nobody can say what became of the message.
        """
        if not isinstance(native_id, str) or not native_id:
            raise Unclear("Meta answered yes, but named no message id")
        return native_id


def decode(body: bytes, nesting: int = MAX_NESTING) -> Any:
    """JSON as Meta writes it.

    Raises:
        ValueError: it is no JSON, or nested deeper than `nesting` levels; the message says which.
    """
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        payload = _decode_leniently(body, nesting)
    # Only a body with many brackets can be deep; the others need no second look.
    if body.count(b"{") + body.count(b"[") > nesting and _is_deep(payload, nesting):
        raise ValueError(f"JSON nested deeper than {nesting} levels")
    return payload


def _decode_leniently(body: bytes, nesting: int) -> Any:
    """Decode what is almost JSON: half an emoji must not cost a batch."""
    try:
        return lenient_json(body)
    except RecursionError:
        raise ValueError(f"JSON nested deeper than {nesting} levels") from None
    except ValueError as error:
        raise ValueError(f"no JSON: {error}") from None


def _is_deep(payload: object, nesting: int) -> bool:
    level = [payload]
    for _ in range(nesting):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
