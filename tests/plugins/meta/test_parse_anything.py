"""Whatever JSON comes: nothing raises, and nothing that a person wrote gets lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gearmesh import EditReceived, Event, MessageReceived, ReceiptReceived
from gearmesh.errors import TooLarge
from gearmesh.model.content import Content
from gearmesh.wire.body import close_body
from gearmesh_meta.aliases import Aliases
from gearmesh_meta.fields import flag, identifier
from gearmesh_meta.origin import Origin
from gearmesh_meta.parse_messaging import SILENT_KEYS, Object
from gearmesh_meta.parse_messaging import parse as parse_messaging
from gearmesh_meta.parse_whatsapp import SILENT_FIELDS as SILENT_WHATSAPP
from gearmesh_meta.parse_whatsapp import parse as parse_whatsapp

ORIGIN = Origin("app", "1", 1)
WORDS = """
object entry id changes field value metadata phone_number_id contacts messages statuses errors from from_user_id type
text body image location latitude longitude name phones context profile username timestamp status messaging sender
recipient message mid attachments payload url postback referral ref read watermark delivery mids reaction is_echo
reply_to story coordinates lat long sha256 file_size code error_data user_id_update
"""
KEYS = st.sampled_from(WORDS.split())
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**25, max_value=10**30)
    | st.floats()
    | st.text(st.characters(), max_size=12)
    | st.sampled_from(["1", "page", "instagram", "whatsapp_business_account", "messages", "text", "image", "location"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)
SEEDS: list[Any] = [
    {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": "1",
                "changes": [
                    {
                        "field": "messages",
                        "value": {
                            "metadata": {"phone_number_id": "1"},
                            "contacts": [{"profile": {"name": "A", "username": "@a"}, "wa_id": "16505551234"}],
                            "messages": [
                                {"from": "16505551234", "id": "w1", "timestamp": "1", "type": kind, kind: body}
                                for kind, body in (
                                    ("text", {"body": "x"}),
                                    ("image", {"id": "1", "sha256": "x", "file_size": "1"}),
                                    ("location", {"latitude": 1, "longitude": 2, "name": "n"}),
                                    ("contacts", [{"name": {"formatted_name": "n"}, "phones": [{"phone": "1"}]}]),
                                    ("interactive", {"button_reply": {"title": "t"}}),
                                    # Half an emoji in a form: JSON in JSON, which nobody has decoded yet.
                                    ("interactive", {"nfm_reply": {"response_json": r'{"name": "\ud83d"}'}}),
                                    ("unsupported", {"type": "poll_creation"}),
                                )
                            ],
                            "statuses": [
                                {"id": "w2", "status": "failed", "recipient_id": "16505551234", "errors": [{"code": 1}]}
                            ],
                        },
                    },
                    {"field": "user_id_update", "value": {"user_id_update": [{"user_id": {"previous": "US.1"}}]}},
                ],
            }
        ],
    },
    *(
        {
            "object": kind,
            "entry": [
                {
                    "id": "1",
                    "messaging": [
                        {"sender": {"id": "2"}, "recipient": {"id": "1"}, "timestamp": 1458692752478, **body}
                        for body in (
                            {"message": {"mid": "m", "text": "x", "reply_to": {"story": {"url": "u"}}}},
                            {"message": {"mid": "m", "attachments": [{"type": "image", "payload": {"url": "u"}}]}},
                            {"postback": {"title": "t", "payload": "p", "referral": {"ref": "handle.a"}}},
                            {"delivery": {"mids": ["m"], "watermark": 1}},
                            {"read": {"watermark": 1458692752478}},
                            {"reaction": {"mid": "m"}},
                        )
                    ],
                    "changes": [{"field": "messages", "value": {"message": {"mid": "m"}}}],
                }
            ],
        }
        for kind in ("page", "instagram")
    ),
]


def read(payload: object) -> list[Event]:
    return [
        *parse_whatsapp(payload, ORIGIN, Aliases()),
        *parse_messaging(payload, "page", ORIGIN),
        *parse_messaging(payload, "instagram", ORIGIN),
    ]


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_given_any_json_then_nothing_raises(payload: object) -> None:
    read(payload)


FOLDER: Final = Path(__file__).parents[2] / "data" / "payloads"


def recorded() -> list[bytes]:
    """Every payload there is, as bytes: a copy is made by reading it."""
    found = []
    for path in sorted(FOLDER.rglob("*.json")):
        payload = json.loads(path.read_bytes())
        found += [json.dumps(one).encode() for one in ([payload] if "object" in payload else payload.values())]
    return [*found, *(json.dumps(seed).encode() for seed in SEEDS)]


RECORDED: Final = recorded()
JUNK: Final = (
    b"null",
    b"true",
    b"false",
    b"0",
    b"-1",
    b"2.5",
    b"1e14",
    b"9" * 30,
    b'""',
    b'"x"',
    b'"1"',
    b'"*bold* _it_ ```x``` > q"',
    b'"https://a.example/b.gif"',
    b'"2026-01-01T00:00:00Z"',
    b'"text"',
    b'"image"',
    b'"reaction"',
    b'"edit"',
    b'"system"',
    b'"user_changed_number"',
    b'"unsupported"',
    b'"template"',
    b'"location"',
    b'"\\ud83d\\ude00\\u0000\\u202e"',
    b"[]",
    b"{}",
    b"[null]",
    b"[[]]",
    b'{"id": []}',
    b'{"type": "text", "text": {"body": "x"}}',
)


def places(payload: Any) -> list[tuple[Any, Any]]:
    """Every container in a payload together with each of its keys."""
    found: list[tuple[Any, Any]] = []
    level = [payload]
    while level:
        node = level.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            found.append((node, key))
            if isinstance(node[key], (dict, list)):
                level.append(node[key])
    return found


def mutate(payload: Any, how: str, where: int, other: int) -> None:
    """Change one place of a payload."""
    known = places(payload)
    if not known:
        return
    node, key = known[where % len(known)]
    match how:
        case "delete":
            del node[key]
        case "replace":
            node[key] = json.loads(JUNK[other % len(JUNK)])
        case "swap":
            second, name = known[other % len(known)]
            # As copies: a piece that comes to hold itself would be no JSON.
            node[key], second[name] = json.loads(json.dumps(second[name])), json.loads(json.dumps(node[key]))
        case "nest":
            node[key] = [node[key]] if other % 2 else {"value": node[key]}
        case "unwrap":
            inner = list(node[key].values()) if isinstance(node[key], dict) else node[key]
            if isinstance(inner, list) and inner:
                node[key] = inner[other % len(inner)]
        case "cut":
            if isinstance(node[key], (list, str)):
                node[key] = node[key][: other % (len(node[key]) + 1)]
        case "repeat":
            if isinstance(node[key], list):
                node[key] = node[key] * 2
        case "huge":
            node[key] = str(node[key])[:50] * (1 + other % 5000)
        case "retype":
            node[key] = str(node[key])[:50] if not isinstance(node[key], str) else len(node[key])


MUTATIONS: Final = st.lists(
    st.tuples(
        st.sampled_from(("delete", "replace", "swap", "nest", "unwrap", "cut", "repeat", "huge", "retype")),
        st.integers(0, 2**16),
        st.integers(0, 2**16),
    ),
    max_size=5,
)


def parse(payload: Any) -> list[Event]:
    if payload.get("object") == "whatsapp_business_account":
        return parse_whatsapp(payload, ORIGIN, Aliases())
    kind: Object = "instagram" if payload.get("object") == "instagram" else "page"
    return parse_messaging(payload, kind, ORIGIN)


def comparable(event: Event) -> Event:
    """Exceptions are equal to nothing but themselves."""
    return msgspec.structs.replace(event, failure=None) if isinstance(event, ReceiptReceived) else event


def alone(payload: Any) -> Iterator[tuple[str, Any, Any]]:
    """Everything that somebody may have said in a payload, with a webhook in which there is nothing else."""
    for entry in payload["entry"] if isinstance(payload.get("entry"), list) else ():
        if not isinstance(entry, dict):
            continue
        for change in entry["changes"] if isinstance(entry.get("changes"), list) else ():
            value = change.get("value") if isinstance(change, dict) else None
            if isinstance(value, dict) and isinstance(value.get("messages"), list):
                for item in value["messages"]:
                    single = {**change, "value": {**value, "messages": [item], "statuses": [], "errors": []}}
                    yield "messages", item, {**payload, "entry": [{**entry, "changes": [single]}]}
        for item in entry["messaging"] if isinstance(entry.get("messaging"), list) else ():
            yield (
                "messaging",
                item,
                {"object": payload["object"], "entry": [{"id": entry.get("id"), "messaging": [item]}]},
            )


def may_be_silent(where: str, item: Any, payload: Any) -> bool:
    """What is documented to come out as nothing at all."""
    if not isinstance(item, dict):
        return False
    (entry,) = payload["entry"]
    if where == "messages":
        # News of a number or id; and fields in which nobody says anything to us.
        field = entry["changes"][0].get("field")
        return identifier(item.get("type")) == "system" or "system" in item or field in SILENT_WHATSAPP
    sender = identifier(item["sender"].get("id")) if isinstance(item.get("sender"), dict) else ""
    ours = sender in {"1", identifier(entry.get("id"))}
    echo = isinstance(item.get("message"), dict) and flag(item["message"].get("is_echo"))
    signal = not {"message", "postback", "referral", "reaction", "message_edit", "order", "read", "delivery"} & set(
        item
    )
    return ours or echo or (signal and bool(SILENT_KEYS & set(item)))


EVENTS: Final = get_args(Event)


def assert_it_can_be_kept(content: Content) -> None:
    """What cannot be written down would be lost behind the parser. A text may be too long: that is told."""
    with suppress(TooLarge):
        close_body(content)


@settings(max_examples=10_000, deadline=None)
@given(st.integers(0, len(RECORDED) - 1), MUTATIONS)
def test_given_a_recorded_webhook_in_any_disorder_then_every_message_comes_out_as_something_and_nothing_raises(
    number: int, mutations: list[tuple[str, int, int]]
) -> None:
    payload = json.loads(RECORDED[number])
    for how, where, other in mutations:
        mutate(payload, how, where, other)

    events = parse(payload)

    for event in events:
        assert isinstance(event, EVENTS)
        # Every field is of the type that the contract says.
        assert msgspec.convert(msgspec.to_builtins(comparable(event)), type(event)) == comparable(event)
        if isinstance(event, MessageReceived | EditReceived):
            assert_it_can_be_kept(event.content)
    # A repetition is the same.
    assert [comparable(event) for event in parse(payload)] == [comparable(event) for event in events]
    if payload.get("object") in ("whatsapp_business_account", "page", "instagram"):
        for where_found, item, single in alone(payload):
            assert parse(single) or may_be_silent(where_found, item, single), item


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["from", "id", "type", "text", "timestamp"]), JSON)
def test_given_a_broken_message_then_it_still_gives_exactly_one_event(key: str, piece: object) -> None:
    message = {"from": "16505551234", "id": "w", "type": "text", "text": {"body": "x"}, "timestamp": "1", key: piece}
    value = {"metadata": {"phone_number_id": "1"}, "messages": [message]}
    entry = {"changes": [{"field": "messages", "value": value}]}

    events = parse_whatsapp({"object": "whatsapp_business_account", "entry": [entry]}, ORIGIN, Aliases())

    assert len(events) == 1
