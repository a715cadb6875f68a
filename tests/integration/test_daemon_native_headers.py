"""What native clients write beside an envelope: passed on where it is what it says, and harmless where it is not."""

from __future__ import annotations

import pytest

from gearmesh.model.address import Address
from gearmesh.model.content import Sender, Text
from gearmesh.model.conversation import dm_id
from gearmesh.model.envelope import Envelope, Header
from gearmesh.wire.body import UNSEALED, close_body
from gearmesh.wire.codec import encode
from gearmesh.wire.subjects import Subjects

from .phones import ADA, BEN
from .streams import with_headers
from .town import Town

CLIENT = Address("native", "robot")
SUBJECTS = Subjects()


async def writes(town: Town, text: str, number: int, headers: dict[str, str]) -> None:
    """A native client sends a text to Ben, with headers of its own."""
    ben = Address("messenger", BEN.user)
    conversation = dm_id(CLIENT, ben)
    header = Header(bytes([number] * 16), "event", CLIENT, (ben,), conversation, 1_800_000_000_000, seal=UNSEALED)
    data = encode(Envelope(header, close_body(Text(text, Sender("Robot")))))
    await town.daemon.connection.js.publish(SUBJECTS.inbound("native", conversation), data, headers=headers)


async def test_given_a_traceparent_when_an_envelope_is_routed_then_it_goes_along(town: Town) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    await writes(town, "traced", 1, {"Gm-Trace": trace})

    await town.phones.sees(BEN, "traced")
    [(_, headers, _)] = await with_headers(town.daemon.connection, "GM_OUT", "gm.out.messenger.*")
    assert headers["Gm-Trace"] == trace


@pytest.mark.parametrize("name", ["Gm-Trace", "Gm-Times", "Gm-Replay"])
@pytest.mark.parametrize(
    "value",
    # JetStream takes 64 KiB of headers: what just fits on the way in does not on the way out, with ours beside it.
    ["x" * 65_490, "1," * 32_745, "not, a, number", "ü" * 30_000, "9" * 200],
    ids=["as long as there is room", "numbers", "words", "umlauts", "a time that never comes"],
)
async def test_given_headers_that_are_nonsense_when_an_envelope_is_routed_then_it_arrives_and_everything_goes_on(
    town: Town, name: str, value: str
) -> None:
    await writes(town, "with a strange header", 2, {name: value})

    await town.phones.sees(BEN, "with a strange header")
    await town.phones.types(ADA, "@ben and on it goes")
    await town.phones.sees(BEN, "and on it goes")
    assert not town.daemon.connection.closed.is_set()
    assert await with_headers(town.daemon.connection, "GM_DEAD") == []
