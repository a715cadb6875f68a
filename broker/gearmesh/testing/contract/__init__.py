"""The suite that every bridge must pass: subclass `BridgeContract` in a test module.

    class TestPigeon(BridgeContract):
        a_user = "ada"

        @asynccontextmanager
        async def network(self):
            async with Loft() as self.loft:
                yield

        def make_bridge(self, context):
            return Pigeon(PigeonConfig(port=self.loft.port), context)

        async def user_writes(self, text):
            return self.loft.user_writes("ada", text)

        async def shown(self):
            return self.loft.shown("ada")

`Author` lists everything that can be given. With `pytest_plugins = ["gearmesh.testing.fixtures"]` a table at the end
says what passed.
"""

from __future__ import annotations

from gearmesh.testing.contract.at_once import AtOnceRules
from gearmesh.testing.contract.author import Author
from gearmesh.testing.contract.claims import ClaimRules
from gearmesh.testing.contract.failures import FailureRules
from gearmesh.testing.contract.files import FileRules
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.heard import HeardRules
from gearmesh.testing.contract.identity import IdentityRules
from gearmesh.testing.contract.incoming import IncomingRules
from gearmesh.testing.contract.invitations import InvitationRules
from gearmesh.testing.contract.kept import KeptRules
from gearmesh.testing.contract.native import NativeRules
from gearmesh.testing.contract.outgoing import OutgoingRules
from gearmesh.testing.contract.people import PeopleRules
from gearmesh.testing.contract.receipts import ReceiptRules
from gearmesh.testing.contract.replay import ReplayRules
from gearmesh.testing.contract.rooms import RoomRules
from gearmesh.testing.contract.rule import Broken, Rule
from gearmesh.testing.contract.running import RunningRules
from gearmesh.testing.contract.webhook import WebhookRules
from gearmesh.testing.contract.words import WordsRules
from gearmesh.testing.shown import Shown


class BridgeContract(
    IdentityRules,
    RunningRules,
    IncomingRules,
    OutgoingRules,
    FailureRules,
    WebhookRules,
    PeopleRules,
    ReceiptRules,
    FileRules,
    ClaimRules,
    NativeRules,
    WordsRules,
    HeardRules,
    InvitationRules,
    ReplayRules,
    KeptRules,
    RoomRules,
    AtOnceRules,
):
    """All rules of the contract between Gearmesh and one network, for one bridge."""


__all__ = ["Author", "BridgeContract", "Broken", "Harness", "Rule", "Shown"]
