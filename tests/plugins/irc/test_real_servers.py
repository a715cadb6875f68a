"""The bridge on real servers, with real second connections as the people there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from gearmesh import (
    EchoReceived,
    MembershipReceived,
    MessageReceived,
    ReactionReceived,
    Redaction,
    Rejected,
    Retry,
    Secret,
    Text,
    Unauthorized,
    Unclear,
)
from gearmesh.testing import FakeContext

from .bench import Bench, bench, delivery, until
from .person import Person
from .servers import Server, inspircd, ngircd

Make = Callable[..., Server]
both = pytest.mark.parametrize("make", [ngircd, inspircd])


@pytest.fixture
async def server(make: Make, tmp_path: Path) -> AsyncIterator[Server]:
    async with make(tmp_path) as running:
        yield running


@both
async def test_words_go_both_ways_in_a_channel_and_in_direct_messages(server: Server) -> None:
    async with Person("Ada", server.port) as ada, bench(server.port, "#garden") as irc:
        await ada.join("#Garden")
        sent = await irc.says("#garden", "Hello, garden")
        await ada.reads("Hello, garden")
        assert len(sent.native_ids) == 1
        await irc.says("ada", "Hello, Ada")
        direct = await ada.reads("Hello, Ada")
        assert direct.params[0] == "Ada"

        await ada.says("#garden", "In the garden")
        await ada.says("gearmesh", "To you alone")
        there, alone = await irc.comes_in("In the garden"), await irc.comes_in("To you alone")

    assert (there.thread, there.user) == ("#garden", "ada")
    assert (alone.thread, alone.user) == ("ada", "ada")
    assert not [event for event in irc.context.events_of(MessageReceived) if event.user == "gearmesh"]


@both
async def test_someone_who_is_not_there_cannot_be_written_to(server: Server) -> None:
    async with bench(server.port) as irc:
        with pytest.raises(Rejected) as refused:
            await irc.says("nobody", "Hello?")

    assert refused.value.code == "401"


@both
async def test_a_moderated_channel_refuses_and_the_next_line_elsewhere_still_goes(server: Server) -> None:
    async with Person("Ada", server.port) as ada:
        await ada.join("#garden")
        async with bench(server.port, "#garden") as irc:
            ada.say_raw("MODE", "#garden", "+m")
            await ada.hears(lambda line: line.command == "MODE" and "+m" in line.params)
            refused, taken = await asyncio.gather(
                irc.says("#garden", "Not here"), irc.says("ada", "But here"), return_exceptions=True
            )

    assert isinstance(refused, Rejected)
    assert refused.code == "404"
    assert not isinstance(taken, BaseException)


@both
async def test_twenty_messages_arrive_in_order_and_each_once(server: Server) -> None:
    texts = [f"message {number}" for number in range(20)]
    async with Person("ada", server.port) as ada, bench(server.port) as irc:
        for text in texts:
            await irc.says("ada", text)
        await ada.reads(texts[-1])

        assert ada.read_from("gearmesh") == texts


@both
async def test_a_long_text_comes_whole_in_lines_none_of_which_the_server_cuts(server: Server) -> None:
    words = [f"wörd{number:04d}" for number in range(300)]
    async with Person("ada", server.port) as ada, bench(server.port) as irc:
        sent = await irc.says("ada", " ".join(words), ghost="<G\u200drace/App>")
        await ada.reads(words[-1])
        lines = ada.read_from("gearmesh")

    assert len(sent.native_ids) == len(lines) == len(set(sent.native_ids)) > 5
    assert all(line.startswith("<G\u200drace/App> ") for line in lines)
    assert " ".join(line.removeprefix("<G\u200drace/App> ") for line in lines).split() == words


@both
async def test_the_server_is_killed_and_started_again_and_what_was_to_be_sent_gets_through(server: Server) -> None:
    async with bench(server.port, "#garden") as irc:
        await irc.says("#garden", "before")
        await server.kill()
        await irc.context.until(lambda: irc.context.reports[-1].status == "reconnecting")
        with pytest.raises(Retry):
            await irc.says("#garden", "not now")
        await server.start()
        async with Person("ada", server.port) as ada:
            await ada.join("#garden")
            await irc.gets_through("#garden", "after")
            await ada.reads("after")


@both
async def test_who_is_thrown_out_comes_back(server: Server) -> None:
    async with Person("ada", server.port) as ada:
        await ada.join("#garden")
        async with bench(server.port, "#garden", rejoin=0.2) as irc:
            start = len(ada.lines)
            ada.say_raw("KICK", "#garden", "gearmesh", "enough")
            await ada.hears(lambda line: line.command == "JOIN" and line.hostmask.nickname == "gearmesh", start)
            await irc.gets_through("#garden", "back again")
            await ada.reads("back again")


@both
async def test_who_is_banned_is_told_so_and_gets_in_when_the_ban_is_lifted(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearmesh_irc.rooms.AGAIN", (0.2,))
    async with Person("ada", server.port) as ada:
        await ada.join("#garden")
        ada.say_raw("MODE", "#garden", "+b", "gearmesh!*@*")
        await ada.hears(lambda line: line.command == "MODE" and "+b" in line.params)
        async with bench(server.port) as irc:
            await irc.bridge.sit_in(["#garden"])
            banned = None
            async with asyncio.timeout(10):
                while not isinstance(banned, Rejected):
                    with pytest.raises((Retry, Rejected)) as refused:
                        await irc.says("#garden", "Let me in")
                    banned = refused.value
                    await asyncio.sleep(0.02)
            assert banned.code == "474"
            ada.say_raw("MODE", "#garden", "-b", "gearmesh!*@*")
            await irc.inside("#garden")
            await irc.says("#garden", "Thank you")
            await ada.reads("Thank you")


@both
async def test_a_channel_whose_key_is_another_one_is_told_to_the_operator_until_we_are_in(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearmesh_irc.rooms.AGAIN", (0.2,))
    async with Person("ada", server.port) as ada:
        await ada.join("#board")
        ada.say_raw("MODE", "#board", "+k", "right")
        await ada.hears(lambda line: line.command == "MODE" and "+k" in line.params)
        async with bench(server.port, keys={"#board": Secret("wrong")}) as irc:
            await irc.bridge.sit_in(["#board"])
            await until(lambda: "the channel wants another key" in irc.context.reports[-1].detail)
            assert irc.context.reports[-1].detail.startswith("as gearmesh; cannot enter #board: ")
            assert irc.context.reports[-1].status == "connected"
            reports = len(irc.context.reports)
            ada.say_raw("MODE", "#board", "-k", "right")
            await irc.inside("#board")
            await until(lambda: irc.context.reports[-1].detail == "as gearmesh")
            assert len(irc.context.reports) == reports + 1  # a trouble that lasts is told once


@both
async def test_a_taken_nickname_is_had_back_when_it_is_free(server: Server) -> None:
    thief = Person("gearmesh", server.port)
    await thief.connect()
    async with Person("ada", server.port) as ada, bench(server.port, regain=0.2) as irc:
        assert irc.context.reports[-1].detail == "as gearmesh_"
        await ada.says("gearmesh_", "Who are you?")
        await irc.comes_in("Who are you?")
        await thief.leave()
        await until(lambda: irc.bridge._session is not None and irc.bridge._session.nick == "gearmesh")
        assert irc.context.reports[-1].detail == "as gearmesh"
        await irc.says("ada", "Myself again")
        assert (await ada.reads("Myself again")).hostmask.nickname == "gearmesh"


@pytest.mark.parametrize("make", [ngircd, inspircd])
async def test_a_wrong_password_stops_the_app(make: Make, tmp_path: Path) -> None:
    async with make(tmp_path, password="sesame") as server, FakeContext("irc") as context:
        wrong = Bench(context, server.port, password=Secret("mustard"))
        with pytest.raises(Unauthorized):
            await asyncio.wait_for(wrong.bridge.run(), 10)
        right = Bench(context, server.port, password=Secret("sesame"))
        await right.start()
        await right.stop()


@both
async def test_rooms_that_are_not_linked_any_more_are_left(server: Server) -> None:
    async with Person("ada", server.port) as ada, bench(server.port, "#garden", "#lake") as irc:
        await ada.join("#lake")
        await irc.bridge.sit_in(["#garden"])
        await ada.hears(lambda line: line.command == "PART" and line.hostmask.nickname == "gearmesh")
        with pytest.raises(Rejected):
            await irc.says("#lake", "Is anybody there?")
        await irc.says("#garden", "Here I am")


@both
async def test_who_comes_goes_and_is_called_otherwise_is_told(server: Server) -> None:
    async with bench(server.port, "#garden") as irc:
        async with Person("ada", server.port) as ada:
            await ada.join("#garden")
            ada.say_raw("NICK", "Lovelace")
            await ada.hears(lambda line: line.command == "NICK")
            ada.say_raw("TOPIC", "#garden", "Roses")
            await ada.hears(lambda line: line.command in {"TOPIC", "482"})
            ada.say_raw("PART", "#garden", "good night")
            await ada.hears(lambda line: line.command == "PART")

        def told() -> list[tuple[str, str]]:
            return [(one.user, one.change) for one in irc.context.events_of(MembershipReceived)]

        await irc.context.until(lambda: ("lovelace", "left") in told())

    assert [one for one in told() if one[1] != "topic"] == [
        ("ada", "joined"),
        ("ada", "left"),
        ("lovelace", "joined"),
        ("lovelace", "left"),
    ]


async def test_tls_is_spoken_with_a_server_whose_certificate_is_good_and_with_no_other(tmp_path: Path) -> None:
    async with ngircd(tmp_path, tls=True) as server:
        good = str(tmp_path / "certificate.pem")
        async with bench(server.port, tls=True, authorities=good) as irc:
            ada = Person("ada", server.port)
            await ada.connect(ssl.create_default_context(cafile=good))
            await irc.says("ada", "In secret")
            await ada.reads("In secret")
            await ada.leave()
        async with FakeContext("irc") as context:
            doubtful = Bench(context, server.port, tls=True)
            task = asyncio.create_task(doubtful.bridge.run())
            await context.until(lambda: bool(context.reports))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert context.reports[0].status == "reconnecting"
            assert "certificate" in context.reports[0].detail


async def test_a_server_that_throttles_disconnects_nobody_who_keeps_to_the_pace(tmp_path: Path) -> None:
    async with (
        inspircd(tmp_path, strict=True) as server,
        Person("ada", server.port) as ada,
        bench(server.port, burst=4, every=1.0) as irc,
    ):
        await asyncio.gather(*(irc.says("ada", f"message {number}") for number in range(8)))
        await ada.reads("message 7")
        assert [report.status for report in irc.context.reports] == ["connected"]


async def test_who_is_disconnected_for_flooding_goes_on_more_slowly(tmp_path: Path) -> None:
    async with (
        inspircd(tmp_path, strict=True) as server,
        Person("ada", server.port) as ada,
        bench(server.port, burst=100, every=0.01) as irc,
    ):
        many = (irc.says(f"ghost{number}", "x") for number in range(60))
        results = await asyncio.gather(*many, return_exceptions=True)
        assert any(isinstance(one, Unclear) for one in results)
        await irc.connected(2)
        assert irc.bridge._pace.every >= 0.5
        await irc.gets_through("ada", "slower now")
        await ada.reads("slower now")


async def test_inspircd_names_each_message_and_our_own_come_back_as_confirmations(tmp_path: Path) -> None:
    async with inspircd(tmp_path) as server, Person("ada", server.port) as ada, bench(server.port, "#garden") as irc:
        await ada.join("#garden")
        (sent,) = (await irc.says("#garden", "Hello")).native_ids
        heard = await ada.reads("Hello")
        assert heard.tags is not None
        assert sent == heard.tags["msgid"]
        written = await ada.says("#garden", "Hello to you")
        assert (await irc.comes_in("Hello to you")).native_id == written
        assert not irc.context.events_of(EchoReceived)


async def test_reactions_replies_and_typing_go_by_tags_on_inspircd(tmp_path: Path) -> None:
    async with inspircd(tmp_path) as server, Person("ada", server.port) as ada, bench(server.port, "#garden") as irc:
        await ada.join("#garden")
        asked = (await irc.says("#garden", "Tea?")).native_ids[0]
        ada.say_raw("TAGMSG", "#garden", tags={"+draft/react": "🍵", "+draft/reply": asked})
        reaction = await irc.context.next_event(ReactionReceived)
        assert (reaction.target, reaction.emoji, reaction.user) == (asked, "🍵", "ada")
        await ada.says("#garden", "Please", tags={"+draft/reply": asked})
        assert (await irc.comes_in("Please")).reply_to == asked
        await irc.bridge.typing("#garden", "#garden", True, "")
        shown = await ada.hears(lambda line: line.command == "TAGMSG" and "+typing" in (line.tags or {}))
        assert (shown.tags or {})["+typing"] == "active"


async def test_what_inspircd_keeps_of_a_channel_is_taken_in_after_an_outage_and_nothing_older(tmp_path: Path) -> None:
    async with inspircd(tmp_path) as server, Person("ada", server.port) as ada:
        await ada.join("#garden")
        ada.say_raw("MODE", "#garden", "+H", "50:1h")
        await ada.hears(lambda line: line.command == "MODE" and "+H" in line.params[1])
        await ada.says("#garden", "long before")
        await asyncio.sleep(1.1)  # InspIRCd keeps whole seconds
        async with bench(server.port, "#garden") as irc:
            await ada.says("#garden", "before")
            await irc.comes_in("before")
            await irc.stop()
            await ada.says("#garden", "meanwhile")
            await irc.start("#garden")
            await ada.says("#garden", "after")
            await irc.comes_in("after")

            assert irc.came_in() == ["before", "meanwhile", "after"]


async def test_formatting_is_read_and_written_on_the_wire(tmp_path: Path) -> None:
    async with ngircd(tmp_path) as server, Person("ada", server.port) as ada, bench(server.port) as irc:
        await ada.says("gearmesh", "This is \x0304,01\x02bold\x02\x03 and \x1ditalic")
        await irc.context.until(lambda: bool(irc.came_in()))
        event = irc.context.events_of(MessageReceived)[0]
        assert isinstance(event.content, Text)
        assert event.content.markup
        assert "**bold**" in event.content.text
        assert not set("\x02\x03\x1d") & set(event.content.text)
        await irc.says("ada", "This is \x02bold\x02")
        assert (await ada.reads("This is")).params[-1] == "This is \x02bold\x02"


async def test_what_cannot_be_stored_waits_and_comes_in_order(tmp_path: Path) -> None:
    async with ngircd(tmp_path) as server, Person("ada", server.port) as ada, bench(server.port) as irc:
        irc.context.unavailable = True
        await ada.says("gearmesh", "one")
        await irc.context.until(lambda: bool(irc.context.refused))
        await irc.stop()
        irc.context.unavailable = False
        await irc.start()
        await ada.says("gearmesh", "two")
        await irc.comes_in("two")
        assert irc.came_in() == ["one", "two"]


async def test_a_delivery_that_is_tried_again_has_the_same_ids_without_echoes(tmp_path: Path) -> None:
    async with ngircd(tmp_path) as server, Person("ada", server.port), bench(server.port) as irc:
        first = await irc.bridge.send(delivery("ada", "x", name="a:irc:0"))
        again = await irc.bridge.send(delivery("ada", "x", name="a:irc:0"))
        other = await irc.bridge.send(delivery("ada", "x", name="b:irc:0"))
        assert first == again != other


async def test_a_channel_with_two_spellings_is_one_room(tmp_path: Path) -> None:
    async with inspircd(tmp_path) as server, Person("ada", server.port) as ada:
        await ada.join("#a{b}")  # the same as #a[b] by rfc1459
        async with bench(server.port, "#a[b]") as irc:
            await ada.says("#a{b}", "one room")
            assert (await irc.comes_in("one room")).thread == "#a[b]"
            await irc.says("#a[b]", "indeed")
            await ada.reads("indeed")
            assert not [line for line in ada.lines if line.command == "PART"]


@both
async def test_a_channel_with_a_key_is_entered_by_whoever_has_it(server: Server) -> None:
    async with Person("ada", server.port) as ada:
        await ada.join("#garden")
        ada.say_raw("MODE", "#garden", "+k", "sesame")
        await ada.hears(lambda line: line.command == "MODE" and "+k" in line.params)
        async with bench(server.port, "#garden", keys={"#Garden": Secret("sesame")}) as irc:
            await irc.says("#garden", "Open")
            await ada.reads("Open")


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (ngircd, {"reply": "fallback", "reaction": "fallback", "typing": "dropped", "redaction": "fallback"}),
        (inspircd, {"reply": "partial", "reaction": "partial", "typing": "full", "redaction": "fallback"}),
    ],
)
async def test_what_a_server_cannot_show_is_known_so_that_it_goes_in_words(
    server: Server, shown: dict[str, str]
) -> None:
    async with bench(server.port, "#garden") as irc:
        features = irc.bridge.capabilities("#garden").features
        change = msgspec.structs.replace(delivery("#garden", ""), content=Redaction("e"), target=("m1",))
        with pytest.raises(Rejected):
            await irc.bridge.redact(change)

        assert {name: features[name].level for name in ("reply", "reaction", "typing", "redaction")} == shown
        assert features["edit"].level == "fallback"
