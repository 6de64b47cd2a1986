"""Rows of a file that we wrote ourselves, and what is still to be left out of it.

A file of rows that are not sent is fixed by a person and planned again as it is. What nobody fixed must then
be left out again, and for the same reason. Most reasons are found again in the row itself. These are not: who
was a duplicate or suppressed is a stranger to this list; a row that was too short has all its cells by now;
what a table has no place for is a column of its own. So our columns are asked whether the row still is as it
was. Who empties the cell of the reason has decided to send it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from keebai_async.model import own_columns as own
from keebai_async.model.recipient import Reason
from keebai_async.planning.number_text import NO_DIGIT
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rows import META, ListNames

T = TypeVar("T")

LASTING: Final = frozenset(
    {
        Reason.DUPLICATE.value,
        Reason.SUPPRESSED.value,
        Reason.SENT_LATELY.value,
        Reason.BAD_ROW.value,
        Reason.MISSING_VARIABLE.value,
        Reason.EXTRA_VARIABLE.value,
        Reason.BAD_META_DATA.value,
    }
)
"""The reasons that a row may keep although it is fine as it stands."""
NO_TEXT: Final = re.compile(r"\{\{.*\}\}", re.DOTALL)
"""What stands in a file of ours for a value that is no text."""

_BEYOND: Final = re.compile(r"column [0-9]+")
_ABOUT_PEOPLE: Final = frozenset({Reason.DUPLICATE.value, Reason.SUPPRESSED.value, Reason.SENT_LATELY.value})


def no_text(text: str) -> str:
    """What to write for a value that is none: it is shown, and never taken for what was meant."""
    return "{{" + text.replace("{", "(").replace("}", ")") + "}}"


def as_table(
    fields: Mapping[str, T],
    names: ListNames,
    *,
    items: Callable[[T], Mapping[str, T] | None],
    text: Callable[[T, bool], str | None],
) -> dict[str, str]:
    """A row of JSON or of a program as a table holds it: under the list's names, what it nests side by side.

    *items* gives what is in a value if that is an object; *text* is a value as a cell, None for null, and
    says of what is no text that it is none (`no_text`) if that is asked for.
    """
    nested = {
        name: inside
        for name in (names.variables, names.meta_data)
        if name in fields and (inside := items(fields[name])) is not None
    }
    row: dict[str, str] = {}
    for name, value in fields.items():
        if name not in nested:
            cell = text(value, name in names.known)
            # What should be an object cannot be written as columns.
            wrong = nested and name in names.service and name != names.to and cell is not None
            row[name] = no_text(cell or "") if wrong else cell or ""
        elif name == names.variables:
            row |= {names.of.get(each, each): text(inner, True) or "" for each, inner in nested[name].items()}
        else:
            row |= {f"{META}{each}": text(inner, False) or "" for each, inner in nested[name].items()}
    return names.with_all(row)


def still_out(row: Mapping[str, str], names: ListNames) -> Problem | None:
    """Why a row of ours is left out again, by its columns in order; None if it is to be looked at."""
    reason = row.get(own.REASON, "").strip()
    if reason not in LASTING:
        return None
    number = row.get(own.NUMBER, "").strip()
    if reason in _ABOUT_PEOPLE:
        if number and _digits(row.get(names.to, "")) != _digits(number):
            return None
        detail = (
            f"left out before ({reason}), and the number is still the same; to send to it nevertheless,"
            f" empty its {own.REASON}"
        )
        return Problem(Reason(reason), detail, "to", number)
    field = row.get(own.FIELD, "")
    if not _is_as_it_was(reason, field, row, names):
        return None
    return Problem(Reason(reason), f"{row.get(own.DETAIL, '')}".strip() or f"it is still a {reason}", field)


def _is_as_it_was(reason: str, field: str, row: Mapping[str, str], names: ListNames) -> bool:
    """Whether what *reason* says of a row still holds."""
    if reason == Reason.BAD_ROW:
        list_columns = [column for column in row if column not in own.OWN_COLUMNS]
        inside = [column for column in list_columns if not _BEYOND.fullmatch(column) or column in names.known]
        too_long = any(row[column].strip() for column in set(list_columns).difference(inside))
        needed = [*names.known, *inside[-1:]]
        return too_long or not all(row.get(column, "").strip() for column in needed)
    cell = row.get(names.of.get(field, field), "").strip()
    if reason == Reason.MISSING_VARIABLE:
        return not cell
    if reason == Reason.EXTRA_VARIABLE:
        return bool(cell)
    return bool(cell) or any(NO_TEXT.fullmatch(row[meta]) for meta in names.metas(row))


def _digits(text: str) -> str:
    return NO_DIGIT.sub("", text)
