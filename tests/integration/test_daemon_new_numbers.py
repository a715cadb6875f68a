"""Somebody on WhatsApp has a new number: their conversations go on, also in a daemon that was started since."""

from __future__ import annotations

from dataclasses import replace

from .phones import ADA, CLEO
from .town import Town

NEW = replace(ADA, user="4915199999999")


async def test_given_a_new_number_when_the_daemon_was_started_again_then_both_sides_go_on_as_before(town: Town) -> None:
    await town.phones.types(ADA, "@cleo from my old number")
    await town.phones.sees(CLEO, "from my old number")

    await town.phones.control("POST", f"phones/{ADA.network}/{ADA.user}/number", user=NEW.user)
    await town.phones.all_told()
    await town.stop()
    await town.start()

    await town.phones.types(CLEO, "to your new number")
    assert "to your new number" in (await town.phones.sees(NEW, "to your new number"))["text"]
    await town.phones.types(NEW, "from my new number")
    await town.phones.sees(CLEO, "from my new number")
    await town.phones.all_told()
    above = "Ada Lovelace (@ada, WhatsApp):\n"
    assert await town.phones.texts(CLEO) == [f"{above}from my old number", f"{above}from my new number"]
    assert await town.dead_letters(0) == []
