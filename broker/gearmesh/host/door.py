"""Where input of an app is taken in: by the one process that is at work on it, whichever of them was called.

A network knows one address. Who is called and stands by asks the process at work over NATS, and gives its answer back:
so there is one place at a time that decides what belongs where, and in which order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal

import msgspec
import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from gearmesh.bridge import SupportsReplay, SupportsWebhook, WebhookRequest, WebhookResponse
from gearmesh.bus.connection import Connection
from gearmesh.errors import BusError, BusUnavailable, FileFailed, FileTooLarge, FileUnusable
from gearmesh.host.app import App
from gearmesh.host.downloading import FETCH_WITHIN
from gearmesh.host.ingress import Ingress
from gearmesh.model.content import MediaRef
from gearmesh.model.events import Unparsed
from gearmesh.wire.subjects import Subjects

log = structlog.get_logger("gearmesh.host")

ANSWER_WITHIN: Final = 4.5
"""Seconds: Messenger gives up after 5."""
STATUS: Final = "Gm-Status"
MOST_AT_ONCE: Final = 256


_Answerer = Callable[[Msg], Coroutine[Any, Any, None]]


class _Request(msgspec.Struct, frozen=True):
    method: Literal["GET", "POST"]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a file: its `name` in the object store, or why it has none."""

    name: str = ""
    reason: str = ""
    size: int = 0
    limit: int = 0


async def ask_for_file(connection: Connection, subjects: Subjects, ref: MediaRef) -> str:
    """Have the process that is at work on the file's app store it: its name in the object store.

    Raises:
        FileTooLarge, FileUnusable: it cannot be had.
        BusUnavailable: no process is at work on the app, or it has not answered in time.
    """
    try:
        question = msgspec.msgpack.encode(ref)
        reply = await connection.client.request(subjects.ask(ref.app, "media"), question, timeout=FETCH_WITHIN + 60)
        answer = msgspec.msgpack.decode(reply.data, type=_Kept)
    except (nats.errors.Error, OSError, msgspec.MsgspecError) as error:
        raise BusUnavailable(f"no process is at work on {ref.app} now ({type(error).__name__})") from None
    if answer.limit:
        raise FileTooLarge(answer.size, answer.limit)
    if answer.reason:
        raise FileUnusable(answer.reason)
    if not answer.name:
        raise BusUnavailable(f"the process at work on {ref.app} cannot store files now")
    return answer.name


async def ask_elsewhere(
    connection: Connection, subjects: Subjects, app: str, request: WebhookRequest
) -> WebhookResponse:
    """The answer of the process that is at work on an app.

    Raises:
        BusUnavailable: there is none, or it has not answered in time; the network must send it again.
    """
    body = msgspec.msgpack.encode(_Request(request.method, dict(request.query), dict(request.headers), request.body))
    if len(body) > connection.max_payload:
        raise BusUnavailable(f"{len(body)} bytes are more than nats takes to where {app} is at work (max_payload)")
    try:
        reply = await connection.client.request(subjects.ask(app, "webhook"), body, timeout=ANSWER_WITHIN)
        return msgspec.msgpack.decode(reply.data, type=WebhookResponse)
    except (nats.errors.Error, OSError, msgspec.MsgspecError) as error:
        raise BusUnavailable(f"no process is at work on {app} now ({type(error).__name__})") from None


class Door:
    """The door of one app. `open` while this process is at work on it."""

    def __init__(self, app: App, ingress: Ingress, connection: Connection) -> None:
        self._app = app
        self._ingress = ingress
        self._connection = connection
        self._subscriptions: list[Subscription] = []
        self._opened = asyncio.Event()
        self._answering: set[asyncio.Task[None]] = set()
        self._fetching: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    @property
    def is_open(self) -> bool:
        """Whether input is taken in here."""
        return bool(self._subscriptions)

    async def open(self) -> None:
        """Take input in here, and answer who is called elsewhere."""
        ask, name = self._app.shared.subjects.ask, self._app.name
        client = self._connection.client
        self._subscriptions = [
            await client.subscribe(ask(name, "webhook"), cb=self._asked_webhook),
            await client.subscribe(ask(name, "replay"), cb=self._asked_replay),
            await client.subscribe(ask(name, "media"), cb=self._asked_media),
        ]
        self._opened.set()

    async def close(self) -> None:
        """Take nothing more in; what is being taken in comes to its end."""
        self._opened.clear()
        subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            if not self._connection.client.is_closed:
                await subscription.unsubscribe()
        # A file takes long, and whoever is at work next can fetch it as well.
        for fetching in self._fetching:
            fetching.cancel()
        await asyncio.gather(*self._answering, *self._fetching, return_exceptions=True)

    async def webhook(self, request: WebhookRequest) -> WebhookResponse:
        """Take a webhook in, here or where the app is at work.

        Raises:
            BusUnavailable: it is not stored; the network must send it again.
        """
        if not self.is_open:
            answer = await self._ask_elsewhere(request)
            if answer is not None:
                return answer
        return await self._take(request)

    async def _ask_elsewhere(self, request: WebhookRequest) -> WebhookResponse | None:
        """What the process at work answers. None: by now that is this one; who was asked may be dead.

        Whatever the other one has stored of it is recognised here.
        """
        question = ask_elsewhere(self._connection, self._app.shared.subjects, self._app.name, request)
        asked, opened = asyncio.ensure_future(question), asyncio.ensure_future(self._opened.wait())
        try:
            await asyncio.wait({asked, opened}, return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else None
        finally:
            for waiting in (asked, opened):
                waiting.cancel()
            await asyncio.gather(asked, opened, return_exceptions=True)

    async def _take(self, request: WebhookRequest) -> WebhookResponse:
        bridge, app = self._app.bridge, self._app.name
        if not isinstance(bridge, SupportsWebhook):
            return WebhookResponse(404, outcome="refused")
        try:
            return await bridge.webhook(request)
        except BusError:
            raise
        except Exception as error:
            # The same bytes would fail again each time they are sent: keep them, and go on.
            log.exception("the bridge failed at a webhook; it is kept as a dead letter", app=app)
            detail = f"{type(error).__name__}: {error}"
            await self._app.shared.journal.bury(app, "unparsed", detail, request.body, patience=ANSWER_WITHIN)
            return WebhookResponse(200, outcome="dead")

    async def _asked_webhook(self, message: Msg) -> None:
        await self._answer(message, self._answer_webhook)

    async def _asked_replay(self, message: Msg) -> None:
        await self._answer(message, self._answer_replay)

    async def _asked_media(self, message: Msg) -> None:
        # Files wait for each other in `Files`; webhooks do not wait for them.
        task = asyncio.create_task(self._answer_media(message))
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)

    async def _answer(self, message: Msg, how: _Answerer) -> None:
        # nats-py gives a subscription's messages one after the other; answers take their time.
        await self._room.acquire()
        task = asyncio.create_task(how(message))
        self._answering.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()):
            log.error("a question over nats was not answered", app=self._app.name, error=repr(error))

    async def _answer_webhook(self, message: Msg) -> None:
        try:
            request = msgspec.msgpack.decode(message.data, type=_Request)
        except msgspec.MsgspecError as error:
            log.warning("a question over nats that is none", app=self._app.name, error=str(error))
            return
        try:
            answer = await self._take(WebhookRequest(request.method, request.query, request.headers, request.body))
        except BusError as error:
            log.warning(
                "a webhook could not be stored; the network sends it again", app=self._app.name, error=str(error)
            )
            answer = WebhookResponse(503, "not stored; send it again\n", "unavailable")
        await message.respond(msgspec.msgpack.encode(answer))

    async def _answer_media(self, message: Msg) -> None:
        try:
            ref = msgspec.msgpack.decode(message.data, type=MediaRef)
        except msgspec.MsgspecError as error:
            log.warning("a question over nats that is none", app=self._app.name, error=str(error))
            return
        answer = _Kept()
        try:
            answer = _Kept((await self._app.shared.files.fetch(ref)).name)
        except FileTooLarge as error:
            answer = _Kept(size=error.size, limit=error.limit)
        except FileFailed as error:
            answer = _Kept(reason=getattr(error, "reason", str(error)))
        except BusError as error:
            log.warning("a file could not be stored", app=self._app.name, error=str(error))
        except Exception:
            log.exception("a file could not be stored", app=self._app.name)
        finally:
            # Also when this process stops: whoever asked would wait for minutes.
            if not self._connection.client.is_closed:
                await message.respond(msgspec.msgpack.encode(answer))

    async def _answer_replay(self, message: Msg) -> None:
        status, reason = await self._replay(message.data)
        await self._connection.client.publish(message.reply, reason.encode(), headers={STATUS: str(status)})

    async def _replay(self, raw: bytes) -> tuple[int, str]:
        bridge = self._app.bridge
        if not isinstance(bridge, SupportsReplay):
            return 501, f"the bridge {bridge.network} cannot read kept input again"
        try:
            events = bridge.replay(raw)
            unread = [event for event in events if isinstance(event, Unparsed)]
            if len(unread) == len(events):
                return 422, unread[0].detail if unread else "nothing is in it that anybody would be told"
            await self._ingress.receive(events)
        except BusError as error:
            return 503, str(error)
        except Exception as error:
            log.exception("the bridge failed at kept input", app=self._app.name)
            return 500, f"{type(error).__name__}: {error}"
        return 200, ""
