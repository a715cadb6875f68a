"""What was typed against what the phones show: what is lost, doubled or out of order. No I/O."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from string import Template
from typing import Final

import msgspec

from gearmesh.core.notices import ENGLISH

from .texts import Pair, Said, read

_MARK: Final = "⚙ "
"""Stands before what Gearmesh says itself."""
_HOLE: Final = "\0"


def _pattern(template: str) -> re.Pattern[str]:
    """What a notice looks like, with anything in the holes of its template."""
    template_with_holes = Template(template).safe_substitute(defaultdict(lambda: _HOLE))
    return re.compile(".*".join(map(re.escape, template_with_holes.split(_HOLE))), re.DOTALL)


# The most telling first: "not delivered: $detail" fits what others say more exactly.
_NOTICES: Final = {key: _pattern(ENGLISH[key]) for key in sorted(ENGLISH, key=lambda key: -len(ENGLISH[key]))}


class Stranger(msgspec.Struct, frozen=True):
    """Something on a phone that nobody typed to its owner, and that is no notice."""

    reader: str
    text: str


class Verdict(msgspec.Struct, frozen=True):
    """What a campaign shows.

    `doubled` has every copy beyond the first. `late` are first copies that are shown after a younger one of the same
    pair; `excused` of them are so because WhatsApp refused a message after it had taken it, which nobody can undo:
    those behind it were shown by then. `notices` counts the lines of Gearmesh itself by their key.
    """

    typed: int
    lost: tuple[Said, ...] = ()
    doubled: tuple[Said, ...] = ()
    late: tuple[Said, ...] = ()
    excused: int = 0
    strangers: tuple[Stranger, ...] = ()
    notices: Mapping[str, int] = {}

    @property
    def clean(self) -> bool:
        """Whether everything was shown once, in order, and nothing else."""
        return not (self.lost or self.doubled or self.late or self.strangers)

    def line(self, faults: int) -> str:
        """The last line of a campaign."""
        counts = f"lost {len(self.lost)}, doubled {len(self.doubled)}, out of order {len(self.late)}"
        return f"{counts}, faults {faults}, messages {self.typed}"


def judge(
    typed: Mapping[Pair, int], shown: Mapping[str, Sequence[str]], refused: Mapping[str, int] | None = None
) -> Verdict:
    """Compare.

    `typed` is how many messages each pair's writer typed, `shown` the texts on each reader's phone, oldest first, by
    handle. `refused` says how many messages to a reader were refused afterwards by their network: of the late ones
    among that reader's, so many are excused and left out.
    """
    lost: list[Said] = []
    doubled: list[Said] = []
    late: list[Said] = []
    excused = 0
    strangers: list[Stranger] = []
    notices: Counter[str] = Counter()
    for reader, texts in shown.items():
        copies: Counter[Said] = Counter()
        youngest: dict[str, int] = {}
        late_here: list[Said] = []
        for text in texts:
            said = read(text)
            if said is None or said.reader != reader or not 0 < said.number <= typed.get(said.pair, 0):
                if said is None and (key := notice_key(text)):
                    notices[key] += 1
                else:
                    strangers.append(Stranger(reader, text))
                continue
            copies[said] += 1
            if copies[said] > 1:
                doubled.append(said)
                continue
            if said.number < youngest.get(said.writer, 0):
                late_here.append(said)
            youngest[said.writer] = max(youngest.get(said.writer, 0), said.number)
        forgiven = min(len(late_here), (refused or {}).get(reader, 0))
        excused += forgiven
        late += late_here[forgiven:]
        lost += (said for said in _all_to(reader, typed) if not copies[said])
    for reader in {reader for _, reader in typed} - shown.keys():
        lost += _all_to(reader, typed)
    return Verdict(
        sum(typed.values()), tuple(lost), tuple(doubled), tuple(late), excused, tuple(strangers), dict(notices)
    )


def notice_key(text: str) -> str:
    """Which of Gearmesh's own lines this is; "" for none."""
    said = text.removeprefix(_MARK)
    return next((key for key, pattern in _NOTICES.items() if pattern.fullmatch(said)), "")


def _all_to(reader: str, typed: Mapping[Pair, int]) -> Iterable[Said]:
    for (writer, to), count in typed.items():
        if to == reader:
            yield from (Said(writer, reader, number) for number in range(1, count + 1))
