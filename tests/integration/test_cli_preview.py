"""`gearmesh capabilities` and `gearmesh preview`, as an operator types them: real processes, a plugin of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import pytest

from .configuration import example
from .processes import run
from .test_cli import plugin

PIGEON: Final = """
from typing import Literal
import msgspec
from gearmesh import (
    Bridge, ButtonRule, Capabilities, Dialect, EditRule, FileRule, Limit, Rate, Secret, Sent, Support, Window, hookimpl,
)

class Config(msgspec.Struct, kw_only=True):
    loft: str
    key: Secret
    flock: Literal["grey", "white"]
    perches: tuple[int, ...]
    fast: bool = False

class Pigeon(Bridge):
    network = "pigeon"
    title = "Pigeon Post"
    api = 1
    Config = Config

    def __init__(self, config, context):
        super().__init__(config, context)
        assert context.media_link is not None and context.now() == 0.0

    def capabilities(self, thread):
        return Capabilities(
            Limit(50 if self.config.fast else 100, "characters", "a small letter"),
            Limit(30, "bytes", "its seal"),
            media=frozenset({"image"}),
            features={
                "poll": Support("rejected", "pigeons do not vote"),
                "typing": Support("dropped"),
                "location": Support("partial", "without its name", "maps on legs"),
            },
            dialect=Dialect(bold="!", quote="| ", source="old custom"),
            files={"image": FileRule(("image/png",), 2000, pixels=300, source="what a leg carries")},
            edit=EditRule(900.0, 2, "a second pigeon"),
            buttons=ButtonRule(2, Limit(10, "characters", "two legs"), Limit(20, "characters", "two legs")),
            recipient_rate=Rate(6.0, 45, 6.0),
            app_rate=Rate(1 / 80),
            window=Window(86400.0, 6 * 86400.0, "daylight"),
            source="observation",
        )

    def parse_address(self, text): return text
    def format_address(self, user): return user
    async def run(self): pass
    async def send(self, delivery): return Sent(())

class Plugin:
    @staticmethod
    @hookimpl
    def gearmesh_bridges(): return [Pigeon]

gearmesh_bridges = Plugin.gearmesh_bridges
"""
SHY: Final = (
    PIGEON.replace('"pigeon"', '"shy"')
    .replace('"Pigeon Post"', '"Shy"')
    .replace("super().__init__(config, context)", "raise LookupError('no loft')")
)
APP: Final = """
[apps.post]
bridge = "pigeon"
loft = "north"
key = "plain:k"
flock = "grey"
perches = [1]
fast = true
"""
PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment in which the pigeon post is installed."""
    return plugin(tmp_path, "pigeon", PIGEON)


def rows(out: str) -> dict[str, list[str]]:
    """The rows of the tables, by their first cells; the first of each name counts."""
    found: dict[str, list[str]] = {}
    for line in out.splitlines():
        cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        if cells:
            found.setdefault(cells[0], cells[1:])
    return found


class TestCapabilities:
    async def test_given_no_configuration_then_the_matrix_has_every_installed_network(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        status, out, err = await run(tmp_path, "gearmesh", "capabilities", env=env)

        assert (status, err) == (0, "")
        table = rows(out)
        names = table["feature"]
        assert names == ["instagram", "irc", "messenger", "pigeon", "whatsapp", "xmpp"]
        at = names.index("pigeon")
        levels = {feature: table[feature][at] for feature in ("text", "poll", "typing", "location", "video")}
        assert levels == {
            "text": "full",
            "poll": "rejected",
            "typing": "dropped",
            "location": "partial",
            "video": "fallback",
        }

    async def test_given_one_app_then_its_limits_and_notes_are_there_and_with_v_the_sources(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        _, out, _ = await run(tmp_path, "gearmesh", "capabilities", "pigeon", env=env)
        _, verbose, _ = await run(tmp_path, "gearmesh", "capabilities", "pigeon", "-v", env=env, name="verbose")

        for said in (
            "100 characters",
            "30 bytes",
            "!bold!",
            "| quote",
            "2 of 10 characters, below 20 characters",
            "within 15 min, 2 times",
            "one each 6 s, or 45 within 6 s on credit",
            "80 a second",
            "24 h after the person wrote; marked as late for 6 d more",
            "2 kB; 300 px; image/png",
            "pigeons do not vote",
        ):
            assert said in out
        for source in ("maps on legs", "old custom", "what a leg carries", "daylight", "observation", "a small letter"):
            assert source in verbose
            assert source not in out

    async def test_given_a_configuration_then_its_apps_are_shown_with_their_own_settings(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        (tmp_path / "gearmesh.toml").write_text(example(graph_url="http://127.0.0.1:9", port=0, more=APP))

        status, out, err = await run(tmp_path, "gearmesh", "capabilities", "--json", env=env)

        assert (status, err) == (0, "")
        shown = {line["app"]: line for line in map(json.loads, out.splitlines())}
        assert set(shown) == {"whatsapp", "messenger", "instagram", "post"}
        post = shown["post"]
        assert post["network"] == "Pigeon Post"
        assert post["features"]["poll"] == {"level": "rejected", "note": "pigeons do not vote", "source": ""}
        assert post["limits"]["text"] == {"value": 50, "unit": "characters", "source": "a small letter"}

    async def test_given_a_bridge_that_does_not_tell_without_settings_then_the_others_are_shown(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        shy = plugin(tmp_path, "shy", SHY)

        status, out, err = await run(tmp_path, "gearmesh", "capabilities", env=env | shy)

        assert status == 1
        assert "shy does not tell without a configuration (LookupError: no loft)" in err
        assert "shy" not in out
        assert "pigeon" in out

    @pytest.mark.parametrize("command", [("capabilities", "nowhere"), ("preview", "nowhere", "hello")])
    async def test_given_an_app_that_is_none_then_the_names_are_told(
        self, tmp_path: Path, env: dict[str, str], command: tuple[str, ...]
    ) -> None:
        status, out, err = await run(tmp_path, "gearmesh", *command, env=env)

        assert (status, out) == (2, "")
        assert "there is no app nowhere; known here: instagram, irc, messenger, pigeon, whatsapp, xmpp" in err

    @pytest.mark.parametrize("command", [("capabilities",), ("preview", "post", "hello")])
    async def test_given_a_configuration_with_mistakes_then_they_are_told(
        self, tmp_path: Path, env: dict[str, str], command: tuple[str, ...]
    ) -> None:
        (tmp_path / "gearmesh.toml").write_text(APP.replace('loft = "north"', "lofty = 1"))

        status, out, err = await run(tmp_path, "gearmesh", *command, env=env)

        assert (status, out) == (2, "")
        assert "apps.post.loft: missing" in err
        assert "Traceback" not in err


class TestPreview:
    async def test_given_a_text_then_its_parts_and_what_is_lost_are_shown(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        words = "**Meet** ~~me~~ where the three roads come together, as soon as ever you can, and bring bread, please"
        status, out, err = await run(
            tmp_path, "gearmesh", "preview", "pigeon", words, "--markup", "--from", "Ben", env=env
        )

        assert (status, err) == (0, "")
        assert out.splitlines() == [
            "Pigeon Post (pigeon) gets 2 messages",
            "",
            "1. text, 95 of 100 characters",
            "   Ben:",
            "   !Meet! ~me~ where the three roads come together, as soon as ever you can, and bring bread,",
            "",
            "2. text, 6 of 100 characters",
            "   please",
            "",
            "all of it arrives as it was sent",
        ]

    async def test_given_a_text_longer_than_any_file_s_name_then_it_is_a_text(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        status, out, err = await run(tmp_path, "gearmesh", "preview", "pigeon", "word " * 300, env=env)

        assert (status, err) == (0, "")
        assert "   Ada:\n   (1/17) word" in out

    async def test_given_a_file_then_its_kind_comes_from_its_bytes_and_its_limits_are_told(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        (tmp_path / "holiday.mp3").write_bytes(PNG + bytes(5000))
        status, out, err = await run(tmp_path, "gearmesh", "preview", "pigeon", "holiday.mp3", env=env)

        assert (status, err) == (0, "")
        assert "1. image, holiday.mp3, image/png, 5.03 kB" in out
        assert "5.03 kB is more than the 2 kB that are taken; it must become smaller" in out

    async def test_given_a_file_of_a_kind_that_it_does_not_show_then_the_words_are_there(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        (tmp_path / "notes").write_bytes(b"\x00\x01\x02 nothing that is known")
        _, out, _ = await run(tmp_path, "gearmesh", "preview", "pigeon", "notes", env=env)

        assert "   [file: notes]\n   https://gearmesh.example/media/…" in out
        assert "   file: fallback" in out

    async def test_given_no_address_for_files_then_that_is_said(self, tmp_path: Path, env: dict[str, str]) -> None:
        text = example(graph_url="http://127.0.0.1:9", port=0, more=APP, public=False)
        (tmp_path / "gearmesh.toml").write_text(text)
        (tmp_path / "a.png").write_bytes(PNG)
        _, out, _ = await run(tmp_path, "gearmesh", "preview", "post", "a.png", env=env)

        assert "[picture: a.png]" in out
        assert "without [web] public_url files go in words" in out

    async def test_given_a_body_then_any_kind_can_be_seen(self, tmp_path: Path, env: dict[str, str]) -> None:
        body = {"type": "contacts", "cards": [{"name": "Ben", "phones": ["+49 30 1"]}]}
        (tmp_path / "body.json").write_text(json.dumps(body))
        _, out, _ = await run(tmp_path, "gearmesh", "preview", "pigeon", "--body", "body.json", env=env)

        assert "   Ada:\n   👤 Ben: +49 30 1" in out

    async def test_given_what_the_network_rejects_then_that_is_told_and_the_status_is_1(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        body = '{"type": "poll", "question": "Where?", "options": ["here", "there"]}'
        status, out, err = await run(tmp_path, "gearmesh", "preview", "pigeon", "--body", body, env=env)

        assert (status, out) == (1, "")
        assert "Pigeon Post does not take this, and its sender would be told: pigeons do not vote" in err

    async def test_given_what_the_network_drops_then_nothing_arrives(self, tmp_path: Path, env: dict[str, str]) -> None:
        status, out, _ = await run(tmp_path, "gearmesh", "preview", "pigeon", "--body", '{"type": "typing"}', env=env)

        assert status == 0
        assert out.splitlines() == [
            "Pigeon Post (pigeon) gets nothing",
            "",
            "not as it was sent:",
            "   typing: dropped",
        ]

    @pytest.mark.parametrize("body", ["no json", '{"type": "hologram"}', '{"type": "text"}'])
    async def test_given_a_body_that_is_none_then_the_reason_is_told(
        self, tmp_path: Path, env: dict[str, str], body: str
    ) -> None:
        status, out, err = await run(tmp_path, "gearmesh", "preview", "pigeon", "--body", body, env=env)

        assert (status, out) == (2, "")
        assert "this cannot be previewed: " in err
        assert "Traceback" not in err

    async def test_given_characters_that_would_move_the_cursor_then_they_are_shown_as_escapes(
        self, tmp_path: Path, env: dict[str, str]
    ) -> None:
        _, out, _ = await run(tmp_path, "gearmesh", "preview", "pigeon", "a\x1b[31mb", env=env)

        assert "   a\\x1b[31mb" in out
        assert os.linesep in out
