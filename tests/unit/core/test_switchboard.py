"""Which conversation a message belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.switchboard import Choice, Continue, Help, Start, choose
from gearmesh.model.conversation import Portal

NEW = Portal()
FOCUSED = Portal(focus="with-ben", heard=("with-ben", "with-cleo"))
HEARD_ONE = Portal(heard=("with-cleo",))
HEARD_TWO = Portal(heard=("with-cleo", "with-ben"))

MENTIONS = [
    pytest.param("@ada hello", "ada", "hello", id="a handle and a text"),
    pytest.param("@ada", "ada", "", id="a handle alone"),
    pytest.param("@ada   ", "ada", "", id="a handle and spaces"),
    pytest.param("  \n@ada hello", "ada", "hello", id="white space before it"),
    pytest.param("@ada\nhello\n\nagain", "ada", "hello\n\nagain", id="a text of several lines"),
    pytest.param("@ada  two  spaces ", "ada", "two  spaces", id="spaces inside the text stay"),
    pytest.param("@ada, hello", "ada", "hello", id="a comma behind the handle"),
    pytest.param("@ada: hello", "ada", "hello", id="a colon"),
    pytest.param("@ada; hello", "ada", "hello", id="a semicolon"),
    pytest.param("@ada! hello", "ada", "hello", id="an exclamation mark"),
    pytest.param("@ada? hello", "ada", "hello", id="a question mark"),
    pytest.param("@ada. hello", "ada", "hello", id="a full stop"),
    pytest.param("@ada,hello", "ada", "hello", id="a comma without a space"),
    pytest.param("@ada!!hello", "ada", "hello", id="marks without a space"),
    pytest.param("@matrix:@x:example.org hi", "matrix:@x:example.org", "hi", id="an address with an at sign in it"),
    pytest.param("@ada... hello", "ada", "hello", id="three full stops"),
    pytest.param("@ada!? hello", "ada", "hello", id="two marks"),
    pytest.param("@ada!", "ada", "", id="a mark and nothing more"),
    pytest.param("@ada.lovelace: hello", "ada.lovelace", "hello", id="a handle with a dot, and a colon"),
    pytest.param("@Ada hello", "Ada", "hello", id="the handle as it was written"),
    pytest.param("@ada @ben hello", "ada", "@ben hello", id="only the first one counts"),
    pytest.param("@ada a@b.c", "ada", "a@b.c", id="a text with an address for mail"),
    pytest.param("@whatsapp:4915112345678 hello", "whatsapp:4915112345678", "hello", id="an address"),
    pytest.param("@whatsapp:4915112345678: hello", "whatsapp:4915112345678", "hello", id="an address and a colon"),
    pytest.param("@whatsapp:+49-151 hello", "whatsapp:+49-151", "hello", id="an address as people write numbers"),
    pytest.param("@ädä hello", "ädä", "hello", id="letters that no handle has: whoever looks it up says so"),
]
NO_MENTIONS = [
    pytest.param("hello", id="a plain text"),
    pytest.param("", id="nothing"),
    pytest.param("@", id="an at sign alone"),
    pytest.param("@ ada hello", id="an at sign and a space"),
    pytest.param("@, hello", id="an at sign and a comma"),
    pytest.param("@@ada hello", id="two at signs"),
    pytest.param("a@b.c", id="an address for mail"),
    pytest.param("a@b.c is my address", id="an address for mail and more"),
    pytest.param("hello @ada", id="a mention that is not in front"),
    pytest.param("@" + "a" * 257, id="a handle longer than any"),
]


@pytest.mark.parametrize(("text", "who", "rest"), MENTIONS)
@pytest.mark.parametrize("portal", [NEW, FOCUSED, HEARD_ONE, HEARD_TWO], ids=["new", "focused", "one", "two"])
def test_a_message_that_begins_with_a_mention_is_for_that_person(
    text: str, who: str, rest: str, portal: Portal
) -> None:
    assert choose(text, "", portal) == Start(who, rest)


@pytest.mark.parametrize("text", NO_MENTIONS)
@pytest.mark.parametrize(
    ("portal", "expected"),
    [
        pytest.param(FOCUSED, "with-ben", id="goes on where the person last wrote"),
        pytest.param(HEARD_ONE, "with-cleo", id="answers the one conversation that has reached them"),
    ],
)
def test_a_message_without_a_mention_goes_on(text: str, portal: Portal, expected: str) -> None:
    assert choose(text, "", portal) == Continue(expected, text)


@pytest.mark.parametrize("text", NO_MENTIONS)
@pytest.mark.parametrize(
    ("portal", "key"),
    [
        pytest.param(NEW, "help", id="nobody wrote yet"),
        pytest.param(HEARD_TWO, "help_several", id="several people wrote"),
    ],
)
def test_where_it_is_not_one_conversation_nothing_is_guessed(text: str, portal: Portal, key: str) -> None:
    assert choose(text, "", portal) == Help(key)


@pytest.mark.parametrize("portal", [NEW, FOCUSED, HEARD_ONE, HEARD_TWO], ids=["new", "focused", "one", "two"])
@pytest.mark.parametrize("text", ["hello", "@ada hello", "@", ""])
def test_a_quote_wins_over_everything_and_leaves_the_text_alone(text: str, portal: Portal) -> None:
    assert choose(text, "quoted", portal) == Continue("quoted", text)


def test_focus_wins_over_what_was_heard() -> None:
    assert choose("hello", "", Portal("with-ada", ("with-ben",))) == Continue("with-ada", "hello")


@given(st.text(), st.sampled_from(["", "quoted"]), st.sampled_from([NEW, FOCUSED, HEARD_ONE, HEARD_TWO]))
def test_given_any_text_the_choice_loses_nothing_but_the_mention(text: str, quoted: str, portal: Portal) -> None:
    choice: Choice = choose(text, quoted, portal)
    match choice:
        case Continue():
            assert choice.text == text
        case Start():
            assert text.lstrip().startswith(f"@{choice.who}")
            assert text.strip().endswith(choice.text)
        case Help():
            assert not portal.focus


@given(st.text(st.sampled_from("@a.:, \n"), max_size=12))
def test_given_texts_near_a_mention_whoever_is_meant_has_a_name_without_spaces(text: str) -> None:
    choice = choose(text, "", NEW)
    if isinstance(choice, Start):
        assert choice.who
        assert not any(character.isspace() for character in choice.who)
        assert not choice.who.startswith("@")
