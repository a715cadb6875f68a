"""What was said while we were away is read to its end, or asked for again."""

from __future__ import annotations

from .bench import bench
from .ircd import Client, Ircd
from .person import Person


class Forgetful(Ircd):
    """Tells nothing of what was said in channels as long as it is `mute`."""

    mute = False

    def _history(self, client: Client, kind: str, rest: list[str]) -> None:
        if not (self.mute and kind == "AFTER"):
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
