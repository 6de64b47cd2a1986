"""How a spreadsheet shows a number or a date, as far as the file alone says it.

A workbook keeps `0.15` and beside it the format `0%`. Applied are formats that read the same everywhere:
leading zeros, whole percentages, digits with signs and texts between them (as of phones), days and times in
digits. What depends on the settings of who opens the
file (the comma of decimals, names of months, the short date) is not, and the plan says how it will read.
"""

import datetime
import decimal
import re
from typing import Final

from keebai_async.sources.spelling import CERTAIN_DIGITS, rounded

BUILT_IN: Final = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "short date", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "short date h:mm", 37: "#,##0", 38: "#,##0",
    39: "#,##0.00", 40: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
GENERAL: Final = frozenset({"", "general", "@"})

_TOKEN: Final = re.compile(r'"([^"]*)"|\\(.)|\[(h+)\]|(y+|m+|d+|h+|s+)|([ /:.,\-])', re.IGNORECASE)
_IGNORED: Final = re.compile(
    r"\[\$-[^\]]*\]|\[(?:black|blue|cyan|green|magenta|red|white|yellow)\]", re.IGNORECASE
)
_DIGIT_TOKEN: Final = re.compile(r'([0#?])|"([^"]*)"|\\(.)|([+\-() $])|[_*].')
_OF_DIGITS: Final = re.compile(rf"(?:{_DIGIT_TOKEN.pattern})+")
_LONGEST_IN_DIGITS: Final = 2  # of a month or a day in digits: three letters are its name

Moment = datetime.date | datetime.time | datetime.timedelta


def as_shown(value: object, code: str) -> str | None:
    """What is seen of *value* under the format *code*; None when the file alone does not say it."""
    code = _IGNORED.sub("", code)
    if isinstance(value, Moment):
        return _moment(value, code.split(";")[0])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not abs(value) < 10**CERTAIN_DIGITS or value < 0:
        return None
    if code == "0%":
        return f"{_whole(rounded(value) * 100)}%"
    if value == 0 and code.count(";") > 1:
        return None  # which has a format of its own
    if value == 0 and code.split(";")[0].strip("#") == "":
        return ""  # a place for digits that shows no zero
    return _digits_within(_whole(rounded(value)), code.split(";")[0])


def _digits_within(digits: str, code: str) -> str | None:
    """*digits* with the signs and texts of a format between them: `"+549"0`, `00 0000-0000`."""
    tokens = _DIGIT_TOKEN.findall(code)
    if not _OF_DIGITS.fullmatch(code) or not any(place for place, *_ in tokens):
        return None
    shown: list[str] = []
    first = 0
    for place, *texts in reversed(tokens):
        if place:
            shown.append(digits[-1:] or ("0" if place == "0" else ""))
            digits, first = digits[:-1], len(shown)
        else:
            shown.append("".join(texts))
    shown.insert(first, digits)  # more digits than places stand at the first of them
    return "".join(reversed(shown)).strip()


def _whole(number: decimal.Decimal) -> str:
    return format(number.quantize(decimal.Decimal(1), rounding=decimal.ROUND_HALF_UP), "f")


def _moment(value: Moment, code: str) -> str | None:
    tokens = list(_TOKEN.finditer(code))
    if "".join(token[0] for token in tokens) != code:
        return None
    letters = [(token[4] or token[3] or "").lower() for token in tokens]
    parts = _parts(value, elapsed=any(token[3] for token in tokens))
    if parts is None:
        return None
    text = ""
    for place, (token, letter) in enumerate(zip(tokens, letters, strict=True)):
        if not letter:
            text += token[1] or token[2] or token[5] or ""
            continue
        if letter[0] != "y" and len(letter) > _LONGEST_IN_DIGITS:
            return None
        kind = letter[0]
        if kind == "m" and _is_minute(letters, place):
            kind = "minute"
        if kind not in parts:
            return None
        number = parts[kind]
        if kind == "y":
            text += f"{number % 100:02d}" if len(letter) <= _LONGEST_IN_DIGITS else f"{number:04d}"
        else:
            text += str(number).zfill(len(letter))
    return text.strip()


def _is_minute(letters: list[str], place: int) -> bool:
    """An `m` is a minute right behind hours or right before seconds, and a month elsewhere."""
    before = [letter for letter in letters[:place] if letter]
    after = [letter for letter in letters[place + 1 :] if letter]
    return bool((before and before[-1][0] == "h") or (after and after[0][0] == "s"))


def _parts(value: Moment, *, elapsed: bool) -> dict[str, int] | None:
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        if seconds < 0:
            return None
        hours = seconds // 3600 if elapsed else seconds // 3600 % 24
        return {"h": hours, "minute": seconds // 60 % 60, "s": seconds % 60}
    if isinstance(value, datetime.time):
        return {"h": value.hour, "minute": value.minute, "s": value.second}
    if elapsed:
        return None
    day = {"y": value.year, "m": value.month, "d": value.day}
    if isinstance(value, datetime.datetime):
        return day | {"h": value.hour, "minute": value.minute, "s": value.second}
    return day | {"h": 0, "minute": 0, "s": 0}
