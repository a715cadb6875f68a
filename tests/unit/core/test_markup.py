"""Formatting both ways: CommonMark, a network's marks, plain words."""

from __future__ import annotations

import re
import string
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gearmesh.core.markup import JOINER, THIN, cut, escape, parse, plain_words, read, unbroken, write
from gearmesh.core.markup.commonmark import as_commonmark
from gearmesh.core.markup.marks import Marks
from gearmesh.core.markup.native import read_tree
from gearmesh.core.markup.tree import (
    Block,
    Break,
    Code,
    Fence,
    Inline,
    Items,
    Link,
    Mark,
    Marked,
    Paragraph,
    Quote,
    Tree,
    Words,
    merged,
    plain,
)
from gearmesh.model.capabilities import Dialect, Limit

WHATSAPP = Dialect(bold="*", italic="_", strike="~", code="`", block="```", quote="> ", bullet="- ")
DOUBLE = Dialect(bold="**", italic="_", strike="~~", code="`", block="```", quote="> ", bullet="* ")
SIMPLE = Dialect(bold="*")
DIALECTS = st.sampled_from([WHATSAPP, DOUBLE, SIMPLE])
MARKS: tuple[Mark, ...] = ("bold", "italic", "strike")

NUMBER = re.compile(r"^\(\d+/\d+\) ", re.MULTILINE)
"""Which of several messages one is: at its beginning, or behind the line that says who wrote."""
LETTERS = string.ascii_letters + "ß李é"
SIGNS = "*_~`>-#+=.!&;<[]()\\'\"1 \u00a0\t👍"
TYPED = st.text(st.sampled_from("ab 1*_~`>-.,()!\n"), max_size=40)
ANYTHING = st.text(max_size=60).map(lambda text: text.replace("\0", "").replace("\r", ""))
TEXTS = st.one_of(TYPED, ANYTHING, st.text(st.sampled_from("*_~` a\n"), max_size=24))


def letters(text: str) -> str:
    """The letters and digits of a text, by which its words are known."""
    return "".join(character for character in text if character.isalnum())


def words_of(tree: Tree) -> str:
    """All words of a tree."""
    found: list[str] = []
    for block in tree:
        match block:
            case Paragraph(inside=inside):
                found.append(plain(inside))
            case Fence(text=text):
                found.append(text)
            case Quote(inside=blocks):
                found.append(words_of(blocks))
            case Items(items=items):
                found.extend(words_of(item) for item in items)
    return "\n\n".join(found)


class TestTakenIn:
    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            pytest.param("a *b* c", "a **b** c", id="bold"),
            pytest.param("a _b_ c", "a _b_ c", id="italic"),
            pytest.param("a ~b~ c", "a ~~b~~ c", id="strike"),
            pytest.param("a `b*c*` d", "a `b*c*` d", id="code, in which nothing is a mark"),
            pytest.param("```a\n*b*```", "```\na\n*b*\n```", id="lines of code"),
            pytest.param("see ```a``` there", "see `a` there", id="a block's marks within a line"),
            pytest.param("> a *b*\n> c", "> a **b**\\\n> c", id="a quote"),
            pytest.param("- a\n- _b_", "- a\n- _b_", id="a list"),
            pytest.param("*_a_*", "**_a_**", id="one in the other"),
            pytest.param(
                "*a*, <b> & \\", "**a**, \\<b\\> \\& \\\\", id="what CommonMark would take for its own is escaped"
            ),
            pytest.param("*a*\n# b\n1. c", "**a**\\\n\\# b\\\n1\\. c", id="so is what would begin a block"),
            pytest.param("@ada *a*", "@ada **a**", id="a mention stays a word"),
        ],
    )
    def test_given_marks_the_words_become_commonmark(self, typed: str, words: str) -> None:
        assert read(typed, WHATSAPP) == (words, True)

    @pytest.mark.parametrize(
        "typed",
        [
            pytest.param("hello there", id="no mark at all"),
            pytest.param("2*3*4 and snake_case_name", id="inside words"),
            pytest.param("*a*b", id="at one side inside a word"),
            pytest.param("* a * and _ b _", id="white space inside"),
            pytest.param("*a\nb*", id="in two lines"),
            pytest.param("a > b - c", id="not at the beginning of a line"),
            pytest.param("** ~~ ``", id="nothing between them"),
            pytest.param("https://example.org/_a_/*b*", id="an address"),
            pytest.param("", id="nothing"),
        ],
    )
    def test_given_no_formatting_the_text_stays_as_it_is(self, typed: str) -> None:
        assert read(typed, WHATSAPP) == (typed, False)

    @given(TEXTS, DIALECTS)
    def test_given_any_text_no_word_is_lost_and_commonmark_says_the_same_tree(
        self, text: str, dialect: Dialect
    ) -> None:
        words, markup = read(text, dialect)
        if markup:
            tree = read_tree(text, Marks.of(dialect))
            assert tree is not None
            assert letters(words_of(tree)) == letters(text)
            assert letters(words_of(parse(words))) == letters(text)
        else:
            assert words == text


class TestWritten:
    @pytest.mark.parametrize(
        ("words", "by_marks", "in_words"),
        [
            pytest.param("**a** _b_ ~~c~~ `d`", "*a* _b_ ~c~ `d`", "a b ~c~ d", id="inline"),
            pytest.param("**a\\\nb**", "*a*\n*b*", "a\nb", id="each line by itself"),
            pytest.param("un**believ**able", "unbelievable", "unbelievable", id="inside a word there are no marks"),
            pytest.param("**a** 2 \\* 3", "*a* 2 * 3", "a 2 * 3", id="what is no formatting stays"),
            pytest.param("**a** \\*b\\*", f"*a* *{THIN}b*", "a *b*", id="and what looks like it is broken"),
            pytest.param("**a\\* b**", f"*a{THIN}* b*", "a* b", id="also inside"),
            pytest.param("[site](http://a.example)", "site (http://a.example)", "site (http://a.example)", id="a link"),
            pytest.param("<https://a.example/_b_>", "https://a.example/_b_", "https://a.example/_b_", id="a bare link"),
            pytest.param("[Ada](gearmesh:person/ada) is in", "Ada is in", "Ada is in", id="a mention is a name"),
            pytest.param("> a\n> b\n\nc", "> a\n> b\nc", "> a\n> b\nc", id="a quote"),
            pytest.param("- a\n- b", "- a\n- b", "• a\n• b", id="a list"),
            pytest.param("3. a\n4. b", "3. a\n4. b", "3. a\n4. b", id="a numbered list"),
            pytest.param("- a\n  - b", "- a\n  • b", "• a\n  • b", id="a list in a list"),
            pytest.param("```py\na\n*b*\n```", "```a\n*b*```", "a\n*b*", id="lines of code"),
            pytest.param("<b>a</b> &amp; # b", "<b>a</b> & # b", "<b>a</b> & # b", id="HTML is text"),
            pytest.param("a\nb\n\nc", "a\nb\n\nc", "a\nb\n\nc", id="line ends and paragraphs"),
        ],
    )
    def test_given_commonmark_it_is_shown_by_marks_and_in_words(self, words: str, by_marks: str, in_words: str) -> None:
        assert write(words, True, WHATSAPP) == by_marks
        assert write(words, True, None) == in_words
        assert plain_words(words, True) == in_words

    @pytest.mark.parametrize(
        ("typed", "sent"),
        [
            pytest.param("2 * 3 * 4", "2 * 3 * 4", id="what is none there stays as it is"),
            pytest.param("*a*", f"*{THIN}a*", id="bold"),
            pytest.param("__init__", f"__{THIN}init__", id="names of programmers"),
            pytest.param("> a", f"{JOINER}> a", id="a quote"),
            pytest.param("a\n- b", f"a\n{JOINER}- b", id="an item"),
            pytest.param("https://a.example/_b_", "https://a.example/_b_", id="an address stays whole"),
        ],
    )
    def test_given_plain_words_their_signs_are_broken_only_where_they_would_format(self, typed: str, sent: str) -> None:
        assert write(typed, False, WHATSAPP) == sent
        assert unbroken(sent) == typed

    @given(TEXTS, DIALECTS)
    @example("```*a*```", WHATSAPP)
    @example("*_~`a`~_*", WHATSAPP)
    def test_given_any_plain_words_the_network_sees_no_formatting_and_every_character(
        self, text: str, dialect: Dialect
    ) -> None:
        sent = write(text, False, dialect)
        assert read(sent, dialect) == (sent, False)
        assert unbroken(sent) == unbroken(text)

    @given(TEXTS, DIALECTS)
    def test_given_any_commonmark_no_word_is_lost_and_nothing_looks_formatted_that_is_not(
        self, text: str, dialect: Dialect
    ) -> None:
        tree = parse(text)
        sent = write(text, True, dialect)
        assert letters(words_of(tree)) in letters(sent) or any(map(_has_links, tree))
        seen = read_tree(sent, Marks.of(dialect))
        assert seen is None or formats(seen) <= formats(tree)

    def test_given_a_text_without_marks_it_is_the_very_same_object(self) -> None:
        text = "hello there"
        assert write(text, False, WHATSAPP) is text
        assert read(text, WHATSAPP)[0] is text


def formats(tree: Tree) -> set[str]:
    """The kinds of formatting in a tree."""
    found: set[str] = set()
    for block in tree:
        match block:
            case Paragraph(inside=inside):
                found |= _formats_of(inside)
            case Fence():
                found |= {"code"}
            case Quote(inside=blocks):
                found |= {"quote"} | formats(blocks)
            case Items(items=items):
                found |= {"items"}.union(*map(formats, items))
    return found


def _formats_of(inside: tuple[Inline, ...]) -> set[str]:
    found: set[str] = set()
    for one in inside:
        match one:
            case Marked(mark=mark, inside=inner):
                found |= {mark} | _formats_of(inner)
            case Link(inside=inner):
                found |= _formats_of(inner)
            case Code():
                found |= {"code"}
            case _:
                pass
    return found


def _has_links(block: Block) -> bool:
    return "Link(" in repr(block)


WORD = st.text(st.sampled_from(LETTERS), min_size=1, max_size=5)
SENTENCE = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
CODE = st.text(st.sampled_from("ab*_~ =1"), min_size=1, max_size=8).map(str.strip).filter(bool)


def marked(used: frozenset[Mark] = frozenset()) -> st.SearchStrategy[Inline]:
    """Words that stand out, and in them words that stand out differently."""
    left = [mark for mark in MARKS if mark not in used]
    if not left:
        return st.builds(Words, SENTENCE)

    def of(mark: Mark) -> st.SearchStrategy[Inline]:
        inner = st.builds(Words, SENTENCE) | marked(used | {mark})
        return inner.map(lambda inside: Marked(mark, (inside,)))

    return st.sampled_from(left).flatmap(of)


PART = st.builds(Words, SENTENCE) | st.builds(Code, CODE) | marked()


@st.composite
def lines(draw: st.DrawFn) -> tuple[Inline, ...]:
    """One line: parts with a space between them, as people write."""
    found: list[Inline] = []
    for part in draw(st.lists(PART, min_size=1, max_size=4)):
        found += [Words(" "), part] if found else [part]
    return merged(found)


@st.composite
def paragraphs(draw: st.DrawFn) -> Block:
    """Some lines."""
    found: list[Inline] = []
    for line in draw(st.lists(lines(), min_size=1, max_size=3)):
        found += [Break(), *line] if found else line
    return Paragraph(tuple(found))


BLOCKS: st.SearchStrategy[Block] = st.one_of(
    paragraphs(),
    paragraphs().map(lambda block: Quote((block,))),
    st.lists(lines(), min_size=1, max_size=3).map(lambda items: Items(tuple((Paragraph(item),) for item in items))),
    st.lists(CODE, min_size=1, max_size=3).map("\n".join).map(Fence),
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Blocks of which no two neighbours are of one kind, unless they are paragraphs."""
    found: list[Block] = []
    for block in draw(st.lists(BLOCKS, min_size=1, max_size=4)):
        if not found or isinstance(block, Paragraph) or type(block) is not type(found[-1]):
            found.append(block)
    return tuple(found)


TIGHT_WORDS = st.text(st.sampled_from("ab1ß李 .,!*_~`&;#[]<>()\\\u00a0👍"), min_size=1, max_size=4).map(Words)
TIGHT_CODE = st.text(st.sampled_from("ab `*\\"), min_size=1, max_size=4).map(Code)


def tight(used: frozenset[Mark] = frozenset()) -> st.SearchStrategy[tuple[Inline, ...]]:
    """Words, code and what stands out, one directly beside the other, with any signs and white space at the edges."""
    left = [mark for mark in MARKS if mark not in used]
    parts: st.SearchStrategy[Inline] = TIGHT_WORDS | TIGHT_CODE
    if left:
        parts |= st.sampled_from(left).flatmap(
            lambda mark: tight(used | {mark}).map(lambda inside: Marked(mark, inside))
        )
    return st.lists(parts, min_size=1, max_size=3).map(merged)


class TestThereAndBack:
    @given(tight())
    @example((Marked("italic", (Words("a"),)), Words("b")))
    @example((Words("b"), Marked("italic", (Words("a"),))))
    @example((Marked("bold", (Words("a."),)), Words("b")))
    @example((Words("b"), Marked("bold", (Words(".a"),))))
    @example((Words("b"), Marked("strike", (Words(" a "),)), Words("b")))
    def test_given_marks_directly_beside_words_and_signs_commonmark_says_exactly_this(
        self, inside: tuple[Inline, ...]
    ) -> None:
        tree = (Paragraph(inside),)
        assert parse(as_commonmark(tree)) == tree

    @given(trees())
    def test_given_any_tree_commonmark_says_exactly_it(self, tree: Tree) -> None:
        assert parse(as_commonmark(tree)) == tree

    @given(trees(), st.sampled_from([WHATSAPP, DOUBLE]))
    def test_given_any_tree_of_words_its_marks_are_read_as_exactly_it(self, tree: Tree, dialect: Dialect) -> None:
        sent = write(as_commonmark(tree), True, dialect)
        words, markup = read(sent, dialect)
        assert parse(words) == tree if markup else formats(tree) == set()

    @given(TYPED.filter(lambda text: JOINER not in text))
    def test_given_any_text_that_somebody_typed_it_comes_back_to_its_network_as_it_was(self, text: str) -> None:
        words, markup = read(text, WHATSAPP)
        again = read(write(words, markup, WHATSAPP), WHATSAPP)
        assert letters(again[0]) == letters(words)
        if markup:
            assert formats(parse(again[0])) == formats(parse(words))

    @given(ANYTHING | st.text(st.sampled_from(LETTERS + SIGNS + "\n"), max_size=60))
    @example("\n\na\n\n\n b \n")
    @example("1. a\n- b\n+ c\n# d\n===\n| e |")
    @example("&amp; &#10; <b> ![a](b) http://a.example/_b_")
    def test_given_any_plain_text_its_commonmark_says_this_text(self, text: str) -> None:
        tree = parse(escape(text))
        assert formats(tree) == set()
        assert not any(map(_has_links, tree))
        said = words_of(tree)
        assert letters(said) == letters(text)
        if text.isprintable() or set(text) <= set(LETTERS + SIGNS + "\n"):
            assert said == text

    @given(TEXTS)
    def test_given_any_commonmark_its_plain_words_can_be_parsed_without_an_error(self, text: str) -> None:
        assert isinstance(plain_words(text, True), str)

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("> " * 500 + "a", id="quotes in quotes"),
            pytest.param("- " * 500 + "a", id="lists in lists"),
            pytest.param("\n".join("  " * depth + "- a" for depth in range(300)), id="lists by indentation"),
            pytest.param("*" * 4000 + "a" + "*" * 4000, id="bold in bold"),
            pytest.param("[" * 100_000 + "a", id="brackets"),
            pytest.param("[a](" * 20_000, id="links that never end"),
            pytest.param("*a _b " * 3000, id="marks that never close"),
            pytest.param("`" * 5001 + "a", id="backquotes"),
        ],
    )
    def test_given_a_text_made_to_hurt_it_is_read_and_written_all_the_same(self, text: str) -> None:
        assert "a" in write(text, True, WHATSAPP)
        assert "a" in write(text, False, WHATSAPP)
        assert "a" in read(text, WHATSAPP)[0]


def seconds(work: Callable[[], object]) -> float:
    """The time that some work takes of its own thread, the best of three: how busy the machine is does not count."""
    times = []
    for _ in range(3):
        begun = time.thread_time()
        work()
        times.append(time.thread_time() - begun)
        if times[-1] < 0.1:
            break
    return min(times)


FRAGMENTS = ["*a*\n", "~_*a*_~ ", "_*~", "`", "```", "- a\n", "> a\n", "a\n", "[", "\\*", "<a", "="]


class TestTextsMadeToTakeTime:
    """The daemon does nothing else while words are read, written, cut: half a second is ten times what is seen."""

    @pytest.mark.parametrize(
        "fragment", ["*a*\n", "~_*a*_~ ", "_*~", "`", "```", "- a\n", "> a\n", "a\n", "[", "\\*", "<a", "="]
    )
    def test_given_a_long_text_of_nothing_but_marks_it_holds_nobody_up(self, fragment: str) -> None:
        text = fragment * (65_000 // len(fragment))
        limit = Limit(1000, "bytes", "test")
        assert seconds(lambda: read(text, WHATSAPP)) < 0.5
        for markup in (False, True):
            for dialect in (WHATSAPP, None):
                assert seconds(lambda m=markup, d=dialect: write(text, m, d)) < 0.5  # type: ignore[misc]
                assert seconds(lambda m=markup, d=dialect: cut(text, m, d, limit, "*Ada*:")) < 0.5  # type: ignore[misc]

    @settings(max_examples=40, deadline=None)
    @example("1", True, 20_000)  # digits without end, which begin no list
    @given(TYPED.filter(bool), st.booleans(), st.sampled_from([1500, 8000, 20_000]))
    def test_given_any_words_over_and_over_they_hold_nobody_up(self, fragment: str, markup: bool, size: int) -> None:
        text = fragment * (size // len(fragment))
        assert seconds(lambda: cut(text, markup, WHATSAPP, Limit(400, "characters", "test"))) < 0.5

    @settings(max_examples=20, deadline=None)
    @given(TEXTS.filter(bool), st.integers(60, 200))
    def test_given_more_marks_than_anybody_types_they_are_words_in_every_message(self, text: str, value: int) -> None:
        text = f"{text}*_~ > a\n> *a*\n- ```_b_```" * 150
        parts = cut(text, False, WHATSAPP, Limit(value, "characters", "test"))
        assert not any(read(part, WHATSAPP)[1] for part in parts)
        assert not read(write(text, False, WHATSAPP), WHATSAPP)[1]
        said = "".join(NUMBER.sub("", part, count=1) for part in parts)
        assert letters(said) == letters(text)

    def test_given_a_text_that_would_be_too_much_to_write_it_is_read_as_plain(self) -> None:
        text = "*a*" + "\nb" * 1500
        assert read(text, WHATSAPP) == (text, False)


class TestCut:
    def test_given_formatting_over_a_cut_it_is_there_on_both_sides(self) -> None:
        parts = cut("**one two three four**", True, WHATSAPP, Limit(14, "characters", "test"))
        assert parts == ("*one two*", "*three four*")

    def test_given_more_than_two_they_are_numbered(self) -> None:
        parts = cut("word " * 30, False, None, Limit(60, "characters", "test"))
        assert [part.split()[0] for part in parts] == ["(1/3)", "(2/3)", "(3/3)"]

    def test_given_lines_before_the_words_the_number_stands_behind_them(self) -> None:
        parts = cut("word " * 30, False, WHATSAPP, Limit(60, "characters", "test"), "*Ada*:\n↪ forwarded")
        assert [part.split(" ")[0] for part in parts] == [f"*{THIN}Ada*:\n↪", "(2/4)", "(3/4)", "(4/4)"]
        assert parts[0].startswith(f"*{THIN}Ada*:\n↪ forwarded\n(1/4) word word")

    def test_given_lines_before_that_take_a_message_by_themselves_the_number_comes_first(self) -> None:
        parts = cut("word" * 30, False, None, Limit(60, "characters", "test"), "A name as long as the half of it:")
        assert [part[:7] for part in parts] == ["(1/4) A", "(2/4) w", "(3/4) r", "(4/4) w"]

    def test_given_two_they_are_not(self) -> None:
        assert cut("word " * 20, False, None, Limit(60, "characters", "test"))[0].startswith("word")

    @given(
        TEXTS, st.booleans(), st.sampled_from([WHATSAPP, None]), st.integers(40, 80), st.sampled_from(["", "*Ada*:"])
    )
    @example("word " * 400, True, WHATSAPP, 40, "Ada:")
    @example("> *a* " * 90, False, WHATSAPP, 40, "Ada:")
    def test_given_any_words_every_part_is_within_the_limit_and_none_is_lost(
        self, text: str, markup: bool, dialect: Dialect | None, value: int, before: str
    ) -> None:
        parts = cut(text, markup, dialect, Limit(value, "characters", "test"), before)
        assert all(len(part) <= value and part.strip() for part in parts)
        whole = write(text, markup, dialect)
        said = "".join(NUMBER.sub("", part, count=1) if len(parts) > 2 else part for part in parts)
        assert letters(said) == letters(before) + letters(whole)
        if dialect is not None and not markup:
            assert not any(read(part, dialect)[1] for part in parts)
