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
SINGLE_DIGITS: Final = 7
_MANY: Final = 10**18
_SCALE: Final = 6
"""Decimals up to which a program may mean the zeros at the end."""


class NotText(msgspec.Struct, frozen=True):
    """A value that is no text and cannot be written as one; *what* says what it is."""

    what: str


Value = str | NotText | None


def spelled(value: object) -> Value:
    """*value* as text; None for nothing.

    A day is ISO 8601, a moment at midnight is its day; a time has seconds only if they are not zero.
    """
    if isinstance(value, str | NotText | None):
        return str.__str__(value) if isinstance(value, str) else value
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
    return _of_a_frame(value)


def of_single(value: float) -> Value:
    """A float of 32 bits, which holds fewer digits for certain than Python's do."""
    if not math.isfinite(value):
        return _float(value)
    if abs(value) >= 10**SINGLE_DIGITS:
        return NotText(f"is a number of more than {SINGLE_DIGITS} digits, which the program has rounded")
    return _float(float(format(value, f".{SINGLE_DIGITS}g")))


def _of_a_frame(value: object) -> Value:
    """What numpy and pandas have in place of Python's values, by its name: neither is imported."""
    match type(value).__name__:
        case "NAType":
            return None
        case "bool" | "bool_":
            return "true" if value else "false"
        case "float32" | "float16" if isinstance(value, numbers.Real):
            return of_single(float(value))
    return NotText(f"is a {type(value).__name__}")


def of_json(number: str) -> str | NotText:
    """A number as JSON has it: as it is written, unless only a machine would write it so.

    A fraction of more digits than are certain is rounded to those, as `spelled` does it, and the one zero
    that programs put behind whole numbers goes. An exponent above zero stands in place of digits that nobody
    knows.
    """
    mantissa, _, exponent = number.lower().partition("e")
    if exponent and not exponent.startswith("-"):
        return NotText("is a number with an exponent, in place of its digits")
    if not exponent:
        whole, _, fraction = mantissa.partition(".")
        if not fraction:
            return number
        if len((whole + fraction).lstrip("-0")) <= CERTAIN_DIGITS:
            return whole if fraction == "0" else number
    return _float(float(number)) or ""


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
    if isinstance(value, datetime.datetime) and value.tzinfo is None and not _seconds(value):
        return value.date().isoformat()  # a day: programs have no other column for it
    if isinstance(value, datetime.datetime | datetime.time):
        spec = "seconds" if value.second or value.microsecond else "minutes"
        if isinstance(value, datetime.datetime):
            return value.isoformat(" ", timespec=spec)
        return value.isoformat(timespec=spec)
    return value.isoformat()


def _seconds(value: datetime.datetime) -> float:
    """Seconds since midnight."""
    return (value.hour * 60 + value.minute) * 60 + value.second + value.microsecond / 1_000_000
