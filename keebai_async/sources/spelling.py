"""The one text of a value that is no text, for objects of a program, data frames, Parquet and Excel.

Written is only what has one spelling that people use too. No exponent, no `.0`, no name of Python leaves:
what cannot be said exactly is NotText, and its row is rejected.
"""

import datetime
import decimal
import math
import numbers
from typing import Final

import msgspec

from keebai_async.model.limits import MAX_VARIABLE

CERTAIN_DIGITS: Final = 15
"""Digits that a binary number holds for certain, and all that a spreadsheet shows."""
_MANY: Final = 10**18
_SCALE: Final = 6
"""Decimals up to which a program may mean the zeros at the end."""


class NotText(msgspec.Struct, frozen=True):
    """A value that is no text and cannot be written as one; *what* says what it is."""

    what: str


Value = str | NotText | None


def spelled(value: object) -> Value:
    """*value* as text; None for nothing. A day is ISO 8601, a time has seconds only if they are not zero."""
    if value is None or isinstance(value, str):
        return None if value is None else str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, decimal.Decimal):
        return _decimal(value) if value.is_finite() else None
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, numbers.Integral):
        number = int(value)
        return str(number) if -_MANY < number < _MANY else digits(decimal.Decimal(number))
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return _moment(value)
    return NotText(f"is a {type(value).__name__}")


def digits(value: decimal.Decimal) -> Value:
    """A finite number with all its digits and no exponent."""
    # Python refuses to write an integer of thousands of digits, and would write out any power of ten.
    if abs(value.adjusted()) > MAX_VARIABLE:
        return NotText("is a number of too many digits")
    return format(value, "f")


def rounded(value: float) -> decimal.Decimal:
    """The digits of *value* that are certain: 0.1 + 0.2 is 0.3."""
    return decimal.Decimal(format(value, f".{CERTAIN_DIGITS}g"))


def _float(value: float) -> Value:
    if not math.isfinite(value):
        return None if math.isnan(value) else NotText("is an infinite number")
    if abs(value) >= 10**CERTAIN_DIGITS:
        return NotText(f"is a number of more than {CERTAIN_DIGITS} digits, which the program has rounded")
    if value.is_integer():
        return str(int(value))
    return digits(rounded(value))


def _decimal(value: decimal.Decimal) -> Value:
    text = digits(value)
    exponent = value.as_tuple().exponent
    if isinstance(text, str) and isinstance(exponent, int) and exponent < -_SCALE:
        return text.rstrip("0").rstrip(".")  # the scale of a column, not a way to write
    return text


def _moment(value: datetime.date | datetime.time | datetime.timedelta) -> Value:
    if value != value:  # pandas has a date that is none
        return None
    if isinstance(value, datetime.timedelta):
        minus, seconds = "-" * (value.days < 0), round(abs(value.total_seconds()))
        hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
        return f"{minus}{hours}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")
    if isinstance(value, datetime.datetime | datetime.time):
        spec = "seconds" if value.second or value.microsecond else "minutes"
        if isinstance(value, datetime.datetime):
            return value.isoformat(" ", timespec=spec)
        return value.isoformat(timespec=spec)
    return value.isoformat()
