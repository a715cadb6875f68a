"""Every kind of content at every level, what it looks like in words, and that it can be told from them what it was."""

from __future__ import annotations

import time
from typing import Any, cast, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearmesh.core.degrade import Fitting, Quoted, feature_of, features_of, fit, quote_words, recognised
from gearmesh.core.degrade.table import TABLE, Row, Said
from gearmesh.errors import Rejected
from gearmesh.model.capabilities import FEATURES, ButtonRule, Capabilities, Dialect, Feature, Level, Limit, Support
from gearmesh.model.content import (
    Card,
    Contacts,
    Content,
    Edit,
    Listing,
    Location,
    Media,
    MediaKind,
    MediaRef,
    Membership,
    Message,
    Notice,
    Poll,
    Product,
    Reaction,
    Receipt,
    Redaction,
    Sender,
    Text,
    Typing,
    Vote,
    words_of,
)

ADA = Sender("Ada", "ada", "WhatsApp")
LINE = "Ada (@ada, WhatsApp):"
LINK = "https://gearmesh.example/media/x"
TARGET = "00ff"
LEVELS: tuple[Level, ...] = get_args(Level)
BIKE = Listing("Red bike", "hardly used", "120 EUR", "https://shop.example/1", "https://shop.example/1.jpg", "r-1")
POLL = Poll("Where to?", ("Pizza", "Pasta"), sender=ADA)
WHATSAPP = Dialect(bold="*", italic="_", strike="~", code="`", block="```", quote="> ", bullet="- ")

MESSAGES: dict[str, Message] = {
    "text": Text("hello", ADA),
    **{
        kind: Media(kind, MediaRef("whatsapp", "1", name="x.bin"), "look", ADA)
        for kind in get_args(MediaKind)
    },
    "location": Location(52.516275, 13.377704, "Brandenburger Tor", "Pariser Platz", sender=ADA),
    "contacts": Contacts((Card("Ben", ("+49 30 1",), ("ben@example.org",), "Bens"),), ADA),
    "poll": POLL,
    "product": Product((BIKE,), text="Is it there?", sender=ADA),
}  # fmt: skip
CHANGES: dict[str, Content] = {
    "reaction": Reaction(TARGET, "❤️", sender=ADA),
    "edit": Edit(TARGET, Text("see you at six", ADA), ADA),
    "redaction": Redaction(TARGET, ADA),
    "vote": Vote(TARGET, ("Pizza",), ADA),
}
SIGNALS: dict[str, Content] = {
    "membership": Membership("topic", "Sicilian tonight", ADA),
    "notice": Notice("yourself", {"who": "ada"}),
    "typing": Typing(sender=ADA),
    "delivered": Receipt("delivered", (TARGET,), ADA),
    "read": Receipt("read", (TARGET,), ADA),
}
CONTENTS: dict[str, Content] = {**MESSAGES, **CHANGES, **SIGNALS}
OLD = Quoted(Text("see you at five", sender=Sender("Ben")), "Ben")
IN_WORDS = {
    "text": "hello",
    "image": f"[picture: x.bin]\nlook\n{LINK}",
    "video": f"[video: x.bin]\nlook\n{LINK}",
    "audio": f"[recording: x.bin]\nlook\n{LINK}",
    "voice": f"[voice message: x.bin]\nlook\n{LINK}",
    "file": f"[file: x.bin]\nlook\n{LINK}",
    "sticker": f"[sticker: x.bin]\nlook\n{LINK}",
    "gif": f"[GIF: x.bin]\nlook\n{LINK}",
    "location": "📍 Brandenburger Tor, Pariser Platz\n"
    "https://www.openstreetmap.org/?mlat=52.516275&mlon=13.377704\n52.516275, 13.377704",
    "contacts": "👤 Ben (Bens): +49 30 1, ben@example.org",
    "poll": "📊 Where to?\n1. Pizza\n2. Pasta\nAnswer this message with the number of your choice.",
    "product": "🏷 Red bike, 120 EUR\nhardly used\nhttps://shop.example/1\n"
    "picture: https://shop.example/1.jpg\nIs it there?",
    "reaction": "❤️ to “see you at five”",
    "edit": "✏️ “see you at five” now says:\nsee you at *six*",
    "redaction": "🗑 a message was deleted",
    "vote": "🗳 Pizza (“see you at five”)",
    "notice": "⚙ @ada is you.",
}


def thread(features: dict[Feature, Level] | None = None, **changes: Any) -> Fitting:
    """A thread with these levels; of what nothing is said, it comes in words."""
    fitting = {name: changes.pop(name) for name in list(changes) if name in Fitting.__struct_fields__}
    stated = {feature: Support(level) for feature, level in (features or {}).items()}
    can = Capabilities(Limit(4096, "characters", "test"), Limit(1024, "characters", "test"), features=stated, **changes)
    return Fitting(can, **{"attribute": False, "link": LINK, "quoted": OLD, **fitting})


def words(content: Content, fitting: Fitting) -> list[str]:
    """What is read in each part."""
    return [words_of(part) for part in fit(content, fitting)]


class TestEveryKindAtEveryLevel:
    def test_there_is_an_example_of_every_kind_and_of_every_feature_that_is_one(self) -> None:
        assert {type(content) for content in CONTENTS.values()} == set(TABLE) == set(get_args(Content))
        beside = {"formatting", "view_once", "buttons", "reply", "forward"}
        assert set(CONTENTS) == set(FEATURES) - beside
        assert all(feature_of(content) == name for name, content in CONTENTS.items())

    @pytest.mark.parametrize("level", ["full", "partial"])
    @pytest.mark.parametrize("name", sorted({*MESSAGES, "reaction", "redaction"}))
    def test_given_what_the_network_shows_it_goes_as_it_is(self, name: Feature, level: Level) -> None:
        parts = fit(CONTENTS[name], thread({name: level}, is_there=True))
        if name in {"audio", "voice", "sticker", "gif"}:
            assert isinstance(parts[1], Media)
            assert (parts[0], parts[1].media) == (Text("look", ADA), name)
        else:
            assert parts == (CONTENTS[name],)

    @pytest.mark.parametrize("level", ["full", "partial"])
    def test_given_an_edit_that_the_network_shows_it_goes_as_one_and_its_words_are_fitted(self, level: Level) -> None:
        edit = Edit(TARGET, Text("at **six**", markup=True), ADA)
        (part,) = fit(edit, thread({"edit": level}, is_there=True, attribute=True, dialect=WHATSAPP))
        assert part == Edit(TARGET, Text(f"{LINE}\nat *six*", ADA), ADA)

    @pytest.mark.parametrize("name", sorted(IN_WORDS))
    def test_given_a_fallback_it_comes_in_words(self, name: Feature) -> None:
        assert words(CONTENTS[name], thread({name: "fallback"})) == [IN_WORDS[name]]

    @pytest.mark.parametrize("name", sorted(set(IN_WORDS) - {"text", "notice"}))
    def test_given_nothing_stated_it_comes_in_words_too(self, name: Feature) -> None:
        assert words(CONTENTS[name], thread()) == [IN_WORDS[name]]

    @pytest.mark.parametrize("name", sorted(CONTENTS))
    def test_given_what_is_dropped_there_is_nothing_to_send(self, name: Feature) -> None:
        assert fit(CONTENTS[name], thread({name: "dropped"}, is_there=True)) == ()

    @pytest.mark.parametrize("name", sorted(IN_WORDS))
    def test_given_what_is_rejected_its_sender_must_be_told(self, name: Feature) -> None:
        with pytest.raises(Rejected, match=name.replace("_", " ")):
            fit(CONTENTS[name], thread({name: "rejected"}, is_there=True))

    @pytest.mark.parametrize("level", LEVELS)
    @pytest.mark.parametrize("name", ["typing", "delivered", "read"])
    def test_given_a_signal_there_is_never_anything_to_send(self, name: Feature, level: Level) -> None:
        assert fit(CONTENTS[name], thread({name: level})) == ()

    def test_given_a_reason_for_the_rejection_it_is_told(self) -> None:
        can = Capabilities(Limit(100, "characters", "t"), features={"poll": Support("rejected", "polls are forbidden")})
        with pytest.raises(Rejected, match="polls are forbidden"):
            fit(POLL, Fitting(can))

    @pytest.mark.parametrize("name", sorted({*MESSAGES, *CHANGES}))
    def test_given_that_the_text_must_say_who_wrote_it_does(self, name: Feature) -> None:
        assert words(CONTENTS[name], thread(attribute=True))[0] == f"{LINE}\n{IN_WORDS[name]}"

    @pytest.mark.parametrize("name", ["location", "contacts", "poll", "product"])
    def test_given_that_the_text_must_say_who_wrote_a_line_goes_before_what_goes_as_it_is(self, name: Feature) -> None:
        content = msgspec.structs.replace(MESSAGES[name], reply_to=TARGET)
        parts = fit(content, thread({name: "full"}, attribute=True, quoted=None))
        assert parts == (Text(LINE, ADA, TARGET), MESSAGES[name])

    @pytest.mark.parametrize("name", ["reaction", "edit", "redaction"])
    def test_given_that_the_message_is_not_there_it_comes_in_words(self, name: Feature) -> None:
        assert words(CHANGES[name], thread({name: "full"}, is_there=False)) == [IN_WORDS[name]]

    @pytest.mark.parametrize("name", sorted({*MESSAGES, *CHANGES} - {"text"}))
    def test_given_that_the_network_has_refused_it_as_it_is_it_comes_in_words(self, name: Feature) -> None:
        assert words(CONTENTS[name], thread({name: "full"}, is_there=True, in_words=True)) == [IN_WORDS[name]]

    @pytest.mark.parametrize("attribute", [False, True])
    @pytest.mark.parametrize("name", sorted(IN_WORDS))
    def test_given_words_it_can_be_told_from_them_what_they_were(self, name: Feature, attribute: bool) -> None:
        said = words(CONTENTS[name], thread(attribute=attribute))[0]
        assert recognised(said) == (None if name == "text" else name)


class Song(msgspec.Struct, frozen=True):
    """A kind of content that only a row of the table knows."""

    title: str
    sender: Sender = ADA
    reply_to: str = ""


@pytest.mark.parametrize(
    ("level", "parts"),
    [
        ("full", (Text(LINE, ADA), Song("Hey"))),
        ("fallback", (Text(f"{LINE}\n♫ Hey", ADA),)),
        ("dropped", ()),
    ],
)
def test_given_a_kind_that_only_the_table_knows_it_is_fitted_as_all_others(
    level: Level, parts: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row(lambda _: "audio", lambda song, _: Said(f"♫ {song.title}"), lambda song: song.title, shown="alone")
    monkeypatch.setitem(cast("dict[type, Row]", TABLE), Song, row)
    song = cast("Content", Song("Hey"))
    assert fit(song, thread({"audio": level}, attribute=True)) == parts
    assert quote_words(song) == "Hey"
    assert features_of(song) == ("audio",)


class TestWhatIsAboutAnother:
    @pytest.mark.parametrize(
        ("reaction", "quoted", "line"),
        [
            pytest.param(Reaction(TARGET, "👍🏽"), OLD, "👍🏽 to “see you at five”", id="a reaction"),
            pytest.param(Reaction(TARGET, "❤️"), None, "❤️ to an earlier message", id="to something unknown"),
            pytest.param(Reaction(TARGET), OLD, "reacted to “see you at five”", id="without an emoji"),
            pytest.param(Reaction(TARGET, "love"), OLD, "reacted love to “see you at five”", id="as a word"),
            pytest.param(Reaction(TARGET, "❤️", True), OLD, "took back ❤️ from “see you at five”", id="taken back"),
            pytest.param(
                Reaction(TARGET, removed=True), OLD, "took back a reaction to “see you at five”", id="which is unknown"
            ),
            pytest.param(
                Reaction(TARGET, removed=True), None, "took back a reaction to an earlier message", id="nor where"
            ),
        ],
    )
    def test_given_a_reaction_in_words_it_names_what_it_is_about(
        self, reaction: Reaction, quoted: Quoted | None, line: str
    ) -> None:
        parts = fit(reaction, thread(quoted=quoted))
        assert parts == (Text(line, Sender(), TARGET),)
        assert recognised(line) == "reaction"

    @pytest.mark.parametrize(
        ("old", "new", "text"),
        [
            pytest.param(None, Text("new"), "✏️ edited: new", id="nothing is known of it"),
            pytest.param(Text("a b c d"), Text("a b x d"), "✏️ “a b c d” now says:\na b *x* d", id="a word"),
            pytest.param(Text("a b c"), Text("a b c d e"), "✏️ “a b c” now says:\na b c *d e*", id="more words"),
            pytest.param(Text("a b c"), Text("a c"), "✏️ “a b c” now says:\na ~b~ c", id="fewer"),
            pytest.param(Text("a b c"), Text("a b"), "✏️ “a b c” now says:\na b ~c~", id="fewer at the end"),
            pytest.param(Text("a b c"), Text("b c"), "✏️ “a b c” now says:\n~a~ b c", id="fewer at the beginning"),
            pytest.param(
                Text("a b c d e f g h i j k l m n o p"), Text("a i j k l m n o p"),
                "✏️ “a b c d e f g h i j k l m n o p” now says:\na ~…~ i j k l m n o p", id="many fewer",
            ),
            pytest.param(Text("a b c"), Text("a b c"), "✏️ “a b c” now says:\na b c", id="none"),
            pytest.param(Text("a b c"), Text("x y z"), "✏️ “a b c” now says:\nx y z", id="another text altogether"),
            pytest.param(Text("a\nb c"), Text("a\n\nb x"), "✏️ “a b c” now says:\na\n\nb *x*", id="lines stay"),
            pytest.param(
                Text("a"), Text("**b**", markup=True), "✏️ “a” now says:\nb", id="a formatted text shows no changes"
            ),
            pytest.param(
                Media("image", MediaRef("a", "1")), Media("image", MediaRef("a", "1"), "a cat"),
                f"✏️ “picture” now says:\n[picture]\na cat\n{LINK}", id="a caption",
            ),
        ],
    )  # fmt: skip
    def test_given_an_edit_in_words_it_shows_what_has_changed(
        self, old: Message | None, new: Text | Media, text: str
    ) -> None:
        quoted = Quoted(old, "Ada") if old else None
        assert fit(Edit(TARGET, new, ADA), thread(quoted=quoted)) == (Text(text, ADA, TARGET),)
        assert recognised(text) == "edit"

    @pytest.mark.parametrize("count", [126, 400])
    def test_given_a_text_of_one_word_over_and_over_its_changes_cost_next_to_no_time(self, count: int) -> None:
        old = " ".join("am"[number % 2] for number in range(count))
        edit = Edit(TARGET, Text(old.replace("m", "n")), ADA)
        times = []
        for _ in range(3):
            begun = time.thread_time()
            words(edit, thread(quoted=Quoted(Text(old))))
            times.append(time.thread_time() - begun)
        assert min(times) < 0.08

    def test_given_a_network_with_formatting_changed_words_are_bold_there_and_lost_ones_struck(self) -> None:
        edit = Edit(TARGET, Text("meet *me* at six"), ADA)
        old = Quoted(Text("meet *me* at five please"))
        assert words(edit, thread(quoted=old, dialect=WHATSAPP)) == [
            "✏️ “meet *\u200ame* at five please” now says:\nmeet *\u200ame* at *six*"
        ]
        fewer = Edit(TARGET, Text("meet me five please"), ADA)
        assert words(fewer, thread(quoted=Quoted(Text("meet me at five please")), dialect=WHATSAPP)) == [
            "✏️ “meet me at five please” now says:\nmeet me ~at~ five please"
        ]

    def test_given_a_deletion_in_words_those_of_the_message_are_not_repeated_nor_pointed_at(self) -> None:
        (part,) = fit(CHANGES["redaction"], thread(is_there=True, replies=True))
        assert part == Text("🗑 a message was deleted", ADA)

    def test_given_a_vote_where_the_poll_can_be_pointed_at_it_is_an_answer_to_it(self) -> None:
        vote = Vote(TARGET, ("Pizza", "Pasta"), ADA)
        assert fit(vote, thread(is_there=True, replies=True)) == (Text("🗳 Pizza, Pasta", ADA, TARGET),)

    def test_given_a_vote_where_it_cannot_be_pointed_at_it_names_the_question(self) -> None:
        assert words(Vote(TARGET, ("Pizza",)), thread(quoted=Quoted(POLL))) == ["🗳 Pizza (“Where to?”)"]
        assert words(Vote(TARGET, ()), thread(quoted=None)) == ["🗳 takes their vote back"]

    def test_given_an_edit_that_needs_several_messages_it_comes_in_words(self) -> None:
        edit = Edit(TARGET, Text("word " * 2000), ADA)
        parts = fit(edit, thread({"edit": "full"}, is_there=True, attribute=True))
        assert len(parts) > 2
        assert words_of(parts[0]).startswith(f"{LINE}\n✏️ “see you at five” now says:\n(1/{len(parts)}) word")
        assert recognised(words_of(parts[0])) == "edit"


class TestBeforeTheWords:
    @pytest.mark.parametrize(
        ("quoted", "line"),
        [
            pytest.param(OLD, "↩ Ben: “see you at five”\n", id="all is known"),
            pytest.param(Quoted(Text("a")), "↩ “a”\n", id="but for who wrote it"),
            pytest.param(Quoted(name="Ben"), "↩ Ben\n", id="but for what it says"),
            pytest.param(Quoted(POLL, "Ben"), "↩ Ben: “Where to?”\n", id="a poll"),
            pytest.param(Quoted(), "", id="nothing"),
            pytest.param(None, "", id="nothing at all"),
        ],
    )
    def test_given_an_answer_that_cannot_be_shown_as_one_a_line_says_what_it_answers(
        self, quoted: Quoted | None, line: str
    ) -> None:
        answer = Text("yes", ADA, TARGET)
        assert fit(answer, thread(quoted=quoted, attribute=True)) == (Text(f"{LINE}\n{line}yes", ADA, TARGET),)

    @pytest.mark.parametrize(
        ("replies", "is_there", "line"),
        [(True, True, ""), (True, False, "↩ Ben: “see you at five”\n"), (False, True, "↩ Ben: “see you at five”\n")],
    )
    def test_given_a_network_that_quotes_there_is_no_line_if_the_message_is_there(
        self, replies: bool, is_there: bool, line: str
    ) -> None:
        fitting = thread(replies=replies, is_there=is_there)
        assert words(Text("yes", ADA, TARGET), fitting) == [f"{line}yes"]

    @pytest.mark.parametrize("level", LEVELS)
    def test_given_an_answer_at_any_level(self, level: Level) -> None:
        fitting = thread({"reply": level}, is_there=True)
        if level == "rejected":
            with pytest.raises(Rejected):
                fit(Text("yes", ADA, TARGET), fitting)
        else:
            line = "↩ Ben: “see you at five”\n" if level == "fallback" else ""
            assert words(Text("yes", ADA, TARGET), fitting) == [f"{line}yes"]

    @pytest.mark.parametrize("level", LEVELS)
    @pytest.mark.parametrize("name", ["text", "image", "location", "contacts"])
    def test_given_something_forwarded_at_any_level(self, name: Feature, level: Level) -> None:
        content = msgspec.structs.replace(MESSAGES[name], forwarded=True)
        fitting = thread({"forward": level, "image": "full"}, attribute=True)
        if level == "rejected":
            with pytest.raises(Rejected):
                fit(content, fitting)
            return
        (part,) = fit(content, fitting)
        assert (f"{LINE}\n↪ forwarded\n" in words_of(part)) == (level == "fallback")
        assert isinstance(part, Text | Media)
        assert part.forwarded == (level in {"full", "partial"})

    @pytest.mark.parametrize("forward", ["full", "fallback"])
    def test_given_something_forwarded_that_goes_as_it_is_a_line_says_so_or_the_network_does(
        self, forward: Level
    ) -> None:
        place = msgspec.structs.replace(MESSAGES["location"], forwarded=True)
        parts = fit(place, thread({"forward": forward, "location": "full"}))
        shown = (Text("↪ forwarded", ADA), MESSAGES["location"])
        assert parts == (shown if forward == "fallback" else (place,))

    def test_given_lines_before_them_it_can_be_told_what_the_words_were(self) -> None:
        place = msgspec.structs.replace(MESSAGES["location"], forwarded=True, reply_to=TARGET)
        (said,) = words(place, thread(attribute=True))
        assert said.startswith(f"{LINE}\n↪ forwarded\n↩ Ben: “see you at five”\n📍")
        assert recognised(said) == "location"
        assert recognised(f"{LINE}\n↪ forwarded\nhello") == "forward"
        assert recognised(f"{LINE}\n(1/3) 📍 a place") == "location"
        assert recognised(f"(1/3) {LINE}\n📍 a place") == "location"
        assert recognised(f"{LINE}\n↩ Ben: “a”\nhello") == "reply"
        assert recognised(f"{LINE}\nhello\n📍 not at the beginning") is None


class TestFormattingAndButtons:
    @pytest.mark.parametrize("level", LEVELS)
    def test_given_formatting_at_any_level(self, level: Level) -> None:
        fitting = thread({"formatting": level}, dialect=WHATSAPP)
        text = Text("**bold** \\*plain\\*", markup=True)
        if level == "rejected":
            with pytest.raises(Rejected):
                fit(text, fitting)
        else:
            bold = "*bold*" if level in {"full", "partial"} else "bold"
            assert words(text, fitting) == [f"{bold} *\u200aplain*"]

    def test_given_a_caption_it_is_in_the_dialect_too(self) -> None:
        picture = Media("image", MediaRef("a", "1"), "**bold** _and_", markup=True)
        (part,) = fit(picture, thread({"image": "full"}, dialect=WHATSAPP))
        assert part == Media("image", MediaRef("a", "1"), "*bold* _and_")

    def test_given_words_in_which_a_file_is_told_formatting_and_link_stand_beside_each_other(self) -> None:
        picture = Media("image", MediaRef("a", "1"), "**bold**", markup=True)
        assert words(picture, thread(dialect=WHATSAPP)) == [f"[picture]\n*bold*\n{LINK}"]

    RULE = ButtonRule(2, Limit(5, "characters", "test"), Limit(20, "characters", "test"))

    @pytest.mark.parametrize(
        ("text", "buttons", "go"),
        [
            pytest.param("Coming?", ("Yes", "No"), True, id="within the rule"),
            pytest.param("Coming?", ("Yes", "No", "Hm"), False, id="too many"),
            pytest.param("Coming?", ("Yes", "Never ever"), False, id="one too long"),
            pytest.param("Are you coming, or what?", ("Yes", "No"), False, id="the text too long"),
        ],
    )
    def test_given_buttons_they_go_within_the_rule_and_else_as_numbered_lines(
        self, text: str, buttons: tuple[str, ...], go: bool
    ) -> None:
        (part,) = fit(Text(text, ADA, buttons=buttons), thread(buttons=self.RULE))
        lines = "".join(f"\n{number}. {button}" for number, button in enumerate(buttons, 1))
        assert part == (Text(text, ADA, buttons=buttons) if go else Text(f"{text}{lines}", ADA))

    @pytest.mark.parametrize("level", LEVELS)
    def test_given_buttons_at_any_level(self, level: Level) -> None:
        fitting = thread({"buttons": level})
        text = Text("Coming?", ADA, buttons=("Yes", "No"))
        if level == "rejected":
            with pytest.raises(Rejected):
                fit(text, fitting)
            return
        expected = {"fallback": Text("Coming?\n1. Yes\n2. No", ADA), "dropped": Text("Coming?", ADA)}
        assert fit(text, fitting) == (expected.get(level, text),)


class TestCards:
    @pytest.mark.parametrize(
        ("product", "text"),
        [
            pytest.param(
                Product((msgspec.structs.replace(BIKE, quantity=2), Listing("", retailer_id="r-2")), "order"),
                "🛒 ordered:\n2 × Red bike, 120 EUR\nhttps://shop.example/1\npicture: https://shop.example/1.jpg\nr-2",
                id="an order",
            ),
            pytest.param(
                Product((Listing("Summer sale"),), "ad", "hello"), "📣 from the ad: Summer sale\nhello", id="an ad"
            ),
            pytest.param(Product(()), "🏷 a product", id="nothing is known of it"),
        ],
    )
    def test_given_something_for_sale_its_lines_say_what_is_known(self, product: Product, text: str) -> None:
        assert words(product, thread()) == [text]
        assert recognised(text) == "product"

    def test_given_a_place_of_which_little_is_known(self) -> None:
        place = Location(-33.5, 0.0000001, link="https://maps.example/1")
        assert words(place, thread()) == [
            "📍 a place\nhttps://www.openstreetmap.org/?mlat=-33.5&mlon=0\n-33.5, 0\nhttps://maps.example/1"
        ]

    def test_given_a_card_of_which_little_is_known(self) -> None:
        assert words(Contacts((Card(""), Card("Ben", ("1",)))), thread()) == ["👤 somebody\n👤 Ben: 1"]

    def test_given_a_poll_with_several_choices_its_last_line_says_so(self) -> None:
        several = msgspec.structs.replace(POLL, several=True)
        assert words(several, thread())[0].endswith("\nAnswer this message with the numbers of your choices.")


@pytest.mark.parametrize(
    ("content", "features"),
    [
        (Text("a"), ("text",)),
        (
            Text("a", reply_to=TARGET, markup=True, forwarded=True, buttons=("b",)),
            ("text", "formatting", "buttons", "forward", "reply"),
        ),
        (Media("voice", MediaRef("a", "b"), view_once=True), ("voice", "view_once")),
        (Edit(TARGET, Text("a", markup=True)), ("edit", "formatting")),
    ],
)
def test_the_features_of_content_are_its_kind_and_all_that_is_with_it(
    content: Content, features: tuple[Feature, ...]
) -> None:
    assert features_of(content) == features


ANY_TEXT = st.text(max_size=120)
SENDERS = st.builds(Sender, st.text(max_size=12), st.text(max_size=8), st.text(max_size=8))
CARDS = st.builds(Card, ANY_TEXT, st.lists(ANY_TEXT, max_size=2).map(tuple))
LISTINGS = st.builds(Listing, ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT, quantity=st.integers(0, 9))
OPTIONS = st.lists(ANY_TEXT, max_size=4).map(tuple)
REFS = st.builds(MediaRef, st.just("a"), st.just("b"), name=st.text(max_size=20))
ABOUT = st.sampled_from(["listing", "order", "ad"])
EMOJI = st.sampled_from(["❤️", "👍🏽", "#️⃣", "🇩🇪"])
ANYTHING: st.SearchStrategy[Content] = st.one_of(
    st.builds(Media, st.sampled_from(get_args(MediaKind)), REFS, ANY_TEXT, SENDERS, markup=st.booleans()),
    st.builds(
        Location, st.floats(-90, 90), st.floats(-180, 180), ANY_TEXT, ANY_TEXT, ANY_TEXT, SENDERS,
        forwarded=st.booleans(), reply_to=st.sampled_from(["", TARGET]),
    ),
    st.builds(Contacts, st.lists(CARDS, max_size=3).map(tuple), SENDERS),
    st.builds(Poll, ANY_TEXT, OPTIONS, st.booleans(), SENDERS),
    st.builds(Product, st.lists(LISTINGS, max_size=3).map(tuple), ABOUT, ANY_TEXT, SENDERS),
    st.builds(Reaction, st.just(TARGET), ANY_TEXT | EMOJI, st.booleans(), SENDERS),
    st.builds(Edit, st.just(TARGET), st.builds(Text, ANY_TEXT, markup=st.booleans()), SENDERS),
    st.builds(Redaction, st.just(TARGET), SENDERS),
    st.builds(Vote, st.just(TARGET), OPTIONS, SENDERS),
    st.builds(Notice, ANY_TEXT, st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=2)),
)  # fmt: skip
QUOTED = st.none() | st.builds(Quoted, st.none() | st.sampled_from(list(CONTENTS.values())), st.text(max_size=12))


@given(ANYTHING, QUOTED, st.booleans(), st.sampled_from([None, WHATSAPP]), st.sampled_from([160, 4096]))
def test_given_any_content_in_words_it_fits_and_can_be_told_what_it_was(
    content: Content, quoted: Quoted | None, attribute: bool, dialect: Dialect | None, value: int
) -> None:
    can = Capabilities(Limit(value, "characters", "test"), dialect=dialect)
    parts = fit(content, Fitting(can, attribute, LINK, quoted))
    assert parts
    assert all(isinstance(part, Text) and part.text.strip() and len(part.text) <= value for part in parts)
    assert recognised(words_of(parts[0])) == feature_of(content)


@given(ANYTHING | st.builds(Text, ANY_TEXT, markup=st.booleans()))
def test_given_any_content_its_first_words_are_one_short_line(content: Content) -> None:
    said = quote_words(content)
    assert len(said) <= 60
    assert "\n" not in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (Text("hello\n  there"), "hello there"),
        (Text("**bold** words", markup=True), "bold words"),
        (Text("word " * 20), "word word word word word word word word word word word word…"[:59].rstrip() + "…"),
        (Text("👩‍👩‍👧‍👦" * 30), "👩‍👩‍👧‍👦" * 8 + "…"),
        (Text("a" + "\u0301" * 99), "a" + "\u0301" * 58 + "…"),
        (Media("image", MediaRef("a", "b")), "picture"),
        (Media("voice", MediaRef("a", "b"), "listen"), "voice message: listen"),
        (MESSAGES["location"], "location: Brandenburger Tor"),
        (Location(1, 2), "location"),
        (MESSAGES["contacts"], "contact: Ben"),
        (POLL, "Where to?"),
        (Product((BIKE,)), "Red bike"),
        (MESSAGES["product"], "Is it there?"),
        (CHANGES["reaction"], "❤️"),
        (CHANGES["edit"], "see you at six"),
        (CHANGES["redaction"], "a deleted message"),
        (CHANGES["vote"], "Pizza"),
        (SIGNALS["notice"], "@ada is you."),
    ],
)
def test_content_is_named_by_its_first_words(content: Content, said: str) -> None:
    assert quote_words(content) == said
