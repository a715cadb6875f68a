"""One Graph API client for all three networks: a JSON call, and a failure that says what comes next."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import msgspec

from gearmesh import BridgeContext, Rejected, Retry, Secret, SendFailed, Unclear
from gearmesh_meta.codes import failure_for
from gearmesh_meta.fields import mapping, mappings, number

MAX_ANSWER: Final = 1_000_000
"""Bytes of an answer that are read. Meta's are a few hundred bytes, its error pages a few thousand."""

TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=10)
"""Seconds. Connecting has its own, shorter limit: when the total runs out, the request has gone out."""


UPLOAD_TIMEOUT: Final = aiohttp.ClientTimeout(total=50, connect=10)
"""Seconds. A bridge has 60 for a whole send; what takes longer is tried again, and is no message that may be there."""


class Graph:
    """Calls to one Graph server with one token. Neither the token nor its proof is ever logged or raised."""

    def __init__(
        self,
        context: BridgeContext,
        *,
        base: str,
        version: str,
        token: Secret,
        proof_secret: Secret | None = None,
    ) -> None:
        """`proof_secret` is the app's secret where the server takes an `appsecret_proof`, which ties a stolen token to
        this app; None where it is not known to take one."""
        self._context = context
        self._root = f"{base}/{version}"
        self._token = token
        self._headers = {
            "Authorization": f"Bearer {token.reveal()}",
            "Content-Type": "application/json",
        }
        self._proof = ""
        if proof_secret is not None:
            secret, value = proof_secret.reveal().encode(), token.reveal().encode()
            self._proof = hmac.digest(secret, value, "sha256").hex()

    def url(self, path: str, **parameters: str) -> str:
        """The address of an object, such as `url("123/messages")`; ready to be used many times."""
        if self._proof:
            parameters["appsecret_proof"] = self._proof
        query = f"?{urlencode(parameters, safe=',{}')}" if parameters else ""
        return f"{self._root}/{path}{query}"

    def bearer(self) -> dict[str, str]:
        """The header that a download from Meta's own file server needs."""
        return {"Authorization": self._headers["Authorization"]}

    async def get(self, url: str) -> dict[str, Any]:
        """Read an object.

        Raises:
            SendFailed: what Meta's answer means; `Retry` when there was none.
        """
        return await self._call("GET", url, None, sends=False)

    async def post(self, url: str, body: object, *, sends: bool = False) -> dict[str, Any]:
        """Write. `sends`: repeating it would show something twice, so a lost answer is `Unclear`, not `Retry`.

        Raises:
            SendFailed: what Meta's answer means; `Retry` when nothing went out, `Unclear` when it may have.
        """
        try:
            data = msgspec.json.encode(body)
        except UnicodeEncodeError:
            raise Rejected("the text holds half a character (a lone surrogate), which no network takes") from None
        return await self._call("POST", url, data, sends=sends)

    async def upload(self, url: str, form: AsyncIterator[bytes], headers: Mapping[str, str]) -> dict[str, Any]:
        """Write a form as it comes. To do it twice shows nothing twice.

        Raises:
            SendFailed: what Meta's answer means; `Retry` when there was none.
        """
        headers = {**self.bearer(), **headers}
        return await self._call("POST", url, form, sends=False, headers=headers, timeout=UPLOAD_TIMEOUT)

    async def _call(
        self,
        method: str,
        url: str,
        data: bytes | AsyncIterator[bytes] | None,
        *,
        sends: bool,
        headers: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> dict[str, Any]:
        # `from None` everywhere: aiohttp's exceptions can show the address, which carries the proof.
        lost: type[Unclear | Retry] = Unclear if sends else Retry
        try:
            async with self._context.http.request(
                method, url, data=data, headers=headers or self._headers, timeout=timeout, allow_redirects=False
            ) as response:
                raw = await _bounded(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Retry(f"Meta could not be reached ({type(error).__name__})") from None
        except TimeoutError:
            raise lost("Meta did not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise lost(f"the connection to Meta broke ({type(error).__name__})") from None
        if raw is None:
            raise lost(f"Meta answered HTTP {response.status} with more than {MAX_ANSWER} bytes")
        try:
            answer = json.loads(raw)
        except (ValueError, RecursionError):
            answer = None
        if 200 <= response.status < 300 and isinstance(answer, dict) and "error" not in answer:
            return answer
        if 200 <= response.status < 300 and not isinstance(answer, dict):
            raise lost(f"Meta answered HTTP {response.status} with something that is no JSON object")
        after = self._retry_after(response.headers.get("Retry-After", ""))
        if response.status >= 500 and not mapping(mapping(answer).get("error")):
            if response.status == 503 and after is not None:
                # "Come back later" (RFC 9110, 15.6.4): whoever says when has not taken the call.
                raise Retry("Meta answered HTTP 503 and named a pause", after=after)
            # A gateway's answer, not the API's: it does not say whether the API took the call.
            raise lost(f"Meta answered HTTP {response.status} without a reason")
        failure = self._failure(response, answer, after)
        if sends and isinstance(failure, Retry) and failure.after is None:
            # Whoever says when to come again has not taken the call; whoever only says that it failed may have.
            failure.perhaps = True
        raise failure

    def _failure(self, response: aiohttp.ClientResponse, answer: object, after: float | None) -> SendFailed:
        token = self._token.reveal()
        if token and token in json.dumps(answer):
            answer = json.loads(json.dumps(answer).replace(token, "***"))
        return failure_for(response.status, answer, after, _regained(response))

    def _retry_after(self, header: str) -> float | None:
        """The pause that the server asks for, in seconds; None when it asks for none."""
        seconds = number(header)
        if seconds is None and header:
            try:
                when = parsedate_to_datetime(header)
            except ValueError:
                return None
            seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - self._context.now()
        return seconds if seconds is not None and seconds > 0 else None


def _regained(response: aiohttp.ClientResponse) -> float | None:
    """In how many seconds all that Meta counts lets this app call again; None when it lets it already.

    The header comes with good answers too, and tells of every use of the app (Graph API rate limits, 2026).
    """
    try:
        usage = mapping(json.loads(response.headers.get("X-Business-Use-Case-Usage", "{}")))
    except (ValueError, RecursionError):
        return None
    minutes = [
        number(use.get("estimated_time_to_regain_access")) or 0.0 for uses in usage.values() for use in mappings(uses)
    ]
    longest = 60 * max(minutes, default=0.0)
    return longest if longest > 0 else None


async def _bounded(response: aiohttp.ClientResponse) -> bytes | None:
    """The body, or None when it is larger than `MAX_ANSWER`."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await response.content.readany():
        size += len(chunk)
        if size > MAX_ANSWER:
            response.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)
