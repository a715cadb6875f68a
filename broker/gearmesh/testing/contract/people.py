"""Rules about how people appear: profiles of the network's own users, ghosts of those from elsewhere."""

from __future__ import annotations

import contextlib

from gearmesh.bridge import SupportsGhosts, SupportsProfiles
from gearmesh.errors import SendFailed
from gearmesh.model.content import Sender
from gearmesh.model.person import Profile
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.rule import Broken, must, rule

GRACE = Sender("Grace Hopper", "grace", "Elsewhere")
ALAN = Sender("Alan Turing", "alan", "Elsewhere")
ODD = (
    Sender(),
    Sender("", "nameless", "Elsewhere"),
    Sender("N" * 500, "long", "Elsewhere"),
    Sender("👩‍🚀 \u202e", "odd", "Elsewhere", "https://127.0.0.1:1/no-such-picture.png"),
)
"""Senders that exist: without a name, with a very long one, with a picture that cannot be fetched."""


class PeopleRules(Harness):
    """SupportsProfiles and SupportsGhosts."""

    @rule("profiles", "the profile of a user is a Profile; its fields may be empty")
    async def test_profiles_known(self) -> None:
        bridge = self._profiling()
        await self.start()
        must(isinstance(await self._profile(bridge, self.a_user), Profile), "profile() returned something else")

    @rule("profiles", "asking for somebody who does not exist gives an empty profile or a SendFailed")
    async def test_profiles_unknown(self) -> None:
        bridge = self._profiling()
        await self.start()
        with contextlib.suppress(SendFailed):
            told = await self._profile(bridge, "nobody-at-all")
            must(isinstance(told, Profile), f"profile() returned {told!r}")

    @rule("ghosts", "the same sender has the same ghost, another sender another one")
    async def test_ghosts_are_told_apart(self) -> None:
        bridge = self._haunted()
        await self.start()
        grace, alan, again = [await self._ghost(bridge, sender) for sender in (GRACE, ALAN, GRACE)]
        must(grace == again, f"{GRACE.name} is {grace!r} first and then {again!r}")
        must(grace != alan or not grace, f"{GRACE.name} and {ALAN.name} are both {grace!r}")

    @rule("ghosts", "a message with a ghost is shown, under the sender's name where the network tells names")
    async def test_ghosts_speak(self) -> None:
        bridge = self._haunted()
        await self.start()
        ghost = await self._ghost(bridge, GRACE)
        if not ghost:
            self.cannot("the bridge gives no ghost in this thread")
        (shown,) = await self.appears(await self.send("It is easier to ask forgiveness", ghost=ghost))
        if shown.author:
            must(GRACE.name in shown.author, f"it appears under the name {shown.author!r}")

    @rule("ghosts", 'a sender who cannot be shown has the ghost "", and no exception costs the message')
    async def test_ghosts_odd(self) -> None:
        bridge = self._haunted()
        await self.start()
        for sender in ODD:
            await self._ghost(bridge, sender)

    async def _profile(self, bridge: SupportsProfiles, user: str) -> object:
        return await self.ask(f"profile({user!r})", bridge.profile(user), allowed=(SendFailed,))

    async def _ghost(self, bridge: SupportsGhosts, sender: Sender) -> str:
        asked = bridge.ghost(self.bridge.thread_of(self.a_user), sender)
        ghost: object = await self.ask(f"ghost() for {sender!r}", asked)
        if not isinstance(ghost, str):
            raise Broken(f"ghost() returned {ghost!r} for {sender!r}; expected a text")
        return ghost

    def _profiling(self) -> SupportsProfiles:
        if not isinstance(self.bridge, SupportsProfiles):
            self.cannot("the bridge does not claim SupportsProfiles")
        return self.bridge

    def _haunted(self) -> SupportsGhosts:
        if not isinstance(self.bridge, SupportsGhosts):
            self.cannot("the bridge does not claim SupportsGhosts")
        return self.bridge
