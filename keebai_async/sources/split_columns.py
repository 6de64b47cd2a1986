"""The columns of many lines of a table, split as one text. Pure.

The reader of the standard library makes a list of each line, from which the columns must be gathered again.
Where every line is a record, which is nearly always so, its text can be split at all delimiters at once.
Whether it is so is seen in what comes out; where it is not for certain, the answer is none, and the reader
does it.
"""

from collections.abc import Sequence
from typing import Final

from keebai_async.sources.block import UNESCAPED

_IN_QUOTES: Final = "\0"
"""Stands for a cell in quotes. A file with it is refused when it is read."""
_NO_DELIMITERS: Final = frozenset('"\r\n\0')
_IN_CELLS: Final = UNESCAPED + b'"\r\n'
_IN_CELLS_OR_TABS: Final = _IN_CELLS + b"\t"


def columns_of(text: str, width: int, by: str) -> Sequence[Sequence[str]] | None:
    """The columns of lines in which each is a record of *width* cells with *by* between, else None.

    So that a short line and a long one do not pass as two that are right, every line end becomes a cell of
    its own, which must then stand where it belongs. What is in quotes is taken out before, and the sign that
    is left in its place must then be all that is in a cell.
    """
    if width < 2 or by in _NO_DELIMITERS:
        return None
    bare, *others = text.split('"')
    quoted = others[::2]
    if quoted:
        inside = "".join(quoted)
        # Perhaps a row in which nothing is; a quote that goes on in the next line, or in the next block.
        if "" in quoted or "\n" in inside or "\r" in inside or len(others) % 2:
            return None
        bare = _IN_QUOTES.join((bare, *others[1::2]))
    end = "\r\n" if "\r" in bare else "\n"
    lines = bare.removesuffix(end)
    apart = lines.replace(end, f"{by}\n{by}")
    ends = (len(apart) - len(lines)) // (3 - len(end))
    if "\r" in apart or (len(end) > 1 and lines.count("\n") != ends):
        return None  # lines end in more than one way
    cells = apart.split(by)
    step = width + 1
    if len(cells) != (ends + 1) * step - 1 or cells[width::step].count("\n") != ends:
        return None
    columns = [cells[place::step] for place in range(width)]
    if not all(columns[0]) and not all(map(any, zip(*columns, strict=True))):
        return None  # a row in which nothing is
    return _filled(columns, quoted) if quoted else columns


def is_plain(data: bytes, by: str) -> bool:
    """Whether no cell of these lines, of which `columns_of` made columns, has a sign that JSON escapes.

    Then none has a quote, nor the delimiter *by* or the end of a line, unless it was in quotes: of these, a
    tab alone is such a sign.
    """
    return not data.translate(None, _IN_CELLS_OR_TABS if by == "\t" and b'"' not in data else _IN_CELLS)


def _filled(columns: list[list[str]], quoted: Sequence[str]) -> Sequence[Sequence[str]] | None:
    """*columns* with the cells that were *quoted*, in their order; None if one was not all of its cell."""
    count = len(columns[0])
    whole = [place for place, column in enumerate(columns) if column[0] == _IN_QUOTES]
    if len(quoted) == count * len(whole) and all(columns[place] == [_IN_QUOTES] * count for place in whole):
        for turn, place in enumerate(whole):
            columns[place] = list(quoted[turn :: len(whole)])
        return columns
    counts = [column.count(_IN_QUOTES) for column in columns]
    if sum(counts) != len(quoted):
        return None
    given = iter(quoted)
    rows = [
        [next(given) if cell == _IN_QUOTES else cell for cell in row] for row in zip(*columns, strict=True)
    ]
    return list(zip(*rows, strict=True))
