"""How we come in, line by line."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import cast

import pytest
from irctokens.line import Line, tokenise

from gearmesh import Secret, Unauthorized
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.connection import Connection, Lost
from gearmesh_irc.registration import Banned, register

OFFERED = ":s CAP * LS :sasl=PLAIN,EXTERNAL server-time"
AGREED = ":s CAP * ACK :sasl server-time"
WELCOME = ":s 001 us :Welcome"
PASSWORD = "x" * 300
PLAIN = {"account": "us", "account_password": Secret(PASSWORD)}
EXTERNAL = {"certificate": "us.pem"}


class Written:
    """Takes what is written."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def write(self, *lines: Line) -> None:
        self.lines.extend(lines)


async def entered(*said: str, **settings: object) -> tuple[list[str], str]:
    """What we write when a server says this, and the account that we are in then."""
    there = Written()

    async def lines() -> AsyncIterator[tuple[Line, bytes]]:
        for line in said:
            yield tokenise(line), line.encode()

    config = IrcConfig(host="h", nick="us", **settings)  # type: ignore[arg-type]
    session = await register(cast("Connection", there), lines(), config)
    return [line.format() for line in there.lines], session.account


async def test_who_has_a_certificate_says_no_more_than_that() -> None:
    logged_in = ":s 900 us us!u@h us :You are logged in"
    wrote, account = await entered(OFFERED, AGREED, "AUTHENTICATE +", logged_in, ":s 903 us :ok", WELCOME, **EXTERNAL)

    assert wrote[-3:] == ["AUTHENTICATE EXTERNAL", "AUTHENTICATE +", "CAP END"]
    assert account == "us"


async def test_a_long_password_goes_in_pieces() -> None:
    wrote, _ = await entered(OFFERED, AGREED, "AUTHENTICATE +", ":s 903 us :ok", WELCOME, **PLAIN)
    pieces = [line.split(" ")[1] for line in wrote if line.startswith("AUTHENTICATE ")][1:]

    assert [len(piece) for piece in pieces[:-1]] == [400]
    assert base64.b64decode("".join(pieces)).decode() == f"us\0us\0{PASSWORD}"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ((OFFERED, AGREED, ":s 904 us :failed"), Unauthorized),
        ((OFFERED, AGREED, ":s 902 us :locked"), Unauthorized),
        ((OFFERED, AGREED, ":s 906 us :aborted"), Lost),
        ((OFFERED, ":s CAP * NAK :sasl server-time"), Lost),
        ((":s CAP * LS :server-time",), Lost),
        ((WELCOME,), Lost),
        ((":s 464 us :Password incorrect",), Unauthorized),
        ((":s 465 us :go away", "ERROR :Closing link"), Banned),
        (("ERROR :K-Lined",), Banned),
        (("ERROR :Too many connections from your host",), Banned),
        (("ERROR :Server going down",), Lost),
    ],
)
async def test_why_we_are_not_in(said: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        await entered(*said, **PLAIN)

    assert type(refused.value) is error


async def test_while_somebody_has_our_nickname_others_are_tried() -> None:
    wrote, _ = await entered(":s CAP * LS :", ":s 433 * us :taken", ":s 433 * us_ :taken", ":s 001 us_2 :Welcome")

    assert [line for line in wrote if line.startswith("NICK")] == ["NICK us", "NICK us_", "NICK us_2"]


async def test_a_server_that_waits_for_words_where_we_wait_for_tls_is_told_with_what_may_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gearmesh_irc.connection.CONNECT_WITHIN", 0.1)
    over = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TimeoutError, match=rf"127\.0\.0\.1:{port} does not answer; .*`tls = false`"):
        await Connection.open(IrcConfig(host="127.0.0.1", port=port, nick="us"))
    over.set()
    server.close()
    await server.wait_closed()
