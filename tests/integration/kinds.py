"""Every kind of thing that people send, as somebody does it on a phone, and how it can look on another one.

A row of the table in the README each; `scene.cell` says which of the looks it has there.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from .patience import eventually
from .phones import Phone, Shown
from .samples import film, moving, opus, sound
from .samples import picture as still
from .town import Town

AS_IT_IS: Final = "yes"
OTHERWISE: Final = "as another kind"
IN_WORDS: Final = "in words"
TOLD: Final = "the sender is told"
NOBODY: Final = ""
"""The app that it would come from has no such thing."""

PDF: Final = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n" + bytes(20_000)

Look = Callable[[Shown], Any]
_NUMBERS: Final = itertools.count(1)


class Files:
    """What people have on their phones, made once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.photo = still(folder / "photo.jpg", "JPEG").read_bytes()
        self.sticker = still(folder / "sticker.webp", "WEBP").read_bytes()
        self.gif = moving(folder / "moving.gif", "GIF").read_bytes()
        self.film = film(folder / "film.mp4", seconds=1.0).read_bytes()
        self.ogg = opus(folder / "voice.ogg", seconds=1.0).read_bytes()
        self.m4a = sound(folder / "voice.m4a", "mp4", "aac", seconds=1.0).read_bytes()


class Scene(msgspec.Struct, frozen=True):
    """Somebody writes to somebody on another network; they have talked before."""

    town: Town
    files: Files
    writer: Phone
    reader: Phone

    async def begin(self) -> None:
        """Let both write once: each message of theirs goes to the other from now on."""
        phones = self.town.phones
        await phones.types(self.writer, f"@{self.reader.handle} good morning")
        await phones.sees(self.reader, "good morning")
        await phones.types(self.reader, f"@{self.writer.handle} good day")
        await phones.sees(self.writer, "good day")

    async def writes(self, text: str = "", **message: Any) -> Shown:
        """The writer sends something."""
        return await self.town.phones.types(self.writer, text, **message)

    async def does(self, what: str, message: Shown, **more: Any) -> Any:
        """The writer does something to a message of their phone."""
        path = f"phones/{self.writer.network}/{self.writer.user}/{what}"
        return await self.town.phones.control("POST", path, message_id=message["id"], **more)

    async def carried(self) -> tuple[Shown, Shown]:
        """A message of the writer, on their phone and on the other one."""
        words = f"message {next(_NUMBERS)}"
        mine = await self.writes(words)
        return mine, await self.town.phones.sees(self.reader, lambda shown: shown["text"].endswith(words))

    async def received(self) -> Shown:
        """A message of the reader, as it stands on the writer's phone."""
        words = f"message {next(_NUMBERS)}"
        await self.town.phones.types(self.reader, words)
        return await self.town.phones.sees(self.writer, lambda shown: shown["text"].endswith(words))

    async def cell(self, act: Callable[[], Awaitable[Any]], looks: dict[str, Look], *, refused: bool = False) -> str:
        """Let the writer act, and tell which look the reader then sees first, of what is new or changed there.

        `refused`: it may also be that the writer is told that it cannot be passed on.
        """
        phones = self.town.phones
        before = {shown["id"]: shown for shown in await phones.history(self.reader)}
        told = len(await phones.arrived(self.writer))
        await act()

        async def look() -> str:
            for shown in await phones.history(self.reader):
                if shown == before.get(shown["id"]):
                    continue
                for cell, holds in looks.items():
                    if holds(shown):
                        return cell
            notices = [shown for shown in (await phones.arrived(self.writer))[told:] if "⚙" in shown["text"]]
            return TOLD if refused and notices else ""

        try:
            return await eventually(look, awaited="it")
        except AssertionError:
            new = [shown for shown in await phones.history(self.reader) if shown != before.get(shown["id"])]
            raise AssertionError(f"{self.reader.network} shows nothing of it, only {new}") from None


async def text(scene: Scene) -> str:
    """Plain words."""
    return await scene.cell(lambda: scene.writes("just *words"), {AS_IT_IS: _says("just")})


async def long_text(scene: Scene) -> str:
    """More than a network takes in one message."""
    words = " ".join(f"word{number}" for number in range(900))
    return await scene.cell(lambda: scene.writes(words), {AS_IT_IS: _says("word899")})


async def formatting(scene: Scene) -> str:
    """Bold words; only WhatsApp's people can write them."""
    if scene.writer.network != "whatsapp":
        return NOBODY
    looks = {AS_IT_IS: _says("*bold*"), IN_WORDS: _says("so bold they are")}
    return await scene.cell(lambda: scene.writes("so *bold* they are"), looks)


def media(kind: str, mime: str, data: bytes, **more: str) -> dict[str, Any]:
    """A file for `Scene.writes`."""
    return {"media": {"type": kind, "mime": mime, "base64": base64.b64encode(data).decode(), **more}}


async def picture(scene: Scene) -> str:
    """A photo."""
    return await scene.cell(lambda: scene.writes(**media("image", "image/jpeg", scene.files.photo)), _files("image"))


async def caption(scene: Scene) -> str:
    """A photo with words below it; without captions, the words are a message of their own."""
    words, photo = "look here", media("image", "image/jpeg", scene.files.photo)
    cell = await scene.cell(lambda: scene.writes(words, **photo), _files("image"))
    await scene.town.phones.sees(scene.reader, words)
    return cell


async def video(scene: Scene) -> str:
    """A film."""
    return await scene.cell(lambda: scene.writes(**media("video", "video/mp4", scene.files.film)), _files("video"))


async def voice(scene: Scene) -> str:
    """A voice note."""
    spoken = media("voice", "audio/ogg", scene.files.ogg)
    if scene.writer.network != "whatsapp":
        spoken = media("audio", "audio/mp4", scene.files.m4a)
    own = "voice" if scene.reader.network == "whatsapp" else "audio"
    looks = {AS_IT_IS: _shows(own), OTHERWISE: lambda shown: shown["media"], IN_WORDS: _says("http")}
    return await scene.cell(lambda: scene.writes(**spoken), looks)


async def file(scene: Scene) -> str:
    """A document."""
    what = media("file", "application/pdf", PDF, name="plan.pdf")
    return await scene.cell(lambda: scene.writes(**what), _files("file", "document"))


async def sticker(scene: Scene) -> str:
    """A sticker."""
    return await scene.cell(
        lambda: scene.writes(**media("sticker", "image/webp", scene.files.sticker)), _files("sticker")
    )


async def gif(scene: Scene) -> str:
    """An animated picture."""
    if scene.writer.network == "whatsapp":
        return NOBODY
    looks = {
        AS_IT_IS: _shows("gif"),
        OTHERWISE: lambda shown: shown["type"] in {"image", "video"},
        IN_WORDS: _says("http"),
    }
    return await scene.cell(lambda: scene.writes(**media("gif", "image/gif", scene.files.gif)), looks)


async def view_once(scene: Scene) -> str:
    """A photo that is to be seen once."""
    if scene.writer.network == "messenger":
        return NOBODY
    what = media("image", "image/jpeg", scene.files.photo)
    looks = {AS_IT_IS: lambda shown: shown.get("view_once"), OTHERWISE: _shows("image"), IN_WORDS: _says("once")}
    return await scene.cell(lambda: scene.writes(**what, view_once=True), looks, refused=True)


async def location(scene: Scene) -> str:
    """A place."""
    if scene.writer.network == "instagram":
        return NOBODY
    place = {"latitude": 52.5163, "longitude": 13.3777, "name": "Brandenburg Gate"}
    looks = {AS_IT_IS: lambda shown: shown.get("place"), IN_WORDS: _says("52.516")}
    return await scene.cell(lambda: scene.writes(place=place), looks)


async def contacts(scene: Scene) -> str:
    """A contact card."""
    if scene.writer.network != "whatsapp":
        return NOBODY
    card = {"name": "Dora Maar", "phones": ["+491511111111"]}
    looks = {AS_IT_IS: lambda shown: shown.get("contacts"), IN_WORDS: _says("Dora Maar")}
    return await scene.cell(lambda: scene.writes(contacts=[card]), looks)


async def poll(scene: Scene) -> str:
    """A poll, which WhatsApp does not show a business."""
    if scene.writer.network != "whatsapp":
        return NOBODY
    ballot = {"question": "Pizza?", "options": ["yes", "no"]}
    return await scene.cell(lambda: scene.writes(ballot=ballot), {IN_WORDS: _says("Pizza?")}, refused=True)


async def listing(scene: Scene) -> str:
    """A question about something that is for sale."""
    goods = {"title": "Blue bicycle", "retailer_id": "bike-7", "catalog_id": "c-1", "id": "p-1", "price": "120.00 EUR"}
    words = "Is it still there?" if scene.writer.network == "whatsapp" else ""
    looks = {
        AS_IT_IS: lambda shown: shown.get("goods"),
        IN_WORDS: lambda shown: "bike-7" in shown["text"] or "Blue bicycle" in shown["text"],
    }
    return await scene.cell(lambda: scene.writes(words, goods=[goods]), looks)


async def order(scene: Scene) -> str:
    """An order from a catalogue."""
    if scene.writer.network != "whatsapp":
        return NOBODY
    goods = {"title": "Tea", "retailer_id": "tea-1", "catalog_id": "c-1", "quantity": 2, "price": "3.00 EUR"}
    return await scene.cell(lambda: scene.writes(order=[goods]), {IN_WORDS: _says("tea-1")})


async def advertisement(scene: Scene) -> str:
    """Somebody comes from an advertisement."""
    ad = {"title": "Spring sale", "text": "Everything must go", "url": "https://example.org/sale", "id": "ad-1"}
    return await scene.cell(lambda: scene.writes("I saw this", advertisement=ad), {IN_WORDS: _says("Spring sale")})


async def reply(scene: Scene) -> str:
    """An answer that quotes."""
    quoted = await scene.received()
    words = quoted["text"].rpartition("\n")[2]
    looks = {
        AS_IT_IS: lambda shown: shown["reply_to"] and "exactly" in shown["text"],
        IN_WORDS: lambda shown: words in shown["text"] and "exactly" in shown["text"],
    }
    return await scene.cell(lambda: scene.writes("exactly", reply_to=quoted["id"]), looks)


async def forward(scene: Scene) -> str:
    """Something passed on; only WhatsApp says so."""
    if scene.writer.network != "whatsapp":
        return NOBODY
    mine, _ = await scene.carried()
    looks = {AS_IT_IS: lambda shown: shown.get("forwarded"), IN_WORDS: _says("orwarded")}
    return await scene.cell(lambda: scene.does("forward", mine), looks)


async def reaction(scene: Scene) -> str:
    """A feeling about a message."""
    mine, theirs = await scene.carried()
    return await scene.cell(lambda: _reacts(scene, mine, "❤️"), _reactions(theirs, "❤️"))


async def reaction_changed(scene: Scene) -> str:
    """Another feeling about the same message."""
    mine, theirs = await scene.carried()
    await scene.cell(lambda: _reacts(scene, mine, "❤️"), _reactions(theirs, "❤️"))
    return await scene.cell(lambda: _reacts(scene, mine, "👍"), _reactions(theirs, "👍"))


async def reaction_removed(scene: Scene) -> str:
    """No feeling any more."""
    mine, theirs = await scene.carried()
    await scene.cell(lambda: _reacts(scene, mine, "❤️"), _reactions(theirs, "❤️"))
    gone: dict[str, Look] = {
        AS_IT_IS: lambda shown: shown["id"] == theirs["id"] and not shown.get("reactions"),
        IN_WORDS: _says("took back"),
    }
    return await scene.cell(lambda: _reacts(scene, mine, None), gone)


async def edit(scene: Scene) -> str:
    """A message that says something else now."""
    mine, theirs = await scene.carried()
    looks = {AS_IT_IS: lambda shown: shown["id"] == theirs["id"], IN_WORDS: _says("quite different")}
    return await scene.cell(lambda: scene.does("edit", mine, text="quite different"), looks)


async def unsend(scene: Scene) -> str:
    """A message that is taken back."""
    mine, theirs = await scene.carried()
    looks = {
        AS_IT_IS: lambda shown: shown["id"] == theirs["id"] and shown.get("deleted"),
        IN_WORDS: _says("deleted"),
    }
    return await scene.cell(lambda: scene.does("unsend", mine), looks)


async def read(scene: Scene) -> str:
    """That a message was read is seen by who wrote it."""
    mine, _ = await scene.carried()
    await scene.town.phones.read(scene.reader)
    await scene.town.phones.status(scene.writer, mine, "read")
    return AS_IT_IS


ROWS: Final[dict[str, Callable[[Scene], Awaitable[str]]]] = {
    "text": text,
    "long text": long_text,
    "bold, italic, code": formatting,
    "picture": picture,
    "picture with words": caption,
    "video": video,
    "voice note": voice,
    "document": file,
    "sticker": sticker,
    "GIF": gif,
    "picture to see once": view_once,
    "location": location,
    "contact card": contacts,
    "poll": poll,
    "listing": listing,
    "order": order,
    "from an advertisement": advertisement,
    "answer that quotes": reply,
    "forwarded message": forward,
    "reaction": reaction,
    "reaction changed": reaction_changed,
    "reaction taken back": reaction_removed,
    "edit": edit,
    "unsend": unsend,
    "read mark": read,
}
"""The rows of the table, in its order."""


def _says(words: str) -> Look:
    return lambda shown: words in shown["text"]


def _shows(kind: str) -> Look:
    return lambda shown: shown["type"] == kind and shown["media"]


def _files(*kinds: str) -> dict[str, Look]:
    """A file as what it is, as another kind of file, or as a link."""
    return {
        AS_IT_IS: lambda shown: shown["type"] in kinds and shown["media"],
        OTHERWISE: lambda shown: shown["media"],
        IN_WORDS: _says("http"),
    }


def _reactions(message: Shown, emoji: str) -> dict[str, Look]:
    return {
        AS_IT_IS: lambda shown: shown["id"] == message["id"] and emoji in shown.get("reactions", {}).values(),
        IN_WORDS: lambda shown: shown["id"] != message["id"] and emoji in shown["text"],
    }


async def _reacts(scene: Scene, message: Shown, emoji: str | None) -> Shown:
    return await scene.writes(reaction={"message_id": message["id"], **({"emoji": emoji} if emoji else {})})
