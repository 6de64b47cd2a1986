"""Meta's error codes, with what each asks of the sender, and how to find one inside a text. Pure.

Source: contract, section 10; Whautomate's contract, section 9. They follow Meta's own list: some third-party
pages give other meanings.
"""

import enum
import re
from typing import Final

import msgspec


class Remedy(enum.StrEnum):
    """What can be done for the people who were not reached."""

    LATER = "later"
    """Nothing is wrong with them or the message: send again, but not at once."""
    FIX = "fix"
    """The message is wrong, for everybody or for this person: fix it, then send again."""
    DROP = "drop"
    """This person is not to be messaged again."""
    ACCOUNT = "account"
    """Account, payment or template have a problem: nothing more should leave until it is settled."""
    NONE = "none"
    """Nothing: it depends on Meta alone."""
    UNKNOWN = "unknown"
    """The code, if there is one, is not in our list."""


class MetaCode(msgspec.Struct, frozen=True, kw_only=True):
    """One code: what it means, and what to do about it."""

    code: int | None
    meaning: str
    remedy: Remedy
    advice: str


def _code(code: int | None, remedy: Remedy, meaning: str, advice: str) -> MetaCode:
    return MetaCode(code=code, meaning=meaning, remedy=remedy, advice=advice)


_FIX_TEMPLATE = "compare the parameters with the template's placeholders, then send again"
_NEVER_UNCHANGED = "the request is wrong and never succeeds unchanged: fix it, then send again"

_LISTED = (
    _code(100, Remedy.FIX, "a parameter is wrong or missing", _NEVER_UNCHANGED),
    _code(368, Remedy.ACCOUNT, "blocked for breaking a policy", "settle it in Meta's Business Manager"),
    _code(130429, Remedy.LATER, "above the number's throughput", "send again later, more slowly"),
    _code(
        130472,
        Remedy.NONE,
        "the person is in an experiment of Meta's",
        "do not send again: it ends by itself",
    ),
    _code(130497, Remedy.DROP, "not allowed in that country", "leave that country out"),
    _code(131008, Remedy.FIX, "a required parameter is missing", _NEVER_UNCHANGED),
    _code(131009, Remedy.FIX, "a parameter's value is not valid", _NEVER_UNCHANGED),
    _code(
        131026,
        Remedy.DROP,
        "undeliverable: not on WhatsApp, terms not accepted, or an old app",
        "check the number, or reach the person in another way",
    ),
    _code(131031, Remedy.ACCOUNT, "the account is locked", "settle it in Meta's Business Manager"),
    _code(131042, Remedy.ACCOUNT, "a payment problem", "settle the payment method, then send again"),
    _code(
        131047,
        Remedy.FIX,
        "more than 24 hours since the person's last message",
        "send an approved template instead",
    ),
    _code(131048, Remedy.ACCOUNT, "held back as spam", "stop, and look at the number's quality rating"),
    _code(
        131049,
        Remedy.LATER,
        "the person's limit of marketing messages, across all businesses",
        "wait at least 24 hours before sending to this person again",
    ),
    _code(
        131050,
        Remedy.DROP,
        "the person stopped your marketing messages",
        "never send marketing to this person again",
    ),
    _code(
        131056,
        Remedy.LATER,
        "too many messages to one person in a short time",
        "wait 4 s, then 16 s, then 64 s before sending to this person again",
    ),
    _code(131057, Remedy.LATER, "the number is being upgraded", "send again in some minutes"),
    _code(132000, Remedy.FIX, "the number of parameters differs from the template", _FIX_TEMPLATE),
    _code(
        132001,
        Remedy.FIX,
        "no such template in that language, or it is not approved",
        "check name, language and approval",
    ),
    _code(132005, Remedy.FIX, "the text with its parameters is too long", "shorten the parameters"),
    _code(132007, Remedy.FIX, "the template breaks a policy", "change the template's text"),
    _code(132012, Remedy.FIX, "a parameter is badly formatted", _FIX_TEMPLATE),
    _code(
        132015,
        Remedy.ACCOUNT,
        "the template is paused for its quality",
        "stop, and wait for the pause to end or use another template",
    ),
    _code(132016, Remedy.ACCOUNT, "the template is disabled for good", "use another template"),
)

CODES: Final = {one.code: one for one in _LISTED if one.code is not None}
"""Every code that the contract names."""

_SIX: Final = re.compile(r"(?<![0-9.,+])13[0-9]{4}(?![0-9]|[.,][0-9])")
_NAMED: Final = re.compile(r"(?i)(?:\(#|#|\bcode\b\W{0,4}|\berror\b\W{0,4})([0-9]{3,6})(?![0-9])")


def code_in(text: str) -> int | None:
    """The Meta code inside a text that a service wrote, None if there is none.

    A code of six digits is found by itself; one of three (100, 368) only where the text calls it a code:
    `(#100)`, `code 368`. A known code goes before one that is not in the list.
    """
    found = [int(code) for code in _NAMED.findall(text)]
    found = [code for code in found if code in CODES or 130_000 <= code < 140_000]
    found += map(int, _SIX.findall(text))
    return next((code for code in found if code in CODES), found[0] if found else None)


def about(code: int | None) -> MetaCode:
    """What a code means; for one that is not in the list, that nobody knows."""
    known = CODES.get(code) if code is not None else None
    return known or _code(
        code,
        Remedy.UNKNOWN,
        "not in our list" if code else "no code was given",
        "read the text, and look the code up in Meta's list of error codes"
        if code
        else "read the text: the service gave no code",
    )
