"""What was said while we were away is read to its end, or asked for again."""

from __future__ import annotations

from irctokens.line import build

from .bench import bench, until
from .ircd import Client, Ircd
from .person import Person


class Forgetful(Ircd):
    """Tells nothing of what was said in channels as long as it is `mute`."""

    mute = False

    def _history(self, client: Client, kind: str, rest: list[str]) -> None:
        if not (self.mute and kind == "AFTER"):
            super()._history(client, kind, rest)


class Timekeeper(Ircd):
    """Finds places in its history by times alone."""

    tokens = ("MSGREFTYPES=timestamp",)

    def _history(self, client: Client, kind: str, rest: list[str]) -> None:
        if kind == "AFTER" and rest[1].startswith("msgid"):
            client.tell(build("FAIL", ["CHATHISTORY", "INVALID_MSGREFTYPE", "AFTER", rest[0], "no"], "irc.test"))
        else:
            super()._history(client, kind, rest)


async def test_who_comes_and_goes_hides_nothing_that_was_not_read_yet() -> None:
    async with Forgetful() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden") as irc:
        await ada.join("#garden")
        await ada.says("#garden", "before")
        await irc.comes_in("before")
        await irc.stop()
        await ada.says("#garden", "meanwhile")
        ircd.mute = True
        await irc.start("#garden")
        async with Person("ben", ircd.port) as ben:
            await ben.join("#garden")
            await irc.context.until(lambda: any(getattr(one, "user", "") == "ben" for one in irc.context.events))
        await irc.stop()
        ircd.mute = False
        await irc.start("#garden")
        await irc.comes_in("meanwhile")

        assert irc.came_in() == ["before", "meanwhile"]


async def test_history_in_several_pages_is_read_by_times_where_the_server_knows_no_ids() -> None:
    async with Timekeeper() as ircd, Person("ada", ircd.port) as ada, bench(ircd.port, "#garden") as irc:
        await ada.join("#garden")
        await ada.says("#garden", "before")
        await irc.comes_in("before")
        await irc.stop()
        for number in range(25):
            await ada.says("#garden", f"meanwhile {number}")
        await until(lambda: len(ircd.said) == 26)
        await irc.start("#garden")
        await irc.comes_in("meanwhile 24")

        assert irc.came_in() == ["before", *(f"meanwhile {number}" for number in range(25))]
