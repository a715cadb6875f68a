"""A real XMPP server for tests: Prosody, on free loopback ports, with its data in a folder of the test's own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest
from tests.integration.ports import free_port

DOMAIN: Final = "example.org"
BRIDGE: Final = "bridge.example.org"
ROOMS: Final = "rooms.example.org"
UPLOAD: Final = "upload.example.org"
SECRET: Final = "component-secret"
PASSWORD: Final = "people-have-one"
PEOPLE: Final = ("ada", "ben", "cleo")
START_WITHIN: Final = 20.0
CONFIGURATION: Final = """
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
certificates = "{folder}"
log = {{ info = "{folder}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
component_ports = {{ {component} }}
component_interfaces = {{ "127.0.0.1" }}
http_ports = {{ {http} }}
http_interfaces = {{ "127.0.0.1" }}
https_ports = {{ }}
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
storage = "internal"
modules_enabled = {{
    "roster", "saslauth", "disco", "ping", "blocklist", "carbons", "pep", "vcard_legacy", "mam", "posix", {more}
}}
modules_disabled = {{ "s2s", "tls", {less} }}
VirtualHost "{DOMAIN}"
Component "{BRIDGE}"
    component_secret = "{SECRET}"
Component "{ROOMS}" "muc"
    modules_enabled = {{ {archive} }}
    muc_room_default_public_jids = true
    muc_room_locking = false
Component "{UPLOAD}" "http_file_share"
    http_host = "127.0.0.1"
    http_external_url = "http://127.0.0.1:{http}"
    http_file_share_access = {{ "{BRIDGE}", "{DOMAIN}" }}
"""


class Prosody:
    """One server. `offline`: it keeps messages for people who are away; `archive`: its rooms have one."""

    def __init__(self, folder: Path, *, offline: bool = False, archive: bool = True) -> None:
        if shutil.which("prosody") is None:
            pytest.skip("prosody is not installed (apt-get install prosody)")
        self.folder = folder
        self.c2s, self.component, self.http = free_port(), free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        accounts = folder / "data" / "example%2eorg" / "accounts"
        accounts.mkdir(parents=True)
        for person in PEOPLE:
            (accounts / f"{person}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}" }};')
        configuration = CONFIGURATION.format(
            **globals(),
            folder=folder,
            c2s=self.c2s,
            component=self.component,
            http=self.http,
            more="" if not offline else '"offline"',
            less="" if offline else '"offline"',
            archive='"muc_mam"' if archive else "",
        )
        (folder / "prosody.cfg.lua").write_text(configuration)

    def __enter__(self) -> Prosody:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Ended properly, it may wait ten seconds for its clients; nobody needs its data any more.
        self.kill()

    def start(self) -> None:
        """Start it, with whatever it knew before; returns when it takes connections."""
        command = ["prosody", "--config", str(self.folder / "prosody.cfg.lua"), "-F"]
        with (self.folder / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        until = time.monotonic() + START_WITHIN
        while not all(_listens(port) for port in (self.c2s, self.component)):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"prosody does not start:\n{self.said()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def said(self) -> str:
        """What it has logged."""
        logs = (self.folder / "output.txt", self.folder / "prosody.log")
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in logs if log.exists())

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
