"""What the demo says of words that stand for something else."""

from __future__ import annotations

import pytest

from gearmesh_meta.demo import what_it_was


@pytest.mark.parametrize(
    ("text", "was"),
    [
        ("Ada Lovelace (@ada, WhatsApp):\n❤️ to “the lake”", "reaction"),
        ("📍 Boathouse", "location"),
        ("Is the lake warm?", ""),
        ("⚙ Nobody is known as @nobody here.", ""),
    ],
)
def test_given_words_then_what_they_were_is_named_unless_they_were_words(text: str, was: str) -> None:
    assert what_it_was(text) == was
