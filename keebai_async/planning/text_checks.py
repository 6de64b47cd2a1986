"""What WhatsApp takes as the value of a variable: one line of text with something in it. Pure.

Source: contract, section 10: a parameter may not contain a line break, a tab or more than four spaces in a
row, and not be blank.

`check_text` asks one value all of that, and says exactly what is wrong. Asked of every value of a list, it
takes as long as everything else on the fast path. So `all_fine` looks at many values as one long text, where
a few operations in C are enough to say that all are fine for certain; for any doubt it says no, and who asks
looks closer. A new check belongs in both: exact in `check_text`, and in `all_fine` what shows that it cannot
apply. A test holds the two together.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.model.recipient import Reason
from keebai_async.planning.narrowing import fine_places
from keebai_async.planning.rejections import Problem

_SPACES: Final = " " * 5
# Everything that str.splitlines breaks at, tabs, other control characters, and halves of characters.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BREAK: Final = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_QUANTITY: Final = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]{2,}")
_BREAKS: Final = "\n\r\t\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_TO_FLATTEN: Final = re.compile(f" *[{_BREAKS}][ {_BREAKS}]*| {{5,}}")
# All bytes of UTF-8 but the control characters of ASCII and those four that begin every other blank,
# separator or control character (and much that is harmless, which then is looked at).
_HARMLESS: Final = bytes(set(range(0x20, 0x100)) - {0x7F, 0xC2, 0xE1, 0xE2, 0xE3})


def check_text(name: str, value: str) -> Problem | None:
    """What WhatsApp would refuse in the *value* of variable *name*, if anything."""
    if not value.strip():
        return Problem(Reason.BLANK_VARIABLE, f"{name} is blank: give it a value", name)
    if len(value) > MAX_VARIABLE:
        return Problem(
            Reason.LONG_VARIABLE,
            f"{name} has {len(value)} characters, {MAX_VARIABLE} is the most: shorten it",
            name,
        )
    if _BREAK.search(value):
        return Problem(Reason.BAD_VARIABLE, f"{name} has a line break: write it in one line", name)
    if "\t" in value:
        return Problem(Reason.BAD_VARIABLE, f"{name} has a tab: write a space", name)
    if _SPACES in value:
        return Problem(Reason.BAD_VARIABLE, f"{name} has more than four spaces in a row: write fewer", name)
    if found := _CONTROL.search(value):
        return Problem(
            Reason.BAD_VARIABLE, f"{name} has a control character (U+{ord(found[0]):04X}): remove it", name
        )
    if _QUANTITY.fullmatch(value):
        return Problem(
            Reason.SPREADSHEET_NUMBER,
            f"{name} is a number that a spreadsheet has rounded: format its column as text and fill it again",
            name,
        )
    return None


def all_fine(columns: Sequence[Sequence[str]], *, measured: bool = False) -> bool:
    """Whether `check_text` finds nothing in any of the values: yes only if so, no to be looked at closer.

    They are looked at as one text, which costs a fraction. *measured* says that none of them is too long.
    """
    # With a space around each, one that is empty or blank, and a run of spaces in one, are two in a row.
    text = f" {' '.join(map(' '.join, columns))} "
    if "  " in text and (_SPACES in text or _any_blank(columns)):
        return False
    if ("+" in text and "E+" in text) or not (measured or _longest(columns) <= MAX_VARIABLE):
        return False
    try:
        suspect = text.encode().translate(None, _HARMLESS)
    except UnicodeEncodeError:
        return False
    if not suspect or text.isprintable():
        return True  # the only blank in it is the space
    return _CONTROL.search(text) is None and not _any_blank(columns)


def fine_values(values: Sequence[str]) -> list[int]:
    """The places of the values in which `check_text` certainly finds nothing."""
    return fine_places(len(values), lambda start, end: all_fine([values[start:end]]))


def flatten(value: str) -> str:
    """The value with every line break, tab and run of more than four spaces as one space."""
    return _TO_FLATTEN.sub(" ", value).strip() if _TO_FLATTEN.search(value) else value


def _any_blank(columns: Sequence[Sequence[str]]) -> bool:
    return not all(map(str.strip, chain.from_iterable(columns)))


def _longest(columns: Sequence[Sequence[str]]) -> int:
    return max(map(len, chain.from_iterable(columns)), default=0)
