"""All messages of a network in memory, as people see them now."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from gearmesh.testing.shown import Shown


class Board:
    """Messages by their native ids, and which of them were sent to whom.

    What is done to a message that is not there, or was taken back, raises `KeyError`.
    """

    def __init__(self) -> None:
        self._messages: dict[str, Shown] = {}
        self._sent: dict[str, list[str]] = {}
        self._read: dict[str, int] = {}

    def __contains__(self, user: str) -> bool:
        """Whether somebody has joined."""
        return user in self._sent

    def join(self, user: str) -> None:
        """Somebody can be written to from now on."""
        self._sent.setdefault(user, [])

    def write(self, message: Shown) -> None:
        """Somebody wrote to our account."""
        self._messages[message.id] = message

    def show(self, user: str, message: Shown) -> None:
        """Our account wrote to somebody."""
        self._messages[message.id] = message
        self._sent[user].append(message.id)

    def sent_to(self, user: str) -> tuple[Shown, ...]:
        """What somebody sees of what was sent to them, oldest first."""
        return tuple(self._messages[native_id] for native_id in self._sent.get(user, ()))

    def message(self, native_id: str) -> Shown | None:
        """One message, whoever wrote it."""
        return self._messages.get(native_id)

    def read(self, user: str) -> tuple[str, ...]:
        """Somebody reads what was sent to them: the ids of what is new."""
        sent, begun = self._sent.get(user, []), self._read.get(user, 0)
        self._read[user] = len(sent)
        return tuple(sent[begun:])

    def react(self, native_id: str, who: str, emoji: str) -> None:
        """Somebody feels something about a message; nothing any more, without `emoji`."""
        message = self.standing(native_id)
        reactions = {name: felt for name, felt in message.reactions.items() if name != who}
        if emoji:
            reactions[who] = emoji
        self._messages[native_id] = replace(message, reactions=reactions)

    def change(self, native_id: str, text: str) -> Shown:
        """A message says something else now."""
        message = self.standing(native_id)
        changed = replace(message, text=text, history=(*message.history, message.text))
        self._messages[native_id] = changed
        return changed

    def take_back(self, native_ids: Sequence[str]) -> None:
        """Nothing is shown of these messages any more. All of them, or none."""
        for message in [self.standing(native_id) for native_id in native_ids]:
            self._messages[message.id] = Shown(message.id, "", message.thread, message.author, deleted=True)

    def standing(self, native_id: str) -> Shown:
        """A message that is there, and was not taken back."""
        message = self._messages.get(native_id)
        if message is None or message.deleted:
            raise KeyError(native_id)
        return message
