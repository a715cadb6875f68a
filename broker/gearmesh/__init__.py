"""Gearmesh joins messengers. This is what authors of bridges import."""

from gearmesh.bridge import (
    Bridge,
    BridgeContext,
    Status,
    SupportsGhosts,
    SupportsInvitations,
    SupportsMedia,
    SupportsProfiles,
    SupportsReceipts,
    SupportsReplay,
    SupportsWebhook,
    WebhookRequest,
    WebhookResponse,
)
from gearmesh.command import Command, Launcher
from gearmesh.errors import (
    BusUnavailable,
    GearmeshError,
    InvalidAddress,
    RateLimited,
    Rejected,
    Retry,
    SendFailed,
    Unauthorized,
    Unclear,
    WindowClosed,
)
from gearmesh.hookspecs import hookimpl
from gearmesh.model.capabilities import Capabilities, Limit, Rate, Window
from gearmesh.model.content import Content, Media, MediaKind, MediaRef, Sender, Text
from gearmesh.model.delivery import Delivery, ReceiptDelivery, Sent
from gearmesh.model.events import (
    ChatOpened,
    EchoReceived,
    Event,
    MessageReceived,
    ReadUpTo,
    ReceiptReceived,
    Unparsed,
)
from gearmesh.model.person import Profile
from gearmesh.secret import Secret

__all__ = [
    "Bridge",
    "BridgeContext",
    "BusUnavailable",
    "Capabilities",
    "ChatOpened",
    "Command",
    "Content",
    "Delivery",
    "EchoReceived",
    "Event",
    "GearmeshError",
    "InvalidAddress",
    "Launcher",
    "Limit",
    "Media",
    "MediaKind",
    "MediaRef",
    "MessageReceived",
    "Profile",
    "Rate",
    "RateLimited",
    "ReadUpTo",
    "ReceiptDelivery",
    "ReceiptReceived",
    "Rejected",
    "Retry",
    "Secret",
    "SendFailed",
    "Sender",
    "Sent",
    "Status",
    "SupportsGhosts",
    "SupportsInvitations",
    "SupportsMedia",
    "SupportsProfiles",
    "SupportsReceipts",
    "SupportsReplay",
    "SupportsWebhook",
    "Text",
    "Unauthorized",
    "Unclear",
    "Unparsed",
    "WebhookRequest",
    "WebhookResponse",
    "Window",
    "WindowClosed",
    "hookimpl",
]
