"""Lines as events, and deliveries as lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from irctokens.line import tokenise

from gearmesh import (
    EchoReceived,
    Event,
    MembershipReceived,
    MessageReceived,
    ReactionReceived,
    RedactionReceived,
    Text,
    TypingReceived,
    Unparsed,
)
from gearmesh_irc.batches import Batches
from gearmesh_irc.capabilities import capabilities_of
from gearmesh_irc.config import IrcConfig
from gearmesh_irc.ids import Ids
from gearmesh_irc.incoming import Reader
from gearmesh_irc.outgoing import messages_of
from gearmesh_irc.session import Session

from .bench import delivery

GHOST = "<G\u200drace/App>"


def session(*, multiline: str | None = None) -> Session:
    """A connection as `us` in #a, with the drafts or without."""
    made = Session("us", "user")
    made.learn(tokenise(":us!user@host.test JOIN #a"))
    made.learn(tokenise(":s 353 us = #a :us @Ada"))
    made.learn(tokenise(":s 005 us STATUSMSG=@+ PREFIX=(ov)@+ :are supported"))
    if multiline is not None:
        made.agreed = {"batch", "message-tags", "draft/multiline"}
        made.offered["draft/multiline"] = multiline
    return made


def read(line: str) -> list[Event]:
    """The events of one line."""
    return [*Reader(Ids()).events(tokenise(line), session(), 5, line.encode())]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (":Ada!a@h PRIVMSG #A :Hello", MessageReceived),
        (":Ada!a@h PRIVMSG us :Hello", MessageReceived),
        (":Ada!a@h NOTICE #a :Hello", MessageReceived),
        (":us!u@h PRIVMSG #a :Hello", EchoReceived),
        (":Ada!a@h PRIVMSG @#a :to operators", Unparsed),
        (":Ada!a@h PRIVMSG us :\x01DCC SEND x 1 2 3\x01", Unparsed),
        ("@+draft/react=x;+draft/reply=m1 :Ada!a@h TAGMSG #a", ReactionReceived),
        ("@+typing=active :Ada!a@h TAGMSG #a", TypingReceived),
        (":Ada!a@h QUIT :gone", MembershipReceived),
        (":Ada!a@h TOPIC #a :\x02Roses", MembershipReceived),
    ],
)
def test_a_line_is_what_it_says(line: str, kind: type[Event]) -> None:
    (event,) = read(line)

    assert isinstance(event, kind)


@pytest.mark.parametrize(
    "line",
    [
        ":NickServ!s@h NOTICE us :identify yourself",
        ":irc.test NOTICE us :welcome",
        ":irc.test PRIVMSG us :welcome",
        ":Ada!a@h PRIVMSG us :\x01VERSION\x01",
        ":us!u@h JOIN #b",
        ":us!u@h TAGMSG #a",
        "@+unknown=x :Ada!a@h TAGMSG #a",
        ":s 372 us :the message of the day",
    ],
)
def test_what_nobody_wrote_is_no_event(line: str) -> None:
    assert read(line) == []


def test_an_action_names_who_acts() -> None:
    (event,) = read(":Ada!a@h PRIVMSG #a :\x01ACTION \x02waves\x02\x01")

    assert isinstance(event, MessageReceived)
    assert event.content == Text("* Ada waves")


def test_a_new_nickname_is_one_who_left_and_one_who_came() -> None:
    events = read(":Ada!a@h NICK Lovelace")

    assert [(event.user, event.change) for event in events if isinstance(event, MembershipReceived)] == [
        ("ada", "left"),
        ("lovelace", "joined"),
    ]


TEXT = st.lists(st.sampled_from(["word ", "wörd", "\n", "👍", "长", "a" * 200, "\x02"]), max_size=60).map("".join)


@given(TEXT, st.sampled_from([None, "max-bytes=4096,max-lines=5", "max-bytes=300", ""]))
def test_no_message_is_more_than_the_server_takes_and_none_of_it_is_lost(text: str, multiline: str | None) -> None:
    there = session(multiline=multiline)
    batches = Batches()
    read_there = []
    for message in messages_of(delivery("#a", text, ghost=GHOST), there):
        assert len(message.lines) <= 5 + 2 or multiline != "max-bytes=4096,max-lines=5"
        for line in message.lines:
            if line.command == "PRIVMSG":
                shown = f":{there.mask} PRIVMSG {line.params[0]} :{line.params[1]}\r\n"
                assert len(shown.encode()) <= 512
            whole, _ = batches.feed(tokenise(line.format()))
            if whole is not None:
                read_there.append(whole.params[1].removeprefix(GHOST))
    if "\x02" not in text:
        assert "".join("".join(read_there).split()) == "".join(text.split())


@given(st.text("wörd 👍", min_size=1, max_size=300))
def test_what_capabilities_let_through_goes_in_one_line_where_the_server_knows_no_others(text: str) -> None:
    there = session()
    limit = capabilities_of(IrcConfig(host="h", nick="us"), there, "#a").text
    while limit.measure(text) > limit.value:
        text = text[:-1]

    assert len(messages_of(delivery("#a", text, ghost=GHOST), there)) == bool(text.strip())


def test_what_would_end_a_line_or_be_a_command_is_left_out() -> None:
    (message,) = messages_of(delivery("#a", "a\x00b\rc\x01d"), session())

    assert message.words == "abcd"


@pytest.mark.parametrize(
    "line",
    [
        "@msgid=a\\sb\\n :Ada!a@h PRIVMSG #a :Hello",
        "@msgid=m1;+draft/reply=a\\sb :Ada!a@h PRIVMSG #a :Hello",
        "@msgid=m1;+draft/reply=\x02 :Ada!a@h PRIVMSG #a :Hello",
    ],
)
def test_an_id_with_white_space_or_controls_is_replaced(line: str) -> None:
    (event,) = read(line)

    assert isinstance(event, MessageReceived)
    for native_id in (event.native_id, event.reply_to):
        assert not any(character.isspace() or ord(character) < 32 for character in native_id)


def test_an_id_that_was_replaced_is_the_same_wherever_it_stands() -> None:
    (said,) = read("@msgid=a\\sb :Ada!a@h PRIVMSG #a :Hello")
    (reply,) = read("@msgid=m2;+draft/reply=a\\sb :Ben!b@h PRIVMSG #a :Yes")
    (taken,) = read(":Ada!a@h REDACT #a :a b")

    assert isinstance(said, MessageReceived)
    assert isinstance(reply, MessageReceived)
    assert isinstance(taken, RedactionReceived)
    assert said.native_id == reply.reply_to == taken.target


@pytest.mark.parametrize(
    "line",
    [
        ":A\x02da!a@h PRIVMSG #a :Hello",
        ":A\u2003da!a@h PRIVMSG us :Hello",
        ":Ada!a@h PRIVMSG #a\x01 :Hello",
        ":Ada!a@h JOIN :#a b",
        ":Ada!a@h NICK :a b",
        ":Ada!a@h KICK #a :x y",
        ":A\x1fda!a@h QUIT :gone",
    ],
)
def test_a_name_with_white_space_or_controls_is_nobodys(line: str) -> None:
    assert [type(event) for event in read(line)] == [Unparsed]


@pytest.mark.parametrize(
    ("line", "mask"),
    [
        (":s 396 us cloak.test :is now your displayed host", "us!user@cloak.test"),
        (":s 396 us ~u@cloak.test :is now your displayed host", "us!~u@cloak.test"),
        (":us!user@host.test CHGHOST ~u cloak.test", "us!~u@cloak.test"),
    ],
)
def test_how_others_see_us_is_learned(line: str, mask: str) -> None:
    there = session()
    there.learn(tokenise(line))

    assert there.mask == mask
