"""The stream to the server: connecting, stanzas both ways, questions and their answers, and its end.

slixmpp has the stream and the handshake (XEP-0114). A link is used once: whoever loses it makes another.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any, Final

from slixmpp import ComponentXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from gearmesh import Retry, Unauthorized, Unclear
from gearmesh_xmpp.config import XmppConfig
from gearmesh_xmpp.elements import PING, Element, child, element, settle, with_children, written

CONNECT_WITHIN: Final = 15.0
ANSWER_WITHIN: Final = 30.0
HEARTBEAT: Final = 30.0
"""Seconds between signs of life, so that a wire that was cut without a word is noticed."""


class Refused(Exception):
    """A question was answered with an error. `stanza` is the answer."""

    def __init__(self, stanza: Element) -> None:
        self.stanza = stanza
        super().__init__(stanza.get("from", ""))


class Link:
    """One connection. `hear` gets every stanza that is no answer to a question, in order, and must not raise."""

    def __init__(self, config: XmppConfig, hear: Callable[[Element], None]) -> None:
        self._config = config
        self._hear = hear
        self._questions: dict[str, tuple[str, asyncio.Future[Element]]] = {}
        self._up = asyncio.Event()
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._refusal = ""
        made: Any = ComponentXMPP  # its constructor has no types
        self._xmpp = made(config.component, config.secret.reveal(), config.host, config.port)
        for name in ("IM", "IMError", "Presence"):  # slixmpp's own rosters and texts: ours are in Gearmesh
            self._xmpp.remove_handler(name)
        for kind in ("message", "presence", "iq"):
            matcher = MatchXPath(f"{{jabber:component:accept}}{kind}")
            self._xmpp.register_handler(Callback(f"gearmesh {kind}", matcher, self._take))
        self._xmpp.add_event_handler("session_start", lambda _: self._up.set())
        self._xmpp.add_event_handler("stream_error", self._stream_error)
        self._xmpp.add_event_handler("connection_failed", lambda reason: self._end(str(reason)))
        self._xmpp.add_event_handler("disconnected", lambda reason: self._end(str(reason or "the stream has ended")))

    async def open(self) -> None:
        """Connect.

        Raises:
            Unauthorized: the server does not take the secret.
            ConnectionError: it cannot be reached, or does not take the component now.
        """
        self._xmpp.connect()
        up = asyncio.create_task(self._up.wait())
        over = asyncio.create_task(self.lost())
        try:
            await asyncio.wait((up, over), timeout=CONNECT_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            over.cancel()
        if self._refusal == "not-authorized":
            raise Unauthorized(
                f"the XMPP server does not take the secret of {self._config.component}: put the one that stands in "
                "its configuration into ours",
                code=self._refusal,
            )
        if self._refusal == "host-unknown":
            raise ConnectionError(
                f"the XMPP server gives away no {self._config.component}: add it there as a component, or mend "
                "`component` [host-unknown]"
            )
        if not self._up.is_set() or self._over.done():
            why = self._refusal or (self._over.result() if self._over.done() else "it does not answer")
            where = f"{self._config.host}:{self._config.port}"
            raise ConnectionError(f"no connection for {self._config.component} to the XMPP server at {where}: {why}")

    @property
    def is_up(self) -> bool:
        """Whether stanzas can go out."""
        return self._up.is_set() and not self._over.done()

    async def lost(self) -> str:
        """Wait until the connection is gone; returns why."""
        return await asyncio.shield(self._over)

    async def beat(self) -> None:
        """Look again and again whether the other side is still there, and end the connection when it is not."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                await self.ask("get", self._config.component, element("ping", PING))
            except Refused:
                continue  # a refusal is a sign of life
            except Retry:
                self._end("the server has fallen silent")
                self._xmpp.abort()
                return

    def send(self, stanza: Element) -> None:
        """Let a stanza go out, now.

        Raises:
            Retry: there is no connection.
        """
        if not self.is_up:
            raise Retry("there is no connection to the XMPP server")
        self._xmpp.send_raw(written(stanza))

    async def ask(
        self, kind: str, to: str, query: Element, *, sender: str = "", within: float = ANSWER_WITHIN
    ) -> Element:
        """Ask (`get`) or tell (`set`) somebody something; returns the whole answer.

        Raises:
            Refused: the answer is an error.
            Retry: there is no connection, or no answer.
        """
        number = uuid.uuid4().hex
        answer: asyncio.Future[Element] = asyncio.get_running_loop().create_future()
        self._questions[number] = (to, answer)
        iq = element("iq", type=kind, to=to, id=number)
        iq.set("from", sender or self._config.component)
        try:
            self.send(with_children(iq, query))
            async with asyncio.timeout(within):
                stanza = await answer
        except TimeoutError:
            raise Retry(f"{to} does not answer") from None
        finally:
            del self._questions[number]
        if stanza.get("type") == "error":
            raise Refused(stanza)
        return stanza

    async def settled(self) -> None:
        """Wait until the server has worked off all that was sent before: it does so in order (RFC 6120, section 10.1),
        so that a ping (XEP-0199) from us to ourselves comes back after whatever it has to say about the rest.

        Raises:
            Unclear: the connection is gone, nothing comes back, or the ping is refused, which says nothing.
            Retry: there was no connection to begin with.
        """
        if not self.is_up:
            raise Retry("there is no connection to the XMPP server")
        try:
            await self.ask("get", self._config.component, element("ping", PING))
        except Retry as error:
            raise Unclear("the connection to the XMPP server was lost before it had taken the message") from error
        except Refused as error:
            raise Unclear("the XMPP server does not say whether it has taken the message") from error

    async def close(self) -> None:
        """End it, whatever its state."""
        self._end("it was closed")
        self._xmpp.cancel_connection_attempt()
        if self._xmpp.is_connected():
            self._xmpp.send_raw("</stream:stream>")
            self._xmpp.abort()
        # slixmpp's queue for outgoing stanzas, which nothing else ends.
        filters = self._xmpp._run_out_filters
        if filters is not None:
            filters.cancel()

    def _take(self, stanza: Any) -> None:
        xml = settle(stanza.xml)
        if xml.tag == "iq":
            number, kind = xml.get("id", ""), xml.get("type")
            if kind in {"result", "error"}:
                self._answered(number, xml)
                return
            if child(xml, "ping", PING) is not None and xml.get("from") == self._config.component:
                self._answered(number, xml)
                return
        self._hear(xml)

    def _answered(self, number: str, stanza: Element) -> None:
        asked, question = self._questions.get(number, ("", None))
        if question is not None and not question.done() and stanza.get("from") == asked:
            question.set_result(stanza)

    def _stream_error(self, error: Any) -> None:
        self._refusal = str(error["condition"])

    def _end(self, why: str) -> None:
        self._xmpp.cancel_connection_attempt()
        if not self._over.done():
            self._over.set_result(why)
        for _, question in self._questions.values():
            if not question.done():
                question.set_exception(Retry("the connection to the XMPP server was lost"))
