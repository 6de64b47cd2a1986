"""Variables against a template: what must be there, and what WhatsApp takes as a value.

Source: contract, section 10: a parameter may not contain a line break, a tab or more than four spaces
in a row, and not be blank.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import mul
from typing import Final

import msgspec

from keebai_async.errors import TemplateUnusable, UnusableSource
from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.model.recipient import Reason
from keebai_async.model.template import Template
from keebai_async.planning.narrowing import fine_places

_SPACES: Final = " " * 5
# Everything that str.splitlines breaks at, tabs, other control characters, and halves of characters.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BREAK: Final = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_QUANTITY: Final = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]{2,}")
_BREAKS: Final = "\n\r\t\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_TO_FLATTEN: Final = re.compile(f" *[{_BREAKS}][ {_BREAKS}]*| {{5,}}")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(.+?)\s*\}\}")
# All bytes of UTF-8 but the control characters of ASCII and those four that begin every other blank,
# separator or control character (and much that is harmless, which then is looked at).
_HARMLESS: Final = bytes(set(range(0x20, 0x100)) - {0x7F, 0xC2, 0xE1, 0xE2, 0xE3})


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a row, in which field, and how to mend it."""

    reason: Reason
    detail: str
    field: str = ""


def usable(template: Template) -> None:
    """Raises TemplateUnusable unless *template* may be sent."""
    if not template.approved:
        raise TemplateUnusable(
            f"template {template.name!r} ({template.language}) is {template.status}, not APPROVED:"
            " wait for Meta's approval, or choose another",
            field="template",
            value=template.name,
        )


def fed(template: Template, header: Sequence[str], columns: Mapping[str, str], where: str) -> None:
    """Raises TemplateUnusable or UnusableSource unless a table's *header* has a column for all we need."""
    to = columns.get("to", "to")
    found = ", ".join(header)
    if to not in header:
        raise UnusableSource(
            f"{where} has no column {to!r} for the numbers. Its columns are: {found}."
            " Say which one it is: --column to=NAME",
            field="to",
        )
    absent = [columns.get(name, name) for name in template.variables if columns.get(name, name) not in header]
    if absent:
        raise TemplateUnusable(
            f"template {template.name!r} asks for {', '.join(absent)}, but {where} has no such column."
            f" Its columns are: {found}. Rename one, or say which it is: --column {absent[0]}=NAME",
            field=absent[0],
        )


def named_by_text(template: Template) -> Template:
    """*template*; with the variables that the text of its body names, when it lists none.

    The list is of named variables (contract, section 4.1), so that of a POSITIONAL template may be empty.
    """
    if template.variables:
        return template
    found = dict.fromkeys(_PLACEHOLDER.findall(body_text(template) or ""))
    return msgspec.structs.replace(template, variables=tuple(found))


def body_text(template: Template) -> str | None:
    """The text of the template's body with its placeholders, when the service shows it."""
    for raw in template.components:
        component = msgspec.json.decode(raw)
        if isinstance(component, dict) and str(component.get("type", "")).upper() == "BODY":
            text = component.get("text")
            return text if isinstance(text, str) else None
    return None


class Room(msgspec.Struct, frozen=True):
    """What the text of a template's body leaves to its variables, of which it uses each so many times."""

    characters: int
    uses: tuple[int, ...]

    def holds_all(self, columns: Sequence[Sequence[str]]) -> bool:
        """Whether the values of all rows fit, in a column for each variable."""
        longest = [max(map(len, column), default=0) for column in columns]
        if self._sum(longest) <= self.characters:
            return True
        lengths = [list(map(len, column)) for column in columns]
        return max(map(self._sum, zip(*lengths, strict=True))) <= self.characters

    def over(self, values: Sequence[str]) -> int:
        """By how many characters the values of one row are too long; zero or less when they fit."""
        return self._sum(list(map(len, values))) - self.characters

    def _sum(self, lengths: Sequence[int]) -> int:
        return sum(map(mul, self.uses, lengths))


def room_of(template: Template) -> Room | None:
    """The room in the template's body, when the service shows its text.

    Source: contract, section 10: a body holds 1,024 characters, and 132005 is the rendered text too long.
    """
    text = body_text(template)
    if text is None:
        return None
    used = _PLACEHOLDER.findall(text)
    names = tuple(dict.fromkeys(template.variables))
    return Room(MAX_VARIABLE - len(_PLACEHOLDER.sub("", text)), tuple(used.count(name) for name in names))


def preview(template: Template, values: Sequence[str]) -> str:
    """The message that somebody with *values* would get; the values alone when its text is not known."""
    names = tuple(dict.fromkeys(template.variables))
    given = dict(zip(names, values, strict=True))
    text = body_text(template)
    if text is None:
        return ", ".join(f"{name}={value}" for name, value in given.items())
    return _PLACEHOLDER.sub(lambda found: given.get(found[1], found[0]), text)


def check(name: str, value: str) -> Problem | None:
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
    """Whether `check` finds nothing in any of the values: yes only if so, no to be looked at closer.

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
    """The places of the values in which `check` certainly finds nothing."""
    return fine_places(len(values), lambda start, end: all_fine([values[start:end]]))


def _any_blank(columns: Sequence[Sequence[str]]) -> bool:
    return not all(map(str.strip, chain.from_iterable(columns)))


def _longest(columns: Sequence[Sequence[str]]) -> int:
    return max(map(len, chain.from_iterable(columns)), default=0)


def flatten(value: str) -> str:
    """The value with every line break, tab and run of more than four spaces as one space."""
    return _TO_FLATTEN.sub(" ", value).strip() if _TO_FLATTEN.search(value) else value


def missing(names: Iterable[str]) -> Problem:
    """The problem of a row without a value for *names*."""
    first, *others = names
    also = f" (and {', '.join(others)})" if others else ""
    return Problem(Reason.MISSING_VARIABLE, f"{first}{also} is missing: the template asks for it", first)
