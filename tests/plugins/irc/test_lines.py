"""Words as lines, names, formatting and what the server says of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from irctokens.line import Line, tokenise

from gearmesh import InvalidAddress, Rejected, Retry, Secret, Sender, SendFailed
from gearmesh_irc.batches import Batches
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.connection import read_line
from gearmesh_irc.formatting import read
from gearmesh_irc.ids import Ids, digest, time_of, written
from gearmesh_irc.incoming import Reader
from gearmesh_irc.isupport import Isupport
from gearmesh_irc.lines import chunks, cut, room_for_words
from gearmesh_irc.names import ATTRIBUTION_BYTES, JOINER, attribution, parse_nick, parse_room
from gearmesh_irc.refusals import failure_of
from gearmesh_irc.session import Session

PIECES = ["word", "wörd", " ", "  ", "\n", "👨‍👩‍👧‍👦", "e\u0301", "长", "a" * 50, "\x02", "\x1d"]
TEXT = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=200),
    st.lists(st.sampled_from(PIECES), min_size=20, max_size=80).map("".join),
)


@given(text=TEXT, most=st.integers(32, 120))
def test_no_line_is_longer_than_it_may_be_and_no_word_is_lost(text: str, most: int) -> None:
    lines = cut(text, most)

    assert all(line and len(line.encode()) <= most for line in lines)
    if not set("\x02\x11\x1d\x1e") & set(text):
        assert "".join("".join(lines).split()) == "".join(text.split())


@given(text=TEXT.filter(lambda text: "\n" not in text), most=st.integers(8, 60))
def test_the_pieces_of_a_line_are_the_line_again(text: str, most: int) -> None:
    pieces = chunks(text, most)

    assert "".join(pieces) == text
    assert all(len(piece.encode()) <= most for piece in pieces)


def test_formatting_that_a_cut_goes_through_is_opened_again() -> None:
    lines = cut("\x02" + "word " * 20 + "\x02", 40)

    assert all(line.startswith("\x02") for line in lines)


@pytest.mark.parametrize(
    "one",
    ["👨‍👩‍👧‍👦", "\U0001f1e9\U0001f1ea", "e\u0301\u0323", "\u0915\u094d\u0937\u093f", "👍🏽", "\u1112\u1161\u11ab"],
)
def test_what_is_read_as_one_character_is_not_cut(one: str) -> None:
    for pieces in (cut(one * 40, 60), chunks(one * 40, 60)):
        assert all(piece.replace(one, "") == "" for piece in pieces)


def test_an_accent_is_not_parted_from_the_space_that_carries_it() -> None:
    lines = cut("a" * 30 + " \u0301" + "b" * 30, 40)

    assert "".join(lines) == "a" * 30 + " \u0301" + "b" * 30


def test_the_room_for_words_is_what_the_mask_leaves_of_512_bytes() -> None:
    mask = "gearmesh!~gearmesh@host.test.invalid"
    room = room_for_words(512, mask, "#garden")

    assert len(f":{mask} PRIVMSG #garden :{'x' * room}\r\n".encode()) == 512


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("plain", ("plain", False)),
        ("a \x02bold\x02 word", ("a **bold** word", True)),
        ("left \x02open", ("left **open**", True)),
        ("ended \x02by\x0f reset", ("ended **by** reset", True)),
        ("\x0304,12coloured\x03 12", ("coloured 12", False)),
        ("\x02 spaced \x02", ("&#32;**spaced**&#32;", True)),
        ("in\x02side\x02", ("inside", False)),
        ("\x1f\x16\x0f", ("", False)),
    ],
)
def test_codes_are_read_as_formatting(sent: str, words: tuple[str, bool]) -> None:
    assert read(sent) == words


@given(st.text(st.sampled_from("ab *_`\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f1,\n"), max_size=60))
def test_no_code_is_left_in_what_was_read(text: str) -> None:
    words, _ = read(text)

    assert not set(words) & set("\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f")


@pytest.mark.parametrize("text", ["", " ", "#garden", "a b", "a!b", "1st", "-x", "a\x00"])
def test_what_can_be_no_nickname_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_nick(text)


@pytest.mark.parametrize("text", ["", "garden", "#", "#a b", "#a,b", "#" + "x" * 200])
def test_what_can_be_no_channel_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_room(text)


def test_a_channel_has_one_name_however_it_is_written() -> None:
    assert parse_room(" #Garden ") == parse_room("#GARDEN") == "#garden"


def test_nobody_is_called_by_the_name_of_a_sender() -> None:
    assert attribution(Sender("Ada", "ada", "WhatsApp")) == f"<A{JOINER}da/WhatsApp>"


@pytest.mark.parametrize(
    "name", ["Ada Hopper", "A B C D E F G H I J K L M N O P", "Ada Hopper Lovelace Byron King Noel"]
)
def test_no_word_of_a_name_calls_whoever_has_it_as_a_nickname(name: str) -> None:
    named = attribution(Sender(name, "x", "App"))

    assert not set(named.strip("<>").partition("/")[0].split()) & set(name.split())
    assert len(f"{named} ".encode()) <= ATTRIBUTION_BYTES


@given(st.text(max_size=80), st.text(max_size=20), st.text(max_size=60))
def test_a_sender_is_named_in_bounds_and_on_one_line(name: str, handle: str, network: str) -> None:
    named = attribution(Sender(name, handle, network))

    assert len(f"{named} ".encode()) <= ATTRIBUTION_BYTES
    assert len(named.splitlines()) <= 1
    assert not set(named) & set("\x00\r\n\x01\x02")


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.text(st.characters(codec="utf-8"), max_size=40))
def test_names_that_are_the_same_to_the_server_are_the_same_here(one: str, other: str) -> None:
    said = Isupport()
    said.take(["CASEMAPPING=rfc1459"])

    assert said.fold(said.fold(one)) == said.fold(one)
    assert (said.fold(one) == said.fold(other)) or one != other


@pytest.mark.parametrize(
    ("mapping", "name", "folded"),
    [("rfc1459", "A[]\\~", "a{}|^"), ("strict-rfc1459", "A[]\\~", "a{}|~"), ("ascii", "A[]\\~", "a[]\\~")],
)
def test_names_are_compared_as_the_server_says(mapping: str, name: str, folded: str) -> None:
    said = Isupport()
    said.take([f"CASEMAPPING={mapping}"])

    assert said.fold(name) == folded


@pytest.mark.parametrize("token", ["LINELEN=", "LINELEN=x", "LINELEN=-5", "LINELEN", "CHATHISTORY=²", "=", ""])
def test_a_number_that_is_none_leaves_what_is_usual(token: str) -> None:
    said = Isupport()
    said.take([token])

    assert said.line_length == 512
    assert said.history_most == 100


def test_tags_that_the_server_denies_are_known() -> None:
    said = Isupport()
    said.take(["CLIENTTAGDENY=*,-typing"])

    assert said.denies("draft/react")
    assert not said.denies("typing")


@pytest.mark.parametrize("at", [0, 1, 999, 1_700_000_000_123])
def test_a_time_goes_round(at: int) -> None:
    assert time_of(Line({"time": written(at)}, None, "PRIVMSG", [])) == at


def test_the_id_of_a_message_that_is_told_again_is_the_same() -> None:
    line = tokenise("@time=2026-01-01T00:00:00.000Z :ada!a@h PRIVMSG #garden :Hello")

    assert Ids().of(line, "#garden", "ada", "Hello") == Ids().of(line, "#garden", "ada", "Hello")


def test_two_messages_without_time_and_id_are_two() -> None:
    line, ids = tokenise(":ada!a@h PRIVMSG #garden :Hello"), Ids()

    assert ids.of(line, "#garden", "ada", "Hello") != ids.of(line, "#garden", "ada", "Hello")
    assert digest("a", "bc") != digest("ab", "c")


COMMANDS = [
    "PRIVMSG",
    "NOTICE",
    "TAGMSG",
    "REDACT",
    "JOIN",
    "PART",
    "KICK",
    "QUIT",
    "NICK",
    "TOPIC",
    "CHGHOST",
    "BATCH",
    "005",
    "353",
    "404",
    "433",
    "FAIL",
    "PONG",
    "x",
]
WORDS = [
    "",
    "#a",
    "#b",
    "us",
    "ada",
    "@#a",
    "*",
    "+r",
    "-r",
    "\x01ACTION x\x01",
    "\x01DCC SEND x\x01",
    "a b",
    "draft/multiline",
]
LINES = st.builds(
    Line,
    st.dictionaries(
        st.sampled_from(["time", "msgid", "batch", "label", "+draft/react", "+draft/reply", "+typing"]),
        st.sampled_from(["", "r", "g1", "2026-01-01T00:00:00.000Z", "x"]),
    ),
    st.sampled_from([None, "", "us!u@h", "ada!a@h", "irc.test", "!@"]),
    st.sampled_from(COMMANDS),
    st.lists(st.sampled_from(WORDS), max_size=5),
)


@given(st.lists(LINES, max_size=30))
def test_whatever_a_server_says_is_read_without_an_exception(lines: list[Line]) -> None:
    session, batches, reader = Session("us", "u"), Batches(), Reader(Ids())
    session.learn(tokenise(":us!u@h JOIN #a"))

    for line in lines:
        whole, _ = batches.feed(line)
        if whole is not None:
            for event in reader.events(whole, session, 1, b"raw"):
                assert event == event
            session.learn(whole)
        batches.is_in(line, "chathistory")


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"@=", b"@a=\xff :x y", b":", b": ", b"@", b" ", b"\x00"])
def test_bytes_that_are_no_line_do_not_end_the_connection(raw: bytes) -> None:
    assert isinstance(read_line(raw), Line)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (":s 404 us #garden :no", Rejected),
        (":s 263 us PRIVMSG :busy", Retry),
        ("FAIL REDACT UNKNOWN_MSGID #garden x :no", Rejected),
        ("FAIL PRIVMSG TEMPORARILY_UNAVAILABLE :later", Retry),
    ],
)
def test_what_a_no_means(said: str, kind: type[SendFailed]) -> None:
    assert isinstance(failure_of(tokenise(said)), kind)


def test_keys_of_channels_are_secrets() -> None:
    config = IrcConfig(host="h", nick="us", keys={"#garden": Secret("sesame")})

    assert "sesame" not in repr(config)


@pytest.mark.parametrize("key", ["", "a b", "a,b", "a\r\nQUIT", "x" * 51])
def test_what_can_be_no_key_of_a_channel_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="#garden") as refused:
        IrcConfig(host="h", nick="us", keys={"#garden": Secret(key)})

    assert not key or key not in str(refused.value)
