"""The apostrophe that keeps a spreadsheet from running a cell, and how it is taken off again.

A cell that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet, and a list of customers holds what
strangers typed. So we write an apostrophe before it, as spreadsheets do themselves. Where one stands already,
a second one is written; reading takes off one, and so gives back exactly what was written.

A spreadsheet of another region cuts lines at another delimiter, also in the middle of a cell: there `x;=1+1`
is two cells, and the second one runs. So the same is done behind such delimiters and behind line ends. Nobody
else does that, so it is undone in files of ours alone; the apostrophe at the beginning is everybody's.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, TypeVar

from keebai_async.model.own_columns import REASON

T = TypeVar("T")

_BEGINS: Final = r"\A(?='*[=+\-@\t\r])"
_GOES_ON: Final = r"(?='*[=+\-@])"
_LONG_NUMBER: Final = r"\A(?='*(?:0[0-9]+|[0-9]{12,})\Z)"
"""What a spreadsheet takes for a quantity: it drops the zeros, or shows 5.49E+12."""
_MARKED: Final = "(?=')"
_CUTS: Final = ",;\t\r\n"
"""What one spreadsheet or another cuts at."""

_OURS: Final = re.compile(f"(?:{_BEGINS}|{_LONG_NUMBER}|(?<=[{_CUTS}]){_GOES_ON})'")
_ANYBODYS: Final = re.compile(r"'+[=+\-@\t\r]")
_LOOK_AT: Final = re.compile(rf"\n[\t\r]|[{_CUTS}]'*[=+\-@]|\n'")
"""Whether one of many cells, each with a line end before it, may need an apostrophe."""
_LOOK_AT_OTHERS: Final = re.compile(rf"\n[\t\r]|[{_CUTS}]'*[=\-@]|[,;\t\r]'*\+|\n'")
_LONG: Final = re.compile(r"\n0[0-9]|\n[0-9]{12}")


@cache
def _places(delimiter: str | None, digits: bool) -> re.Pattern[str]:
    """Where an apostrophe goes into a cell."""
    if delimiter is None:
        return re.compile(f"{_OURS.pattern.removesuffix(chr(39))}{_MARKED}")
    others = "".join(cut for cut in _CUTS if cut != delimiter)
    return re.compile(
        f"{_BEGINS}|{_LONG_NUMBER}{'' if digits else _MARKED}|(?<=[{others}]){_GOES_ON}"
        f"|(?<=[{_CUTS}]){_GOES_ON}{_MARKED}"
    )


def inert(cell: str, *, delimiter: str | None = ",", digits: bool = False) -> str:
    """*cell* so that no spreadsheet takes it for a formula, in a text whose cells end at *delimiter*.

    With *digits* it takes none for a quantity either. Without a *delimiter* cells are text and run nowhere;
    then there is only what `unguarded` would take off.
    """
    return _places(delimiter, digits).sub("'", cell)


class Apostrophes:
    """Takes off what was written before cells of a table under *header*, the numbers in the column *to*.

    In a table of somebody else the numbers are left as they are: who reads them knows of the apostrophe.
    """

    def __init__(self, header: Sequence[str], to: str) -> None:
        ours = REASON in header
        self._taken_off = unguarded if ours else without_apostrophe
        self._left = None if ours or to not in header else header.index(to)

    def column(self, place: int, cells: Sequence[str]) -> Sequence[str]:
        return cells if place == self._left else list(map(self._taken_off, cells))

    def row(self, cells: Sequence[T]) -> list[T]:
        """A row, whose cells may be no text."""
        row = list(cells)
        for place, cell in enumerate(row):
            if isinstance(cell, str) and "'" in cell and place != self._left:
                row[place] = self._taken_off(cell)  # type: ignore[assignment]  # text for text
        return row


def unguarded(cell: str) -> str:
    """A cell of a file that we wrote, as it was given to `inert`."""
    return _OURS.sub("", cell) if "'" in cell else cell


def without_apostrophe(cell: str) -> str:
    """A cell of anybody's table without the apostrophe that keeps it from being run."""
    return cell[1:] if cell.startswith("'") and _ANYBODYS.match(cell) else cell


def inert_column(cells: Sequence[str], *, delimiter: str | None = ",", digits: bool = False) -> Sequence[str]:
    """`inert` of many cells, of which mostly all or none need it."""
    text = "\n".join(("", *cells))
    if not _LOOK_AT.search(text) and not (digits and _LONG.search(text)):
        return cells
    plus, ends = text.count("\n+"), text.count("\n")
    if delimiter is not None and plus == ends == len(cells) and not _LOOK_AT_OTHERS.search(text):
        return [f"'{cell}" for cell in cells]  # numbers of people
    places = _places(delimiter, digits)
    return [places.sub("'", cell) for cell in cells]
