"""The configuration that both daemons of a campaign share."""

from __future__ import annotations

import re
from typing import Final

from tests.integration.configuration import example

DRAIN: Final = 5.0
UNCLEAR_WAIT: Final = 20.0

# Twenty thousand messages in minutes to a few dozen people are far above what WhatsApp takes for one person (one in six
# seconds): the bounds of the networks are not what is looked at here.
APP: Final = f'rate = 0\nrecipient_every = 0\nunclear_wait = {UNCLEAR_WAIT}\non_unclear = "resend"'


def configuration(*, graph_url: str, nats_url: str, public_url: str) -> str:
    """TOML. The daemons' own ports are given on their command lines."""
    text = example(graph_url=graph_url, port=0, more=f'\n[nats]\nurl = ["{nats_url}"]\n')
    text = re.sub(r"(?m)^drain = .*$", f"drain = {DRAIN}", text)
    text = re.sub(r'(?m)^public_url = ".*"$', f'public_url = "{public_url}"', text)
    text = re.sub(r"(?m)^(rate|recipient_every|unclear_wait|on_unclear) = .*\n", "", text)
    return re.sub(r"(?m)^any_account = true.*$", APP, text)
