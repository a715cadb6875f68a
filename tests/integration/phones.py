"""The sandbox's phones, as a test holds them: people who type, look, and read."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from .patience import WITHIN, eventually

Shown = dict[str, Any]
"""A message on a phone, as the sandbox's control API tells it."""


@dataclass(frozen=True)
class Phone:
    """Somebody's phone. `title` is what people call its network."""

    network: str
    user: str
    handle: str
    name: str

    @property
    def title(self) -> str:
        """What people call this network."""
        return {"whatsapp": "WhatsApp", "messenger": "Messenger", "instagram": "Instagram"}[self.network]

    @property
    def messages(self) -> str:
        """The control API's path of what stands on it."""
        return f"phones/{self.network}/{self.user}/messages"


ADA: Final = Phone("whatsapp", "4915112345678", "ada", "Ada Lovelace")
BEN: Final = Phone("messenger", "7100000000000001", "ben", "Ben Okri")
CLEO: Final = Phone("instagram", "17841405793187218", "cleo", "Cleo Dubois")
PHONES: Final = (ADA, BEN, CLEO)
PAIRS: Final = tuple(itertools.permutations(PHONES, 2))
"""The six directions."""
ROUND: Final = ((ADA, BEN), (BEN, CLEO), (CLEO, ADA))
"""Three of them, in which everybody writes and everybody reads."""


class Phones:
    """All phones of a running sandbox, through its control API."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self.url = url

    async def control(self, method: str, path: str, **body: Any) -> Any:
        """A call to the control API, and what it answers."""
        address = f"{self.url}/sandbox/{path}"
        async with self._http.request(method, address, json=body or None) as response:
            answer = await response.json() if response.content_type == "application/json" else None
            assert response.status < 300, f"{method} {path}: {response.status} {answer}"
            return answer

    async def types(self, phone: Phone, text: str = "", **message: Any) -> Shown:
        """Somebody sends something."""
        said: Shown = await self.control("POST", phone.messages, **({"text": text} if text else {}), **message)
        return said

    async def history(self, phone: Phone) -> list[Shown]:
        """Everything that stands on a phone, oldest first."""
        shown: list[Shown] = await self.control("GET", phone.messages)
        return shown

    async def arrived(self, phone: Phone) -> list[Shown]:
        """What came in on a phone, oldest first."""
        return [message for message in await self.history(phone) if message["direction"] == "in"]

    async def texts(self, phone: Phone) -> list[str]:
        """The words of what came in on a phone, oldest first."""
        return [message["text"] for message in await self.arrived(phone)]

    async def sees(self, phone: Phone, holds: Callable[[Shown], Any] | str, within: float = WITHIN) -> Shown:
        """Wait for a message that comes in; a text is looked for in its words."""

        def wanted(message: Shown) -> bool:
            return holds in message["text"] if isinstance(holds, str) else bool(holds(message))

        async def look() -> Shown | None:
            return next((message for message in reversed(await self.arrived(phone)) if wanted(message)), None)

        awaited = repr(holds) if isinstance(holds, str) else "the message"
        try:
            found = await eventually(look, awaited=f"{awaited} on {phone.handle}'s phone", within=within)
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows: {await self.texts(phone)!r:.3000}") from None
        assert found is not None
        return found

    async def counts(self, phone: Phone, count: int, within: float = WITHIN) -> list[Shown]:
        """Wait until so many messages came in."""
        return await eventually(
            lambda: self.arrived(phone),
            lambda messages: len(messages) >= count,
            awaited=f"{count} messages on {phone.handle}'s phone",
            within=within,
        )

    async def status(self, phone: Phone, message: Shown, status: str) -> None:
        """Wait until a message that was typed on a phone has this tick."""

        async def look() -> str:
            found = [shown["status"] for shown in await self.history(phone) if shown["id"] == message["id"]]
            return str(found[0])

        await eventually(look, lambda seen: seen == status, awaited=f"{message['text']!r} to be {status}")

    async def read(self, phone: Phone) -> None:
        """Somebody looks at everything that arrived."""
        await self.control("POST", f"phones/{phone.network}/{phone.user}/read")

    async def add(self, network: str, handle: str, name: str, **more: Any) -> Phone:
        """A phone more, whose person opens the chat at once."""
        view = await self.control("POST", "phones", network=network, handle=handle, name=name, **more)
        return Phone(network, view["user"], handle, name)

    async def fault(self, **order: Any) -> str:
        """Order misfortune; returns the fault's id."""
        return str((await self.control("POST", "faults", **order))["id"])

    async def lift(self) -> None:
        """Lift all faults."""
        await self.control("DELETE", "faults")

    async def advance(self, seconds: float) -> None:
        """Move the sandbox's clock."""
        await self.control("POST", "clock", advance=seconds)

    @asynccontextmanager
    async def next_webhook(self) -> AsyncIterator[None]:
        """At the end, wait until a webhook more has left than before."""
        before = (await self.control("GET", "state"))["webhooks"]["sent"]
        yield
        await eventually(
            lambda: self.control("GET", "state"),
            lambda state: state["webhooks"]["sent"] > before,
            awaited="the next webhook to leave",
        )

    async def all_told(self, within: float = WITHIN) -> None:
        """Wait until every webhook has been answered 200."""
        await eventually(
            lambda: self.control("GET", "state"),
            lambda state: state["webhooks"]["waiting"] == 0,
            awaited="all webhooks to be answered",
            within=within,
        )
