"""Writes the test vectors beside this file: `python tests/data/vectors/make.py`.

It needs MessagePack and a BLAKE2b, and nothing of Gearmesh: what stands here is the protocol said a second time.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgpack

FOLDER = Path(__file__).parent
ID = bytes.fromhex("00112233445566778899aabbccddeeff")
TARGET = "ffeeddccbbaa99887766554433221100"
ADA, BEN, CLEO = "whatsapp:4915112345678", "messenger:7100000000000001", "instagram:17841405793187218"
AT = 1_767_225_600_000
MORE_THAN_FITS = 2**53
TEXT = {"type": "text", "text": "hello"}
GROUP = "c7qk2v3m4n5p6r7s8t9u2w3x4y"


def token(text: str) -> str:
    """A subject token."""
    if len(text) > 200:
        return "~~" + blake2b(text.encode(), digest_size=32).hexdigest()
    if re.fullmatch(r"[A-Za-z0-9_-]+", text):
        return text
    return "~" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def partition(conversation: str, partitions: int) -> int:
    """What nats-server makes of `{{partition(n,2)}}`: FNV-1a with 32 bits."""
    value = 2166136261
    for byte in token(conversation).encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value % partitions


def dm_id(one: str, other: str) -> str:
    """The id of the DM of two addresses."""
    text = "\n".join(sorted((one, other)))
    return base64.b32encode(blake2b(text.encode(), digest_size=16).digest()).decode().rstrip("=").lower()


def pack(value: Any) -> bytes:
    """MessagePack with byte strings apart from texts."""
    return bytes(msgpack.packb(value, use_bin_type=True))


def header(**changes: Any) -> dict[str, Any]:
    """A right header, with changes; a change to None takes a key away. Keys: `from_` stands for `from`."""
    fields: dict[str, Any] = {
        "id": ID,
        "kind": "event",
        "from": ADA,
        "to": [BEN],
        "conv": dm_id(ADA, BEN),
        "at": AT,
        "seal": "none",
    }
    fields |= {key.rstrip("_"): value for key, value in changes.items()}
    return {key: value for key, value in fields.items() if value is not None}


def shown(value: Any) -> Any:
    """A value as JSON: byte strings become {"bin": hex}."""
    if isinstance(value, bytes):
        return {"bin": value.hex()}
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value


def vector(
    note: str,
    raw: bytes,
    fields: dict[str, Any] | None = None,
    body: dict[str, Any] | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """One file's content, without its name."""
    listed = None if fields is None else {**shown(fields), "id": fields["id"].hex()}
    return {"note": note, "hex": raw.hex(), "header": listed, "body": body, "error": error}


def right(note: str, body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An envelope that everybody reads."""
    fields = header(**changes)
    return vector(note, pack([1, fields, pack(body)]), fields, body)


def wrong(note: str, **changes: Any) -> dict[str, Any]:
    """An envelope whose header breaks a rule."""
    return vector(note, pack([1, header(**changes), pack(TEXT)]), error="malformed")


def broken(note: str, raw: bytes, error: str = "malformed") -> dict[str, Any]:
    """Bytes that are no envelope of version 1."""
    return vector(note, raw, error=error)


def closed(note: str, body: bytes, error: str | None, **changes: Any) -> dict[str, Any]:
    """An envelope that a router passes on, and whose body cannot be opened."""
    fields = header(**changes)
    return vector(note, pack([1, fields, body]), fields, error=error)


def nested(levels: int) -> Any:
    """A number inside so many arrays."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def right_envelopes() -> Iterator[tuple[str, dict[str, Any]]]:
    """Envelopes of every kind, and of every part of the header."""
    sender = {"name": "Ada Lovelace", "handle": "ada", "network": "WhatsApp", "avatar": "https://example.org/a.jpg"}
    ref = {
        "app": "whatsapp",
        "source": "1234",
        "mime": "image/jpeg",
        "size": 48213,
        "sha256": "0f" * 32,
        "name": "cat.jpg",
        "width": 640,
        "height": 480,
        "duration": 1.5,
    }
    yield "text", right("the least there is", TEXT)
    yield (
        "text-full",
        right(
            "every key of a text",
            {
                **TEXT,
                "text": "Grüße 👩‍👩‍👧\\\n**zwei** \\* drei",
                "sender": sender,
                "reply_to": TARGET,
                "markup": True,
                "forwarded": True,
                "buttons": ["Ja", "Nein"],
            },
        ),
    )
    yield (
        "media",
        right(
            "every key of a file",
            {
                "type": "media",
                "media": "image",
                "ref": ref,
                "caption": "a _cat_",
                "sender": sender,
                "reply_to": TARGET,
                "markup": True,
                "forwarded": True,
                "view_once": True,
            },
        ),
    )
    yield (
        "media-least",
        right(
            "a file of which little is known",
            {"type": "media", "media": "voice", "ref": {"app": "native", "source": "x"}},
        ),
    )
    yield from other_messages(sender)
    yield from changes(sender, ref)
    yield (
        "typing",
        right("somebody writes; never stored", {"type": "typing", "sender": sender}, kind="signal"),
    )
    yield "typing-ended", right("and has stopped", {"type": "typing", "on": False}, kind="signal")
    yield (
        "receipt",
        right(
            "two messages were read",
            {"type": "receipt", "state": "read", "targets": [TARGET, ID.hex()]},
            kind="receipt",
            exp=AT + 86_400_000,
        ),
    )
    yield (
        "notice",
        right(
            "a line from Gearmesh itself",
            {"type": "notice", "key": "unknown_person", "args": {"who": "zoe"}},
            from_="gearmesh:main",
            to=[ADA],
            conv=dm_id("gearmesh:main", ADA),
            exp=AT + 86_400_000,
        ),
    )
    yield (
        "membership",
        right("somebody has joined a group", {"type": "membership", "change": "joined"}, conv=GROUP),
    )
    yield (
        "membership-topic",
        right("a room has a new topic", {"type": "membership", "change": "topic", "text": "Sicilian"}, conv=GROUP),
    )
    yield (
        "group",
        right("no recipients: it goes to the members of the conversation", TEXT, to=None, conv="reading club"),
    )
    yield "several-recipients", right("two recipients on two apps", TEXT, to=[BEN, CLEO])
    yield "hops", right("it has been elsewhere", TEXT, hops=["main/whatsapp", "other/matrix"])
    yield "user-with-colons", right("only the first colon ends the app's name", TEXT, from_="matrix:@ada:example.org")
    yield (
        "unknown-header-keys",
        right("kept and passed on", TEXT, prio=3, x={"data": b"\x00\xff", "list": [1, 2.5, None, True]}),
    )
    yield "unknown-body-keys", right("passed over by who opens the body", {**TEXT, "mood": ["happy"]})
    yield "depth-8", right("as deep as an unknown header key may be", TEXT, x=nested(8))
    yield "at-the-end-of-time", right("the largest time", TEXT, at=MORE_THAN_FITS - 1)
    yield "sealed", closed("another seal than none: the body stays closed", b"\x00anything", None, seal="x-test")


def other_messages(sender: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Messages that are neither text nor file."""
    about = {"sender": sender, "reply_to": TARGET}
    yield (
        "location",
        right(
            "every key of a place",
            {
                "type": "location",
                "latitude": 52.516275,
                "longitude": 13.377704,
                "name": "Brandenburger Tor",
                "address": "Pariser Platz, Berlin",
                "link": "https://example.org/gate",
                **about,
                "forwarded": True,
            },
        ),
    )
    yield (
        "location-least",
        right("a place of which little is known", {"type": "location", "latitude": -33.5, "longitude": 151.0}),
    )
    card = {
        "name": "Ben",
        "phones": ["+49 30 123", "+49 30 124"],
        "emails": ["ben@example.org"],
        "organisation": "Bens",
        "vcard": "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ben\r\nEND:VCARD\r\n",
    }
    yield (
        "contacts",
        right(
            "every key of a card, and one with the least",
            {"type": "contacts", "cards": [card, {"name": "Zoe"}], **about, "forwarded": True},
        ),
    )
    options = {"question": "Where to?", "options": ["Pizza", "Pasta"]}
    yield "poll", right("every key of a poll", {"type": "poll", **options, "several": True, **about})
    yield "poll-least", right("one answer may be chosen", {"type": "poll", **options})
    listing = {
        "title": "Red bike",
        "text": "hardly used",
        "price": "120.00 EUR",
        "link": "https://example.org/bike",
        "picture": "https://example.org/bike.jpg",
        "retailer_id": "r-1",
        "catalog": "c-1",
    }
    yield (
        "product",
        right(
            "a conversation about something for sale",
            {"type": "product", "listings": [listing], "text": "Is it there?", **about},
        ),
    )
    ordered = [{**listing, "quantity": 2}, {"title": "Bell"}]
    yield "product-order", right("an order of two things", {"type": "product", "listings": ordered, "about": "order"})
    yield (
        "product-ad",
        right("a person came from an ad", {"type": "product", "listings": [{"title": "Sale"}], "about": "ad"}),
    )


def changes(sender: dict[str, str], ref: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is about another envelope."""
    about = {"target": TARGET, "sender": sender}
    yield "reaction", right("a reaction", {"type": "reaction", "emoji": "❤️", **about})
    yield "reaction-removed", right("and it is gone", {"type": "reaction", "emoji": "❤️", "removed": True, **about})
    yield (
        "edit",
        right("a text says something else now", {"type": "edit", "content": {"type": "text", "text": "six"}, **about}),
    )
    picture = {"type": "media", "media": "image", "ref": ref, "caption": "a dog"}
    yield "edit-media", right("so does a file", {"type": "edit", "content": picture, **about})
    yield "redaction", right("a message was taken back", {"type": "redaction", **about})
    yield "vote", right("what somebody chooses in a poll", {"type": "vote", "options": ["Pasta"], **about})
    yield "vote-withdrawn", right("nothing any more", {"type": "vote", "target": TARGET})


def wrong_envelopes() -> Iterator[tuple[str, dict[str, Any]]]:
    """What must be refused."""
    body = pack(TEXT)
    ok = pack([1, header(), body])
    yield "empty", broken("no bytes", b"")
    yield "no-messagepack", broken("the one byte that MessagePack never uses", b"\xc1")
    yield "cut-off", broken("the last byte is missing", ok[:-1])
    yield "trailing", broken("one byte too many", ok + b"\x00")
    yield "no-array", broken("a map instead of an array", pack({"v": 1}))
    yield "empty-array", broken("not even a version", pack([]))
    yield "two-elements", broken("no body", pack([1, header()]))
    yield "four-elements", broken("one element too many", pack([1, header(), body, 0]))
    yield "version-2", broken("a later version", pack([2, header(), body]), "unknown_version")
    yield "version-0", broken("no version of ours", pack([0, {}, b""]), "unknown_version")
    yield "version-with-other-shape", broken("a later version may have another shape", pack([7]), "unknown_version")
    yield "version-text", broken("a version is a whole number", pack(["1", header(), body]))
    yield "version-true", broken("true is no number", pack([True, header(), body]))
    yield "version-float", broken("1.0 is no whole number", pack([1.0, header(), body]))
    yield "version-deep", broken("a thousand arrays where the version should be", b"\x91" * 1000 + b"\x01")
    yield "header-array", broken("the header is a map", pack([1, [], body]))
    yield "body-text", broken("the body is a byte string", pack([1, header(), "text"]))
    yield "extension", broken("no extension types", pack([1, header(x=msgpack.ExtType(5, b"1234")), body]))
    yield "extension-empty", broken("not even empty ones", pack([1, header(x=msgpack.ExtType(5, b"")), body]))
    yield "no-utf-8", broken("a text that is no UTF-8", ok.replace(b"whatsapp:", b"whatsap\xff:"))
    yield "key-number", broken("header keys are texts", pack([1, {**header(), 5: 1}, body]))
    yield "key-bytes", broken("header keys are texts", pack([1, {**header(), b"x": 1}, body]))
    yield "too-many-keys", wrong("65 keys", **{f"x{number}": 0 for number in range(58)})
    yield "depth-9", wrong("an unknown key nested too deep", x=nested(9))
    yield "id-missing", wrong("no id", id=None)
    yield "id-short", wrong("15 bytes", id=ID[:15])
    yield "id-text", wrong("an id is 16 bytes, not their hex digits", id=ID.hex())
    yield "kind-missing", wrong("no kind", kind=None)
    yield "kind-unknown", wrong("a kind that version 1 does not have", kind="gossip")
    yield "from-missing", wrong("no sender", from_=None)
    yield "from-no-colon", wrong("no address", from_="ada")
    yield "from-no-user", wrong("an address without a user", from_="whatsapp:")
    yield "from-app", wrong("an app's name has letters, digits, _ and - only", from_="whats app:1")
    yield "from-control", wrong("a control character", from_="whatsapp:1\n2")
    yield "from-long", wrong("a user of 513 characters", from_="whatsapp:" + "1" * 513)
    yield "to-text", wrong("recipients are an array", to=BEN)
    yield "to-number", wrong("recipients are texts", to=[1])
    yield "to-1025", wrong("too many recipients", to=["a:b"] * 1025)
    yield "conv-missing", wrong("no conversation", conv=None)
    yield "conv-empty", wrong("an empty conversation", conv="")
    yield "conv-long", wrong("129 characters", conv="c" * 129)
    yield "at-missing", wrong("no time", at=None)
    yield "at-float", wrong("a time is a whole number", at=1.5)
    yield "at-whole-float", wrong("and no float that happens to be whole", at=1.0)
    yield "at-negative", wrong("before the epoch", at=-1)
    yield "at-too-large", wrong("more than 2^53 - 1", at=MORE_THAN_FITS)
    yield "exp-text", wrong("a time is a whole number", exp="tomorrow")
    yield "hops-17", wrong("16 hops at most", hops=["a/b"] * 17)
    yield "hops-long", wrong("a hop of 1025 characters", hops=["x" * 1025])
    yield "seal-missing", wrong("no seal", seal=None)
    yield "seal-empty", wrong("an empty seal", seal="")


def closed_envelopes() -> Iterator[tuple[str, dict[str, Any]]]:
    """Headers that are right around bodies that are not."""
    deep = {**TEXT, "x": nested(9)}
    yield "body-empty", closed("no MessagePack in the body", b"", "malformed")
    yield "body-array", closed("content is a map", pack([1]), "malformed")
    yield "body-unknown-type", closed("content of a later release", pack({"type": "hologram"}), "malformed")
    yield "body-no-type", closed("content without its type", pack({"text": "hello"}), "malformed")
    yield "body-no-text", closed("a text without text", pack({"type": "text"}), "malformed")
    yield "body-number", closed("a text that is a number", pack({"type": "text", "text": 5}), "malformed")
    yield (
        "body-media-kind",
        closed(
            "a kind of file that version 1 does not have",
            pack({"type": "media", "media": "smell", "ref": {"app": "a", "source": "b"}}),
            "malformed",
        ),
    )
    for name, note, body in (
        ("location", "a place without its longitude", {"type": "location", "latitude": 1.0}),
        ("cards", "cards are an array", {"type": "contacts", "cards": "Ben"}),
        ("options", "a poll without answers to choose from", {"type": "poll", "question": "Where to?"}),
        ("about", "a product has no such place", {"type": "product", "listings": [], "about": "gift"}),
        ("target", "a reaction to nothing", {"type": "reaction", "emoji": "❤️"}),
        ("edit", "an edit without what it says now", {"type": "edit", "target": TARGET}),
        ("edit-kind", "only texts and files can be edited",
         {"type": "edit", "target": TARGET, "content": {"type": "poll", "question": "?", "options": []}}),
        ("markup", "markup is true or false", {**TEXT, "markup": "yes"}),
    ):  # fmt: skip
        yield f"body-{name}", closed(note, pack(body), "malformed")
    yield "body-deep", closed("nested too deep", pack(deep), "malformed")


def subjects() -> dict[str, Any]:
    """Tokens, partitions and the ids of DMs."""
    texts = [
        "native", "A-Z_09", "4915112345678", "+4915112345678", "@ada:example.org", "a.b", "a b", "*", ">", "~", "=",
        "Grüße", "👩‍👩‍👧", "\n", "~YQ", "x" * 200, "👍" * 200,
    ]  # fmt: skip
    long = ["x" * 201, "👍" * 201, "." * 5000]
    conversations = [dm_id(ADA, BEN), dm_id(BEN, CLEO), "reading club", "a", "b", "c", "Grüße", "x" * 128]
    pairs = [(ADA, BEN), (BEN, ADA), (CLEO, "native:ada"), ("matrix:@ada:example.org", ADA), (ADA, ADA)]
    return {
        "note": "token: in subjects; key: in keys of KV buckets; partition: of 8 and of 64",
        "tokens": [{"text": text, "token": token(text), "key": token(text).replace("~", "=")} for text in texts],
        "digests": [{"text": text, "token": token(text), "key": token(text).replace("~", "=")} for text in long],
        "no_tokens": ["", "~", "a.b", "a b", "~YQ==", "~Y", "~YR", "~YWJj", "~/w", "~_w", "~é", "=YQ", "*", ">", "~~"],
        "partitions": [
            {"conversation": text, "token": token(text), "of_8": partition(text, 8), "of_64": partition(text, 64)}
            for text in conversations
        ],
        "dms": [{"one": one, "other": other, "conversation": dm_id(one, other)} for one, other in pairs],
    }


def ids() -> dict[str, Any]:
    """Ids that bridge hosts derive."""
    key = bytes(range(32))
    rows = [
        ("whatsapp", "4915112345678", "wamid.HBgM=", "event"),
        ("whatsapp", "4915112345678", "wamid.HBgM=", "receipt read"),
        ("matrix", "!room:example.org", "$event", "event"),
        ("messenger", "Grüße", "m_1", "event"),
    ]
    return {
        "note": "id: BLAKE2b-128 keyed with `key`, of the four texts with a zero byte between them; "
        "letter: BLAKE2b-128 without a key",
        "key": key.hex(),
        "messages": [
            {
                "app": row[0], "thread": row[1], "native_id": row[2], "kind": row[3],
                "id": blake2b("\0".join(row).encode(), digest_size=16, key=key).hexdigest(),
            }
            for row in rows
        ],
        "letters": [
            {"raw": raw.hex(), "id": blake2b(raw, digest_size=16).hexdigest()} for raw in (b"", b"\xc1", b"not json")
        ],
    }  # fmt: skip


def files() -> dict[str, str]:
    """The content of every file by its name."""
    envelopes = {**dict(right_envelopes()), **dict(wrong_envelopes()), **dict(closed_envelopes())}
    contents = {f"envelope-{name}": {"name": name, **content} for name, content in envelopes.items()}
    contents |= {"subjects": {"name": "subjects", **subjects()}, "ids": {"name": "ids", **ids()}}
    return {
        f"{name}.json": json.dumps(content, indent=1, ensure_ascii=False) + "\n" for name, content in contents.items()
    }


def write() -> None:
    """Write all files, and take away those that are no more."""
    wanted = files()
    for path in FOLDER.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write()
