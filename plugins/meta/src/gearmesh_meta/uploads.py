"""Files given to Meta once, and named by their id from then on (WhatsApp media and Messenger Platform docs, 2026).

WhatsApp keeps what was uploaded for 30 days, Messenger and Instagram for 90; each id works for its own account alone.
Ids are kept under `upload/<sha256>.<type>`, so that the same picture is uploaded once, also over a restart. The type is
the file's MIME type or that of the attachment: as nothing else Meta knows it. Messenger and Instagram show a document
under the name with which it was uploaded, so there a digest of that name belongs to its key, too; WhatsApp is told the
name with each message. What anything else was called on somebody's phone is told to nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import mimetypes
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from gearmesh import BridgeContext, MediaRef, Rejected, Retry, SendFailed
from gearmesh_meta.fields import identifier
from gearmesh_meta.graph import Graph

DAY: Final = 24 * 3600.0
MARGIN: Final = 2 * DAY
"""Seconds before its end at which an id is not used any more."""
WHATSAPP_KEEPS: Final = 30 * DAY
ATTACHMENTS_KEEP: Final = 90 * DAY
GROUP: Final = "upload"
KEY: Final = f"{GROUP}/"
JUST_NOW: Final = 60.0
"""Seconds: an id of which Meta says after so short a time that it does not know it will not be known anew either."""
_UNKNOWN_ID: Final = frozenset({"100", "131009", "100/2018074"})


class Uploads:
    """The files that one account has uploaded. `fields` come with each, `file` is the name of the file's own field.

    `answer` names the id in what Meta says, which is good for `lives` seconds. With `typed` the id is that of an
    attachment, which has a type (image, video, audio, file); without, that of a file of a MIME type.
    """

    def __init__(
        self,
        context: BridgeContext,
        graph: Graph,
        path: str,
        *,
        file: str,
        answer: str,
        lives: float,
        fields: Mapping[str, str],
        typed: bool,
    ) -> None:
        self._context = context
        self._graph = graph
        self._url = graph.url(path)
        self._file = file
        self._answer = answer
        self._lives = lives
        self._fields = fields
        self._typed = typed
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._recent: dict[str, float] = {}

    async def id_of(self, ref: MediaRef, kind: str) -> str:
        """The id of a file at Meta, which is uploaded where it has none. `kind` is the attachment's type.

        Raises:
            SendFailed: it was not taken. Nothing was sent, so `Unclear` is none of them.
        """
        key = self._key(ref, kind)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            ends, _, known = (await self._context.recall(key)).partition(" ")
            if known and float(ends) > self._context.now():
                return known
            found = await self._upload(ref, kind)
            now = self._context.now()
            await self._context.keep(key, f"{now + self._lives - MARGIN:.0f} {found}")
            self._recent = {old: at for old, at in self._recent.items() if at > now - JUST_NOW} | {key: now}
            return found

    async def is_unknown(self, ref: MediaRef, kind: str, error: Rejected) -> bool:
        """Whether Meta has refused a message for the id that `id_of` gave; then it is forgotten."""
        key = self._key(ref, kind)
        if error.code not in _UNKNOWN_ID or self._recent.get(key, 0.0) > self._context.now() - JUST_NOW:
            return False
        known = bool(await self._context.recall(key))
        await self._context.keep(key, "")
        return known

    async def forget_old(self) -> None:
        """Forget the ids that have come to their end. To be called when the bridge begins to run."""
        now = self._context.now()
        for key, value in (await self._context.recall_all(GROUP)).items():
            if not float(value.partition(" ")[0]) > now:
                await self._context.keep(key, "")

    def _key(self, ref: MediaRef, kind: str) -> str:
        content = ref.sha256 or hashlib.sha256(f"{ref.app}\n{ref.source}".encode()).hexdigest()
        key = f"{KEY}{content}.{kind if self._typed else _plain(ref.mime)}"
        name = self._name(ref, kind)
        return f"{key}.{hashlib.blake2b(name.encode('utf-8', 'replace'), digest_size=8).hexdigest()}" if name else key

    def _name(self, ref: MediaRef, kind: str) -> str:
        """The name that is shown with it; "" for none."""
        return ref.name if self._typed and kind == "file" else ""

    async def _upload(self, ref: MediaRef, kind: str) -> str:
        fields = dict(self._fields)
        mime = ref.mime or "application/octet-stream"
        if self._typed:
            attachment = {"type": kind, "payload": {"is_reusable": True}}
            fields["message"] = json.dumps({"attachment": attachment})
        else:
            fields["type"] = mime
        name = self._name(ref, kind) or f"{kind}{mimetypes.guess_extension(mime) or ''}"
        form = _Form(fields, self._file, name, mime, ref.size)
        try:
            answer = await self._graph.upload(self._url, form.write(self._context.media(ref)), form.headers)
        except Retry:
            if form.failure is not None:
                raise form.failure from None
            raise
        found: Any = identifier(answer.get(self._answer))
        if not found:
            raise Retry("Meta took a file, and named no id of it")
        return str(found)


def _plain(mime: str) -> str:
    return mime.partition(";")[0].strip().lower()


class _Form:
    """A multipart form whose last field is a file (RFC 7578), written as it goes out: never whole in memory.

    Its length is said before, where the file's is known. `failure`: why the file could not be read to its end.
    """

    def __init__(self, fields: Mapping[str, str], file: str, name: str, mime: str, size: int) -> None:
        boundary = secrets.token_hex(16)
        escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        ]
        head = f'Content-Disposition: form-data; name="{file}"; filename="{escaped}"\r\nContent-Type: {mime}\r\n\r\n'
        self._head = "".join((*parts, f"--{boundary}\r\n", head)).encode("utf-8", "replace")
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._size = size
        self.failure: SendFailed | None = None
        self.headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        if size:
            self.headers["Content-Length"] = str(len(self._head) + size + len(self._tail))

    async def write(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        written = 0
        yield self._head
        try:
            async for piece in pieces:
                written += len(piece)
                yield piece
            if self._size and written != self._size:
                raise Rejected(f"the file has {written} bytes where {self._size} were announced")
        except SendFailed as error:
            self.failure = error
            raise
        yield self._tail


def whatsapp_uploads(context: BridgeContext, graph: Graph, number: str) -> Uploads:
    """`POST /{phone-number-id}/media`."""
    return Uploads(
        context,
        graph,
        f"{number}/media",
        file="file",
        answer="id",
        lives=WHATSAPP_KEEPS,
        fields={"messaging_product": "whatsapp"},
        typed=False,
    )


def attachment_uploads(context: BridgeContext, graph: Graph, account: str, *, platform: str = "") -> Uploads:
    """`POST /{account}/message_attachments`; `platform` says "instagram" where the account is a Page."""
    return Uploads(
        context,
        graph,
        f"{account}/message_attachments",
        file="filedata",
        answer="attachment_id",
        lives=ATTACHMENTS_KEEP,
        fields={"platform": platform} if platform else {},
        typed=True,
    )
