"""Rules about asking somebody whose messaging window is closed to open it."""

from __future__ import annotations

from gearmesh.bridge import SupportsInvitations
from gearmesh.errors import SendFailed
from gearmesh.model.content import Text
from gearmesh.model.delivery import Sent
from gearmesh.testing.contract.harness import SENDER, Harness
from gearmesh.testing.contract.rule import Broken, must, rule
from gearmesh.testing.contract.runner import Runner

SECRET = "Words that wait"


class InvitationRules(Harness):
    """SupportsInvitations."""

    @rule(
        "invitations",
        "where nothing is configured for it, invite() returns None or invites; it raises SendFailed at most",
    )
    async def test_invitations_by_default(self) -> None:
        self._inviting()
        await self.start()
        try:
            sent = await self._invite()
        except SendFailed:
            return
        must(sent is None or bool(sent.native_ids), f"invite() returned {sent!r}; expected None, or ids")

    @rule("invitations", "an invitation is shown to the person, and the message itself is not")
    async def test_invitations_are_shown(self) -> None:
        self._inviting()
        self.bridge = self.make_inviting_bridge(self.context)
        self.runner = Runner(self.bridge, self.context)
        await self.start()
        sent = await self._invite()
        if sent is None:
            raise Broken("invite() returned None, though the bridge is configured to invite")
        must(bool(sent.native_ids), "invite() names no native id of the invitation")
        await self.appears(*sent.native_ids)
        texts = [shown.text for shown in await self.shown()]
        must(not any(SECRET in text for text in texts), f"the message itself was sent, too: {texts}")

    async def _invite(self) -> Sent | None:
        bridge = self._inviting()
        sent: object = await self.ask(
            "invite()", bridge.invite(self.delivery(Text(SECRET, SENDER))), allowed=(SendFailed,)
        )
        if sent is not None and not isinstance(sent, Sent):
            raise Broken(f"invite() returned {sent!r}; expected Sent or None")
        return sent

    def _inviting(self) -> SupportsInvitations:
        if not isinstance(self.bridge, SupportsInvitations):
            self.cannot("the bridge does not claim SupportsInvitations")
        return self.bridge
