"""Content fitted to what a thread can show: in goes what was written, out come the parts to send, in order.

One pure pipeline for all kinds. What the thread shows by its network's own means goes as it is, with its words in the
thread's dialect and within its limits; the table (`degrade/table.py`) says of every kind how it looks in words
otherwise. Who wrote, what is answered and that it was forwarded stand in lines before it, where the network does not
show them. Whoever reads such words, person or program, can tell what they were: `recognised`.

A new kind of content is a row of the table. What is dropped has no parts, and what is rejected raises `Rejected`, as
`Bridge.send` would: so it comes back to its sender on the same way.
"""

from __future__ import annotations

from gearmesh.core.degrade.answers import vote_in
from gearmesh.core.degrade.fitting import Fitting, Part, Quoted
from gearmesh.core.degrade.naming import MEDIA_NAMES, attribution
from gearmesh.core.degrade.pipeline import fit
from gearmesh.core.degrade.table import feature_of, features_of, quote_words, recognised

__all__ = [
    "MEDIA_NAMES",
    "Fitting",
    "Part",
    "Quoted",
    "attribution",
    "feature_of",
    "features_of",
    "fit",
    "quote_words",
    "recognised",
    "vote_in",
]
