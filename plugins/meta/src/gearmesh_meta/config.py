"""What the three bridges are told under `[apps.<name>]`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from gearmesh import Secret
from gearmesh_meta.invitation import Parameter

Digits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,40}\Z", description="an id of digits")]
Version = Annotated[str, msgspec.Meta(pattern=r"^v[0-9]+\.[0-9]+\Z", description="a version such as v25.0")]
BaseUrl = Annotated[
    str, msgspec.Meta(pattern=r"^https?://[^\s/?#@]+\Z", description="https://host or http://host, without a path")
]
PictureUrl = Annotated[
    str, msgspec.Meta(pattern=r"^(https?://\S+)?\Z", description="the address of a picture, or nothing")
]
TemplateName = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9_]{0,512}\Z", description="a template's name: a-z, 0-9 and _, or nothing")
]
TemplateLanguage = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z]{2,3}(_([A-Z]{2}|[0-9]{3}))?\Z", description="the code of a language, such as en_US or de"
    ),
]
TemplateParameters = Annotated[
    tuple[Parameter, ...], msgspec.Meta(description='a list of "sender", "network" and "handle", or of some of them')
]

FACEBOOK_GRAPH: Final = "https://graph.facebook.com"
INSTAGRAM_GRAPH: Final = "https://graph.instagram.com"


class MetaConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What all three have in common.

    `token` is the account's access token, `app_secret` signs webhooks, and `verify_token` is the word of your choice
    that Meta repeats when it first calls the webhook. `version` is the Graph API's; Meta retires one about two years
    after its release. `any_account` takes events that are for another account of the same Meta app as if they were for
    this one, where they else become dead letters: for tries with payloads that were recorded elsewhere.
    """

    token: Secret
    app_secret: Secret
    verify_token: Secret
    version: Version = "v25.0"
    any_account: bool = False


class WhatsAppConfig(MetaConfig, frozen=True, kw_only=True):
    """One phone number on the WhatsApp Cloud API. `phone_number_id` is Meta's id of it, not the number.

    `template` is the name of an approved template, in `template_language`, that tells a person whose window is closed
    that somebody wrote to them; "" sends none. `template_parameters` fill the {{1}}, {{2}}... of its body.
    """

    phone_number_id: Digits
    template: TemplateName = ""
    template_language: TemplateLanguage = "en_US"
    template_parameters: TemplateParameters = ()
    graph_url: BaseUrl = FACEBOOK_GRAPH


class MessengerConfig(MetaConfig, frozen=True, kw_only=True):
    """One Facebook Page. `personas` shows people from other networks under their own names.

    `persona_picture` is the address of a picture for those who have none: WhatsApp never tells one. `human_agent` says
    that Meta has given the app the permission of that name: answers then go out for a week instead of a day.
    """

    page_id: Digits
    personas: bool = True
    persona_picture: PictureUrl = ""
    human_agent: bool = False
    graph_url: BaseUrl = FACEBOOK_GRAPH


class InstagramConfig(MetaConfig, frozen=True, kw_only=True):
    """One Instagram professional account.

    `login` says which kind of token it is: "instagram" (Business Login for Instagram) or "facebook" (an account that
    is linked to a Page, with the Page's token). It decides which server is asked unless `graph_url` names one.
    `human_agent` says that Meta has given the app the permission of that name: answers then go out for a week instead
    of a day.
    """

    instagram_id: Digits
    login: Literal["instagram", "facebook"] = "instagram"
    human_agent: bool = False
    graph_url: BaseUrl | None = None

    @property
    def base(self) -> str:
        """The Graph server that belongs to this kind of token."""
        return self.graph_url or (INSTAGRAM_GRAPH if self.login == "instagram" else FACEBOOK_GRAPH)
