"""A chunk was refused: who is to blame? Pure.

One malformed number makes the service refuse all 5,000. Its reply may name the item, or not; it may also
be about something that no recipient can help, such as the template.

Source: contract, section 3.1 (errors) and section 5; design, section 4.3.
"""

import re

import msgspec

from keebai_async.transport.error_body import ErrorBody

_RECIPIENT_CODES = frozenset({"invalid_phone"})
_COMMON_CODES = frozenset({"CHANNEL_MISSING_ACCESS_TOKEN"})
_RECIPIENT_FIELD = re.compile(r"recipients\b|to$|variables\b|meta_data\b")


class Blame(msgspec.Struct, frozen=True):
    """These people of the chunk (by index) are refused for good; the others can go on."""

    items: tuple[int, ...]


class Halve(msgspec.Struct, frozen=True):
    """The request was too large: nobody is to blame."""


class Search(msgspec.Struct, frozen=True):
    """Somebody in the chunk is to blame, and the reply does not say who.

    *sure* is false as long as it may be everybody: then the first piece to try is a single person.
    """

    sure: bool


class Everybody(msgspec.Struct, frozen=True):
    """Every request like this is refused, whoever is in it."""


Ruling = Blame | Halve | Search | Everybody


def rule(fault: ErrorBody, recipients: int, *, trusted: bool) -> Ruling:
    """Say who is to blame for the refusal of a chunk of so many *recipients*.

    *trusted* means that a chunk of this campaign was accepted before, so that its template, sender and
    form are known to be good.
    """
    named = tuple(sorted({item for item in fault.items if 0 <= item < recipients}))
    if named:
        return Blame(named)
    if fault.status == 413:
        return Halve() if recipients > 1 else Blame((0,))
    if _is_common(fault):
        return Everybody()
    sure = trusted or fault.code in _RECIPIENT_CODES or fault.field is not None
    if recipients == 1 and sure:
        return Blame((0,))
    return Search(sure=sure)


def _is_common(fault: ErrorBody) -> bool:
    if fault.code in _COMMON_CODES:
        return True
    return fault.field is not None and _RECIPIENT_FIELD.match(fault.field) is None
