"""A message counts as sent when the server took it, and for no other reason."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from irctokens.line import Line, build, tokenise

from gearmesh import ReceiptReceived, Rejected, Retry, SendFailed, Unclear

from .bench import bench
from .ircd import CAPS, Client, Ircd
from .person import Person
from .servers import ngircd

NOTHING: dict[str, str] = {}


class Kicking(Ircd):
    """Throws us out just before our message would have been passed on."""

    def _pass_on(self, client: Client, line: Line, pairs: list[tuple[str, dict[str, str]]]) -> None:
        if client.nick != self.ours:
            super()._pass_on(client, line, pairs)
            return
        label = {name: value for name, value in (line.tags or {}).items() if name == "label"}
        there = self._there(line.params[0])
        self._tell_all(there, build("KICK", [line.params[0], client.nick, "out"], "ada!u@h"))
        there.remove(client)
        client.tell(build("404", [client.nick, line.params[0], "Cannot send to channel"], "irc.test", label))


@pytest.mark.parametrize("caps", [NOTHING, CAPS], ids=["without labels", "with labels"])
async def test_a_message_that_a_kick_overtakes_is_sent_again_when_we_are_back(caps: dict[str, str]) -> None:
    async with Kicking(caps) as ircd, bench(ircd.port, "#garden") as irc:
        with pytest.raises(Retry):
            await irc.says("#garden", "overtaken")
        with pytest.raises(Retry):
            await irc.says("#garden", "on our way back")


async def test_on_a_real_server_a_message_that_a_kick_overtakes_is_not_taken_for_delivered(tmp_path: Path) -> None:
    async with ngircd(tmp_path) as server, Person("ada", server.port) as ada:
        await ada.join("#garden")
        async with bench(server.port, "#garden") as irc:
            ada.say_raw("MODE", "#garden", "+n")
            await ada.hears(lambda line: line.command == "MODE" and "+n" in line.params[-1])
            link = irc.bridge._link
            assert link is not None
            handle, gate = link._handle, asyncio.Event()

            async def later(line: Line, raw: bytes) -> None:
                await gate.wait()  # the kick is on its way to us when we write
                await handle(line, raw)

            link._handle = later  # type: ignore[method-assign]
            ada.say_raw("KICK", "#garden", "gearmesh", "out")
            await ada.hears(lambda line: line.command == "KICK")
            saying = asyncio.create_task(irc.says("#garden", "overtaken"))
            await asyncio.sleep(0)
            gate.set()
            with pytest.raises(Retry):
                await saying
            assert ada.read_from("gearmesh") == []


class Answering(Ircd):
    """Answers our messages with `answers` instead of passing them on; `LABEL` in them is the message's."""

    answers: tuple[str, ...] = ()

    def _pass_on(self, client: Client, line: Line, pairs: list[tuple[str, dict[str, str]]]) -> None:
        if client.nick != self.ours:
            super()._pass_on(client, line, pairs)
            return
        for answer in self.answers:
            client.tell(tokenise(answer.replace("LABEL", (line.tags or {}).get("label", ""))))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("@label=LABEL :irc.test NOTICE gearmesh :Your message was blocked", Unclear),
        ("@label=LABEL :ben!u@h PRIVMSG #garden :Hello", Unclear),
        ("@label=LABEL :gearmesh!u@h PRIVMSG #other :Hello", Unclear),
        ("@label=LABEL :irc.test ACK", Unclear),
        ("@label=LABEL :irc.test 442 gearmesh #garden :You are not there", Rejected),
        ("@label=LABEL :irc.test 421 gearmesh PRIVMSG :Unknown command", Rejected),
        ("@label=LABEL :irc.test 599 gearmesh :no", Rejected),
    ],
)
async def test_with_labels_only_our_own_words_in_the_answer_say_that_they_were_taken(
    answer: str, kind: type[SendFailed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearmesh_irc.confirmations.ANSWER_WITHIN", 0.5)
    async with Answering() as ircd, bench(ircd.port, "#garden") as irc:
        ircd.answers = (answer,)
        with pytest.raises(kind):
            await irc.says("#garden", "Hello")


@pytest.mark.parametrize("command", ["442", "437", "499", "573"])
async def test_without_labels_each_error_that_names_the_target_is_a_refusal(command: str) -> None:
    async with Answering(NOTHING) as ircd, bench(ircd.port, "#garden") as irc:
        ircd.answers = (f":irc.test {command} gearmesh #garden :no",)
        with pytest.raises(SendFailed):
            await irc.says("#garden", "Hello")


async def test_what_another_client_of_the_bouncer_says_to_the_same_target_confirms_nothing() -> None:
    caps = {"echo-message": "", "message-tags": "", "znc.in/self-message": ""}
    async with Answering(caps) as ircd, bench(ircd.port, "#garden") as irc:
        ircd.answers = (
            "@msgid=other :gearmesh!u@h PRIVMSG #garden :typed elsewhere",
            ":irc.test 404 gearmesh #garden :no",
        )
        with pytest.raises(Rejected):
            await irc.says("#garden", "Hello")


async def test_a_nickname_that_is_taken_refuses_no_message_to_whoever_has_it() -> None:
    async with (
        Answering(NOTHING) as ircd,
        Person("gearmesh", ircd.port),
        bench(ircd.port) as irc,
    ):
        ircd.ours = "gearmesh_"
        ircd.answers = (":irc.test 433 gearmesh_ gearmesh :Nickname is already in use",)
        await irc.says("gearmesh", "Hello")


async def test_what_is_refused_behind_a_bouncer_that_said_pong_itself_is_told_later() -> None:
    async with Answering({"batch": "", "znc.in/self-message": ""}) as ircd, bench(ircd.port, "#garden") as irc:
        sent = await irc.says("#garden", "Hello", name="e:irc:0")
        ircd.clients[0].tell(build("404", ["gearmesh", "#garden", "no"], "irc.test"))
        receipt = await irc.context.next_event(ReceiptReceived)

        assert (receipt.state, receipt.thread, receipt.native_ids) == ("failed", "#garden", sent.native_ids)
        assert receipt.delivery_id == "e:irc:0"
        assert isinstance(receipt.failure, Rejected)
