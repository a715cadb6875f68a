"""Whatever JSON comes: nothing raises, and nothing that a person wrote gets lost."""

from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gearmesh import Event
from gearmesh_meta.aliases import Aliases
from gearmesh_meta.origin import Origin
from gearmesh_meta.parse_messaging import parse as parse_messaging
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


def paths(value: object, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value within a payload."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, child in inner for path in ((*above, key), *paths(child, (*above, key)))]


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_given_any_json_then_nothing_raises(payload: object) -> None:
    read(payload)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), st.lists(JSON, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_given_a_real_payload_with_pieces_replaced_then_nothing_raises(
    seed: Any, pieces: list[Any], chance: random.Random
) -> None:
    payload = copy.deepcopy(seed)
    for piece in pieces:
        path = chance.choice(paths(payload))
        place = payload
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = piece
        if not paths(payload):
            break

    read(payload)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["from", "id", "type", "text", "timestamp"]), JSON)
def test_given_a_broken_message_then_it_still_gives_exactly_one_event(key: str, piece: object) -> None:
    message = {"from": "16505551234", "id": "w", "type": "text", "text": {"body": "x"}, "timestamp": "1", key: piece}
    value = {"metadata": {"phone_number_id": "1"}, "messages": [message]}
    entry = {"changes": [{"field": "messages", "value": value}]}

    events = parse_whatsapp({"object": "whatsapp_business_account", "entry": [entry]}, ORIGIN, Aliases())

    assert len(events) == 1
