"""What people write to Gearmesh itself about groups."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.commands import CODE, Change, Command, Join, command_in


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("join chess", Join("chess")),
        ("  Join   Chess. ", Join("Chess")),
        ("/join #chess", Join("chess")),
        ("JOIN “schach-ä_1”", Join("schach-ä_1")),
        ("leave", Change("leave")),
        ("Leave!", Change("leave")),
        ("/mute", Change("mute")),
        ("Unmute", Change("unmute")),
        ("join", None),
        ("join the club", None),
        ("I leave", None),
        ("leave me alone", None),
        ("mute mute", None),
        ("join chess\nplease", None),
        ("", None),
    ],
)
def test_a_whole_message_is_a_command_and_nothing_else_is(text: str, command: Command | None) -> None:
    assert command_in(text) == command


@given(st.from_regex(CODE, fullmatch=True))
def test_every_code_can_be_joined(code: str) -> None:
    assert command_in(f"join {code}") == Join(unicodedata.normalize("NFC", code))


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    command_in(text)
