"""`gearmesh sandbox`: the sandbox alone, until it is interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from aiohttp import web

from .server import build_app
from .settings import Settings


def sandbox(
    port: int = 8090,
    host: str = "127.0.0.1",
    webhooks: str = "http://127.0.0.1:8080",
    batch: int = Settings().batch,
    status_delay: float = 0.0,
    limits: bool = False,
) -> None:
    """Play WhatsApp, Messenger and Instagram on this machine until Ctrl-C.

    Webhooks go to <webhooks>/webhooks/<network>; an address with {network} in it is taken as it is. With --limits,
    messages that come faster than Meta takes them are refused.
    """
    if not webhooks.startswith(("http://", "https://")):
        print(f"--webhooks {webhooks}: expected an address such as http://127.0.0.1:8080", file=sys.stderr)
        raise SystemExit(2)
    template = webhooks if "{network}" in webhooks else webhooks.rstrip("/") + "/webhooks/{network}"
    settings = Settings(webhooks=template, batch=batch, status_delay=status_delay, limits=limits)
    try:
        asyncio.run(_serve(settings, host, port))
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no such port"
        print(
            f"cannot listen on {host}:{port}: {reason}; choose another --port",
            file=sys.stderr,
        )
        raise SystemExit(1) from error


async def _serve(settings: Settings, host: str, port: int) -> None:
    # An access log would cost more than the calls it tells of; /sandbox/calls shows the last ones.
    runner = web.AppRunner(build_app(settings), access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, done.set)
        print(f"sandbox on {_url(runner)}, webhooks to {settings.webhooks}", flush=True)
        await done.wait()
    finally:
        await runner.cleanup()


def _url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
