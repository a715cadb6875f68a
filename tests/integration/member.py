"""`python -m member <url> <kind>`: a process that gives signs of life among others, and says its name."""

from __future__ import annotations

import asyncio
import sys

from gearmesh.bus.connection import Access, Connection
from gearmesh.bus.members import Members
from gearmesh.wire.subjects import Subjects


async def main(url: str, kind: str) -> None:
    """Be there until it is killed."""
    members = Members(await Connection.open(Access((url,)), "member"), Subjects().bucket("leases"), kind)
    print("name", members.me, flush=True)
    await members.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
