"""What a file needs so that a network takes it: a table, and what holds for every file and every rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.media.plan import (
    ANYTHING,
    LEAST_PICTURES,
    LEAST_SOUND,
    Convert,
    Impossible,
    Keep,
    plan,
    ways,
)
from gearmesh.media.probe import FILMS, PICTURES, SOUNDS, Probe, canonical
from gearmesh.model.capabilities import FileRule
from gearmesh.model.content import MediaKind

MB = 1_000_000
IMAGE = FileRule(("image/jpeg", "image/png"), 5 * MB)
IMAGE_GIF = FileRule(("image/png", "image/jpeg", "image/gif"), 8 * MB)
VIDEO = FileRule(("video/mp4", "video/3gpp"), 16 * MB)
LONG_VIDEO = FileRule(("video/mp4", "video/ogg", "video/webm"), 25 * MB, seconds=60)
MONO_OPUS: dict[str, Any] = {"codecs": {"audio/ogg": ("opus",)}, "channels": {"audio/ogg": 1}}
OPUS = FileRule(("audio/ogg", "audio/mp4", "audio/mpeg", "audio/aac", "audio/amr"), 16 * MB, **MONO_OPUS)
SPEECH = FileRule(("audio/ogg",), 16 * MB, **MONO_OPUS)
AAC = FileRule(("audio/mp4", "audio/aac", "audio/wav"), 25 * MB)
STICKER = FileRule(("image/webp",), 500_000, square=512, still_size=100_000)
SQUARE = FileRule(("image/png", "image/gif"), 300_000, square=256)
GIF_AS_VIDEO = FileRule(("video/mp4",), 16 * MB)
PDF = FileRule(("application/pdf",), 25 * MB)


def image(mime: str = "image/jpeg", size: int = MB, width: int = 4000, height: int = 3000, **more: Any) -> Probe:
    return Probe(mime, size, width, height, **more)


def film(mime: str = "video/mp4", size: int = 9 * MB, duration: float = 30.0, **more: Any) -> Probe:
    facts = {"video": "h264", "audio": "aac", "channels": 2, "pixels": "yuv420p", **more}
    return Probe(mime, size, 1920, 1080, duration, **facts)


def sound(mime: str = "audio/ogg", audio: str = "opus", size: int = 40_000, channels: int = 1, **more: Any) -> Probe:
    return Probe(mime, size, audio=audio, channels=channels, **{"duration": 10.0, **more})


@pytest.mark.parametrize(
    ("kind", "found", "rule", "expected"),
    [
        ("image", image(), IMAGE, Keep()),
        ("image", image(private=True), IMAGE, Convert("image/jpeg", 5 * MB, "strip")),
        ("image", image(private=True, turned=True), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("image", image("image/png", private=True), IMAGE, Convert("image/png", 5 * MB, "strip")),
        ("image", image(size=9 * MB), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("image", image("image/png", size=9 * MB), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("image", image("image/png", size=9 * MB, alpha=True), IMAGE, Convert("image/png", 5 * MB)),
        ("image", image("image/heic"), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("image", image("image/webp"), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("image", image("image/webp", alpha=True), IMAGE, Convert("image/png", 5 * MB)),
        ("image", image("image/bmp"), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("image", image("image/tiff"), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("image", image("image/avif"), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("image", image("image/gif"), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("image", image("image/gif", animated=True), IMAGE_GIF, Keep()),
        ("image", image(), FileRule(IMAGE.mimes, 5 * MB, pixels=1920), Convert("image/jpeg", 5 * MB, side=1920)),
        ("image", image("image/heic"), ANYTHING, Keep()),
        ("image", image(private=True), ANYTHING, Convert("image/jpeg", how="strip")),
        ("image", image(broken="it is cut off"), IMAGE, Impossible("it is cut off")),
        ("gif", image("image/gif", animated=True, duration=2.0), IMAGE_GIF, Keep()),
        (
            "gif",
            image("image/gif", width=300, height=200, animated=True, duration=2.0),
            GIF_AS_VIDEO,
            Convert("video/mp4", 16 * MB, side=300, pictures=4_000_000),
        ),
        ("gif", image("image/webp", animated=True, private=True), ANYTHING, Convert("image/webp", side=480)),
        ("image", image("image/gif", animated=True, private=True), IMAGE_GIF, Convert("image/gif", 8 * MB, side=480)),
        ("gif", image("image/gif"), IMAGE, Convert("image/jpeg", 5 * MB)),
        ("gif", image("image/gif", animated=True), IMAGE, Impossible("pictures that move are not taken")),
        ("gif", film(audio="", channels=0), GIF_AS_VIDEO, Keep()),
        ("gif", film(), IMAGE_GIF, Impossible("videos of the type video/mp4 are not taken")),
        ("sticker", image("image/webp", 90_000, 512, 512), STICKER, Keep()),
        ("sticker", image("image/webp", 150_000, 512, 512), STICKER, Convert("image/webp", 100_000, square=512)),
        ("sticker", image("image/webp", 150_000, 512, 512, animated=True), STICKER, Keep()),
        ("sticker", image("image/webp", 50_000, 300, 512), STICKER, Convert("image/webp", 100_000, square=512)),
        ("sticker", image("image/png", 50_000, 300, 300), STICKER, Convert("image/webp", 100_000, square=512)),
        ("sticker", image("image/gif", animated=True), STICKER, Convert("image/webp", 500_000, square=512)),
        ("sticker", image("image/webp", alpha=True), IMAGE_GIF, Convert("image/png", 8 * MB)),
        (
            "sticker",
            image("image/webp", width=512, height=512, animated=True),
            IMAGE_GIF,
            Convert("image/gif", 8 * MB, side=480),
        ),
        ("sticker", image("image/png", 50_000, 256, 256), SQUARE, Keep()),
        (
            "sticker",
            image("image/png", 50_000, 256, 256, private=True),
            SQUARE,
            Convert("image/png", 300_000, square=256),
        ),
        ("sticker", image("image/webp", 50_000, 512, 512), SQUARE, Convert("image/png", 300_000, square=256)),
        ("sticker", image("image/webp", 9, 512, 512, animated=True), SQUARE, Convert("image/gif", 300_000, square=256)),
        ("sticker", image("image/webp", 50_000, 40, 40), FileRule(("image/webp",), 500_000), Keep()),
        ("video", film(), VIDEO, Keep()),
        ("video", film(private=True), VIDEO, Convert("video/mp4", 16 * MB, "copy")),
        ("video", film("video/quicktime"), VIDEO, Convert("video/mp4", 16 * MB, "copy")),
        ("video", film("video/3gpp", video="h263", audio="amr_nb"), VIDEO, "video/mp4"),
        ("video", film(video="hevc"), VIDEO, "video/mp4"),
        ("video", film("video/webm", video="vp9", audio="opus"), VIDEO, "video/mp4"),
        ("video", film("video/webm", video="vp9", audio="opus"), LONG_VIDEO, Keep()),
        ("video", film(size=40 * MB), VIDEO, "video/mp4"),
        ("video", film(duration=61.0), LONG_VIDEO, "it plays for 61 seconds"),
        ("video", image("image/gif", animated=True, duration=2.0), VIDEO, "video/mp4"),
        ("video", film(size=900 * MB, duration=7200.0), VIDEO, "which is too large"),
        ("voice", sound(), OPUS, Keep()),
        ("voice", sound(channels=2), OPUS, Convert("audio/ogg", 16 * MB, sound=32_000, channels=1)),
        ("voice", sound(audio="vorbis"), OPUS, Convert("audio/ogg", 16 * MB, sound=32_000, channels=1)),
        ("voice", sound("audio/mp4", "aac"), SPEECH, Convert("audio/ogg", 16 * MB, sound=32_000, channels=1)),
        ("voice", sound("audio/mp4", "aac", channels=2), OPUS, Keep()),
        ("voice", sound(audio="vorbis", channels=2), FileRule(("audio/ogg",), MB), Keep()),
        ("audio", sound("audio/flac", "flac", channels=2), FileRule(("audio/ogg",), 16 * MB), "audio/ogg"),
        (
            "audio",
            sound("audio/flac", "flac", channels=2),
            FileRule(("audio/ogg", "audio/mp4"), 16 * MB, codecs={"audio/ogg": ("vorbis",)}),
            Convert("audio/mp4", 16 * MB, sound=96_000, channels=2),
        ),
        ("voice", sound(), AAC, Convert("audio/mp4", 25 * MB, sound=64_000, channels=1)),
        ("voice", sound("audio/wav", "pcm_s16le"), AAC, Keep()),
        ("voice", sound(), ANYTHING, Keep()),
        ("audio", sound("audio/mp4", "aac", channels=2), OPUS, Keep()),
        ("audio", sound(audio="vorbis", channels=2), OPUS, Convert("audio/ogg", 16 * MB, sound=32_000, channels=1)),
        (
            "audio",
            sound("audio/flac", "flac", channels=2),
            AAC,
            Convert("audio/mp4", 25 * MB, sound=96_000, channels=2),
        ),
        ("audio", sound("audio/flac", "flac", size=90 * MB, duration=20_000.0), AAC, "which is too large"),
        ("audio", sound("audio/flac", "flac"), FileRule(("audio/wav",), MB), "recordings of the type audio/flac"),
        ("file", Probe("application/pdf", MB), PDF, Keep()),
        ("file", Probe("application/pdf", 26 * MB), PDF, Impossible("it is too large", 25 * MB)),
        ("file", Probe("text/plain", MB), PDF, "files of the type text/plain are not taken"),
        ("file", image(private=True, broken="it is cut off"), ANYTHING, Keep()),
        ("image", Probe("application/x-dosexec", MB), IMAGE, "it was sent as a picture"),
        ("voice", Probe("application/pdf", MB), OPUS, "it was sent as a voice message"),
        ("image", film(), IMAGE, "what is in it is video/mp4"),
    ],
)
def test_what_is_done(kind: MediaKind, found: Probe, rule: FileRule, expected: object) -> None:
    steps = plan(kind, found, rule)
    if isinstance(expected, str):
        said = steps.mime if isinstance(steps, Convert) else getattr(steps, "reason", "")
        assert expected in said
    else:
        assert steps == expected


@pytest.mark.parametrize(
    ("kind", "found", "expected"),
    [
        ("image", image(), ("image",)),
        ("image", film(), ("video", "file")),
        ("image", image("image/gif", animated=True), ("gif", "video", "image")),
        ("gif", film(), ("gif", "video", "file")),
        ("sticker", image("image/webp", animated=True), ("sticker", "gif", "video", "image")),
        ("sticker", image("image/webp"), ("sticker", "image")),
        ("voice", sound(), ("voice", "audio", "file")),
        ("video", sound("audio/mp4", "aac"), ("audio", "file")),
        ("file", film(), ("file",)),
        ("image", Probe("application/pdf", 1), ("image",)),
        ("image", image(broken="bomb"), ("image",)),
    ],
)
def test_what_it_is_says_more_than_what_it_was_called(
    kind: MediaKind, found: Probe, expected: tuple[MediaKind, ...]
) -> None:
    assert ways(kind, found) == expected


def test_a_video_that_must_shrink_is_made_smaller_before_it_is_refused() -> None:
    plans = [plan("video", film(size=500 * MB, duration=60.0 * minutes), VIDEO) for minutes in (1, 2, 8, 15)]

    assert [type(steps) for steps in plans] == [Convert] * 4
    made = [steps for steps in plans if isinstance(steps, Convert)]
    assert [steps.side for steps in made] == [1280, 854, 426, 320]
    assert [steps.pictures for steps in made] == sorted((steps.pictures for steps in made), reverse=True)
    refused = plan("video", film(size=500 * MB, duration=3600.0), VIDEO)
    assert isinstance(refused, Impossible)
    assert refused.limit == VIDEO.size


KINDS: tuple[MediaKind, ...] = ("image", "video", "audio", "voice", "file", "sticker", "gif")
MIMES = st.sampled_from(sorted(PICTURES | FILMS | SOUNDS | {"application/pdf", "text/plain"}))
PROBES = st.builds(
    Probe,
    MIMES,
    st.integers(0, 200 * MB),
    st.integers(0, 9000),
    st.integers(0, 9000),
    st.floats(0, 20_000),
    animated=st.booleans(),
    alpha=st.booleans(),
    private=st.booleans(),
    turned=st.booleans(),
    video=st.sampled_from(["", "h264", "hevc"]),
    audio=st.sampled_from(["", "aac", "opus"]),
    channels=st.integers(0, 8),
    pixels=st.sampled_from(["", "yuv420p", "yuv444p"]),
    broken=st.sampled_from(["", "", "it is cut off"]),
)
RULES = st.builds(
    FileRule,
    st.lists(MIMES, max_size=4).map(tuple),
    st.integers(1000, 100 * MB),
    pixels=st.just(0),
    square=st.sampled_from([0, 512]),
    still_size=st.sampled_from([0, 900]),
    codecs=st.sampled_from([{}, {"audio/ogg": ("opus",), "audio/mp4": ("alac",)}]),
    channels=st.sampled_from([{}, {"audio/ogg": 1, "audio/mp4": 1}]),
)


@given(st.sampled_from(KINDS), PROBES, RULES)
def test_what_goes_is_always_within_the_rule_and_what_does_not_has_a_reason(
    kind: MediaKind, found: Probe, rule: FileRule
) -> None:
    steps = plan(kind, found, rule)
    if isinstance(steps, Impossible):
        assert steps.reason
        assert steps.limit in {0, rule.size}
        return
    assert kind == "file" or not found.broken
    mime = found.mime if isinstance(steps, Keep) else steps.mime
    assert not rule.mimes or mime in map(canonical, rule.mimes)
    if isinstance(steps, Keep):
        assert found.size <= rule.size
        assert kind == "file" or not (found.private and mime in PICTURES | FILMS)
    else:
        assert 0 < steps.size <= rule.size
        if steps.how == "anew" and mime in FILMS:
            assert steps.pictures >= LEAST_PICTURES
            assert (steps.pictures + steps.sound) * max(found.duration, 1.0) / 8 <= rule.size
        if mime in SOUNDS:
            assert steps.channels <= rule.channels.get(mime, 2)
            assert mime != "audio/mp4" or not rule.codecs
            assert steps.sound >= LEAST_SOUND
            assert steps.sound * max(found.duration, 1.0) / 8 <= rule.size


@given(st.sampled_from(KINDS), PROBES, RULES)
def test_two_plans_have_one_name_only_if_they_are_the_same(kind: MediaKind, found: Probe, rule: FileRule) -> None:
    steps = plan(kind, found, rule)
    if isinstance(steps, Convert):
        for change in ({"size": steps.size + 1}, {"sound": steps.sound + 1}, {"mime": "image/x"}, {"channels": 9}):
            assert Convert(**{**_fields(steps), **change}).profile != steps.profile


def _fields(steps: Convert) -> dict[str, Any]:
    return {name: getattr(steps, name) for name in steps.__struct_fields__}


def test_only_equal_plans_share_a_name() -> None:
    plans = [Convert("image/webp", side=512), Convert("image/webp", square=512), Convert("image/webp")]
    plans += [Convert("image/webp", how="strip"), Convert("image/webp", 512), Convert("image/webp", pictures=512)]
    plans += [Convert("image/webp", sound=512), Convert("image/webp", channels=2)]
    assert len({steps.profile for steps in plans}) == len(plans)


def test_what_goes_as_a_document_only_because_nothing_else_is_taken_goes_without_its_place() -> None:
    assert plan("file", film(private=True), ANYTHING) == Keep()
    assert plan("file", film(private=True), ANYTHING, sent_as="file") == Keep()
    assert plan("file", film(private=True), ANYTHING, sent_as="video") == Convert("video/mp4", how="copy")
    assert plan("file", image(private=True), ANYTHING, sent_as="image") == Convert("image/jpeg", how="strip")
    assert plan("file", film(), ANYTHING, sent_as="video") == Keep()
    webm = film("video/webm", video="vp9", audio="opus", private=True)
    assert getattr(plan("file", webm, ANYTHING, sent_as="video"), "how", "") == "anew"
