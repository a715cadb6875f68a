"""The HTTP connections of an app: nothing is sent over them that is not ours to send any more."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

import aiohttp
from aiohttp.connector import Connection

_SENDING: ContextVar[bool] = ContextVar("sending", default=False)


class sending:  # noqa: N801  # a context manager, named as those of contextlib are
    """Inside, requests are messages: they go out only while the app is ours. Others, such as for a file, may always."""

    __slots__ = ("_before",)
    _before: Token[bool]

    def __enter__(self) -> None:
        self._before = _SENDING.set(True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _SENDING.reset(self._before)


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
        if _SENDING.get() and not self._ours():
            connection.release()
            raise aiohttp.ConnectionTimeoutError("another process may be at work on this app")
        return connection
