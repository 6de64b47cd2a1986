"""Checks of what a caller gives, the same for every service. Pure."""

from keebai_async.errors import InvalidInput
from keebai_async.privacy import shown


def check_word(value: object, *, field: str) -> str:
    """*value*, if it is a text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{field} is empty or no text", field=field, value=shown(repr(value), longest=80))
    return value
