"""Groups: people join with a chat of their own, rooms are linked, and what one says everybody reads once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gearmesh import Rejected
from gearmesh.bus import direct
from gearmesh.daemon import Daemon
from gearmesh.errors import BusUnavailable
from gearmesh.host.groups import Seed
from gearmesh.model.address import Address
from gearmesh.model.conversation import Conversation
from gearmesh.testing import NatsServer

from .club import Club, texts
from .patience import eventually


@pytest.fixture
async def club(server: NatsServer, tmp_path: Path) -> Club:
    """A club that nobody has joined; its daemon does not run yet."""
    return Club(server, tmp_path)


async def test_given_people_and_rooms_when_one_of_them_speaks_then_all_others_read_it_once(club: Club) -> None:
    async with club.running():
        for network, user in ((club.north, "ada"), (club.south, "ben"), (club.west, "cleo")):
            await club.joins(network, user)
        await club.north.type("ada", "e4")
        await club.rooms.type("dan", "e5", thread="#chess")
        await club.south.type("ben", "Nf3")
        places = (
            (club.north, "ada", {"e4"}),
            (club.south, "ben", {"Nf3"}),
            (club.west, "cleo", set[str]()),
            (club.rooms, "#chess", {"e5"}),
            (club.rooms, "#openings", set[str]()),
        )
        for network, user, own in places:
            for move in {"e4", "e5", "Nf3"} - own:
                await club.told(network, user, move)
        for network, user, own in places:
            for move in ("e4", "e5", "Nf3"):
                said = [text for text in texts(network, user) if text.endswith(move)]
                assert len(said) == (move not in own), (network.name, user, move, said)
        assert not texts(club.rooms, "dan"), "whoever is in a room reads it there"


async def test_who_wrote_and_in_which_group_is_shown_where_the_thread_does_not_show_it(club: Club) -> None:
    async with club.running(ghosts=False):
        await club.joins(club.north, "ada")
        await club.joins(club.south, "ben")
        await club.rooms.type("dan", "hello", thread="#chess")
        await club.told(club.north, "ada", "hello")
        await club.north.type("ada", "hi there")
        await club.told(club.rooms, "#chess", "hi there")

        assert texts(club.north, "ada")[-1] == "Dan (@dan, Hall) in Chess club:\nhello"
        assert texts(club.rooms, "#chess")[-1] == "Ada (@ada, North):\nhi there"


async def test_whoever_joins_and_leaves_is_announced_and_told(club: Club) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
        await club.told(club.rooms, "#chess", "👥 Ada (@ada, North) joined")
        await club.joins(club.south, "ben")
        await club.told(club.north, "ada", "👥 Ben (@ben, South) joined Chess club")

        await club.south.type("ben", "Leave")
        await club.told(club.south, "ben", "You have left Chess club.")
        await club.told(club.north, "ada", "👥 Ben (@ben, South) left Chess club")
        await club.north.type("ada", "where is Ben?")
        await club.told(club.rooms, "#openings", "where is Ben?")
        await club.south.type("ben", "hello?")
        await club.told(club.south, "ben", "Nobody got this")
        assert not any("where is Ben?" in text for text in texts(club.south, "ben"))


async def test_whoever_has_muted_a_group_gets_nothing_of_it_until_they_want_it_again(club: Club) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
        await club.joins(club.south, "ben")
        await club.south.type("ben", "mute")
        await club.told(club.south, "ben", "You get nothing of Chess club")
        await club.north.type("ada", "unheard")
        await club.told(club.rooms, "#chess", "unheard")
        await club.south.type("ben", "I still speak")
        await club.told(club.north, "ada", "I still speak")
        await club.south.type("ben", "unmute")
        await club.told(club.south, "ben", "again")
        await club.north.type("ada", "heard")
        await club.told(club.south, "ben", "heard")

        assert not any("unheard" in text for text in texts(club.south, "ben"))


async def test_words_that_look_like_commands_go_to_whoever_they_are_meant_for(club: Club) -> None:
    async with club.running():
        club.south.add("ben")
        await club.north.type("ada", "@ben hello")
        await club.told(club.south, "ben", "hello")
        for words in ("leave", "join us", "mute"):
            await club.north.type("ada", words)
            await club.told(club.south, "ben", words)


async def test_an_answer_to_the_only_one_who_wrote_is_no_command(club: Club) -> None:
    async with club.running():
        await club.north.type("ada", "@ben shall we meet?")
        await club.told(club.south, "ben", "shall we meet?")
        await club.south.type("ben", "join us")
        await club.told(club.north, "ada", "join us")


async def test_an_unknown_code_is_told(club: Club) -> None:
    async with club.running():
        await club.west.type("cleo", "join nothing")
        await club.told(club.west, "cleo", "No group has the code “nothing” here.")


async def test_a_reply_in_a_chat_that_has_a_conversation_of_two_as_well_goes_to_the_group_that_it_quotes(
    club: Club,
) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
        await club.joins(club.south, "ben")
        await club.rooms.type("dan", "who plays?", thread="#chess")
        await club.told(club.north, "ada", "who plays?")
        await club.north.type("ada", "@ben between us")
        await club.told(club.south, "ben", "between us")
        asked = next(shown.id for shown in club.north.shown("ada") if "who plays?" in shown.text)
        await club.north.type("ada", "I do", asked)
        await club.told(club.rooms, "#chess", "I do")

        assert not any("between us" in text for text in texts(club.rooms, "#chess"))


async def test_reactions_edits_and_unsends_go_round_as_well(club: Club) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
        said = await club.rooms.type("dan", "draw?", thread="#chess")
        await club.told(club.north, "ada", "draw?")
        shown = next(shown.id for shown in club.north.shown("ada") if "draw?" in shown.text)
        await club.north.react("ada", shown, "👍")

        def everywhere() -> bool:
            seen = (club.rooms.message(said), *club.rooms.shown("#openings")[-1:])
            return all(message and "👍" in message.reactions.values() for message in seen)

        await club.rooms.until(everywhere, awaited="the reaction to be seen in both rooms")
        await club.rooms.edit("dan", said, "draw, please?")
        await club.told(club.north, "ada", "draw, please?")
        await club.told(club.rooms, "#openings", "draw, please?")
        await club.rooms.unsend("dan", said)
        await club.north.until(
            lambda: any(message.id == shown and message.deleted for message in club.north.shown("ada")),
            awaited="it to be taken back",
        )


async def test_what_happens_in_a_room_is_told_where_it_is_news(club: Club) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
        await club.rooms.move("eve", "#chess", "joined")
        await club.told(club.rooms, "#openings", "👥 Eve (@eve, Hall) joined")
        await club.rooms.move("eve", "#chess", "topic", "Sicilian tonight")
        await club.told(club.north, "ada", "set the topic of Chess club: Sicilian tonight")

        assert not any("Eve" in text and "joined" in text for text in texts(club.north, "ada"))


async def test_what_one_of_many_does_not_get_is_told_to_whoever_wrote_in_a_chat_of_their_own(club: Club) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
        await club.joins(club.south, "ben")
        club.south.fail(Rejected("the account is blocked", code="blocked"), times=2)
        await club.rooms.type("dan", "from a room", thread="#chess")
        await club.told(club.north, "ada", "from a room")
        await club.north.type("ada", "from a chat")
        await club.told(club.rooms, "#openings", "from a chat")
        await club.told(club.north, "ada", "Your message to Ben was not delivered: the account is blocked")

        assert not texts(club.rooms, "dan")


async def test_that_somebody_came_or_left_is_nothing_that_they_wrote_and_could_be_missed(club: Club) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
        club.rooms.fail(Rejected("the room is gone", code="gone"), times=2)
        await club.joins(club.south, "ben")
        await club.north.type("ada", "from a chat")
        await club.told(club.rooms, "#openings", "from a chat")

        assert not any("not delivered" in text for text in texts(club.south, "ben"))


async def test_what_was_said_in_a_room_and_taken_back_goes_out_of_the_log(club: Club) -> None:
    async with club.running() as daemon:
        await club.joins(club.north, "ada")
        said = await club.rooms.type("dan", "nobody saw that", thread="#chess")
        await club.told(club.north, "ada", "nobody saw that")
        await club.rooms.unsend("dan", said)
        await eventually(
            lambda: _bodies(daemon),
            lambda bodies: not any(b"nobody saw that" in body for body in bodies),
            awaited="the words to be nowhere in the inbound log",
        )


async def _bodies(daemon: Daemon) -> list[bytes]:
    found = direct.scan(daemon.connection, "GM_IN", "gm.in.*.*.*")
    return [one.data async for one in found]


async def test_whoever_is_alone_in_a_group_is_told_so(club: Club) -> None:
    async with club.running(()):
        await club.joins(club.north, "ada")
        await club.north.type("ada", "hello?")
        await club.told(club.north, "ada", "Nobody else gets what is written in Chess club now")


async def test_given_a_leave_that_breaks_off_when_it_comes_again_then_it_is_finished_and_nobody_else_reads_it(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with club.running() as daemon:
        await club.joins(club.north, "ada")
        await club.joins(club.south, "ben")
        await club.south.type("ben", "@ada between us")
        await club.told(club.north, "ada", "between us")
        await club.south.type("ben", "join chess")
        groups = daemon.apps["south"].app.shared.groups
        change, failed = groups.change, False

        async def change_and_fail(*args: Any, **more: Any) -> Conversation:
            nonlocal failed
            changed = await change(*args, **more)
            if not failed:
                failed = True
                raise BusUnavailable("nats is away")
            return changed

        monkeypatch.setattr(groups, "change", change_and_fail)
        await club.south.type("ben", "leave")
        await club.told(club.south, "ben", "You have left Chess club.")
        await club.told(club.north, "ada", "Ben (@ben, South) left Chess club")

        assert failed
        assert [text for text in texts(club.north, "ada") if "left Chess club" in text] == [
            "👥 Ben (@ben, South) left Chess club"
        ]
        assert not any(text.endswith("leave") for text in texts(club.north, "ada"))


async def test_given_a_crash_before_it_was_noted_when_a_message_comes_again_then_it_still_belongs_to_the_group(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with club.running() as daemon:
        await club.joins(club.north, "ada")
        await club.joins(club.south, "ben")
        messages = daemon.apps["north"].app.shared.messages
        remember = messages.remember
        failed: list[str] = []

        async def fail_once(app: str, *args: Any, **more: Any) -> None:
            if app == "north" and not failed:
                failed.append(app)
                messages.forget()
                raise BusUnavailable("nats is away")
            await remember(app, *args, **more)

        monkeypatch.setattr(messages, "remember", fail_once)
        said = await club.north.type("ada", "e4")
        await club.told(club.rooms, "#chess", "e4")
        await club.north.until(lambda: not club.north.waiting, awaited="it to be taken in")
        await club.north.type("ada", "that was mine", said)
        await club.told(club.rooms, "#chess", "that was mine")

        assert failed
        assert len([text for text in texts(club.south, "ben") if text.endswith("e4")]) == 1


async def test_given_that_nobody_else_gets_it_then_a_change_does_not_come_back_to_its_room(club: Club) -> None:
    async with club.running(("#chess",)):
        await club.joins(club.north, "ada")
        said = await club.rooms.type("dan", "e4", thread="#chess")
        await club.told(club.north, "ada", "e4")
        await club.north.type("ada", "mute")
        await club.told(club.north, "ada", "You get nothing")
        await club.rooms.edit("dan", said, "d4")
        await club.rooms.until(lambda: not club.rooms.waiting, awaited="the change to be taken in")
        await club.north.type("ada", "join chess")
        await club.told(club.north, "ada", "You are in Chess club now")
        await club.north.type("ada", "I am back")
        await club.told(club.rooms, "#chess", "I am back")
        await club.rooms.type("dan", "welcome", thread="#chess")
        await club.told(club.north, "ada", "welcome")

        assert not any("d4" in text for text in texts(club.rooms, "#chess"))


async def test_given_another_code_in_the_configuration_then_the_room_is_in_the_new_group_alone(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with club.running(("#chess",)):
        await club.joins(club.north, "ada")
    monkeypatch.setattr("tests.integration.club.CODE", "go")
    async with club.running(("#chess",)):
        await club.joins(club.south, "ben")
        await club.north.type("ada", "anybody?")
        await club.told(club.north, "ada", "Nobody else gets what is written in Chess club now")
        await club.rooms.type("dan", "a new game", thread="#chess")
        await club.told(club.south, "ben", "a new game")

        assert not any("a new game" in text for text in texts(club.north, "ada"))
        assert not any("anybody?" in text for text in texts(club.rooms, "#chess"))


async def test_a_group_that_is_full_lets_nobody_in_any_more(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gearmesh.host.placing.MAX_MEMBERS", 3)
    async with club.running():
        await club.joins(club.north, "ada")
        await club.south.type("ben", "join chess")
        await club.told(club.south, "ben", "Chess club is full: nobody can join it now.")
        await club.joins(club.north, "ada")  # whoever is in it already may say so again
        await club.north.type("ada", "only for those inside")
        await club.told(club.rooms, "#chess", "only for those inside")

        assert not any("only for those inside" in text for text in texts(club.south, "ben"))


async def test_a_room_that_is_linked_elsewhere_stays_there(club: Club) -> None:
    async with club.running(("#chess",)) as daemon:
        groups, room = daemon.apps["hall"].app.shared.groups, Address("hall", "#chess")
        await groups.seed({"chess": Seed("Chess club", (room,)), "go": Seed("Go club", (room,))}, {"hall"})
        await club.joins(club.north, "ada")
        await club.rooms.type("dan", "still chess", thread="#chess")
        await club.told(club.north, "ada", "still chess")

        linked, other = groups.of_room(room), groups.of_code("go")
        assert linked is not None
        assert linked.code == "chess"
        assert other is not None
        assert other.rooms == ()


async def test_given_a_record_that_is_no_group_then_it_is_passed_over(club: Club, server: NatsServer) -> None:
    async with club.running() as daemon:
        client = daemon.connection.client
        for key, record in (
            ("bad", b"\xff"),
            ("worse", msgspec.msgpack.encode({"id": "worse", "kind": "group", "members": ["x"]})),
        ):
            await client.jetstream().publish(f"$KV.gm-groups.{key}", record)
        await club.joins(club.north, "ada")
    async with club.running():
        await club.rooms.type("dan", "all is well", thread="#chess")
        await club.told(club.north, "ada", "all is well")


async def test_given_a_restart_when_the_configuration_has_other_rooms_then_members_stay_and_rooms_change(
    club: Club,
) -> None:
    async with club.running():
        await club.joins(club.north, "ada")
    async with club.running(("#chess", "#endgames")):
        await club.north.type("ada", "again")
        await club.told(club.rooms, "#endgames", "again")
        await club.rooms.type("eve", "nobody hears this", thread="#openings")
        await club.rooms.type("dan", "and this?", thread="#chess")
        await club.told(club.north, "ada", "and this?")

        assert not any("again" in text for text in texts(club.rooms, "#openings"))
        assert not any("nobody hears this" in text for text in texts(club.north, "ada"))


async def test_many_speak_at_once_and_everybody_reads_each_of_them_in_order(club: Club) -> None:
    async with club.running():
        for network, user in ((club.north, "ada"), (club.south, "ben"), (club.west, "cleo")):
            await club.joins(network, user)
        count = 50

        async def speaks(say: str, network_user: tuple[object, str], thread: str) -> None:
            network, user = network_user
            for number in range(count):
                await network.type(user, f"{say} {number}", thread=thread)  # type: ignore[attr-defined]

        await asyncio.gather(
            speaks("north", (club.north, "ada"), ""),
            speaks("south", (club.south, "ben"), ""),
            speaks("hall", (club.rooms, "dan"), "#chess"),
        )
        for network, user, others in (
            (club.west, "cleo", ("north", "south", "hall")),
            (club.north, "ada", ("south", "hall")),
            (club.rooms, "#openings", ("north", "south", "hall")),
            (club.rooms, "#chess", ("north", "south")),
        ):
            for other in others:
                await club.told(network, user, f"{other} {count - 1}")
                said = [text.rpartition("\n")[2] for text in texts(network, user)]
                mine = [text for text in said if text.startswith(f"{other} ")]
                assert mine == [f"{other} {number}" for number in range(count)], (network.name, user, other)
