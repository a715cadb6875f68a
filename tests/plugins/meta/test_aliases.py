"""One WhatsApp user under several ids stays one."""

from __future__ import annotations

from typing import Any

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
