"""A nats-server that lets in whoever its configuration says, as an operator's own would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gearmesh.bus.embedded import find_binary

from .patience import eventually
from .ports import free_port


@asynccontextmanager
async def guarded(folder: Path, authorization: str, *, jetstream: bool = True) -> AsyncIterator[str]:
    """Runs one with this `authorization` block, and yields its URL."""
    folder.mkdir()
    port = free_port()
    config = folder / "nats.conf"
    store = f'jetstream {{ store_dir: "{folder / "store"}" }}\n' if jetstream else ""
    config.write_text(f"host: 127.0.0.1\nport: {port}\n{store}authorization {{ {authorization} }}\n")
    with (folder / "log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            str(find_binary()), "-c", str(config), stdout=output, stderr=output, stdin=asyncio.subprocess.DEVNULL
        )

    async def answers() -> bool:
        assert process.returncode is None, (folder / "log").read_text()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    try:
        await eventually(answers, awaited="nats-server to listen")
        yield f"nats://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
