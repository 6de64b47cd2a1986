"""Who wants no more, in the tables of a journal: for all campaigns, and for good; no purge touches it.

A row for each person would be read one by one by every plan: a second and more for a million. A page holds a
thousandth of them, so that one word rewrites little, and all are read in a moment. Page 0 counts the changes
of each, by which a run sees at a glance what is news.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence

from keebai_async.journal.tables import OPT_OUTS, OptOutsRow, Tables
from keebai_async.model.opt_outs import (
    BYTES_A_PERSON,
    PAGES,
    ConsentWord,
    OptOut,
    OptOutPage,
    by_page,
    find_in,
    page_of,
)
from keebai_async.storage.safety import Damaged


def take(tables: Tables, words: Sequence[ConsentWord]) -> int:
    """Take *words* in; gives how many said something new."""
    counts, new = changes(tables), 0
    for number, those in by_page(words).items():
        before = tables.get(OptOutsRow, OPT_OUTS, number)
        page = OptOutPage() if before is None else page_in(before)
        if news := sum(map(page.take, those)):
            _put(tables, OptOutsRow(page=number, people=page.packed), is_new=before is None)
            counts[number - 1] += 1
            new += news
    if new:
        is_new = tables.get(OptOutsRow, OPT_OUTS, 0) is None
        _put(tables, OptOutsRow(page=0, people=_as_bytes(counts)), is_new=is_new)
    return new


def changes(tables: Tables) -> "array[int]":
    """How often each page changed, from page 1 on. Raises Damaged."""
    row = tables.get(OptOutsRow, OPT_OUTS, 0)
    counts = array("I", bytes(4 * PAGES))
    if row is None:
        return counts
    if len(row.people) != 4 * PAGES:
        raise Damaged("how often the opt-outs changed cannot be read")
    counts = array("I", row.people)
    return _turned(counts)


def pages(tables: Tables, numbers: Iterable[int]) -> dict[int, bytes]:
    """The pages of these numbers, packed as they are; an empty one where there is none."""
    found = {number: tables.get(OptOutsRow, OPT_OUTS, number) for number in numbers}
    return {number: b"" if row is None else _whole(row) for number, row in found.items()}


def opted_out(tables: Tables, keys: Iterable[int]) -> tuple[OptOut, ...]:
    """Those of *keys* who are out."""
    asked: dict[int, list[int]] = {}
    for key in keys:
        asked.setdefault(page_of(key), []).append(key)
    found: list[OptOut] = []
    for number, those in asked.items():
        row = tables.get(OptOutsRow, OPT_OUTS, number)
        if row is not None:
            found += find_in(_whole(row), those)
    return tuple(found)


def page_in(row: OptOutsRow) -> OptOutPage:
    """Raises Damaged."""
    try:
        return OptOutPage(row.people)
    except ValueError as error:
        raise _unreadable(row) from error


def _whole(row: OptOutsRow) -> bytes:
    if len(row.people) % BYTES_A_PERSON:
        raise _unreadable(row)
    return row.people


def _unreadable(row: OptOutsRow) -> Damaged:
    return Damaged(f"page {row.page} of the opt-outs cannot be read")


def _put(tables: Tables, row: OptOutsRow, *, is_new: bool) -> None:
    (tables.insert if is_new else tables.update)(row)


def _as_bytes(counts: "array[int]") -> bytes:
    return _turned(counts[:]).tobytes()


def _turned(counts: "array[int]") -> "array[int]":
    """Little end first, on every machine."""
    if sys.byteorder == "big":
        counts.byteswap()
    return counts
