"""What is known to be wrong and is not mended yet."""

from __future__ import annotations

import asyncio

import pytest

from gearmesh import MessageReceived, Unclear
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.lines import cut

from .bench import bench
from .ircd import Ircd
from .person import Person
from .test_translation import read


@pytest.mark.xfail(strict=True, reason="13: ids with controls from a server's tags go on as they are")
def test_an_id_with_controls_in_it_is_none() -> None:
    (event,) = read("@msgid=a\\sb\\n :Ada!a@h PRIVMSG #a :Hello")

    assert isinstance(event, MessageReceived)
    assert not any(character.isspace() for character in event.native_id)


@pytest.mark.xfail(strict=True, reason="16: the next try uses the lines that were cut for the last connection")
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


@pytest.mark.xfail(strict=True, reason="17: two letters that are one flag are cut in two")
def test_no_flag_is_cut_in_two() -> None:
    assert all(len(line) % 2 == 0 for line in cut("\U0001f1e9\U0001f1ea" * 20, 60))


@pytest.mark.xfail(strict=True, reason="18: keys of channels are plain text in the configuration")
def test_keys_of_channels_are_secrets() -> None:
    config = IrcConfig(host="h", nick="us", keys={"#garden": "sesame"})

    assert "sesame" not in repr(config)


@pytest.mark.xfail(strict=True, reason="20: a lock is kept for each target that was ever written to")
async def test_nothing_is_kept_of_targets_that_nobody_writes_to_now() -> None:
    async with Ircd() as ircd, Person("ada", ircd.port), bench(ircd.port) as irc:
        await irc.says("ada", "Hello")
        link = irc.bridge._link

        assert link is not None
        assert not link.confirmations._turns
