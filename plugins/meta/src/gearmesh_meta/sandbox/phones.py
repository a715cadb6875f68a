"""All phones, found by user, by handle and, on WhatsApp, by business-scoped id."""

from __future__ import annotations

from collections.abc import Iterator

from .phone import Phone
from .settings import Network


class PhoneTaken(Exception):
    """Another phone of the network has this user id or handle already."""

    def __init__(self, network: Network, name: str) -> None:
        self.network = network
        self.name = name
        super().__init__(f"{network} has a phone {name} already; choose another one")


class PhoneBook:
    """The phones of all networks in the order they were added."""

    def __init__(self) -> None:
        self._phones: dict[tuple[Network, str], Phone] = {}
        self._by_handle: dict[tuple[Network, str], Phone] = {}
        self._by_bsuid: dict[str, Phone] = {}

    def __iter__(self) -> Iterator[Phone]:
        return iter(self._phones.values())

    def add(self, phone: Phone) -> None:
        """Raises PhoneTaken."""
        if (phone.network, phone.user) in self._phones:
            raise PhoneTaken(phone.network, phone.user)
        if (phone.network, phone.handle) in self._by_handle:
            raise PhoneTaken(phone.network, f"@{phone.handle}")
        self._phones[phone.network, phone.user] = phone
        self._by_handle[phone.network, phone.handle] = phone
        if phone.bsuid is not None:
            self._by_bsuid[phone.bsuid] = phone

    def renumber(self, phone: Phone, user: str, bsuid: str) -> None:
        """Give a WhatsApp phone another number and scoped id. Raises PhoneTaken."""
        if (phone.network, user) in self._phones:
            raise PhoneTaken(phone.network, user)
        del self._phones[phone.network, phone.user]
        if phone.bsuid is not None:
            del self._by_bsuid[phone.bsuid]
        phone.user, phone.bsuid = user, bsuid
        self._phones[phone.network, user] = phone
        self._by_bsuid[bsuid] = phone

    def get(self, network: Network, user: str) -> Phone | None:
        """The phone of a user of a network, by the id used in the control API."""
        return self._phones.get((network, user))

    def by_bsuid(self, bsuid: str) -> Phone | None:
        """The WhatsApp phone with this business-scoped id."""
        return self._by_bsuid.get(bsuid)
