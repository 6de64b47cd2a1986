"""Which people of a request get nothing: their variables do not fit, or they were picked to fail."""

import re
import zlib
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final

from keebai_async.sandbox.keebai.bodies import BodyItem
from keebai_async.sandbox.keebai.catalogue import SandboxTemplate

_FORBIDDEN_TEXT: Final = re.compile(r"[\r\n\t]| {5}")
_ANY_FORBIDDEN_TEXT: Final = re.compile(r"[\r\n\t]| {5}|\0\s*\0")


def fits(template: SandboxTemplate, variables: Mapping[str, str]) -> bool:
    """Whether Meta takes these variables: every name, none else, nothing blank, nothing it cannot set.

    Source: contract, section 10.
    """
    return len(variables) == len(template.variables) and all(
        name in variables and variables[name].strip() and not _FORBIDDEN_TEXT.search(variables[name])
        for name in template.variables
    )


def misfits(template: SandboxTemplate, items: Sequence[BodyItem]) -> set[int]:
    """The places of those whose variables do not fit, or of all if the template is not approved."""
    if template.status != "APPROVED":
        return set(range(len(items)))
    names = set(template.variables)
    if all(item.variables.keys() == names for item in items):
        # One search over all values at once; only if it finds something is each looked at.
        values = "\0".join(chain.from_iterable(item.variables.values() for item in items))
        if not names or not _ANY_FORBIDDEN_TEXT.search(f"\0{values}\0"):
            return set()
    return {place for place, item in enumerate(items) if not fits(template, item.variables)}


def picked_to_fail(items: Sequence[BodyItem], share: float, seed: int) -> set[int]:
    """The places of about *share* of the numbers: for one seed always the same numbers."""
    if not share:
        return set()
    start, below = zlib.crc32(str(seed).encode()), share * 2**32
    return {place for place, item in enumerate(items) if zlib.crc32(item.to.encode(), start) < below}
