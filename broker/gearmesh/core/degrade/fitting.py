"""What the pipeline is told of a thread."""

from __future__ import annotations

import msgspec

from gearmesh.model.capabilities import Capabilities
from gearmesh.model.content import Content
from gearmesh.model.delivery import Outgoing

Part = Outgoing


class Quoted(msgspec.Struct, frozen=True, gc=False):
    """The message that another one answers, or is about, as far as it is known: who wrote it, and what it says."""

    content: Content | None = None
    name: str = ""


class Fitting(msgspec.Struct, frozen=True, gc=False):
    """How one thread wants its parts.

    `attribute`: the text itself must say who wrote. `link`: the file's address for whoever is to fetch it, "" when
    there is none; `has_file`: the bridge can have the file itself. `quoted`: what the content answers or is about; None
    where it is about nothing, or nothing is known of it. `is_there`: that message stands in the thread, so that the
    network can point at it. `place`: the title of the group, where the thread itself does not show that it is one.
    `in_words`: the network has just refused it as it is; it goes in words.
    """

    capabilities: Capabilities
    attribute: bool = True
    link: str = ""
    quoted: Quoted | None = None
    is_there: bool = False
    in_words: bool = False
    has_file: bool = False
    place: str = ""

    @property
    def can_point(self) -> bool:
        """Whether the network can show to which message something belongs."""
        return self.is_there and self.capabilities.shows("reply")
