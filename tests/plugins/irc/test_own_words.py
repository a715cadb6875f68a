"""What we said ourselves is never taken for somebody else's, whatever nickname we have now."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from irctokens.line import tokenise

from gearmesh import EchoReceived, Unclear
from gearmesh.testing import FakeContext
from gearmesh_irc.nicks import LINGERS, Nicks
from gearmesh_irc.session import Session

from .bench import Bench, bench, until
from .ircd import Ircd
from .person import Person
from .servers import inspircd

GHOST = "<G\u200drace/App>"


async def test_who_comes_back_under_another_nickname_knows_its_own_words_in_the_history() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, FakeContext("irc") as context:
        await ada.join("#garden")
        first = Bench(context, ircd.port)
        await first.start("#garden")
        await ada.says("#garden", "hi")
        await first.comes_in("hi")
        ircd.refusals.append("silence")
        with pytest.raises(Unclear):
            await first.says("#garden", "ours", ghost=GHOST)
        await first.stop()
        async with Person("gearmesh", ircd.port):
            second = Bench(context, ircd.port)
            await second.start("#garden")
            await ada.says("#garden", "after")
            await second.comes_in("after")
            await second.stop()

        assert ircd.logins[-1] == "gearmesh_"
        assert set(second.came_in()) == {"hi", "after"}
        assert [echo.text for echo in context.events_of(EchoReceived)] == ["ours"]


async def test_a_nickname_that_we_had_for_a_while_is_remembered_by_the_next_process() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, FakeContext("irc") as context:
        await ada.join("#garden")
        async with Person("gearmesh", ircd.port):
            first = Bench(context, ircd.port)
            await first.start("#garden")
            await ada.says("#garden", "hi")
            await first.comes_in("hi")
            ircd.ours = "gearmesh_"
            ircd.refusals.append("silence")
            with pytest.raises(Unclear):
                await first.says("#garden", "ours", ghost=GHOST)
            await first.stop()
        await until(lambda: [client.nick for client in ircd.clients] == ["ada"])
        second = Bench(context, ircd.port)
        await second.start("#garden")
        await ada.says("#garden", "after")
        await second.comes_in("after")
        await second.stop()

        assert ircd.logins[-1] == "gearmesh"
        assert set(second.came_in()) == {"hi", "after"}


async def test_what_somebody_says_now_under_a_nickname_of_ours_is_theirs() -> None:
    async with Ircd() as ircd, Person("gearmesh", ircd.port) as other, bench(ircd.port, "#garden") as irc:
        await other.join("#garden")
        await other.says("#garden", "I am not you")

        assert (await irc.comes_in("I am not you")).user == "gearmesh"


async def test_confirmed_words_are_behind_the_position_and_are_not_told_again() -> None:
    async with Ircd() as ircd, FakeContext("irc") as context:
        first = Bench(context, ircd.port)
        await first.start("#garden")
        await asyncio.gather(*(first.says("#garden", f"ours {number}") for number in range(3)))
        await first.stop()
        second = Bench(context, ircd.port)
        await second.start("#garden")
        await until(lambda: any(line.command == "CHATHISTORY" and "#garden" in line.params for line in ircd.received))
        asked = next(line for line in ircd.received if line.command == "CHATHISTORY" and "#garden" in line.params)
        await second.stop()

        assert asked.params[2].partition("=")[2] >= ircd.said[1].time


async def test_on_a_real_server_words_from_under_another_nickname_are_still_ours(tmp_path: Path) -> None:
    async with inspircd(tmp_path) as server, Person("ada", server.port) as ada, FakeContext("irc") as context:
        await ada.join("#garden")
        ada.say_raw("MODE", "#garden", "+H", "200:1d")
        await ada.hears(lambda line: line.command == "MODE" and "+H" in line.params)
        first = Bench(context, server.port)
        await first.start("#garden")
        await ada.says("#garden", "hi")
        await first.comes_in("hi")
        await first.says("#garden", "ours")
        await first.stop()
        async with Person("gearmesh", server.port):
            second = Bench(context, server.port)
            await second.start("#garden")
            await ada.says("#garden", "after")
            await second.comes_in("after")
            await second.stop()

        assert "ours" not in second.came_in()


async def test_what_somebody_else_said_meanwhile_under_a_nickname_of_ours_is_theirs() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, FakeContext("irc") as context:
        await ada.join("#garden")
        first = Bench(context, ircd.port, user="bridge")
        await first.start("#garden")
        await ada.says("#garden", "hi")
        await first.comes_in("hi")
        ircd.refusals.append("silence")
        with pytest.raises(Unclear):
            await first.says("#garden", "ours", ghost=GHOST)
        await first.stop()
        async with Person("gearmesh", ircd.port) as other:
            await other.join("#garden")
            await other.says("#garden", "I am not you")
            second = Bench(context, ircd.port, user="bridge")
            await second.start("#garden")
            await second.comes_in("I am not you")
            await second.stop()

        assert set(second.came_in()) == {"hi", "I am not you"}
        assert "ours" in {echo.text for echo in context.events_of(EchoReceived)}


START, END = 1_000_000, 2_000_000
MASK = "~bridge@h"


@pytest.mark.parametrize(
    ("at", "mask", "ours"),
    [
        (START - 1, MASK, False),
        (START, "~bridge@before.it.had.a.cloak", True),
        (END, "other@h", True),
        (END + 1, MASK, True),
        (END + 1, "other@h", False),
        (END + LINGERS + 1, MASK, False),
        (0, "other@h", True),
    ],
)
async def test_who_had_a_nickname_when_decides_whose_words_they_are(at: int, mask: str, ours: bool) -> None:
    async with FakeContext("irc") as context:
        await context.keep("nicks/gearmesh", f"{START}-{END}:{MASK}")
        nicks = Nicks(context)
        await nicks.load()

        assert nicks.were_ours("Gearmesh", at, mask) == ours
        assert not nicks.were_ours("ada", at, mask)


async def test_a_process_that_ends_at_once_has_written_down_that_a_nickname_was_its_own() -> None:
    async with FakeContext("irc") as context:
        nicks, session = Nicks(context), Session("gearmesh", "bridge")
        now = round(context.now() * 1000)
        nicks.connected(session, now)
        session.learn(tokenise(":gearmesh!bridge@h JOIN #garden"))
        await nicks.write()
        after = Nicks(context)
        await after.load()

        assert after.were_ours("gearmesh", now + 60_000, "bridge@h")
        assert not after.were_ours("gearmesh", now + 60_000, "other@h")


async def test_a_nickname_that_was_given_up_is_ours_no_more() -> None:
    async with FakeContext("irc") as context:
        nicks, session = Nicks(context), Session("gearmesh_", "bridge")
        now = round(context.now() * 1000)
        nicks.connected(session, now - 60_000)
        session.learn(tokenise(":gearmesh_!bridge@h NICK gearmesh"))
        nicks.renamed(now - 30_000)

        assert nicks.were_ours("gearmesh_", now - 40_000, "x@y")
        assert not nicks.were_ours("gearmesh_", now, "x@y")
        assert not nicks.were_ours("gearmesh", now - 40_000, "bridge@h")
        assert nicks.were_ours("gearmesh", now, "x@y")


@pytest.mark.parametrize(("account", "ours"), [("gearmesh", True), ("GearMesh", True), ("ada", False)])
def test_an_account_that_the_history_tells_decides(account: str, ours: bool) -> None:
    session = Session("gearmesh_", "bridge", lambda nick, at, mask: nick == "gearmesh")
    session.account = "gearmesh"
    line = f"@time=2026-01-01T00:00:00.000Z;account={account} :gearmesh!x@y PRIVMSG #garden :Hello"

    assert session.was_me(tokenise(line)) == ours


async def test_after_the_last_that_a_server_said_a_nickname_is_not_ours_for_certain() -> None:
    async with FakeContext("irc") as context:
        nicks, session = Nicks(context), Session("gearmesh", "bridge")
        now = round(context.now() * 1000)
        nicks.connected(session, now)
        session.learn(tokenise(":gearmesh!bridge@h JOIN #garden"))
        nicks.disconnected(30.0)

        assert nicks.were_ours("gearmesh", now, "x@y")
        assert not nicks.were_ours("gearmesh", now + 1000, "x@y")
        assert nicks.were_ours("gearmesh", now + 1000, "bridge@h")
