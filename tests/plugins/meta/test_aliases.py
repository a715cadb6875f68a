"""One WhatsApp user under several ids stays one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gearmesh import Event, MessageReceived, Profile
from gearmesh_meta.aliases import Aliases
from gearmesh_meta.origin import Origin
from gearmesh_meta.parse_whatsapp import parse

PHONE = "16505551234"
BSUID = "US.13491208655302741918"


def test_given_both_ids_when_the_number_is_hidden_later_then_the_user_stays_the_phone_number() -> None:
    aliases = Aliases()

    assert aliases.user(PHONE, BSUID) == PHONE
    assert aliases.user("", BSUID) == PHONE


def test_given_only_the_scoped_id_when_the_number_is_told_later_then_the_user_stays_the_scoped_id() -> None:
    aliases = Aliases()

    assert aliases.user("", BSUID) == BSUID
    assert aliases.user(PHONE, BSUID) == BSUID
    assert aliases.user(PHONE, "") == BSUID


def test_an_id_that_is_none_names_nobody() -> None:
    assert Aliases().user("not a number", "US") == ""
    assert Aliases().user("", "") == ""


def test_when_whatsapp_renames_somebody_then_they_stay_who_they_are_and_are_written_to_under_the_new_id() -> None:
    aliases = Aliases()
    aliases.user("", "US.old")

    aliases.renamed("US.old", "US.new")

    assert aliases.user("", "US.new") == "US.old"
    assert aliases.recipient("US.old") == "US.new"


def test_when_somebody_with_a_number_is_renamed_then_the_number_goes_on_being_written_to() -> None:
    aliases = Aliases()
    aliases.user(PHONE, "US.old")

    aliases.renamed("US.old", "US.new")

    assert aliases.user("", "US.new") == PHONE
    assert aliases.recipient(PHONE) == PHONE


def test_when_somebody_was_addressed_by_number_then_other_ids_that_whatsapp_names_are_them() -> None:
    aliases = Aliases()
    aliases.same("5511912345678", "551112345678")

    assert aliases.user("551112345678", "") == "5511912345678"


def test_memory_is_bounded() -> None:
    aliases = Aliases(capacity=4)

    for number in range(100):
        aliases.user(f"4915112345{number:03}", f"DE.{number}")

    assert len(aliases._users) == 4
    assert aliases.user("", "DE.99") == "4915112345099"
    assert aliases.user("", "DE.0") == "DE.0"


def test_when_a_number_changes_then_the_person_stays_the_same_and_is_written_to_under_the_new_one() -> None:
    aliases = Aliases()
    aliases.user(PHONE, BSUID)

    assert aliases.moved([PHONE], ["4915112345678"])

    assert aliases.user("4915112345678", "DE.1") == PHONE
    assert aliases.user("", "DE.1") == PHONE
    assert aliases.recipient(PHONE) == "4915112345678"
    assert aliases.moved(["4915112345678"], ["4915112345679"])
    assert aliases.recipient(PHONE) == "4915112345679"


def test_when_the_number_of_somebody_unknown_changes_then_the_old_one_is_who_they_are() -> None:
    aliases = Aliases()

    assert aliases.moved([PHONE], ["4915112345678"])
    assert aliases.user("4915112345678", "") == aliases.user(PHONE, "") == PHONE


def test_when_only_the_new_scoped_id_is_told_then_it_is_written_to_for_the_old_number_may_be_another_persons() -> None:
    aliases = Aliases()
    aliases.user(PHONE, "US.old")

    assert aliases.moved(["US.old"], ["MX.new"])
    assert aliases.recipient(PHONE) == "MX.new"
    assert aliases.user("", "MX.new") == PHONE


@pytest.mark.parametrize("turned", [False, True])
def test_when_number_and_scoped_id_change_in_two_messages_then_the_number_is_written_to(turned: bool) -> None:
    aliases = Aliases()
    aliases.user(PHONE, "US.old")
    news = [([PHONE, "US.old"], ["4915112345678"]), ([PHONE, "US.old"], ["DE.new"])]

    for previous, current in reversed(news) if turned else news:
        assert aliases.moved(previous, current)

    assert aliases.recipient(PHONE) == "4915112345678"
    assert aliases.user("4915112345678", "DE.new") == PHONE
    # The next time, the number is hidden.
    assert aliases.moved(["DE.new"], ["FR.newer"])
    assert aliases.recipient(PHONE) == "FR.newer"


def test_when_the_new_number_is_known_already_then_whom_it_stands_for_does_not_change() -> None:
    aliases = Aliases()
    aliases.user("4915112345678", "")

    assert aliases.moved([PHONE], ["4915112345678"])
    assert aliases.user("4915112345678", "") == "4915112345678"


@pytest.mark.parametrize(
    ("previous", "current"), [([], [PHONE]), ([PHONE], []), ([PHONE], [PHONE]), (["me"], ["you"]), ([""], [""])]
)
def test_news_that_does_not_say_who_became_what_teaches_nothing(previous: list[str], current: list[str]) -> None:
    aliases = Aliases()

    assert not aliases.moved(previous, current)
    assert aliases.news() == {}


def test_what_is_learned_is_news_once() -> None:
    aliases = Aliases()

    aliases.user(PHONE, BSUID)
    assert aliases.news() == {f"alias/{BSUID}": PHONE}
    aliases.noted(f"alias/{BSUID}", PHONE)
    aliases.user(PHONE, BSUID)
    aliases.user("", BSUID)
    assert aliases.news() == {}


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_whatever_comes_then_whom_an_id_stands_for_never_changes_not_even_over_a_restart(data: st.DataObject) -> None:
    phones = st.sampled_from(["", "4915100001", "4915100002", "4915100003"])
    bsuids = st.sampled_from(["", "DE.1", "DE.2", "DE.3"])
    anything = phones | bsuids
    aliases, kept, known = Aliases(), dict[str, str](), dict[str, str]()
    for _ in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["user", "same", "renamed", "moved", "restart"])):
            case "user":
                aliases.user(data.draw(phones), data.draw(bsuids))
            case "same":
                user = data.draw(st.sampled_from([*known.values(), "4915100009"]))
                aliases.same(user, data.draw(anything))
            case "renamed":
                aliases.renamed(data.draw(bsuids), data.draw(bsuids))
            case "moved":
                aliases.moved([data.draw(anything)], [data.draw(anything)])
            case "restart":
                before = {known: aliases.recipient(known) for known in {*known.values()}}
                aliases = Aliases()
                aliases.recalled(kept)
                assert {user: aliases.recipient(user) for user in before} == before
        kept |= aliases.news()
        for key, value in aliases.news().items():
            aliases.noted(key, value)
        now = dict(aliases._users)
        assert {key: now.get(key) for key in known} == known
        known = now


def read(aliases: Aliases, field: str = "messages", **value: Any) -> list[Event]:
    value["metadata"] = {"phone_number_id": "1"}
    change = {"field": field, "value": value}
    payload = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
    return parse(payload, Origin("wa", "1", 999), aliases)


def text(**ids: str) -> dict[str, Any]:
    return {**ids, "id": "wamid.A", "timestamp": "1", "type": "text", "text": {"body": "x"}}


def test_given_a_message_with_a_hidden_number_then_the_scoped_id_is_the_user() -> None:
    contact = {"profile": {"username": "ada"}, "user_id": BSUID}

    (event,) = read(Aliases(), contacts=[contact], messages=[text(from_user_id=BSUID)])

    assert isinstance(event, MessageReceived)
    assert (event.user, event.thread, event.profile) == (BSUID, BSUID, Profile(username="ada"))


def test_given_somebody_who_wrote_with_their_number_when_it_is_hidden_later_then_they_stay_the_same() -> None:
    aliases = Aliases()

    first, second = read(aliases, messages=[{**text(from_user_id=BSUID), "from": PHONE}, text(from_user_id=BSUID)])

    assert isinstance(first, MessageReceived)
    assert isinstance(second, MessageReceived)
    assert first.user == second.user == PHONE


def test_given_a_number_learned_from_a_status_when_it_is_hidden_later_then_they_stay_the_same() -> None:
    aliases = Aliases()
    status = {"id": "wamid.S", "status": "sent", "timestamp": "1", "recipient_id": PHONE, "recipient_user_id": BSUID}

    assert read(aliases, statuses=[status]) == []
    assert aliases.user("", BSUID) == PHONE


def test_given_whatsapps_news_of_a_rename_then_they_stay_the_same() -> None:
    aliases = Aliases()
    aliases.user("", "US.old")
    update = {"wa_id": "", "user_id": {"previous": "US.old", "current": "US.new"}, "timestamp": "1"}

    assert read(aliases, "user_id_update", user_id_update=[update]) == []
    assert aliases.user("", "US.new") == "US.old"


def test_given_whatsapps_news_of_a_rename_of_somebody_known_by_their_number_alone_then_they_stay_the_same() -> None:
    aliases = Aliases()
    aliases.user(PHONE, "")
    update = {"wa_id": PHONE, "user_id": {"previous": "US.old", "current": "US.new"}, "timestamp": "1"}

    assert read(aliases, "user_id_update", user_id_update=[update]) == []
    assert aliases.user("", "US.new") == aliases.user("", "US.old") == PHONE


def test_given_the_news_of_a_new_number_then_the_person_goes_on_under_it_and_nobody_is_told_anything() -> None:
    aliases = Aliases()
    body = {
        "body": f"User A changed from {PHONE} to 4915112345678",
        "wa_id": "4915112345678",
        "type": "user_changed_number",
    }
    news = {"from": PHONE, "id": "wamid.S", "timestamp": "1", "type": "system", "system": body}

    assert read(aliases, messages=[news]) == []
    (event,) = read(aliases, messages=[{**text(), "from": "4915112345678"}])

    assert isinstance(event, MessageReceived)
    assert (event.user, event.thread) == (PHONE, PHONE)
    assert aliases.recipient(PHONE) == "4915112345678"


@pytest.mark.parametrize(
    ("ids", "system"),
    [
        ({}, {"body": "x", "user_id": "MX.2", "previous_user_id": "CO.1"}),
        ({"from_user_id": "CO.1"}, {"body": "x", "user_id": "MX.2"}),
        ({}, {"body": "User changed from CO.1 to MX.2"}),
        ({}, {"body": "User Ada changed from CO.1 to MX.2", "user_id": "MX.2"}),
    ],
)
def test_given_the_news_of_a_new_scoped_id_in_any_of_its_shapes_then_the_person_stays_the_same(
    ids: dict[str, str], system: dict[str, str]
) -> None:
    aliases = Aliases()
    news = {**ids, "id": "w", "type": "system", "system": {**system, "type": "user_changed_user_id"}}

    assert read(aliases, messages=[news]) == []
    assert aliases.user("", "MX.2") == "CO.1"
    assert aliases.recipient("CO.1") == "MX.2"
