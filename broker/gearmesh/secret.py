"""Values that are never printed."""

from __future__ import annotations

import os
from pathlib import Path


class Secret:
    """A secret. Only `reveal()` gives it away; every way of printing it shows stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    @classmethod
    def read(cls, reference: object) -> Secret:
        """The secret behind `env:NAME`, `file:PATH` or `plain:VALUE`.

        Raises:
            ValueError: another form, an unset variable, an unreadable or empty file. The message shows no value.
        """
        if isinstance(reference, Secret):
            return reference
        form, colon, rest = reference.partition(":") if isinstance(reference, str) else ("", "", "")
        if not colon or not rest or form not in {"env", "file", "plain"}:
            raise ValueError("expected env:NAME, file:PATH or plain:VALUE")
        if form == "plain":
            return cls(rest)
        if form == "env":
            value = os.environ.get(rest, "")
            if not value:
                raise ValueError(f"the environment variable {rest} is not set")
            return cls(value)
        try:
            value = Path(rest).expanduser().read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file {rest} cannot be read: {type(error).__name__}") from None
        if not value:
            raise ValueError(f"the file {rest} is empty")
        return cls(value)
