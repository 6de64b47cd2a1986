"""A part of a list over several senders: an ordinary campaign, whose id says of what it is a part. Pure.

`promo-1a2b3c4d-x5` is a list over five senders, and `promo-1a2b3c4d-x5-2` its second part. So who has the id
of a list has those of all its parts, and no journal needs a table of them. An ordinary id ends with eight hex
digits, so it is neither.
"""

import re
from typing import Final

import msgspec

MOST_SENDERS: Final = 99
"""Senders that one list may be dealt to."""

_WHOLE: Final = re.compile(r"(.+-[0-9a-f]{8}-x)([1-9][0-9]?)")
_PART: Final = re.compile(r"(.+-[0-9a-f]{8}-x[1-9][0-9]?)-[1-9][0-9]?")


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That a plan is one of the parts of a list, *number* of *of*, and what the list is called.

    *first_row* to *last_row* are the rows that were read of the whole list. *account* is the hash, keyed with
    the *salt*, of the token that sends it, where several tokens do.
    """

    number: int
    of: int
    name: str
    first_row: int = 0
    last_row: int = 0
    account: str = ""
    salt: str = ""


def whole_id(campaign_id: str, senders: int) -> str:
    """The id of a list over so many *senders*, from that of an ordinary campaign."""
    return f"{campaign_id}-x{senders}"


def part_id(whole: str, number: int) -> str:
    return f"{whole}-{number}"


def part_ids(campaign_id: str) -> tuple[str, ...]:
    """The ids of all parts of a list; none if *campaign_id* is not that of a list."""
    found = _WHOLE.fullmatch(campaign_id)
    return () if found is None else tuple(part_id(campaign_id, each + 1) for each in range(int(found[2])))


def whole_of(campaign_id: str) -> str | None:
    """The id of the list of which this is a part; None if it is none."""
    found = _PART.fullmatch(campaign_id)
    return None if found is None else found[1]


def part_name(name: str, number: int, of: int) -> str:
    """`Promo marzo 2/5`: no two parts of a list have the same name at the service.

    Source: contract, section 3.1, stated advice: parts of one list get different names.
    """
    return f"{name} {number}/{of}"
