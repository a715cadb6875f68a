"""A server that says something odd stops nothing."""

from __future__ import annotations

import threading

import pytest
from irctokens.line import tokenise

from gearmesh_irc.batches import HISTORY, MOST_LINES, MOST_OPEN, Batches
from gearmesh_irc.connection import Lost

from .bench import bench
from .ircd import Ircd
from .person import Person


@pytest.mark.parametrize(
    "openings",
    [
        ["@batch=x BATCH +x chat x"],
        ["BATCH +x chat x", "@batch=x BATCH +y chat y", "@batch=y BATCH +x chat x"],
        ["@batch=y BATCH +x chat x", "@batch=x BATCH +y chat y"],
    ],
)
def test_a_batch_that_is_inside_itself_is_followed_no_further(openings: list[str]) -> None:
    batches = Batches()
    for opening in openings:
        batches.feed(tokenise(opening))
    line = tokenise("@batch=x :a!b@c PRIVMSG #x hi")
    following = threading.Thread(target=batches.is_in, args=(line, HISTORY), daemon=True)
    following.start()
    following.join(5)

    assert not following.is_alive()


def test_batches_that_are_never_closed_end_the_connection_before_they_fill_the_memory() -> None:
    batches = Batches()
    for number in range(MOST_OPEN):
        batches.feed(tokenise(f"BATCH +b{number} chat x"))

    with pytest.raises(Lost):
        batches.feed(tokenise("BATCH +last chat x"))


def test_a_message_of_lines_without_end_ends_the_connection() -> None:
    batches = Batches()
    batches.feed(tokenise("BATCH +x draft/multiline #x"))
    line = tokenise("@batch=x :a!b@c PRIVMSG #x hi")
    for _ in range(MOST_LINES):
        batches.feed(line)

    with pytest.raises(Lost):
        batches.feed(line)


@pytest.mark.parametrize(
    "line",
    [
        ":gearmesh!u@h JOIN",
        "PONG x :g" + "9" * 5000,
        ":irc.test 005 gearmesh CHATHISTORY=" + "9" * 5000 + " :x",
        "@time=9999-12-31T23:59:59-23:59 :a!b@c PRIVMSG gearmesh :hi",
        "@time=0001-01-01T00:00:00+23:59 :a!b@c PRIVMSG gearmesh :hi",
        ":irc.test CAP gearmesh NEW draft/multiline=max-bytes=" + "9" * 5000,
        ":gearmesh!u@h KICK #garden",
        ":gearmesh!u@h PART",
        ":irc.test 474",
        "BATCH +q",
        "@batch=q :gearmesh!u@h PRIVMSG",
    ],
)
async def test_a_line_that_makes_no_sense_ends_no_connection(line: str) -> None:
    async with Ircd() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden") as irc:
        ours = next(client for client in ircd.clients if client.nick == "gearmesh")
        ours.writer.write(line.encode() + b"\r\n")
        await ada.says("gearmesh", "after")
        await irc.comes_in("after")
        await irc.says("#garden", "one\ntwo")

        assert [report.status for report in irc.context.reports] == ["connected"]
