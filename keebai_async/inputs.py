"""Checks of what a caller gives, the same for every service. Pure."""

import re
from typing import Final

from keebai_async.errors import InvalidInput
from keebai_async.privacy import shown

E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""A phone number as the services take it; use it with `fullmatch`. Source: contract, section 3.1."""


def check_word(value: object, *, field: str) -> str:
    """*value*, if it is a text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{field} is empty or no text", field=field, value=shown(repr(value), longest=80))
    return value
