"""The HTTP connections of an app: nothing is sent over them that is not ours to send any more."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
from aiohttp.connector import Connection

SENDING: Final[ContextVar[bool]] = ContextVar("sending", default=False)
"""Whether requests are messages: those go out only while the app is ours. Others, such as for a file, may always."""


class GuardedConnector(aiohttp.TCPConnector):
    """Asks once more whether the app is ours after a connection was found, right before the request is written.

    Finding one takes time: another process may have taken over meanwhile, or this one may have been stopped in between.
    """

    def __init__(self, ours: Callable[[], bool], **settings: Any) -> None:
        super().__init__(**settings)
        self._ours = ours

    async def connect(self, *arguments: Any, **settings: Any) -> Connection:
        """A connection.

        Raises:
            aiohttp.ConnectionTimeoutError: the app is not ours any more; nothing was sent.
        """
        connection = await super().connect(*arguments, **settings)
        if SENDING.get() and not self._ours():
            connection.release()
            raise aiohttp.ConnectionTimeoutError("another process may be at work on this app")
        return connection
