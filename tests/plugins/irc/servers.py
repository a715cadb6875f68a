"""Real servers as processes on the loopback: ngIRCd, which knows little of IRCv3, and InspIRCd, which knows most."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from tests.integration.ports import free_port

WITHIN: Final = 10.0

NGIRCD: Final = """
[Global]
Name = irc.test
Info = A server for tests
Listen = 127.0.0.1
{ports}
MotdPhrase = welcome
PidFile = {folder}/ngircd.pid
ServerUID = root
ServerGID = root
{password}
[Limits]
MaxConnectionsIP = 0
MaxJoins = 50
MaxNickLength = 20
PongTimeout = 20
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
RequireAuthPing = no
{more}
"""
INSPIRCD: Final = """
<server name="irc.test" description="A server for tests" network="Test" id="1TS">
<admin name="Test" nick="test" email="test@test.invalid">
<bind address="127.0.0.1" port="{port}" type="clients">
<module name="cap"><module name="ircv3"><module name="ircv3_batch"><module name="ircv3_ctctags">
<module name="ircv3_echomessage"><module name="ircv3_labeledresponse"><module name="ircv3_msgid">
<module name="ircv3_servertime"><module name="ircv3_chghost"><module name="chanhistory">
<module name="ircv3_capnotify">
<connect allow="*" timeout="10" pingfreq="60" hardsendq="1M" softsendq="64K" recvq="64K" threshold="{threshold}"
 commandrate="{commandrate}" fakelag="{fakelag}" localmax="50" globalmax="50" resolvehostnames="no"
 maxchans="100" {password}>
<chanhistory maxlines="200" prefixmsg="no" bots="yes">
<performance quietbursts="yes"><security announceinvites="dynamic">
<options defaultmodes="not"><path configdir="{folder}" datadir="{folder}" logdir="{folder}" runtimedir="{folder}">
<pid file="{folder}/inspircd.pid"><log method="file" type="*" level="default" target="{folder}/inspircd.log">
"""


class Server:
    """A server that can be killed and started again on its port."""

    def __init__(self, command: Sequence[str], port: int, folder: Path) -> None:
        self.port = port
        self._command, self._folder = command, folder
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = self._spawn()
        async with asyncio.timeout(WITHIN):
            while True:
                if self._process.poll() is not None:
                    pytest.fail(f"the server has ended: {(self._folder / 'output.log').read_text()[-2000:]}")
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                return

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self._folder / "output.log").open("ab") as log:
            return subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    async def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(self._process.wait)
            self._process = None


def ngircd(folder: Path, *, password: str = "", tls: bool = False) -> Server:
    """An ngIRCd; with `tls` its certificate is `certificate.pem` in the folder."""
    path = program("ngircd")
    port = free_port()
    ports, more = f"Ports = {port}", ""
    if tls:
        certificate, key = make_certificate(folder)
        ports, more = f"Ports = {free_port()}", f"[SSL]\nCertFile = {certificate}\nKeyFile = {key}\nPorts = {port}\n"
    configuration = folder / "ngircd.conf"
    said = f"Password = {password}" if password else ""
    configuration.write_text(NGIRCD.format(ports=ports, folder=folder, password=said, more=more))
    configuration.chmod(0o600)
    return Server([path, "-n", "-f", str(configuration)], port, folder)


def inspircd(folder: Path, *, password: str = "", strict: bool = False) -> Server:
    """An InspIRCd; a `strict` one disconnects who writes too fast."""
    path = program("inspircd")
    port = free_port()
    configuration = folder / "inspircd.conf"
    configuration.write_text(
        INSPIRCD.format(
            port=port,
            folder=folder,
            password=f'password="{password}"' if password else "",
            threshold=10 if strict else 10_000,
            commandrate=1000 if strict else 1_000_000,
            fakelag="no" if strict else "yes",
        )
    )
    return Server([path, "--nofork", "--runasroot", "--config", str(configuration)], port, folder)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def program(name: str) -> str:
    """Where a server's program is; the test is skipped where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found
