"""Where an envelope has been."""

from __future__ import annotations

from gearmesh.core.loops import passed_here, too_many
from gearmesh.model.envelope import MAX_HOPS


def test_an_envelope_has_passed_here_only_when_this_very_hop_is_in_its_list() -> None:
    assert passed_here(("a/x", "b/y"), "b/y")
    assert not passed_here(("a/x", "b/y"), "b/x")
    assert not passed_here(("b/y/z",), "b/y")
    assert not passed_here((), "b/y")


def test_there_is_room_for_a_hop_until_the_list_is_full() -> None:
    assert not too_many(("a/x",) * (MAX_HOPS - 1))
    assert too_many(("a/x",) * MAX_HOPS)
