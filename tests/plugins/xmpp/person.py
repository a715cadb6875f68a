"""Somebody on XMPP, with a real client library: what they send, and what reaches them."""

from __future__ import annotations

import asyncio
import uuid
from types import TracebackType
from typing import Any, Final

from slixmpp import ClientXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from gearmesh.testing.watch import Watch
from gearmesh_xmpp.elements import (
    MUC,
    SID,
    Element,
    child,
    element,
    said,
    settle,
    with_children,
    written,
)

from .server import BRIDGE, DOMAIN, PASSWORD, Prosody

PATIENCE: Final = 10.0


class Person:
    """`messages` and `presences` are all that came, oldest first, as XML; `errors` what came back."""

    def __init__(self, server: Prosody, name: str) -> None:
        self.jid = f"{name}@{DOMAIN}"
        self.name = name
        self.messages: list[Element] = []
        self.presences: list[Element] = []
        self.watch = Watch()
        self._server = server
        self._answers: dict[str, asyncio.Future[Element]] = {}

    async def __aenter__(self) -> Person:
        client: Any = ClientXMPP
        self._xmpp = client(
            f"{self.jid}/phone", PASSWORD, plugin_config={"feature_mechanisms": {"unencrypted_scram": True}}
        )
        self._xmpp.enable_starttls = self._xmpp.enable_direct_tls = False
        self._xmpp.enable_plaintext = True
        for name in ("IM", "IMError", "Presence"):
            self._xmpp.remove_handler(name)
        for kind in ("message", "presence", "iq"):
            self._xmpp.register_handler(Callback(f"test {kind}", MatchXPath(f"{{jabber:client}}{kind}"), self._take))
        begun = asyncio.Event()
        self._xmpp.add_event_handler("session_start", lambda _: begun.set())
        self._xmpp.connect("127.0.0.1", self._server.c2s)
        async with asyncio.timeout(PATIENCE):
            await begun.wait()
        self.send(element("presence"))
        # The server's copy of it: from now on messages come here, and go to no archive instead.
        await self.until(lambda: self.sees(f"{self.jid}/phone"), f"{self.name} is there")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._xmpp.cancel_connection_attempt()
        self._xmpp.abort()
        if self._xmpp._run_out_filters is not None:
            self._xmpp._run_out_filters.cancel()

    def send(self, stanza: Element) -> None:
        self._xmpp.send_raw(written(stanza))

    def says(self, text: str, *more: Element, to: str = BRIDGE, room: bool = False, id_: str = "") -> str:
        """Send a message; returns the id that it was given."""
        number = id_ or str(uuid.uuid4())
        message = element("message", type="groupchat" if room else "chat", to=to, id=number)
        body = [element("body", "", text)] if text else []
        self.send(with_children(message, *body, element("origin-id", SID, id=number), *more))
        return number

    def tells(self, *payload: Element, to: str = BRIDGE, room: bool = False) -> str:
        """Send a message without words."""
        return self.says("", *payload, to=to, room=room)

    async def enters(self, room: str, nick: str = "") -> None:
        """Enter a room, and wait until that is done."""
        presence = element("presence", to=f"{room}/{nick or self.name}")
        self.send(with_children(presence, with_children(element("x", MUC), element("history", MUC, maxstanzas="0"))))
        await self.until(lambda: self.sees(f"{room}/{nick or self.name}"), f"{self.name} in {room}")

    def sees(self, occupant: str) -> bool:
        """Whether the last presence of this JID says that it is there."""
        told = [one for one in self.presences if one.get("from") == occupant]
        return bool(told) and told[-1].get("type") is None

    async def asks(self, kind: str, to: str, query: Element) -> Element:
        """Ask somebody; returns the whole answer, which may be an error."""
        number = uuid.uuid4().hex
        answer: asyncio.Future[Element] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        iq = element("iq", type=kind, to=to, id=number)
        self.send(with_children(iq, query))
        async with asyncio.timeout(PATIENCE):
            return await answer

    async def until(self, holds: Any, awaited: str, within: float = PATIENCE) -> None:
        await self.watch.until(holds, within=within, awaited=awaited)

    async def reads(self, text: str) -> Element:
        """The newest message with these words, when it has come."""

        def found() -> list[Element]:
            return [one for one in self.messages if said(one, "body") == text and one.get("type") != "error"]

        await self.until(found, f"{text!r} at {self.name}'s")
        return found()[-1]

    async def gets(self, tag: str, namespace: str) -> Element:
        """The newest message with such an element, when it has come."""

        def found() -> list[Element]:
            return [one for one in self.messages if child(one, tag, namespace) is not None]

        await self.until(found, f"a message with {tag} at {self.name}'s")
        return found()[-1]

    def _take(self, stanza: Any) -> None:
        xml = settle(stanza.xml)
        match xml.tag:
            case "message":
                self.messages.append(xml)
            case "presence":
                self.presences.append(xml)
            case _:
                answer = self._answers.get(xml.get("id", ""))
                if answer is not None and not answer.done():
                    answer.set_result(xml)
        self.watch.changed()
