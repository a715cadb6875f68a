"""Stanzas as events: what clients write, and whatever else somebody may send."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gearmesh import (
    EditReceived,
    Event,
    Media,
    MediaRef,
    MessageReceived,
    ReactionReceived,
    ReceiptReceived,
    RedactionReceived,
    Text,
    TypingReceived,
    Unparsed,
)
from gearmesh_xmpp import ids
from gearmesh_xmpp.elements import settle
from gearmesh_xmpp.incoming import Heard, events_of

ADA = "ada@example.org"
ROOM = "talk@rooms.example.org?join"
DIRECT = Heard("xmpp", ADA, ADA, f"{ADA} number-1", 1_800_000_000_000)
IN_ROOM = Heard("xmpp", ROOM, ADA, f"{ROOM} number-1", 1_800_000_000_000)
TO_GHOST = Heard("xmpp", ADA, ADA, f"{ADA} number-1", 1_800_000_000_000, "whatsapp:49151")


def read(inner: str, heard: Heard = DIRECT) -> list[Event]:
    xml = ET.fromstring(f"<message xmlns='jabber:client' id='number-1'>{inner}</message>")
    return events_of(settle(xml), heard, lambda own: ids.native_id(heard.thread, own) if own != "unknown" else "")


def message(content: Text | Media, heard: Heard = DIRECT, reply_to: str = "") -> list[Event]:
    return [MessageReceived(heard.native_id, heard.thread, heard.user, heard.at, content, reply_to)]


@pytest.mark.parametrize(
    ("inner", "content"),
    [
        ("<body>Hello</body>", Text("Hello")),
        ("<body>a &lt; b &amp; c</body>", Text("a < b & c")),
        ("<body>This is *bold* news</body>", Text("This is **bold** news", markup=True)),
        ("<body>This is *bold* news</body><unstyled xmlns='urn:xmpp:styling:0'/>", Text("This is *bold* news")),
        ("<body>Hello</body><active xmlns='http://jabber.org/protocol/chatstates'/>", Text("Hello")),
        (
            "<body>https://up.example.org/a/cat%20one.jpg</body>"
            "<x xmlns='jabber:x:oob'><url>https://up.example.org/a/cat%20one.jpg</url></x>",
            Media(
                "image",
                MediaRef("xmpp", "https://up.example.org/a/cat%20one.jpg", "image/jpeg", name="cat one.jpg"),
            ),
        ),
        (
            "<body>Look</body><x xmlns='jabber:x:oob'><url>https://up.example.org/paper</url></x>",
            Media("file", MediaRef("xmpp", "https://up.example.org/paper", name="paper"), "Look"),
        ),
        (
            "<body>Look: https://up.example.org/a/1</body>"
            "<reference xmlns='urn:xmpp:reference:0' type='data' begin='6' end='32'>"
            "<media-sharing xmlns='urn:xmpp:sims:1'>"
            "<file xmlns='urn:xmpp:jingle:apps:file-transfer:5'><media-type>image/jpeg</media-type><name>cat.jpg</name>"
            "<size>3032449</size><width>640</width><height>many</height></file><sources>"
            "<reference xmlns='urn:xmpp:reference:0' type='data' uri='xmpp:romeo@example.org'/>"
            "<reference xmlns='urn:xmpp:reference:0' type='data' uri='https://up.example.org/a/1'/>"
            "</sources></media-sharing></reference>",
            Media(
                "image",
                MediaRef("xmpp", "https://up.example.org/a/1", "image/jpeg", 3032449, name="cat.jpg", width=640),
                "Look:",
            ),
        ),
        (
            "<body>x</body><reference xmlns='urn:xmpp:reference:0'><media-sharing xmlns='urn:xmpp:sims:1'><sources>"
            "<reference xmlns='urn:xmpp:reference:0' uri='https://['/></sources></media-sharing></reference>",
            Text("x"),
        ),
        (
            "<body>file:///etc/passwd</body><x xmlns='jabber:x:oob'><url>file:///etc/passwd</url></x>",
            Text("file:///etc/passwd"),
        ),
        (
            "<body>https://[</body><x xmlns='jabber:x:oob'><url>https://[</url></x>",
            Text("https://["),
        ),
        ("<body>new</body><replace xmlns='urn:xmpp:message-correct:0' id='unknown'/>", Text("new")),
    ],
)
def test_given_a_message_then_it_is_what_was_said(inner: str, content: Text | Media) -> None:
    assert read(inner) == message(content)


def test_given_an_answer_then_the_words_that_repeat_the_question_are_left_out() -> None:
    inner = (
        "<body>&gt; Anna wrote:\n&gt; Hi, how are you?\nGreat</body>"
        "<reply to='anna@example.com' id='message-id1' xmlns='urn:xmpp:reply:0'/>"
        "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='33'/></fallback>"
    )
    assert read(inner) == message(Text("Great"), DIRECT, f"{ADA} message-id1")
    assert read(inner, IN_ROOM) == message(Text("Great"), IN_ROOM, f"{ROOM} message-id1")
    assert read("<body>Yes</body><reply id='gm.x' xmlns='urn:xmpp:reply:0'/>") == message(Text("Yes"), DIRECT, "gm.x")


@pytest.mark.parametrize("span", ["start='5'", "start='-1' end='2'", "start='3' end='99'", "start='a' end='b'"])
def test_given_a_fallback_that_makes_no_sense_then_all_of_the_words_stay(span: str) -> None:
    fallback = f"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body {span}/></fallback>"
    assert read(f"<body>Great</body>{fallback}") == message(Text("Great"))


def test_given_a_ghost_then_words_and_captions_begin_with_whom_it_is_for() -> None:
    assert read("<body>Hello</body>", TO_GHOST) == message(Text("@whatsapp:49151 Hello"), TO_GHOST)
    link = "<body>https://x.org/a.png</body><x xmlns='jabber:x:oob'><url>https://x.org/a.png</url></x>"
    ref = MediaRef("xmpp", "https://x.org/a.png", "image/png", name="a.png")
    assert read(link, TO_GHOST) == message(Media("image", ref, "@whatsapp:49151 "), TO_GHOST)


@pytest.mark.parametrize(
    ("inner", "event"),
    [
        (
            "<reactions id='gm.x' xmlns='urn:xmpp:reactions:0'><reaction>👋</reaction><reaction>🐢</reaction>"
            "</reactions>",
            ReactionReceived(ADA, ADA, DIRECT.at, "gm.x", "🐢"),
        ),
        (
            "<reactions id='other' xmlns='urn:xmpp:reactions:0'/>",
            ReactionReceived(ADA, ADA, DIRECT.at, f"{ADA} other", removed=True),
        ),
        (
            "<body>new</body><replace xmlns='urn:xmpp:message-correct:0' id='old'/>",
            EditReceived(ADA, ADA, DIRECT.at, f"{ADA} old", Text("new"), number="number-1"),
        ),
        (
            "<retract id='old' xmlns='urn:xmpp:message-retract:1'/><body>words for others</body>",
            RedactionReceived(ADA, ADA, DIRECT.at, f"{ADA} old"),
        ),
        (
            "<apply-to id='old' xmlns='urn:xmpp:fasten:0'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>",
            RedactionReceived(ADA, ADA, DIRECT.at, f"{ADA} old"),
        ),
        (
            "<received xmlns='urn:xmpp:receipts' id='gm.1:x:0'/>",
            ReceiptReceived(ADA, ADA, DIRECT.at, "delivered", ("gm.1:x:0",), delivery_id="1:x:0"),
        ),
        (
            "<displayed xmlns='urn:xmpp:chat-markers:0' id='gm.1:x:0'/>",
            ReceiptReceived(ADA, ADA, DIRECT.at, "read", ("gm.1:x:0",), delivery_id="1:x:0"),
        ),
        (
            # What everybody in a room can read is no proof of anything in a direct message.
            "<received xmlns='urn:xmpp:receipts' id='gr.1:x:0'/>",
            ReceiptReceived(ADA, ADA, DIRECT.at, "delivered", (f"{ADA} gr.1:x:0",)),
        ),
        ("<composing xmlns='http://jabber.org/protocol/chatstates'/>", TypingReceived(ADA, ADA, DIRECT.at, True)),
        ("<paused xmlns='http://jabber.org/protocol/chatstates'/>", TypingReceived(ADA, ADA, DIRECT.at, False)),
    ],
)
def test_given_something_about_a_message_then_it_is_that_alone(inner: str, event: Event) -> None:
    assert read(inner) == [event]


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        ("<encrypted xmlns='eu.siacs.conversations.axolotl'/><body>Get a better client</body>", "encrypted"),
        ("<propose xmlns='urn:xmpp:jingle-message:0' id='x'/>", "call"),
        ("<event xmlns='http://jabber.org/protocol/pubsub#event'/>", ""),
    ],
)
def test_given_what_cannot_be_carried_then_it_is_a_dead_letter_with_its_bytes(inner: str, kind: str) -> None:
    (event,) = read(inner)
    assert isinstance(event, Unparsed)
    assert (event.kind, event.user) == (kind, ADA if kind else "")
    assert ET.fromstring(event.raw).tag == "message"


@pytest.mark.parametrize("inner", ["", "<store xmlns='urn:xmpp:hints'/>", "<body/>", "<thread>x</thread>"])
def test_given_nothing_then_there_is_nothing(inner: str) -> None:
    assert read(inner) == []


NAMESPACES = st.sampled_from(
    [
        "jabber:client",
        "urn:xmpp:reactions:0",
        "urn:xmpp:reply:0",
        "urn:xmpp:fallback:0",
        "urn:xmpp:message-correct:0",
        "urn:xmpp:message-retract:1",
        "urn:xmpp:fasten:0",
        "urn:xmpp:receipts",
        "urn:xmpp:chat-markers:0",
        "jabber:x:oob",
        "http://jabber.org/protocol/chatstates",
        "eu.siacs.conversations.axolotl",
        "urn:xmpp:jingle-message:0",
        "a:b",
    ]
)
TAGS = st.sampled_from(
    [
        "body",
        "reactions",
        "reaction",
        "reply",
        "fallback",
        "replace",
        "retract",
        "apply-to",
        "received",
        "displayed",
        "x",
        "url",
        "composing",
        "encrypted",
        "propose",
        "subject",
    ]
)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.sampled_from(
    ["http://[", "https://x/%ff", "*a*", "> q", "urn:xmpp:reply:0"]
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 2) -> ET.Element:
    made = ET.Element(f"{{{draw(NAMESPACES)}}}{draw(TAGS)}")
    made.text = draw(st.none() | WORDS)
    for name in draw(st.lists(st.sampled_from(["id", "for", "start", "end", "to"]), max_size=2, unique=True)):
        made.set(name, draw(WORDS | st.integers(-3, 30).map(str)))
    if depth:
        made.extend(draw(st.lists(elements(depth - 1), max_size=3)))
    return made


@settings(max_examples=1500, deadline=None)
@given(st.lists(elements(), max_size=4), st.sampled_from([DIRECT, IN_ROOM, TO_GHOST]))
def test_given_any_stanza_then_it_is_events_and_never_an_exception(inner: list[ET.Element], heard: Heard) -> None:
    xml = ET.Element("{jabber:client}message", {"id": "number-1"})
    xml.extend(inner)
    events = events_of(settle(xml), heard, lambda own: ids.native_id(heard.thread, own))
    assert len(events) <= 1
    words = xml.find("body")
    about = {one.tag.partition("}")[2] for one in xml}
    if words is not None and words.text and about == {"body"} and "@" not in words.text:
        assert events, "words came to nothing"
