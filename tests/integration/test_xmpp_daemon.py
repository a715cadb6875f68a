"""A person with XMPP and people with Meta's apps, through a whole daemon: each writes from the app that they have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.plugins.xmpp.person import Person
from tests.plugins.xmpp.server import BRIDGE, ROOMS, SECRET, Prosody

from gearmesh_xmpp.adhoc import FIELD
from gearmesh_xmpp.answers import SEARCH
from gearmesh_xmpp.elements import (
    COMMANDS,
    MARKERS,
    MUC_USER,
    REACTIONS,
    RECEIPTS,
    XDATA,
    child,
    element,
    every,
    said,
    with_children,
    written,
)
from gearmesh_xmpp.names import ghost_of

from .patience import eventually
from .phones import ADA, BEN
from .town import Town

COUNTESS = "ada@example.org"


@pytest.fixture
def prosody(tmp_path: Path) -> Iterator[Prosody]:
    with Prosody(tmp_path / "prosody") as server:
        yield server


@pytest.fixture
async def joined(quiet_town: Town, prosody: Prosody) -> Town:
    """A town with one more app."""
    quiet_town.tables["apps"]["jabber"] = {
        "bridge": "xmpp",
        "component": BRIDGE,
        "secret": f"plain:{SECRET}",
        "port": prosody.component,
        "unclear_wait": 2.0,
    }
    await quiet_town.start()
    await quiet_town.app_is("jabber", "connected")
    await quiet_town.phones.all_told()
    return quiet_town


@pytest.fixture
async def countess(prosody: Prosody, joined: Town) -> AsyncIterator[Person]:
    async with Person(prosody, "ada") as person:
        yield person


def ghost(app: str, user: str) -> str:
    return ghost_of(f"{app}:{user}", "", BRIDGE)


async def test_given_a_ghost_when_somebody_writes_to_it_then_that_person_gets_it_and_answers_from_it(
    joined: Town, countess: Person
) -> None:
    jid = ghost("whatsapp", ADA.user)
    countess.says("Dear namesake, *hello*", to=jid)
    shown = await joined.phones.sees(ADA, "Dear namesake, *hello*")
    assert "XMPP" in shown["text"]
    await joined.phones.types(ADA, "Hello yourself")
    answer = await countess.reads("Hello yourself")
    assert answer.get("from") == jid
    countess.tells(element("displayed", MARKERS, id=answer.get("id", "")), to=jid)
    felt = element("reactions", REACTIONS, id=answer.get("id", ""))
    countess.tells(with_children(felt, element("reaction", REACTIONS, "❤️")), to=jid)

    async def reacted() -> bool:
        return any("❤" in str(message) for message in await joined.phones.history(ADA))

    await eventually(reacted, awaited="the reaction on Ada's phone")


async def test_given_two_ghosts_when_somebody_writes_to_both_then_nothing_goes_astray(
    joined: Town, countess: Person
) -> None:
    for number in range(6):
        phone, app = ((ADA, "whatsapp"), (BEN, "messenger"))[number % 2]
        countess.says(f"number {number}", to=ghost(app, phone.user))
    await joined.phones.sees(ADA, "number 4")
    await joined.phones.sees(BEN, "number 5")
    for phone, mine in ((ADA, "024"), (BEN, "135")):
        texts = "".join(await joined.phones.texts(phone))
        assert [number for number in "012345" if f"number {number}" in texts] == list(mine)


async def test_given_somebody_with_a_phone_who_writes_first_then_it_comes_from_their_jid(
    joined: Town, countess: Person
) -> None:
    await joined.phones.types(ADA, f"@jabber:{COUNTESS} good morning")
    shown = await countess.reads("good morning")
    assert shown.get("from") == ghost("whatsapp", ADA.user)
    countess.says("and to you", element("request", RECEIPTS), to=shown.get("from", ""))
    await joined.phones.sees(ADA, "and to you")
    assert child(await countess.gets("received", RECEIPTS), "received", RECEIPTS) is not None


async def test_given_nobody_whom_a_message_is_for_then_the_component_says_how_to_begin(
    joined: Town, countess: Person
) -> None:
    countess.says("hello?")
    await countess.until(
        lambda: any(one.get("from") == BRIDGE and said(one, "body") for one in countess.messages), "help"
    )


async def test_given_somebody_who_is_searched_for_then_what_is_found_can_be_written_to(
    joined: Town, countess: Person
) -> None:
    filled = with_children(element("query", SEARCH), element("nick", SEARCH, f"whatsapp:{ADA.user}"))
    found = list(every(await countess.asks("set", BRIDGE, filled), "item", SEARCH))
    assert len(found) == 1
    countess.says("Found you", to=found[0].get("jid", ""))
    await joined.phones.sees(ADA, "Found you")


ROOM = f"talk@{ROOMS}"


@pytest.fixture
async def linked(quiet_town: Town, prosody: Prosody) -> AsyncIterator[tuple[Town, Person]]:
    """A town with one more app, of which a room is linked to a group that two people with phones are in."""
    async with Person(prosody, "ada") as countess:
        await countess.enters(ROOM, "Countess")
        quiet_town.tables["apps"]["jabber"] = {
            "bridge": "xmpp",
            "component": BRIDGE,
            "secret": f"plain:{SECRET}",
            "port": prosody.component,
            "unclear_wait": 2.0,
        }
        quiet_town.tables["conversations"] = [{"code": "parlour", "title": "The parlour", "rooms": [f"jabber:{ROOM}"]}]
        await quiet_town.start()
        await countess.until(lambda: countess.sees(f"{ROOM}/Gearmesh"), "the bridge in the room")
        for phone in (ADA, BEN):
            await quiet_town.phones.types(phone, "join parlour")
            await quiet_town.phones.sees(phone, "You are in The parlour now")
        yield quiet_town, countess


async def test_given_a_room_that_is_linked_to_a_group_then_all_read_each_other_once_and_in_order(
    linked: tuple[Town, Person],
) -> None:
    town, countess = linked
    for number in range(5):
        countess.says(f"from the room {number}", to=ROOM, room=True)
    await town.phones.sees(ADA, "from the room 4")
    await town.phones.sees(BEN, "from the room 4")
    for phone in (ADA, BEN):
        read = [text.rpartition("\n")[2] for text in await town.phones.texts(phone)]
        assert [text for text in read if "from the room" in text] == [f"from the room {number}" for number in range(5)]
    for number in range(5):
        await town.phones.types(BEN, f"from Ben {number}")
    shown = await countess.reads("from Ben 4")
    assert str(shown.get("from")).startswith(f"{ROOM}/Ben")
    there = [said(one, "body") for one in countess.messages if "from Ben" in said(one, "body")]
    assert there == [f"from Ben {number}" for number in range(5)]


async def test_given_a_group_when_it_is_entered_from_a_menu_then_the_core_answers_there_and_messages_come(
    linked: tuple[Town, Person],
) -> None:
    town, countess = linked
    field = with_children(element("field", XDATA, var=FIELD), element("value", XDATA, "parlour"))
    command = element("command", COMMANDS, node="join", action="complete")
    answer = await countess.asks(
        "set", BRIDGE, with_children(command, with_children(element("x", XDATA, type="submit"), field))
    )
    notes = [one.text or "" for one in every(answer, "note", COMMANDS)]
    assert notes
    assert "You are in The parlour now" in notes[0]
    await town.phones.types(BEN, "Welcome")
    shown = await countess.reads("Welcome")
    assert shown is not None


async def test_given_a_room_that_shows_jids_when_a_group_talks_there_then_no_number_is_seen_and_all_can_be_written_to(
    linked: tuple[Town, Person],
) -> None:
    town, countess = linked
    await town.phones.types(ADA, "Good evening")
    shown = await countess.reads("Good evening")
    told = [one for one in countess.presences if one.get("from") == shown.get("from")]
    jid = next(one.get("jid", "") for one in every(told[-1], "item", MUC_USER)).partition("/")[0]
    assert ADA.user not in "".join(written(one) for one in (*countess.messages, *countess.presences))
    countess.says("A word with you", to=jid)
    await town.phones.sees(ADA, "A word with you")
    await town.phones.types(ADA, f"@jabber:{COUNTESS} Gladly")
    assert (await countess.reads("Gladly")).get("from") == jid
