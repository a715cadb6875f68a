"""Files with what is known of them, beside the bare address that older clients look for (XEP-0385 beside XEP-0066)."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import urlsplit

from gearmesh import MediaRef
from gearmesh_xmpp.elements import Element, child, children, element, said, with_children

REFERENCE: Final = "urn:xmpp:reference:0"  # XEP-0372
SIMS: Final = "urn:xmpp:sims:1"
FILE: Final = "urn:xmpp:jingle:apps:file-transfer:5"  # XEP-0234
HASHES: Final = "urn:xmpp:hashes:2"  # XEP-0300


def shared(link: str, ref: MediaRef) -> Element:
    """That the words of a message, which are a link, are a file, and what is known of it."""
    file = element("file", FILE)
    file.append(element("media-type", FILE, ref.mime or "application/octet-stream"))
    for tag, text in (("name", ref.name), ("size", str(ref.size or "")), ("width", str(ref.width or ""))):
        if text:
            file.append(element(tag, FILE, text))
    if ref.height:
        file.append(element("height", FILE, str(ref.height)))
    if ref.sha256:
        digest = base64.b64encode(bytes.fromhex(ref.sha256)).decode()
        file.append(element("hash", HASHES, digest, algo="sha-256"))
    source = element("reference", REFERENCE, type="data", uri=link)
    sharing = with_children(element("media-sharing", SIMS), file, with_children(element("sources", SIMS), source))
    return with_children(
        element("reference", REFERENCE, type="data", begin="0", end=str(len(link))),
        sharing,
    )


def sharing_in(message: Element, app: str) -> MediaRef | None:
    """The first file that a message shares so, of an address that can be fetched; None without one."""
    for reference in children(message, "reference", REFERENCE):
        sharing = child(reference, "media-sharing", SIMS)
        sources = child(sharing, "sources", SIMS) if sharing is not None else None
        if sharing is None or sources is None:
            continue
        addresses = (one.get("uri", "").strip() for one in children(sources, "reference", REFERENCE))
        link = next((one for one in addresses if _is_web(one)), "")
        if link:
            # Whichever version of XEP-0234 a client knows: 3, 4 and 5 have these alike.
            file = next((one for one in sharing if one.tag.endswith("}file")), None)
            return _file(app, link, file if file is not None else element("file", FILE))
    return None


def _file(app: str, link: str, file: Element) -> MediaRef:
    """What its writer says of a file. Its hash is made anew of what is fetched: a claim is none."""
    namespace = file.tag[1:].partition("}")[0]
    return MediaRef(
        app,
        link,
        said(file, "media-type", namespace).strip().lower(),
        size=_number(said(file, "size", namespace)),
        name=said(file, "name", namespace).strip(),
        width=_number(said(file, "width", namespace)),
        height=_number(said(file, "height", namespace)),
    )


def _number(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _is_web(address: str) -> bool:
    try:
        return urlsplit(address).scheme in {"http", "https"}
    except ValueError:  # such as `https://[`
        return False
