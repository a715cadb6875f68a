"""What the sandbox is told at start: the accounts it plays, their secrets, and how it delivers webhooks."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Network = Literal["whatsapp", "messenger", "instagram"]
NETWORKS: Final[tuple[Network, ...]] = ("whatsapp", "messenger", "instagram")

#: Name of the webhook object of each network, as Meta writes it in `object` (Meta's webhook reference, 2026).
OBJECTS: Final[dict[Network, str]] = {
    "whatsapp": "whatsapp_business_account",
    "messenger": "page",
    "instagram": "instagram",
}


class SeedPhone(msgspec.Struct, frozen=True):
    """A phone that exists from the start. `user` is digits; `handle` has no `@`."""

    network: Network
    user: str
    handle: str
    name: str


SEED_PHONES: Final = (
    SeedPhone("whatsapp", "4915112345678", "ada", "Ada Lovelace"),
    SeedPhone("messenger", "7100000000000001", "ben", "Ben Okri"),
    SeedPhone("instagram", "17841405793187218", "cleo", "Cleo Dubois"),
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be chosen. Times are in seconds; ids are strings of digits, as Meta's are.

    One app carries all three products, so one secret signs all webhooks and one token opens all three accounts.
    """

    app_id: str = "100000000000000"
    app_name: str = "Sandbox app"
    app_secret: str = "sandbox-app-secret"
    verify_token: str = "sandbox-verify"
    token: str = "sandbox-token"

    waba_id: str = "100000000000003"
    phone_number_id: str = "100000000000001"
    display_phone_number: str = "15550001111"
    verified_name: str = "Sandbox"
    page_id: str = "100000000000002"
    page_name: str = "Sandbox page"
    instagram_id: str = "17841400000000001"
    instagram_username: str = "sandbox"
    instagram_name: str = "Sandbox"

    coexistence: bool = True
    """The WhatsApp number is used in the phone app too: only then does Meta tell of edits and unsends."""

    webhooks: str = "http://127.0.0.1:8080/webhooks/{network}"
    """Where webhooks go until `POST /{app-id}/subscriptions` names another address; `{network}` is replaced."""
    seed_phones: tuple[SeedPhone, ...] = SEED_PHONES
    public_url: str | None = None
    """Base of the media addresses handed out; without it the `Host` of the request that needs one."""

    ascii_json: bool = True
    r"""Webhook bodies as Meta's: ASCII with lower-case `\uXXXX` and `\/`. False sends plain UTF-8."""
    instagram_shape: Literal["messaging", "changes"] = "messaging"
    failed_contacts: bool = False
    """Whether a `failed` status of WhatsApp carries contacts. Meta's documentation says it does not; pywa 4.5 reads
    none without them."""
    batch: int = 50
    """Most events in one webhook."""
    in_flight: int = 32
    """Most users of each network with a webhook request under way. Each has one, but up to `batch` while the fault
    `reorder_webhook` tells its events at the same time."""
    webhook_timeout: float = 10.0
    retry_first: float = 0.25
    retry_cap: float = 5.0
    status_delay: float = 0.0
    """Pause between an accepted message and its statuses or echo."""

    limits: bool = False
    """Refuse messages that come faster than Meta takes them."""

    fetch_links: bool = True
    """Fetch media that a message names by link, as Meta does. False believes the link."""
    link_timeout: float = 10.0
    templates: tuple[str, ...] = ()
    """Names of the approved WhatsApp templates; empty approves every well-formed name."""
    media_url_lifetime: float = 300.0
    messages_per_phone: int = 20_000
    appearances: int = 200_000
    """Most messages of all phones together that `GET /sandbox/shown` knows of."""

    @property
    def app_token(self) -> str:
        """The app's own access token, needed by `/{app-id}/subscriptions` and `/debug_token`."""
        return f"{self.app_id}|{self.app_secret}"

    def business_object(self, network: Network | None) -> str:
        """The id of the account that a network's calls are counted with; the page's when they are about none."""
        accounts = {"whatsapp": self.waba_id, "instagram": self.instagram_id}
        return accounts.get(network or "messenger", self.page_id)
