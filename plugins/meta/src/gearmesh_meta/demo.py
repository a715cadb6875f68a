"""`gearmesh demo`: three phones talking through Gearmesh, on one port, with nothing to set up."""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
import webbrowser
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from gearmesh import Launcher, recognised
from gearmesh_meta.sandbox import NETWORKS, Sandbox, Settings

HOST: Final = "127.0.0.1"
FIRST_PORT: Final = 8080
PORTS_TRIED: Final = 20

Port = Annotated[
    int | None,
    typer.Option(help="The port of everything; without it the first free one from 8080.", show_default=False),
]
Data = Annotated[
    Path | None, typer.Option(help="Keep Gearmesh's side (logs, conversations) in this folder; the phones forget.")
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")]


def demo(context: typer.Context, port: Port = None, data: Data = None, no_browser: NoBrowser = False) -> None:
    """Three phones in your browser: WhatsApp, Messenger and Instagram, joined by Gearmesh; a sandbox plays Meta."""
    launch: Launcher = context.obj
    chosen = port or _free_port()
    sandbox = Sandbox(Settings(webhooks=f"http://{HOST}:{chosen}/webhooks/{{network}}"), recognise=what_it_was)

    def ready(url: str) -> None:
        print(f"Gearmesh demo on {url}/   (Ctrl-C ends it)", flush=True)
        if not no_browser:
            # A text browser would hold the terminal until it is closed; the daemon goes on beside it.
            threading.Thread(target=webbrowser.open, args=(f"{url}/",), daemon=True).start()

    with tempfile.TemporaryDirectory(prefix="gearmesh-demo-") as folder:
        status = launch(
            _settings(sandbox.settings, chosen), data=data or Path(folder), mount=sandbox.mount, ready=ready
        )
    raise typer.Exit(status)


def what_it_was(text: str) -> str:
    """The feature that its network could only show as these words; "" for what is words, Gearmesh's own included."""
    feature = recognised(text)
    return feature if feature is not None and feature != "notice" else ""


def _settings(sandbox: Settings, port: int) -> dict[str, Any]:
    base = f"http://{HOST}:{port}"
    someone = sandbox.seed_phones[0]
    own: dict[str, dict[str, str]] = {
        "whatsapp": {"phone_number_id": sandbox.phone_number_id},
        "messenger": {
            "page_id": sandbox.page_id,
            # Messenger wants a picture with each persona, and WhatsApp tells none.
            "persona_picture": f"{base}/sandbox/pictures/{someone.network}/{someone.user}.png",
        },
        "instagram": {"instagram_id": sandbox.instagram_id},
    }
    common: dict[str, str | bool | int] = {
        "graph_url": base,
        "token": f"plain:{sandbox.token}",
        "app_secret": f"plain:{sandbox.app_secret}",
        "verify_token": f"plain:{sandbox.verify_token}",
        "any_account": True,
        # People try out many messages in a row; the sandbox lets them.
        "recipient_every": 0,
    }
    return {
        "broker": {"name": "demo"},
        "web": {"host": HOST, "port": port, "public_url": base},
        "apps": {network: {"bridge": network, **common, **own[network]} for network in NETWORKS},
        "people": {
            phone.handle: {"name": phone.name, "addresses": [f"{phone.network}:{phone.user}"]}
            for phone in sandbox.seed_phones
        },
        "conversations": [{"code": "club", "title": "The club"}],
    }


def _free_port() -> int:
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    print(
        f"no port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} is free; choose one with --port", file=sys.stderr
    )
    raise typer.Exit(1)
