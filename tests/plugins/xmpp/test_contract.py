"""The contract suite on the XMPP bridge, against a real Prosody."""

from __future__ import annotations

import asyncio
import itertools
import posixpath
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Final

import aiohttp
import pytest

from gearmesh import Bridge, BridgeContext, Media, MediaRef, Message, Rejected, Retry, Secret, SendFailed, Text, Unclear
from gearmesh.model.content import MembershipChange
from gearmesh.testing import Shown
from gearmesh.testing.contract import BridgeContract
from gearmesh_xmpp import ids
from gearmesh_xmpp.bridge import Xmpp
from gearmesh_xmpp.config import XmppConfig
from gearmesh_xmpp.elements import (
    CHATSTATES,
    CORRECT,
    MARKERS,
    OOB,
    REACTIONS,
    RECEIPTS,
    REPLY,
    RETRACT,
    SID,
    Element,
    child,
    children,
    element,
    said,
    with_children,
)
from gearmesh_xmpp.incoming import KINDS
from gearmesh_xmpp.uploads import UPLOAD as SLOTS

from .person import Person
from .server import BRIDGE, ROOMS, SECRET, UPLOAD, Prosody
from .wire import Wire

ADA = "ada@example.org"
_count: Final = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def prosody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with Prosody(tmp_path_factory.mktemp("prosody")) as TestXmpp.server:
        yield


class TestXmpp(BridgeContract):
    server: ClassVar[Prosody]
    a_user = ADA
    addresses = {  # noqa: RUF012
        " Ada@Example.org/phone ": ADA,
        "xmpp:ada@example.org": ADA,
        "room@rooms.example.org?join/Ben": "room@rooms.example.org?join/Ben",
    }
    bad_addresses = ("ada", "example.org", "@example.org", "a b@example.org", "ada@", f"ben%x@{BRIDGE}", "a@b?join")
    rooms = {  # noqa: RUF012
        " Talk@Rooms.example.org ": f"talk@{ROOMS}?join",
        f"xmpp:talk@{ROOMS}?join": f"talk@{ROOMS}?join",
    }
    bad_rooms = ("talk", ROOMS, f"@{ROOMS}", f"a b@{ROOMS}", f"talk@{ROOMS}/ben", f"talk@{ROOMS}?join/ben")
    keeps_messages = False
    comes_as = {"voice": "audio", "gif": "image", "sticker": "image"}  # noqa: RUF012

    @asynccontextmanager
    async def network(self) -> AsyncIterator[None]:
        async with Wire(self.server.component) as self.wire, Person(self.server, "ada") as self.ada:
            self.wrote: dict[str, str] = {}
            self.room = f"talk{next(_count)}@{ROOMS}"
            self.a_room = f"{self.room}?join"
            await self.ada.enters(self.room)
            yield

    def make_bridge(self, context: BridgeContext, secret: str = SECRET) -> Bridge:
        files = f"http://127.0.0.1:{self.server.http}"
        return Xmpp(
            XmppConfig(
                component=BRIDGE, secret=Secret(secret), port=self.wire.port, upload=UPLOAD, file_servers=(files,)
            ),
            context,
        )

    def make_unauthorized_bridge(self, context: BridgeContext) -> Bridge:
        return self.make_bridge(context, "not-the-secret")

    async def user_writes(self, text: str) -> str:
        return self._writes(text)

    def _writes(self, text: str, *more: Element) -> str:
        number = self.ada.says(text, *more, element("request", RECEIPTS), element("markable", MARKERS))
        native = f"{ADA} {number}"
        self.wrote[native] = text
        return native

    async def shown(self) -> Sequence[Shown]:
        return [one for one in self._sees().values() if one.id not in self.wrote]

    def _sees(self) -> dict[str, Shown]:
        """As a client shows it: reactions, changes and retractions at the message that they name, from its writer."""
        seen = {native: Shown(native, text) for native, text in self.wrote.items()}
        felt: dict[str, dict[str, str]] = {}
        for message in self.ada.messages:
            number, author = message.get("id", ""), message.get("from", "")
            if message.get("type") in {"error", "groupchat"} or not number:
                continue
            text = said(message, "body")
            reactions, retract = child(message, "reactions", REACTIONS), child(message, "retract", RETRACT)
            replace, reply = child(message, "replace", CORRECT), child(message, "reply", REPLY)
            if reactions is not None:
                target = ids.native_id(ADA, reactions.get("id", ""))
                now = [one.text or "" for one in children(reactions, "reaction", REACTIONS)]
                felt.setdefault(target, {})[author] = "".join(now)
            elif retract is not None:
                seen.pop(retract.get("id", ""), None)
            elif replace is not None:
                before = seen[replace.get("id", "")]
                assert before.thread == author, "somebody changes what another has written"
                seen[before.id] = Shown(before.id, text, author, history=(*before.history, before.text))
            elif child(message, "x", OOB) is not None:
                kind = KINDS.get(posixpath.splitext(text)[1], ("file", ""))[0]
                seen[number] = Shown(number, "", author, link=text, media=kind)
            elif text:
                answers = ids.native_id(ADA, reply.get("id", "")) if reply is not None else ""
                seen[number] = Shown(number, text, author, reply_to=answers)
        return {
            native: Shown(
                one.id,
                one.text,
                one.thread,
                link=one.link,
                media=one.media,
                reply_to=one.reply_to,
                history=one.history,
                reactions={who: emoji for who, emoji in felt.get(native, {}).items() if emoji},
            )
            for native, one in seen.items()
        }

    async def user_sees(self, message: str) -> Shown | None:
        return self._sees().get(message)

    async def fail_next(self, kind: type[SendFailed]) -> None:
        if kind is Rejected:
            await self._block(True)

            async def unblock(data: bytes) -> bool:
                if b"service-unavailable" in data:
                    self.wire.down = None
                    await self._block(False)
                return True

            self.wire.down = unblock
        elif kind is Unclear:

            async def lose(data: bytes) -> bool:
                if b"<message" in data:
                    self.wire.up = None
                    return False
                return True

            self.wire.up = lose
        elif kind is Retry:
            before = len(self.runner.raised)
            self.wire.cut()
            while len(self.runner.raised) == before:
                await asyncio.sleep(0.01)
            asyncio.get_running_loop().call_later(0.3, self.wire.mend)
        else:
            self.cannot(f"Prosody has no answer that means {kind.__name__}")

    async def cut(self) -> None:
        self.wire.cut()
        asyncio.get_running_loop().call_later(0.05, self.wire.mend)

    async def user_says(self, text: str) -> str:
        number = self.ada.says(text, to=self.room, room=True)
        given: list[str] = []

        def is_shown() -> bool:
            shown = (one for one in self.ada.messages if one.get("id") == number)
            ids_ = (child(one, "stanza-id", SID) for one in shown)
            given[:] = [one.get("id", "") for one in ids_ if one is not None]
            return bool(given)

        await self.ada.until(is_shown, f"{text!r} in the room")
        return ids.native_id(self.a_room, given[0])

    async def shown_in_room(self) -> Sequence[Shown]:
        said_there = [one for one in self.ada.messages if one.get("type") == "groupchat" and said(one, "body")]
        seen = []
        for message in said_there:
            room, _, nick = message.get("from", "").partition("/")
            given = child(message, "stanza-id", SID)
            if room == self.room and nick != self.ada.name:
                native = ids.native_id(self.a_room, given.get("id", "")) if given is not None else ""
                author = "" if nick.startswith("Gearmesh") else nick
                seen.append(Shown(native, said(message, "body"), self.a_room, author))
        return seen

    async def we_are_in_room(self) -> bool:
        there = {one.get("from", "") for one in self.ada.presences}
        return any(self.ada.sees(one) for one in there if one.startswith(f"{self.room}/Gearmesh"))

    async def user_moves(self, change: MembershipChange, text: str = "") -> None:
        if change == "joined":
            await self.ada.enters(self.room)
        elif change == "topic":
            self.ada.tells(element("subject", "", text), to=self.room, room=True)
        else:
            here = f"{self.room}/{self.ada.name}"
            self.ada.send(element("presence", to=here, type="unavailable"))
            await self.ada.until(lambda: not self.ada.sees(here), "that Ada has left")

    async def _block(self, on: bool) -> None:
        item = element("item", "urn:xmpp:blocking", jid=BRIDGE)
        tag = "block" if on else "unblock"
        answer = await self.ada.asks("set", "", with_children(element(tag, "urn:xmpp:blocking"), item))
        assert answer.get("type") == "result"

    async def user_replies(self, text: str, quoted: str) -> str:
        return self._writes(text, element("reply", REPLY, id=ids.reference(ADA, quoted), to=BRIDGE))

    async def user_reads(self) -> None:
        for one in await self.shown():
            self.ada.tells(element("displayed", MARKERS, id=one.id))

    async def receipts_shown(self) -> Sequence[str]:
        return self._marked("displayed", MARKERS)

    async def deliveries_shown(self) -> Sequence[str]:
        return [*self._marked("received", RECEIPTS), *self._marked("displayed", MARKERS)]

    def _marked(self, tag: str, namespace: str) -> list[str]:
        found = (child(one, tag, namespace) for one in self.ada.messages)
        return [f"{ADA} {one.get('id')}" for one in found if one is not None]

    async def typing_shown(self) -> bool:
        states = [child(one, state, CHATSTATES) for one in self.ada.messages for state in ("composing", "active")]
        told = [one.tag for one in states if one is not None]
        return bool(told) and told[-1].endswith("composing")

    async def user_sends(self, content: Message, data: bytes = b"") -> str:
        if isinstance(content, Media) and not content.view_once:
            url = await self._uploads(data, content.ref)
            return self._writes(url, with_children(element("x", OOB), element("url", OOB, url)))
        if not isinstance(content, Text) or content.forwarded:
            self.cannot("XMPP has no such thing")
        return self._writes(content.text.replace("**", "*"))

    async def user_sends_file(self, data: bytes) -> str:
        return await self.user_sends(Media("image", MediaRef("", "", "image/png", len(data), name="a b.png")), data)

    async def _uploads(self, data: bytes, ref: MediaRef) -> str:
        request = element("request", SLOTS, **{"filename": ref.name, "size": str(len(data)), "content-type": ref.mime})
        slot = child(await self.ada.asks("get", UPLOAD, request), "slot", SLOTS)
        assert slot is not None
        put, get = child(slot, "put", SLOTS), child(slot, "get", SLOTS)
        assert put is not None
        assert get is not None
        headers = {one.get("name", ""): one.text or "" for one in children(put, "header", SLOTS)}
        async with (
            aiohttp.ClientSession() as session,
            session.put(put.get("url", ""), data=data, headers={**headers, "Content-Type": ref.mime}) as answer,
        ):
            assert answer.status == 201
        return get.get("url", "")

    async def user_reacts(self, message: str, emoji: str) -> None:
        felt = element("reactions", REACTIONS, id=ids.reference(ADA, message))
        self.ada.tells(with_children(felt, element("reaction", REACTIONS, emoji) if emoji else None))

    async def user_edits(self, message: str, text: str) -> None:
        self.ada.says(text, element("replace", CORRECT, id=ids.reference(ADA, message)))

    async def user_unsends(self, message: str) -> None:
        self.ada.tells(element("retract", RETRACT, id=ids.reference(ADA, message)))

    async def user_types(self, on: bool) -> None:
        self.ada.tells(element("composing" if on else "paused", CHATSTATES))
