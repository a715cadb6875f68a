"""What a person sees on their side of a network."""

from __future__ import annotations

import msgspec


class Shown(msgspec.Struct, frozen=True):
    """One message as its recipient sees it.

    `id` is the network's own. `author` is the name that it appears under where the network shows one, `reply_to` the
    native id of the message that it quotes, `link` where a file is fetched from; "" where there is none.
    """

    id: str
    text: str
    thread: str = ""
    author: str = ""
    reply_to: str = ""
    link: str = ""
