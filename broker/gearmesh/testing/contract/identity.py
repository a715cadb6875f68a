"""Rules about what a bridge is before it runs: its names, its addresses, its capabilities."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, get_args

import msgspec
import pytest

from gearmesh.bridge import API, Bridge
from gearmesh.errors import InvalidAddress
from gearmesh.model.address import MAX_USER_CHARS
from gearmesh.model.capabilities import Capabilities, Limit, Unit
from gearmesh.plugins import NETWORK_NAME
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.rule import Broken, must, rule

NO_ADDRESSES: Final = ("", " ", "\x00", "ada\nben\x07", "x" * (MAX_USER_CHARS + 1))
"""Texts that are an address nowhere: empty, with control characters, too long (`gearmesh.model.address`)."""


class IdentityRules(Harness):
    """Names, construction, addresses, capabilities."""

    @rule("identity", "network, title, api and Config are set, so that the plugin can be loaded")
    async def test_identity_attributes(self) -> None:
        kind = type(self.bridge)
        must(isinstance(self.bridge, Bridge), f"{kind.__name__} is no subclass of gearmesh.Bridge")
        must(
            bool(NETWORK_NAME.fullmatch(kind.network)),
            f"network is {kind.network!r}; expected lower-case letters, digits and dashes",
        )
        must(isinstance(kind.title, str) and bool(kind.title.strip()), f"title is {kind.title!r}")
        must(kind.api == API, f"api is {kind.api!r}; this Gearmesh has version {API} of the contract")
        must(
            isinstance(kind.Config, type) and issubclass(kind.Config, msgspec.Struct),
            f"Config is {kind.Config!r}; expected a msgspec.Struct",
        )
        must(isinstance(kind.at_once, int) and kind.at_once > 0, f"at_once is {kind.at_once!r}; expected 1 or more")

    @rule("identity", "construction does no I/O: no connection, no task, nothing received")
    async def test_identity_construction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        connected: list[object] = []

        def connect(_: socket.socket, address: object) -> None:
            connected.append(address)
            raise ConnectionRefusedError("a bridge must not connect while it is made")

        before, received = asyncio.all_tasks(), len(self.context.events)
        with monkeypatch.context() as patch:
            patch.setattr(socket.socket, "connect", connect)
            try:
                self.make_bridge(self.context)
            except Exception as error:
                raise Broken(f"making a bridge raised {type(error).__name__}: {error}", error) from None
        must(not connected, f"making a bridge connected to {connected}")
        started = [task.get_name() for task in asyncio.all_tasks() - before]
        must(not started, f"making a bridge started the tasks {started}")
        came = self.context.events[received:]
        must(not came, f"making a bridge received {came}")

    @rule("identity", "a user id, formatted for people and read again, is the same user id")
    async def test_identity_addresses_go_round(self) -> None:
        written = self.bridge.format_address(self.a_user)
        must(isinstance(written, str) and bool(written), f"format_address({self.a_user!r}) is {written!r}")
        for text in (written, self.a_user):
            user = self._parsed(text)
            must(user == self.a_user, f"parse_address({text!r}) is {user!r}; expected {self.a_user!r}")

    @rule("identity", "however people type an address, it becomes its one canonical form")
    async def test_identity_addresses_as_people_type_them(self) -> None:
        if not self.addresses:
            self.cannot(f"not tested: {type(self).__name__} has no addresses")
        for text, expected in self.addresses.items():
            user = self._parsed(text)
            must(user == expected, f"parse_address({text!r}) is {user!r}; expected {expected!r}")
            again = self._parsed(user)
            must(again == user, f"{user!r} is not canonical: parse_address makes {again!r} of it")

    @rule("identity", "a text that can mean no user raises InvalidAddress, nothing else")
    async def test_identity_no_addresses(self) -> None:
        for text in (*NO_ADDRESSES, *self.bad_addresses):
            try:
                user = self.bridge.parse_address(text)
            except InvalidAddress:
                continue
            except Exception as error:
                raise Broken(f"parse_address({text[:40]!r}) raised {type(error).__name__}", error) from None
            raise Broken(f"parse_address({text[:40]!r}) took it for the user {user[:40]!r}")

    @rule("identity", "capabilities are sane: limits above 0, a source for every limit and for the whole")
    async def test_identity_capabilities(self) -> None:
        known, unknown = self.bridge.thread_of(self.a_user), "a-thread-nobody-knows"
        for thread in (known, unknown):
            try:
                capabilities: object = self.bridge.capabilities(thread)
            except Exception as error:
                raise Broken(f"capabilities({thread!r}) raised {type(error).__name__}", error) from None
            if not isinstance(capabilities, Capabilities):
                raise Broken(f"capabilities({thread!r}) is {capabilities!r}; expected Capabilities")
            must(bool(capabilities.source), "Capabilities.source is empty: where do the yes and no come from?")
            for name, limit in (("text", capabilities.text), ("caption", capabilities.caption)):
                self._check_limit(name, limit)

    def _check_limit(self, name: str, limit: Limit | None) -> None:
        if limit is None:
            return
        must(limit.value > 0, f"the limit of {name} is {limit.value}; expected more than 0")
        must(limit.unit in get_args(Unit), f"the limit of {name} counts {limit.unit!r}")
        must(bool(limit.source), f"the limit of {name} has no source: where does {limit.value} come from?")

    def _parsed(self, text: str) -> str:
        try:
            user: object = self.bridge.parse_address(text)
        except Exception as error:
            raise Broken(f"parse_address({text!r}) raised {type(error).__name__}: {error}", error) from None
        if not isinstance(user, str):
            raise Broken(f"parse_address({text!r}) is {user!r}; expected a text")
        return user
