"""Nothing is lost when a connection is, and nothing comes twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from irctokens.line import build

from gearmesh import Delivery, EchoReceived, Reaction, Redaction, Rejected, Retry, Secret, Sender, Unauthorized, Unclear
from gearmesh.testing import FakeContext

from .bench import FAST, Bench, bench, until
from .ircd import CAPS, Client, Ircd
from .person import Person
from .proxy import Proxy
from .servers import inspircd, ngircd

NOTHING: dict[str, str] = {}
"""The capabilities of a server that knows none."""


async def test_what_is_written_while_a_connection_is_cut_for_two_seconds_comes_in_once_and_in_order() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, Proxy(ircd.port) as way:
        await ada.join("#garden")
        async with bench(way.port, "#garden") as irc:
            await ada.says("#garden", "before")
            await irc.comes_in("before")
            await way.cut()
            for number in range(25):  # three pages
                await ada.says("#garden", f"meanwhile {number}")
            await asyncio.sleep(2)
            await way.listen()
            await irc.inside("#garden")
            await ada.says("#garden", "after")
            await irc.comes_in("after")

            assert irc.came_in() == ["before", *(f"meanwhile {number}" for number in range(25)), "after"]


async def test_direct_messages_of_an_outage_come_in_before_those_after_it() -> None:
    async with (
        Ircd() as ircd,
        Person("ada", ircd.port) as ada,
        Person("ben", ircd.port) as ben,
        bench(ircd.port) as irc,
    ):
        await ada.says("gearmesh", "before")
        await irc.comes_in("before")
        await irc.stop()
        await ada.says("gearmesh", "meanwhile")
        await ben.says("gearmesh", "hello for the first time")
        await irc.start()
        await ada.says("gearmesh", "after")
        await irc.comes_in("after")
        await irc.comes_in("hello for the first time")

        assert [text for text in irc.came_in() if "hello" not in text] == ["before", "meanwhile", "after"]
        assert len(irc.came_in()) == 4


async def test_another_process_goes_on_where_the_last_one_stopped() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, FakeContext("irc") as context:
        await ada.join("#garden")
        first = Bench(context, ircd.port)
        await first.start("#garden")
        await ada.says("#garden", "before")
        await first.comes_in("before")
        await first.stop()
        await ada.says("#garden", "meanwhile")
        second = Bench(context, ircd.port)
        await second.start("#garden")
        await second.comes_in("meanwhile")
        await second.stop()

        ids = {event.native_id for event in context.events if hasattr(event, "native_id")}
        assert len(ids) == 2  # what comes again from a second process has the id that it had


async def test_a_bouncer_plays_what_was_said_meanwhile_and_its_messages_need_no_ids() -> None:
    caps = {"batch": "", "server-time": "", "znc.in/playback": ""}
    async with Ircd(caps) as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden") as irc:
        await ada.join("#garden")
        await ada.says("#garden", "before")
        await irc.comes_in("before")
        await irc.stop()
        await ada.says("#garden", "meanwhile")
        await ada.says("gearmesh", "to you alone")
        await until(lambda: len(ircd.said) == 3)
        await irc.start("#garden")
        await irc.comes_in("to you alone")
        await ada.says("#garden", "after")
        await irc.comes_in("after")

        assert irc.came_in() == ["before", "meanwhile", "to you alone", "after"]


async def test_an_unclear_message_that_arrived_is_recognised_in_the_history() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada:
        await ada.join("#garden")
        async with bench(ircd.port, "#garden") as irc:
            await irc.says("#garden", "the first")
            await ada.says("#garden", "a word, so that there is a position")
            await irc.comes_in("a word, so that there is a position")
            ircd.refusals.append("silence")
            with pytest.raises(Unclear):
                await irc.says("#garden", "Did it arrive?", name="e:irc:0", ghost="<G\u200drace/App>")
            echo = await irc.context.next_event(EchoReceived)
            while echo.delivery_id != "e:irc:0":
                echo = await irc.context.next_event(EchoReceived)
            assert echo.text == "Did it arrive?"
            assert echo.native_id == next(one.msgid for one in ircd.said if "Did it arrive?" in one.lines[0][0])


async def test_an_unclear_message_that_did_not_arrive_goes_out_when_it_is_sent_again() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port) as irc:
        ircd.refusals.append("deaf")
        with pytest.raises(Unclear):
            await irc.says("ada", "Once", name="e:irc:0")
        await irc.gets_through("ada", "Once", name="e:irc:0")
        await ada.reads("Once")
        assert ada.read_from("gearmesh") == ["Once"]


async def test_of_several_lines_only_those_that_are_not_confirmed_go_out_again() -> None:
    async with Ircd(NOTHING) as ircd, Person("ada", ircd.port) as ada, bench(ircd.port) as irc:
        ircd.refusals += ["", "deaf"]
        with pytest.raises(Unclear):
            await irc.says("ada", "one\ntwo\nthree", name="e:irc:0")
        sent = await irc.gets_through("ada", "one\ntwo\nthree", name="e:irc:0")
        await ada.reads("three")
        assert ada.read_from("gearmesh") == ["one", "two", "three"]
        assert len(set(sent.native_ids)) == 3


@pytest.mark.parametrize("caps", [NOTHING, {"echo-message": ""}, CAPS], ids=["none", "echo-message", "all"])
async def test_a_line_is_confirmed_whatever_the_server_can_do(caps: dict[str, str]) -> None:
    async with Ircd(caps) as ircd, Person("ada", ircd.port) as ada, bench(ircd.port) as irc:
        texts = [f"line {number}" for number in range(10)]
        await asyncio.gather(*(irc.says("ada", text) for text in texts))
        await ada.reads(texts[-1])
        assert sorted(ada.read_from("gearmesh")) == sorted(texts)
        ircd.refusals.append("404")
        with pytest.raises(Rejected):
            await irc.says("ada", "no")
        await irc.says("ada", "yes")


@pytest.mark.parametrize("labels", [False, True])
async def test_several_lines_that_the_server_refuses_are_not_taken_for_delivered(labels: bool) -> None:
    names = {"batch", "message-tags", "draft/multiline"}
    caps = CAPS if labels else {name: value for name, value in CAPS.items() if name in names}
    async with (
        Ircd(caps) as ircd,
        Person("ada", ircd.port) as ada,
        Person("ben", ircd.port) as ben,
        bench(ircd.port) as irc,
    ):
        ircd.refusals += ["", "MULTILINE_MAX_BYTES"]
        taken, refused = await asyncio.gather(
            irc.says("ada", "one\ntwo"), irc.says("ben", "one\ntwo"), return_exceptions=True
        )
        assert not isinstance(taken, BaseException)
        assert isinstance(refused, Rejected)
        assert refused.code == "MULTILINE_MAX_BYTES"
        await ada.hears(lambda line: line.command == "BATCH")
        assert not [line for line in ben.lines if line.command == "BATCH"]


async def test_several_lines_share_one_question_whether_they_were_taken() -> None:
    async with Ircd(NOTHING) as ircd, bench(ircd.port) as irc:
        people = [Person(f"p{number}", ircd.port) for number in range(20)]
        for person in people:
            await person.connect()
        start = len(ircd.received)
        await asyncio.gather(*(irc.says(person.nick, "x") for person in people))
        assert sum(line.command == "PING" for line in ircd.received[start:]) < 10
        for person in people:
            await person.leave()


async def test_a_pulled_cable_is_noticed_and_what_nobody_confirmed_is_unclear() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port), Proxy(ircd.port) as way, bench(way.port, quiet=0.3) as irc:
        way.deaf = True
        with pytest.raises(Unclear):
            await irc.says("ada", "into the void")
        await until(lambda: irc.context.reports[-1].status == "reconnecting")
        assert "nothing for" in irc.context.reports[-1].detail
        with pytest.raises(Retry):
            await irc.says("ada", "not now")
        way.deaf = False
        await irc.connected(2)


async def test_an_account_is_logged_in_to_and_a_wrong_password_stops_the_app() -> None:
    async with Ircd(accounts={"gearmesh": "sesame"}) as ircd, FakeContext("irc") as context:
        wrong = Bench(context, ircd.port, account="gearmesh", account_password=Secret("mustard"))
        with pytest.raises(Unauthorized):
            await asyncio.wait_for(wrong.bridge.run(), 5)
        right = Bench(context, ircd.port, account="gearmesh", account_password=Secret("sesame"))
        await right.start()
        assert [client.account for client in ircd.clients if client.ready] == ["gearmesh"]
        await right.stop()


async def test_a_message_that_nobody_knows_by_an_id_cannot_be_taken_back() -> None:
    async with Ircd() as ircd, bench(ircd.port) as irc:
        one = Delivery("e:irc:0", "ada", "ada", Redaction("e"), Sender("Grace", "grace", "App"))
        with pytest.raises(Rejected):
            await irc.bridge.redact(one)


class Unable(Ircd):
    """Has accounts, and cannot look at them now."""

    def _authenticate(self, client: Client, said: str) -> None:
        if said == "PLAIN":
            super()._authenticate(client, said)
        else:
            self._answer(client, "906", "SASL authentication aborted")


async def test_a_login_that_was_broken_off_is_tried_again() -> None:
    async with Unable(accounts={"gearmesh": "sesame"}) as ircd, FakeContext("irc") as context:
        irc = Bench(context, ircd.port, account="gearmesh", account_password=Secret("sesame"))
        task = asyncio.create_task(irc.bridge.run())
        await context.until(lambda: len(context.reports) >= 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert {report.status for report in context.reports} == {"reconnecting"}


async def test_without_sasl_no_account_comes_in_as_a_stranger() -> None:
    async with Ircd() as ircd, FakeContext("irc") as context:
        irc = Bench(context, ircd.port, account="gearmesh", account_password=Secret("sesame"))
        task = asyncio.create_task(irc.bridge.run())
        await context.until(lambda: bool(context.reports))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert context.reports[0].status == "reconnecting"
        assert "SASL" in context.reports[0].detail
        assert ircd.logins == []


@pytest.mark.slow
async def test_on_real_servers_what_waits_for_two_seconds_without_a_way_gets_through_once(tmp_path: Path) -> None:
    for make in (ngircd, inspircd):
        folder = tmp_path / make.__name__
        folder.mkdir()
        async with make(folder) as server, Person("ada", server.port) as ada, Proxy(server.port) as way:
            await ada.join("#garden")
            async with bench(way.port, "#garden") as irc:
                await irc.gets_through("#garden", "before")
                await way.cut()
                await until(lambda: irc.context.reports[-1].status == "reconnecting")
                waiting = asyncio.create_task(irc.gets_through("#garden", "meanwhile"))
                await asyncio.sleep(2)
                await way.listen()
                await waiting
                await irc.gets_through("#garden", "after")
                await ada.reads("after")
                spoken = [
                    line.params[-1] for line in ada.lines if line.command == "PRIVMSG" and line.params[0] == "#garden"
                ]
                assert spoken == ["before", "meanwhile", "after"]


async def test_a_reaction_that_could_not_be_taken_away_is_taken_away_by_the_next_try() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden") as irc:
        await ada.join("#garden")
        target = await ada.says("#garden", "Hello")
        await irc.comes_in("Hello")

        def reaction(emoji: str) -> Delivery:
            shown = Reaction(target, emoji)
            return Delivery("e:irc:0", "#garden", "#garden", shown, Sender("Grace", "grace", "App"), target=(target,))

        await irc.bridge.react(reaction("🌹"))
        ircd.refusals.append("437")
        with pytest.raises(Retry):
            await irc.bridge.react(reaction("🌷"))
        await irc.bridge.react(reaction("🌷"))
        await ada.hears(lambda line: (line.tags or {}).get("+draft/react") == "🌷")

        taken = [tags["+draft/unreact"] for line in ada.lines if "+draft/unreact" in (tags := line.tags or {})]
        assert taken == ["🌹"]


async def test_what_is_sent_again_is_cut_for_the_connection_that_there_is() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port) as irc:
        ircd.refusals.append("deaf")
        with pytest.raises(Unclear):
            await irc.says("ada", "one\ntwo", name="e:irc:0")
        del ircd.caps["draft/multiline"]
        await irc.connected(2)
        start = len(ircd.received)
        sending = asyncio.create_task(irc.gets_through("ada", "one\ntwo", name="e:irc:0"))
        await ada.reads("two")
        sending.cancel()

        assert not [line for line in ircd.received[start:] if line.command == "BATCH"]


async def test_the_rest_of_what_was_begun_is_cut_for_the_name_that_we_have_now() -> None:
    words = [f"word{number:03d}" for number in range(200)]
    async with Ircd(NOTHING) as ircd, Person("ada", ircd.port) as ada, bench(ircd.port) as irc:
        ircd.refusals += ["", "deaf"]
        with pytest.raises(Unclear):
            await irc.says("ada", " ".join(words), name="e:irc:0", ghost="<G\u200drace/App>")
        await irc.connected(2)
        session = irc.bridge._session
        assert session is not None
        session.learn(build("396", ["gearmesh", "h" * 60, "is now your displayed host"]))
        await irc.gets_through("ada", " ".join(words), name="e:irc:0", ghost="<G\u200drace/App>")
        await ada.reads(words[-1])

        lines = ada.read_from("gearmesh")
        assert " ".join(line.removeprefix("<G\u200drace/App> ") for line in lines).split() == words
        for line in lines[1:]:
            assert len(f":{session.mask} PRIVMSG ada :{line}\r\n".encode()) <= 512


async def test_a_server_that_is_away_for_a_while_makes_nobody_slower() -> None:
    async with Ircd(NOTHING) as ircd, Person("ada", ircd.port), Proxy(ircd.port) as way, bench(way.port) as irc:
        way.deaf = True
        sending = [asyncio.create_task(irc.says("ada", f"line {number}")) for number in range(20)]
        await asyncio.sleep(0.1)
        await way.cut()
        results = await asyncio.gather(*sending, return_exceptions=True)
        assert all(isinstance(one, Unclear) for one in results)
        await irc.context.until(lambda: len(irc.context.reports) >= 3)  # it was tried again, and nobody was there
        way.deaf = False
        await way.listen()
        await irc.connected(2)

        assert irc.bridge._pace.every == FAST["every"]
