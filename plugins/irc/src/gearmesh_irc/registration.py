"""How a connection begins: capabilities, the account, the nickname (https://modern.ircdocs.horse/#connection-registration,
https://ircv3.net/specs/extensions/capability-negotiation, https://ircv3.net/specs/extensions/sasl-3.1)."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from typing import Final

from irctokens.line import Line, build

from gearmesh import Unauthorized
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.connection import Connection, Lost
from gearmesh_irc.session import WANTED, Session, WereOurs, nobodys

WITHIN: Final = 30.0
"""Seconds that all of it may take."""
CHUNK: Final = 400
"""Bytes of base64 in one AUTHENTICATE."""
MOST_NICKS: Final = 20
# ngIRCd says "Bad password", InspIRCd "Access denied by configuration": it is for the operator to mend.
_PASSWORD: Final = re.compile(r"password|authenticat|not authori[sz]ed|access denied", re.IGNORECASE)
_SASL_REFUSED: Final = frozenset({"902", "904"})
_SASL_BROKEN: Final = frozenset({"905", "906"})
"""It was broken off, or a line of it was not understood: nothing is said of the password."""


class Banned(Lost):
    """The server lets us not in. Coming back at once would only make it worse."""


async def register(
    connection: Connection, lines: AsyncIterator[tuple[Line, bytes]], config: IrcConfig, were_ours: WereOurs = nobodys
) -> Session:
    """Log in, and return what is known when the server has said welcome (001).

    Raises:
        Unauthorized: the password, or that of the account, is wrong.
        Banned: we are.
        Lost: the server hangs up, or does not answer in time.
    """
    session = Session(config.nick, config.user, were_ours)
    entering = _Entering(connection, config, session)
    entering.begin()
    try:
        async with asyncio.timeout(WITHIN):
            async for line, _ in lines:
                if entering.take(line):
                    return session
    except TimeoutError:
        raise Lost(f"the server let us not in within {WITHIN:g} s") from None
    raise Lost(entering.last_words or "the server hung up while we came in")


class _Entering:
    """The exchange, line by line."""

    def __init__(self, connection: Connection, config: IrcConfig, session: Session) -> None:
        self._connection, self._config, self._session = connection, config, session
        self._nicks = 0
        self._asked = False
        self.last_words = ""

    def begin(self) -> None:
        """Say who we are. A server that knows no capabilities answers CAP with 421, or not at all."""
        self._say("CAP", "LS", "302")
        if self._config.password is not None:
            self._say("PASS", self._config.password.reveal())
        self._say("NICK", self._config.nick)
        self._say("USER", self._config.user, "0", "*", self._config.real_name or self._config.nick)

    def take(self, line: Line) -> bool:
        """Answer a line; whether we are in."""
        words = line.params[-1] if line.params else ""
        match line.command, line.params:
            case "PING", [token, *_]:
                self._say("PONG", token)
            case "CAP", [_, "LS", "*", more]:
                self._offered(more)
            case "CAP", [_, "LS", last]:
                self._offered(last)
                self._ask()
            case "CAP", [_, "ACK", agreed]:
                self._session.agreed.update(agreed.split())
                self._authenticate()
            case "CAP", [_, "NAK", _]:
                self._authenticate()
            case "AUTHENTICATE", ["+"]:
                self._prove()
            case "900", [_, _, account, *_]:
                self._session.account = account
            case "903", _:
                self._say("CAP", "END")
            case (command, _) if command in _SASL_REFUSED and self._wants_account:
                raise Unauthorized(f"the server does not accept the account: {words}", code=command)
            case (command, _) if command in _SASL_BROKEN and self._wants_account:
                raise Lost(f"the login to the account came to nothing: {words}")
            case "464", _:
                raise Unauthorized(f"the server does not accept the password: {words}", code="464")
            case "465", _:
                self.last_words = f"the server has banned us: {words}"
            case (("432" | "433" | "436" | "437"), _):
                self._other_nick(line.command, words)
            case "ERROR", _:
                self._end(words)
            case "001", [nick, *_]:
                if self._wants_account and not self._asked:
                    raise Lost("the server has no SASL now, and an `account` is configured")
                self._session.nick = nick
                return True
            case _:
                pass
        return False

    @property
    def _wants_account(self) -> bool:
        return bool(self._config.account or self._config.certificate)

    @property
    def _mechanism(self) -> str:
        return "PLAIN" if self._config.account else "EXTERNAL"

    def _offered(self, listed: str) -> None:
        for one in listed.split():
            name, _, value = one.partition("=")
            self._session.offered[name] = value

    def _ask(self) -> None:
        wanted = WANTED | ({"sasl"} if self._wants_account else set())
        asked = sorted(wanted & self._session.offered.keys())
        if self._wants_account and "sasl" not in asked:
            # The services that know accounts are away; to come in without would be to come in as a stranger.
            raise Lost("the server has no SASL now, and an account is configured")
        if asked:
            self._say("CAP", "REQ", " ".join(asked))
        else:
            self._say("CAP", "END")

    def _authenticate(self) -> None:
        if not self._wants_account:
            self._say("CAP", "END")
        elif "sasl" not in self._session.agreed:
            raise Lost("the server agrees to no SASL now, and an account is configured")
        else:
            self._asked = True
            self._say("AUTHENTICATE", self._mechanism)

    def _prove(self) -> None:
        proof = b""
        if self._config.account and self._config.account_password is not None:
            account = self._config.account
            proof = f"{account}\0{account}\0{self._config.account_password.reveal()}".encode()
        written = base64.b64encode(proof).decode()
        pieces = [written[start : start + CHUNK] for start in range(0, len(written), CHUNK)]
        for piece in pieces:
            self._say("AUTHENTICATE", piece)
        if not pieces or len(pieces[-1]) == CHUNK:
            self._say("AUTHENTICATE", "+")

    def _other_nick(self, command: str, words: str) -> None:
        """Somebody has our nickname: come in under another one, and get it back later."""
        # A name of our own making that is too long is no reason to stay outside; the configured one is.
        if (command == "432" and not self._nicks) or self._nicks >= MOST_NICKS:
            raise Lost(f"the server does not take the nickname {self._session.nick}: {words}")
        self._nicks += 1
        base = self._config.nick[: max(8 - len(str(self._nicks)), len(self._config.nick) - 2 * (self._nicks > 1))]
        self._session.nick = f"{base}_" if self._nicks == 1 else f"{base}_{self._nicks}"
        self._say("NICK", self._session.nick)

    def _end(self, words: str) -> None:
        said = self.last_words or words
        if _PASSWORD.search(words):
            raise Unauthorized(f"the server does not let us in: {words}")
        if self.last_words or re.search(r"[kgz]-?lined?|banned|throttled|too (many|fast)", words, re.IGNORECASE):
            raise Banned(said or "the server lets us not in")
        raise Lost(said or "the server hung up while we came in")

    def _say(self, command: str, *params: str) -> None:
        self._connection.write(build(command, list(params)))
