"""Values that are never printed."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import msgspec
import pytest

from gearmesh.secret import Secret

VALUE = "hunter2-hunter2"


@pytest.mark.parametrize(
    "printed",
    [
        pytest.param(str(Secret(VALUE)), id="str"),
        pytest.param(repr(Secret(VALUE)), id="repr"),
        pytest.param(f"{Secret(VALUE)}", id="an f-string"),
        pytest.param(f"{Secret(VALUE)!r:>40}", id="an f-string with a format"),
        pytest.param("%s %r" % (Secret(VALUE), Secret(VALUE)), id="the percent sign"),  # noqa: UP031 — what is tested
        pytest.param(str([Secret(VALUE)]), id="inside a list"),
        pytest.param(str({"token": Secret(VALUE)}), id="inside a dict"),
        pytest.param(json.dumps({"token": Secret(VALUE)}, default=repr), id="as JSON"),
    ],
)
def test_every_way_of_printing_a_secret_shows_stars(printed: str) -> None:
    assert VALUE not in printed
    assert "***" in printed


def test_only_reveal_gives_it_away() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_a_secret_has_no_way_into_a_message() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode({"token": Secret(VALUE)})


def test_two_secrets_are_the_same_when_their_values_are() -> None:
    assert Secret(VALUE) == Secret(VALUE) == copy.copy(Secret(VALUE))
    assert hash(Secret(VALUE)) == hash(Secret(VALUE))
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE
    assert pickle.loads(pickle.dumps(Secret(VALUE))) == Secret(VALUE)


class TestReading:
    def test_given_a_variable_its_value_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GEARMESH_TEST_TOKEN", VALUE)
        assert Secret.read("env:GEARMESH_TEST_TOKEN").reveal() == VALUE

    def test_given_a_file_its_content_is_read_without_the_line_end(self, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text(f"{VALUE}\n")
        assert Secret.read(f"file:{path}").reveal() == VALUE

    def test_given_a_file_in_the_home_folder_it_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "token").write_text(VALUE)
        assert Secret.read("file:~/token").reveal() == VALUE

    def test_given_a_plain_value_it_may_hold_anything(self) -> None:
        assert Secret.read("plain:a:b=c ").reveal() == "a:b=c "

    def test_given_a_secret_it_stays_one(self) -> None:
        secret = Secret(VALUE)
        assert Secret.read(secret) is secret

    @pytest.mark.parametrize(
        "reference",
        [
            pytest.param(VALUE, id="the value itself"),
            pytest.param(f"vault:{VALUE}", id="another form"),
            pytest.param(f"ENV:{VALUE}", id="a form in capitals"),
            pytest.param("env:", id="no name"),
            pytest.param("plain:", id="no value"),
            pytest.param("", id="nothing"),
            pytest.param(5, id="a number"),
            pytest.param(None, id="none"),
            pytest.param(["plain:x"], id="a list"),
        ],
    )
    def test_given_another_form_the_error_says_which_are_right_and_shows_nothing(self, reference: object) -> None:
        with pytest.raises(ValueError, match="expected env:NAME, file:PATH or plain:VALUE") as raised:
            Secret.read(reference)
        assert VALUE not in str(raised.value)

    def test_given_a_variable_that_is_not_set_or_empty_the_error_names_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("GEARMESH_TEST_TOKEN", raising=False)
        with pytest.raises(ValueError, match="GEARMESH_TEST_TOKEN is not set"):
            Secret.read("env:GEARMESH_TEST_TOKEN")
        monkeypatch.setenv("GEARMESH_TEST_TOKEN", "")
        with pytest.raises(ValueError, match="GEARMESH_TEST_TOKEN is not set"):
            Secret.read("env:GEARMESH_TEST_TOKEN")

    def test_given_a_file_that_cannot_be_used_the_error_says_why_and_shows_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="cannot be read: FileNotFoundError"):
            Secret.read(f"file:{tmp_path}/missing")
        with pytest.raises(ValueError, match="cannot be read: IsADirectoryError"):
            Secret.read(f"file:{tmp_path}")
        (tmp_path / "empty").write_text(" \n")
        with pytest.raises(ValueError, match="is empty"):
            Secret.read(f"file:{tmp_path}/empty")
        (tmp_path / "binary").write_bytes(VALUE.encode() + b"\xff")
        with pytest.raises(ValueError, match="cannot be read: UnicodeDecodeError") as raised:
            Secret.read(f"file:{tmp_path}/binary")
        assert VALUE not in str(raised.value)
