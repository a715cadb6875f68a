"""Rules about files, in both directions."""

from __future__ import annotations

from typing import get_args

from gearmesh.bridge import SupportsMedia
from gearmesh.errors import SendFailed
from gearmesh.model.content import Media, MediaKind, MediaRef
from gearmesh.testing.contract.harness import Harness
from gearmesh.testing.contract.rule import Broken, must, rule
from gearmesh.testing.contract.samples import PICTURES, PNG


class FileRules(Harness):
    """SupportsMedia, and files from elsewhere."""

    @rule("media", "a file that somebody sends comes in as Media, and media() gives its very bytes")
    async def test_media_incoming_file(self) -> None:
        bridge = self._fetching()
        await self.start()
        native_id = await self.user_sends_file(PNG)
        event = await self.message("the picture")
        must(event.native_id == native_id, f"native_id is {event.native_id!r}; the network's is {native_id!r}")
        if not isinstance(event.content, Media):
            raise Broken(f"the picture came in as {event.content!r}; expected Media")
        ref = event.content.ref
        must(
            ref.app == self.app,
            f"MediaRef.app is {ref.app!r}; this app is {self.app!r}, and it alone can open it",
        )
        data = await self._bytes(bridge, ref)
        must(data == PNG, f"media() gave {len(data)} bytes; {len(PNG)} other ones were sent")

    @rule("media", "a file that does not exist raises SendFailed")
    async def test_media_no_such_file(self) -> None:
        bridge = self._fetching()
        await self.start()
        try:
            data = await self._bytes(bridge, MediaRef(self.app, "no-such-file"))
        except SendFailed:
            return
        raise Broken(f"media() gave {len(data)} bytes of a file that does not exist")

    @rule("media", "every kind of file that capabilities name can be sent by link")
    async def test_media_outgoing_files(self) -> None:
        kinds = self.bridge.capabilities(self.bridge.thread_of(self.a_user)).media
        unknown = sorted(kinds - set(get_args(MediaKind)))
        must(not unknown, f"capabilities name kinds that do not exist: {unknown}")
        if not kinds:
            self.cannot("the network carries no files")
        await self.start()
        for kind in sorted(kinds):
            mime, name = PICTURES[kind]
            ref = self.context.offer(PNG, mime=mime, name=name)
            await self.appears(await self.send(Media(kind, ref)))

    @rule(
        "media",
        "a file for which there is no link fails as SendFailed or goes as words; it is not lost in silence",
    )
    async def test_media_file_without_link(self) -> None:
        kinds = sorted(self.bridge.capabilities(self.bridge.thread_of(self.a_user)).media)
        if not kinds:
            self.cannot("the network carries no files")
        await self.start()
        mime, name = PICTURES[kinds[0]]
        content = Media(kinds[0], MediaRef("elsewhere", "without-link", mime, name=name))
        sending = self.bridge.send(self.delivery(content))
        try:
            sent = await self.ask("send()", sending, allowed=(SendFailed,))
        except SendFailed:
            return
        await self.appears(*sent.native_ids)

    async def _bytes(self, bridge: SupportsMedia, ref: MediaRef) -> bytes:
        async def read() -> bytes:
            return b"".join([chunk async for chunk in bridge.media(ref)])

        return await self.ask("media()", read(), allowed=(SendFailed,))

    def _fetching(self) -> SupportsMedia:
        if not isinstance(self.bridge, SupportsMedia):
            self.cannot("the bridge does not claim SupportsMedia")
        return self.bridge
