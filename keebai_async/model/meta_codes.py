"""Meta's error codes, with what each asks of the sender, and how to find one inside a text. Pure.

Source: contract, sections 10 and 13; Whautomate's contract, section 9. They follow Meta's own list: some
third-party pages give other meanings. Of a few, that list says no more here than what to do.
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


class Again(enum.StrEnum):
    """Whether the same may be sent to the same person again, going by the code alone."""

    LATER = "later"
    """As it is, once its wait is over."""
    FIXED = "fixed"
    """Not before somebody has fixed, settled or looked up something."""
    NEVER = "never"


_AGAIN: Final = {
    Remedy.LATER: Again.LATER,
    Remedy.FIX: Again.FIXED,
    Remedy.ACCOUNT: Again.FIXED,
    Remedy.UNKNOWN: Again.FIXED,
    Remedy.DROP: Again.NEVER,
    Remedy.NONE: Again.NEVER,
}


class MetaCode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One code: what it means, and what to do about it.

    *wait* is how many seconds must pass, at least, before the person may be sent to again; only where the
    remedy is to send later. It is Meta's own for 131049 and 131056, and a guess on the safe side for others.
    """

    code: int | None
    meaning: str
    remedy: Remedy
    advice: str
    wait: float = 0.0

    @property
    def again(self) -> Again:
        """Whether the same may be sent to the same person again."""
        return _AGAIN[self.remedy]


def _code(code: int | None, remedy: Remedy, meaning: str, advice: str, *, wait: float = 0.0) -> MetaCode:
    return MetaCode(code=code, meaning=meaning, remedy=remedy, advice=advice, wait=wait)


_FIX_TEMPLATE = "compare the parameters with the template's placeholders, then send again"
_NEVER_UNCHANGED = "the request is wrong and never succeeds unchanged: fix it, then send again"
_CONNECT_AGAIN = "have the service connected to Meta again, or ask its support"
_IN_MANAGER = "settle it in Meta's Business Manager"
_NOT_NOW = "send again later"

_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_SHORT = 15 * _MINUTE
"""For an outage of Meta's, where it says "later"."""

_LISTED = (
    _code(0, Remedy.ACCOUNT, "Meta does not know the service's app any more", _CONNECT_AGAIN),
    _code(2, Remedy.LATER, "Meta is down or overloaded", _NOT_NOW, wait=_SHORT),
    _code(3, Remedy.ACCOUNT, "the service's app lacks a permission", _CONNECT_AGAIN),
    _code(
        4,
        Remedy.LATER,
        "the service's app makes too many calls",
        "send again later, more slowly",
        wait=_HOUR,
    ),
    _code(10, Remedy.ACCOUNT, "the permission was not given, or taken back", _CONNECT_AGAIN),
    _code(33, Remedy.ACCOUNT, "the sender's number was deleted", "choose another sender"),
    _code(100, Remedy.FIX, "a parameter is wrong or missing", _NEVER_UNCHANGED),
    _code(190, Remedy.ACCOUNT, "the service's token at Meta has expired", _CONNECT_AGAIN),
    _code(200, Remedy.ACCOUNT, "the permission was not given, or taken back", _CONNECT_AGAIN),
    _code(368, Remedy.ACCOUNT, "blocked for breaking a policy", _IN_MANAGER),
    _code(
        80007,
        Remedy.LATER,
        "the account makes too many calls",
        "send again later, more slowly",
        wait=_HOUR,
    ),
    _code(
        130403,
        Remedy.DROP,
        "the business has blocked this person",
        "leave the person out, or unblock them first",
    ),
    _code(
        130429,
        Remedy.LATER,
        "above the number's throughput",
        "send again later, more slowly",
        wait=_MINUTE,
    ),
    _code(
        130472,
        Remedy.NONE,
        "the person is in an experiment of Meta's",
        "do not send again: it ends by itself",
    ),
    _code(130497, Remedy.DROP, "not allowed in that country", "leave that country out"),
    _code(131000, Remedy.LATER, "something went wrong at Meta", _NOT_NOW, wait=_SHORT),
    _code(131005, Remedy.ACCOUNT, "the permission was not given, or taken back", _CONNECT_AGAIN),
    _code(131008, Remedy.FIX, "a required parameter is missing", _NEVER_UNCHANGED),
    _code(131009, Remedy.FIX, "a parameter's value is not valid", _NEVER_UNCHANGED),
    _code(131016, Remedy.LATER, "a part of Meta is down", _NOT_NOW, wait=_SHORT),
    _code(131021, Remedy.FIX, "the person's number is the sender's own", "correct the number"),
    _code(
        131026,
        Remedy.DROP,
        "undeliverable: not on WhatsApp, terms not accepted, or an old app",
        "check the number, or reach the person in another way",
    ),
    _code(
        131030,
        Remedy.DROP,
        "not among the numbers that the account may send to while it is on trial",
        "leave the person out, or end the trial",
    ),
    _code(131031, Remedy.ACCOUNT, "the account is locked", _IN_MANAGER),
    _code(
        131037,
        Remedy.ACCOUNT,
        "the sender's display name is not approved",
        "have it approved in Meta's Business Manager",
    ),
    _code(131042, Remedy.ACCOUNT, "a payment problem", "settle the payment method, then send again"),
    _code(131044, Remedy.ACCOUNT, "the account is not allowed to send", _IN_MANAGER),
    _code(
        131045,
        Remedy.ACCOUNT,
        "the sender's number is not registered properly",
        "register it again, in the service's portal",
    ),
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
        wait=_DAY,
    ),
    _code(
        131050,
        Remedy.DROP,
        "the person stopped your marketing messages",
        "never send marketing to this person again",
    ),
    _code(131051, Remedy.FIX, "this kind of message is not supported", _NEVER_UNCHANGED),
    _code(131052, Remedy.FIX, "Meta could not fetch the media", "check the address and the file"),
    _code(131053, Remedy.FIX, "Meta could not take the media", "check the file's type and size"),
    _code(
        131056,
        Remedy.LATER,
        "too many messages to one person in a short time",
        "wait 4 s, then 16 s, then 64 s before sending to this person again",
        wait=64.0,
    ),
    _code(131057, Remedy.LATER, "the number is being upgraded", "send again in some minutes", wait=_SHORT),
    _code(
        131062,
        Remedy.DROP,
        "this message cannot go to this person",
        "reach the person in another way",
    ),
    _code(
        131063,
        Remedy.ACCOUNT,
        "marketing messages are switched off for this account",
        "stop, and settle it in Meta's Business Manager",
    ),
    _code(
        131064,
        Remedy.ACCOUNT,
        "the account's limit of messages is reached",
        "stop, and look at the limit in Meta's Business Manager",
    ),
    _code(132000, Remedy.FIX, "the number of parameters differs from the template", _FIX_TEMPLATE),
    _code(
        132001,
        Remedy.FIX,
        "no such template in that language, or it is not approved",
        "check name, language and approval",
    ),
    _code(132005, Remedy.FIX, "the text with its parameters is too long", "shorten the parameters"),
    _code(132007, Remedy.FIX, "the template breaks a policy", "change the template's text"),
    _code(132008, Remedy.FIX, "the template's parameters are wrong", _FIX_TEMPLATE),
    _code(132012, Remedy.FIX, "a parameter is badly formatted", _FIX_TEMPLATE),
    _code(
        132015,
        Remedy.ACCOUNT,
        "the template is paused for its quality",
        "stop, and wait for the pause to end or use another template",
    ),
    _code(132016, Remedy.ACCOUNT, "the template is disabled for good", "use another template"),
    _code(132018, Remedy.FIX, "the template's parameters are wrong", _FIX_TEMPLATE),
    _code(132068, Remedy.FIX, "the template's flow is blocked", "correct the flow, then send again"),
    _code(132069, Remedy.FIX, "the template's flow is held back", "correct the flow, then send again"),
    _code(133004, Remedy.LATER, "a part of Meta is down", _NOT_NOW, wait=_SHORT),
    _code(
        133010,
        Remedy.ACCOUNT,
        "the sender's number is not registered",
        "register it, in the service's portal",
    ),
    _code(135000, Remedy.FIX, "Meta does not say what is wrong with the request", _NEVER_UNCHANGED),
    _code(137000, Remedy.DROP, "this message cannot go to this person", "reach the person in another way"),
    _code(2494100, Remedy.LATER, "the number is in maintenance at Meta", _NOT_NOW, wait=_SHORT),
)

CODES: Final = {one.code: one for one in _LISTED if one.code is not None}
"""Every code that the contract names; 200 stands for all from 200 to 299."""

_PERMISSIONS: Final = range(200, 300)
_SIX: Final = re.compile(r"(?<![0-9.,+])13[0-9]{4}(?![0-9]|[.,][0-9])")
_HASHED: Final = re.compile(r"\(#([0-9]{1,7})(?![0-9])")
_CALLED_A_CODE: Final = re.compile(r"(?i)(?:#|\bcode\b\W{0,4}|\berror\b\W{0,4})([0-9]{3,7})(?![0-9])")


def code_in(text: str) -> int | None:
    """The Meta code inside a text that a service wrote, None if there is none.

    A code of six digits is found by itself; a shorter or longer one (100, 80007) only where the text calls it
    a code: `(#100)`, `code 368`; one of one or two digits, or from 200 to 299, only as `(#4)`. A known code
    goes before one that is not in the list.
    """
    found = [code for code in map(int, _HASHED.findall(text)) if _known(code)]
    named = map(int, _CALLED_A_CODE.findall(text))
    found += [code for code in named if _known(code) and code not in _PERMISSIONS]
    found += map(int, _SIX.findall(text))
    return next((code for code in found if code in CODES), found[0] if found else None)


def _known(code: int) -> bool:
    return code in CODES or code in _PERMISSIONS or 130_000 <= code < 140_000


def about(code: int | None) -> MetaCode:
    """What a code means; for one that is not in the list, that nobody knows."""
    known = CODES.get(code) if code is not None else None
    if known is None and code in _PERMISSIONS:
        known = msgspec.structs.replace(CODES[200], code=code)
    return known or _code(
        code,
        Remedy.UNKNOWN,
        "not in our list" if code else "no code was given",
        "read the text, and look the code up in Meta's list of error codes"
        if code
        else "read the text: the service gave no code",
    )
