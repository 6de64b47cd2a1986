"""A moment as a caller gives it. Pure."""

from datetime import datetime

from keebai_async.errors import InvalidInput


def unix(at: float | datetime, *, field: str = "at") -> float:
    """*at* as Unix time. Raises InvalidInput, about *field*, for a time without its offset."""
    if not isinstance(at, datetime):
        return at
    if at.tzinfo is None:
        raise InvalidInput(f"{field} has no offset: give it a time zone", field=field, value=str(at))
    return at.timestamp()
