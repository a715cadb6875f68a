"""Texts, files and notices fitted to what a thread can show; the other kinds are in test_degrade_kinds.py."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.degrade import MEDIA_NAMES, Fitting, Part, attribution, fit, recognised
from gearmesh.errors import Rejected
from gearmesh.model.capabilities import FEATURES, Capabilities, Level, Limit, Support
from gearmesh.model.content import Content, Media, MediaKind, MediaRef, Notice, Receipt, Sender, Text, words_of

KINDS: tuple[MediaKind, ...] = get_args(MediaKind)
ADA = Sender("Ada Lovelace", "ada", "WhatsApp")
LINE = "Ada Lovelace (@ada, WhatsApp):"
LINK = "https://gearmesh.example/media/x"
ALL = frozenset(KINDS)
FILES: frozenset[MediaKind] = frozenset({"file"})
PICTURE = Media("image", MediaRef("whatsapp", "1", name="cat.jpg"), "a cat", ADA, "00ff")


def fitting(
    *,
    text: int = 1000,
    caption: int | None = 1000,
    media: frozenset[MediaKind] = ALL,
    attribute: bool = True,
    link: str = LINK,
) -> Fitting:
    """A thread with these limits, in characters."""
    return Fitting(
        Capabilities(
            Limit(text, "characters", "test"),
            None if caption is None else Limit(caption, "characters", "test"),
            media,
        ),
        attribute,
        link,
    )


def levels(**stated: Level) -> Fitting:
    """A thread that states these levels of features."""
    thread = fitting()
    features = {feature: Support(stated[feature]) for feature in FEATURES if feature in stated}
    can = msgspec.structs.replace(thread.capabilities, features=features)
    return msgspec.structs.replace(thread, capabilities=can)


def shown(parts: tuple[Part, ...]) -> list[str]:
    """The words of each part, as a person reads them."""
    return [words_of(part) for part in parts]


def changed(content: Media, **changes: Any) -> Media:
    """The content with changes."""
    return msgspec.structs.replace(content, **changes)


@pytest.mark.parametrize(
    ("sender", "line"),
    [
        pytest.param(ADA, "Ada Lovelace (@ada, WhatsApp)", id="all is known"),
        pytest.param(Sender("Ada", network="WhatsApp"), "Ada (WhatsApp)", id="no handle"),
        pytest.param(Sender(handle="ada", network="WhatsApp"), "@ada (WhatsApp)", id="no name: the handle is the name"),
        pytest.param(Sender("Ada", "ada"), "Ada (@ada)", id="no network"),
        pytest.param(Sender("Ada"), "Ada", id="the name alone"),
        pytest.param(Sender(), "Somebody", id="nothing"),
    ],
)
def test_the_attribution_says_all_that_is_known(sender: Sender, line: str) -> None:
    assert attribution(sender) == line


class TestText:
    def test_given_a_network_without_ghosts_the_text_says_who_wrote(self) -> None:
        assert fit(Text("hello", ADA, "00ff"), fitting()) == (Text(f"{LINE}\nhello", ADA, "00ff"),)

    def test_given_a_ghost_the_text_is_as_it_was_written(self) -> None:
        assert fit(Text("hello", ADA), fitting(attribute=False)) == (Text("hello", ADA),)

    def test_given_a_text_in_several_parts_only_the_first_says_who_wrote_and_what_it_answers(self) -> None:
        parts = fit(Text("word " * 100, ADA, "00ff"), fitting(text=100))
        assert len(parts) > 4
        assert [part.reply_to for part in parts if isinstance(part, Text)] == ["00ff"] + [""] * (len(parts) - 1)
        assert [LINE in text for text in shown(parts)] == [True] + [False] * (len(parts) - 1)
        assert shown(parts)[0].startswith(f"{LINE}\n(1/{len(parts)}) word")
        assert all(part.sender == ADA for part in parts)

    def test_given_white_space_alone_and_a_ghost_there_is_nothing_to_send(self) -> None:
        assert fit(Text(" \n", ADA), fitting(attribute=False)) == ()


class TestMedia:
    @pytest.mark.parametrize("kind", ["image", "video", "file"])
    def test_given_a_file_that_carries_a_caption_the_caption_says_who_wrote(self, kind: MediaKind) -> None:
        picture = changed(PICTURE, media=kind)
        assert fit(picture, fitting()) == (changed(picture, caption=f"{LINE}\na cat"),)

    @pytest.mark.parametrize("kind", ["image", "video", "file"])
    def test_given_no_caption_the_attribution_is_the_caption(self, kind: MediaKind) -> None:
        picture = changed(PICTURE, media=kind, caption="")
        assert fit(picture, fitting()) == (changed(picture, caption=LINE),)

    @pytest.mark.parametrize("kind", ["audio", "voice", "sticker", "gif"])
    def test_given_a_file_that_never_carries_a_caption_the_words_go_before_it(self, kind: MediaKind) -> None:
        recording = changed(PICTURE, media=kind)
        assert fit(recording, fitting()) == (
            Text(f"{LINE}\na cat", ADA, "00ff"),
            changed(recording, caption="", reply_to=""),
        )

    def test_given_a_network_whose_files_carry_no_text_the_words_go_before_the_file(self) -> None:
        assert fit(PICTURE, fitting(caption=None)) == (
            Text(f"{LINE}\na cat", ADA, "00ff"),
            changed(PICTURE, caption="", reply_to=""),
        )

    def test_given_a_caption_at_the_limit_it_stays_and_one_over_it_goes_before_the_file(self) -> None:
        size = len(f"{LINE}\na cat")
        assert fit(PICTURE, fitting(caption=size)) == (changed(PICTURE, caption=f"{LINE}\na cat"),)
        assert fit(PICTURE, fitting(caption=size - 1)) == (
            Text(f"{LINE}\na cat", ADA, "00ff"),
            changed(PICTURE, caption="", reply_to=""),
        )

    def test_given_a_caption_longer_than_a_message_it_goes_before_the_file_in_several(self) -> None:
        *before, last = fit(changed(PICTURE, caption="word " * 50), fitting(caption=10, text=60))
        assert len(before) > 3
        assert all(isinstance(part, Text) and len(part.text) <= 60 for part in before)
        assert [LINE in text for text in shown(tuple(before))] == [True] + [False] * (len(before) - 1)
        assert last == changed(PICTURE, caption="", reply_to="")

    def test_given_a_ghost_and_no_caption_the_file_goes_as_it_is(self) -> None:
        picture = changed(PICTURE, caption="")
        assert fit(picture, fitting(attribute=False)) == (picture,)

    def test_given_no_link_the_file_becomes_words_with_its_caption(self) -> None:
        parts = fit(PICTURE, fitting(link=""))
        assert parts == (Text(f"{LINE}\n[picture: cat.jpg]\na cat", ADA, "00ff"),)

    @pytest.mark.parametrize("kind", KINDS)
    def test_given_a_kind_that_the_network_cannot_show_it_becomes_words_with_caption_and_link(
        self, kind: MediaKind
    ) -> None:
        (part,) = fit(changed(PICTURE, media=kind), fitting(media=FILES - {kind}))
        assert part == Text(f"{LINE}\n[{MEDIA_NAMES[kind]}: cat.jpg]\na cat\n{LINK}", ADA, "00ff")

    @pytest.mark.parametrize(
        ("kind", "mime", "media", "stand_in"),
        [
            ("sticker", "image/webp", frozenset({"image", "video"}), "image"),
            ("gif", "image/gif", frozenset({"image", "video"}), "image"),
            ("gif", "video/mp4", frozenset({"image", "video"}), "video"),
            ("gif", "video/mp4", frozenset({"image"}), "image"),
            ("gif", "image/gif", frozenset({"video"}), "video"),
            ("voice", "audio/ogg", frozenset({"audio"}), "audio"),
        ],
    )
    def test_given_a_kind_that_another_stands_in_for_the_file_goes_as_that_and_says_what_it_was(
        self, kind: MediaKind, mime: str, media: frozenset[MediaKind], stand_in: MediaKind
    ) -> None:
        sent = Media(kind, MediaRef("whatsapp", "1", mime), "", ADA)
        *words, file = fit(sent, fitting(media=media, attribute=False))
        line = f"[{MEDIA_NAMES[kind]}]"
        if stand_in == "audio":
            assert words == [Text(line, ADA)]
            assert file == changed(sent, media="audio")
        else:
            assert words == []
            assert file == changed(sent, media=stand_in, caption=line)
        assert recognised(line) == kind

    def test_given_a_file_to_be_seen_once_where_that_can_be_it_goes_so(self) -> None:
        sent = changed(PICTURE, view_once=True)
        (part,) = fit(sent, levels(view_once="full"))
        assert part == changed(sent, caption=f"{LINE}\na cat")

    def test_given_a_file_to_be_seen_once_where_that_cannot_be_it_goes_and_says_so(self) -> None:
        sent = changed(PICTURE, view_once=True)
        (part,) = fit(sent, levels(view_once="fallback"))
        assert part == changed(PICTURE, caption=f"{LINE}\n[seen once: picture]\na cat")
        assert recognised(f"{LINE}\n[seen once: picture]\na cat") == "view_once"

    def test_given_a_file_to_be_seen_once_in_words_they_say_so(self) -> None:
        (part,) = fit(changed(PICTURE, view_once=True), fitting(media=frozenset()))
        assert part == Text(f"{LINE}\n[seen once: picture: cat.jpg]\na cat\n{LINK}", ADA, "00ff")

    def test_given_a_file_to_be_seen_once_where_that_is_rejected_its_sender_is_told(self) -> None:
        with pytest.raises(Rejected, match="view once"):
            fit(changed(PICTURE, view_once=True), levels(view_once="rejected"))

    def test_given_a_file_that_was_refused_as_it_is_it_goes_in_words(self) -> None:
        refused = msgspec.structs.replace(fitting(), in_words=True)
        assert shown(fit(PICTURE, refused)) == [f"{LINE}\n[picture: cat.jpg]\na cat\n{LINK}"]

    def test_given_a_file_without_name_and_caption_its_kind_is_said(self) -> None:
        media = Media("voice", MediaRef("whatsapp", "1"))
        assert shown(fit(media, fitting(link="", attribute=False))) == ["[voice message]"]

    def test_every_kind_of_file_has_a_name(self) -> None:
        assert set(MEDIA_NAMES) == set(KINDS)


class TestNotices:
    def test_given_a_notice_it_is_a_line_of_gearmesh_and_nobody_s(self) -> None:
        assert shown(fit(Notice("yourself", {"who": "ada"}), fitting())) == ["⚙ @ada is you."]

    def test_given_a_notice_of_a_later_release_it_shows_itself(self) -> None:
        assert shown(fit(Notice("later", {"who": "ada"}), fitting())) == ["⚙ Gearmesh: later (who: ada)"]

    def test_given_a_notice_longer_than_a_message_it_goes_in_several(self) -> None:
        parts = fit(Notice("rejected", {"name": "Ben", "detail": "because " * 40}), fitting(text=50))
        assert len(parts) > 5
        assert all(len(text) <= 50 for text in shown(parts))


def test_receipts_are_shown_and_not_sent() -> None:
    assert fit(Receipt("read", ("00ff",)), fitting()) == ()


SENDERS = st.builds(Sender, st.text(max_size=10), st.text(max_size=10), st.text(max_size=10))
NUMBER = re.compile(r"^\(\d+/\d+\) ")
CONTENTS: st.SearchStrategy[Content] = st.one_of(
    st.builds(Text, st.text(max_size=200).filter(str.strip), SENDERS, st.sampled_from(["", "00ff"])),
    st.builds(
        Media,
        st.sampled_from(KINDS),
        st.builds(MediaRef, st.just("a"), st.just("b"), name=st.text(max_size=20)),
        st.text(max_size=200),
        SENDERS,
        st.sampled_from(["", "00ff"]),
    ),
    st.builds(
        Notice, st.sampled_from(["help", "rejected", "later"]), st.dictionaries(st.text(), st.text(), max_size=2)
    ),
)
FITTINGS = st.builds(
    fitting,
    text=st.integers(40, 300),
    caption=st.none() | st.integers(1, 100),
    media=st.frozensets(st.sampled_from(KINDS)),
    attribute=st.booleans(),
    link=st.sampled_from(["", LINK]),
)


@given(CONTENTS, FITTINGS)
def test_given_any_content_and_any_thread_it_never_becomes_silence_and_every_part_can_be_shown(
    content: Content, thread: Fitting
) -> None:
    parts = fit(content, thread)
    assert parts
    for number, part in enumerate(parts):
        if isinstance(part, Text):
            assert part.text.strip()
            assert len(part.text) <= thread.capabilities.text.value
        else:
            assert number == len(parts) - 1
            assert thread.link
            assert isinstance(part, Media)
            assert part.media in thread.capabilities.media
            room = thread.capabilities.caption
            assert not part.caption or (room is not None and room.measure(part.caption) <= room.value)


@given(CONTENTS, FITTINGS)
def test_given_any_content_and_any_thread_every_word_of_it_is_in_some_part(content: Content, thread: Fitting) -> None:
    written = content.text if isinstance(content, Text) else content.caption if isinstance(content, Media) else ""
    parts = shown(fit(content, thread))
    bare = [NUMBER.sub("", part) for part in parts] if len(parts) > 2 else parts
    assert "".join(written.split()) in "".join("".join(bare).split())
