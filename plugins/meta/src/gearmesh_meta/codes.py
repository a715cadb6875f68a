"""What Meta's error codes mean for a message, as data.

From Meta's error references (WhatsApp Cloud API, September 2026; Messenger Platform and Instagram, mid-2026; Graph API
rate limits). Which class a code belongs to is our reading: a failure of one message, or of one person, is `rejected`;
one that only the operator can mend is `unauthorized` (the app stops and the queue is kept); what passes by itself, and
what is not known here, is tried again for as long as the message may wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from gearmesh import RateLimited, Rejected, Retry, SendFailed, Unauthorized, WindowClosed
from gearmesh_meta.fields import flag, identifier, mapping, text

Class = Literal["retry", "app_limit", "recipient_limit", "window", "unauthorized", "rejected"]
HOUR: Final = 3600.0


class Verdict(msgspec.Struct, frozen=True):
    """What a code leads to. `after` is a pause in seconds where we know better than ordinary growing pauses."""

    failure: Class
    meaning: str
    after: float | None = None


def _all(failure: Class, meaning: str, *codes: int, after: float | None = None) -> dict[int, Verdict]:
    return dict.fromkeys(codes, Verdict(failure, meaning, after))


PERMISSIONS: Final = frozenset({10, *range(200, 300)})
"""Codes that mean a missing permission when they stand alone; with a subcode they may speak of one person."""

CODES: Final[dict[int, Verdict]] = {
    # Graph API, all three networks
    **_all("unauthorized", "a permission is missing", 3, *PERMISSIONS),
    **_all("unauthorized", "the access token is refused", 0, 104, 190),
    **_all("retry", "Meta could not do it this time", 1, 2),
    **_all("app_limit", "too many calls", 4, 17, 32, 613, 80001, 80002, 80006, 80007, 80008),
    **_all("rejected", "a parameter or id is wrong", 33, 100),
    **_all("unauthorized", "Meta has blocked the account for a policy", 368),
    **_all("rejected", "Meta tells nothing about this person without their consent", 230),
    # Messenger and Instagram
    **_all("rejected", "this person cannot be written to", 551),
    **_all("retry", "a failure that Meta does not explain", 2022),
    **_all("rejected", "the message was deleted", 9000001),
    # WhatsApp: permission and account
    **_all("unauthorized", "a permission is missing", 131005),
    **_all("unauthorized", "the business account is locked", 131031),
    **_all("unauthorized", "the number's display name is not approved", 131037),
    **_all("unauthorized", "the account has no valid payment", 131042),
    **_all("unauthorized", "the number's certificate or registration is not valid", 131044, 131045),
    **_all("unauthorized", "the terms for payments are not accepted", 134011),
    **_all("unauthorized", "the number is not registered", 133000, 133005, 133006, 133008, 133009, 133010, 133015),
    # WhatsApp: limits
    **_all("app_limit", "too many messages a second for this number", 130429),
    **_all("app_limit", "too many messages were blocked or flagged as spam", 131048, after=HOUR),
    **_all("app_limit", "the account is held back for templates of the wrong category", 131064, after=HOUR),
    **_all("app_limit", "too many attempts to register the number", 133016),
    # Meta asks for 4^X seconds, X counting the refusals in a row: whoever counts them makes the pause.
    **_all("recipient_limit", "too many messages to this person", 131056),
    # WhatsApp: passing
    **_all("retry", "Meta could not do it this time", 131000, 131016, 131057, 133004),
    **_all("retry", "the file could not be fetched or taken", 131053),
    # WhatsApp: this message or this person
    **_all("window", "more than 24 hours have passed since this person wrote", 131047),
    **_all("rejected", "a parameter is missing or wrong", 131008, 131009, 135000),
    **_all("rejected", "the business has blocked this person", 130403),
    **_all("rejected", "Meta chose not to deliver it", 130472, 131049),
    **_all("rejected", "the business may not write to this country", 130497),
    **_all("rejected", "the recipient is the sender", 131021),
    **_all("rejected", "it cannot be delivered: no WhatsApp there, or one that is too old", 131026),
    **_all("rejected", "this number is not on the test number's list of recipients", 131030),
    **_all("rejected", "this person has stopped marketing messages", 131050),
    **_all("rejected", "this kind of message is not supported", 131051),
    **_all("rejected", "the file that came in could not be fetched; it must be sent again", 131052),
    **_all("rejected", "this method is not allowed", 131055),
    **_all("rejected", "the message that came in is not available", 131060),
    **_all("rejected", "this message needs a phone number as recipient", 131062),
    # For the operator to mend, and yet no reason to stop: nothing but marketing templates is refused.
    **_all("rejected", "marketing messages are off", 131063, 134100, 134101, 134102),
    **_all("rejected", "the template does not fit", 132000, 132001, 132005, 132007, 132012, 132018),
    **_all("rejected", "the template is paused or disabled", 132015, 132016),
    **_all("rejected", "the flow is blocked or throttled", 132068, 132069),
    **_all("rejected", "the recipient's identity has changed", 137000),
}

SUBCODES: Final[dict[tuple[int, int], Verdict]] = {
    (10, 2018278): Verdict("window", "more than 24 hours have passed since this person wrote"),
    (10, 2534022): Verdict("window", "more than 24 hours have passed since this person wrote"),
    (10, 2018065): Verdict("unauthorized", "a permission is missing"),
    (10, 2018108): Verdict("rejected", "this person cannot receive messages now"),
    (10, 1893063): Verdict("unauthorized", "Meta has restricted the Page"),
    (100, 33): Verdict("rejected", "there is no such object, or the token may not see it"),
    (100, 2018001): Verdict("rejected", "there is no such person"),
    (100, 2534014): Verdict("rejected", "there is no such person on Instagram"),
    (100, 2534013): Verdict("unauthorized", "no Page is linked to this Instagram account"),
    (100, 2534015): Verdict("rejected", "the message is not valid"),
    (100, 2534025): Verdict("rejected", "the message is not valid"),
    (100, 2534029): Verdict("rejected", "the message is not valid"),
    (100, 2534037): Verdict("rejected", "the message is not valid"),
    (100, 2018008): Verdict("retry", "Meta could not fetch the file's link"),
    (100, 2018014): Verdict("rejected", "an action and a message cannot go together"),
    (100, 2018047): Verdict("rejected", "the file was not taken: its type is not allowed"),
    (100, 2018074): Verdict("rejected", "the uploaded file has expired or belongs to another Page"),
    (100, 2018109): Verdict("rejected", "the file is too large"),
    (100, 2018294): Verdict("retry", "Meta could not fetch the video in time"),
    # An app that Meta has not reviewed may write to its own testers: one who is no tester does not stop it.
    (200, 2018028): Verdict("rejected", "the app may not write to this person"),
    (200, 2534041): Verdict("unauthorized", "the account's owner has switched access to messages off"),
    (200, 1545041): Verdict("rejected", "this person is not available"),
    (551, 1545041): Verdict("rejected", "this person is not available"),
    (613, 2534040): Verdict("app_limit", "too many calls"),
    (613, 2018338): Verdict("app_limit", "Meta warns of abuse: slow down", HOUR),
}

# These stand as subcodes under more than one code, and in some libraries as codes.
ANYWHERE: Final[dict[int, Verdict]] = {
    2018218: Verdict("rejected", "this person has no profile to show"),
    2018247: Verdict("rejected", "the permission to read profiles is missing"),
    2018300: Verdict("rejected", "another app has this conversation now"),
}

NO_PROFILE: Final = frozenset({230, 2018218, 2018247})
"""Codes and subcodes that say: nothing is told about this person."""


def failure_for(
    status: int | None, answer: object, after: float | None = None, regained: float | None = None
) -> SendFailed:
    """What an unsuccessful answer means for the message. Never raises.

    `status` is the HTTP status (None: a webhook says it), `answer` the JSON (None: it was none), `after` the pause in
    seconds that the answer asks for, and `regained` in how many seconds the app may call again; that counts only where
    the whole app is refused for its calls. A code decides, whatever the status, as Meta advises; without one the status
    does.
    """
    error = mapping(mapping(answer).get("error"))
    code, subcode = _integer(error.get("code")), _integer(error.get("error_subcode"))
    name = "" if code is None else f"{code}/{subcode}" if subcode and code < 130000 else str(code)
    verdict = _verdict(status, code, subcode, flag(error.get("is_transient")))
    details = text(mapping(error.get("error_data")).get("details")) or text(error.get("details"))
    said = details or text(error.get("message")) or text(error.get("title"))
    message = f"{verdict.meaning} ({said[:300]})" if said else verdict.meaning
    pause = after if after is not None else verdict.after
    if regained is not None and verdict.failure == "app_limit":
        pause = max(pause or 0.0, regained)
    match verdict.failure:
        case "retry":
            return Retry(message, after=pause, code=name)
        case "app_limit":
            return RateLimited(message, scope="app", after=pause, code=name)
        case "recipient_limit":
            return RateLimited(message, scope="recipient", after=pause, code=name)
        case "window":
            return WindowClosed(message, code=name)
        case "unauthorized":
            return Unauthorized(message, code=name)
        case "rejected":
            return Rejected(message, code=name)


def tells_no_profile(error: SendFailed) -> bool:
    """Whether this failure only says that nothing is told about a person."""
    return any(part.isdecimal() and int(part) in NO_PROFILE for part in error.code.split("/"))


def names_no_object(error: SendFailed) -> bool:
    """Whether this failure says that the object asked for does not exist, or not for this token."""
    return error.code == "100/33"


def error_detail(error: Mapping[str, Any]) -> str:
    """An error of a webhook in one line: its code first, such as "131047 Re-engagement message: ..."."""
    code = identifier(error.get("code"))
    title = text(error.get("title")) or text(error.get("message"))
    details = text(mapping(error.get("error_data")).get("details")) or text(error.get("details"))
    line = " ".join(part for part in (code, title) if part)
    return (f"{line}: {details}" if details and details != title else line)[:300]


def _verdict(status: int | None, code: int | None, subcode: int | None, transient: bool) -> Verdict:
    if code is None:
        if status is None:
            return Verdict("rejected", "Meta refused it and named no code")
        if status == 429:
            return Verdict("app_limit", "too many calls (HTTP 429)")
        if 400 <= status < 500 and status != 408:
            return Verdict("rejected", f"Meta refused it with HTTP {status}")
        return Verdict("retry", f"Meta answered HTTP {status}")
    named = SUBCODES.get((code, subcode or 0)) or ANYWHERE.get(subcode or 0)
    if named is None and subcode and code in PERMISSIONS:
        # It may be about this one person, for whom the app must not stop.
        return Verdict("retry", "a failure that is not known here")
    known = named or ANYWHERE.get(code) or CODES.get(code)
    if known is None or (transient and known.failure == "rejected"):
        return Verdict("retry", "a failure that is not known here" if known is None else known.meaning)
    return known


def _integer(value: object) -> int | None:
    digits = identifier(value)
    return int(digits) if digits.isdecimal() and len(digits) <= 12 else None
