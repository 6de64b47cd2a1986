"""Rows that are tuples of values, with the names of their columns beside them."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence

from keebai_async.errors import InvalidInput
from keebai_async.sources.header import check_once, visible


def check_names(names: Sequence[str]) -> list[str]:
    """Raises InvalidInput if there is none or one is no text, and UnusableSource if two are the same."""
    if isinstance(names, str) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidInput("columns are names, such as ['to', 'nombre']", field="columns")
    seen = list(map(visible, names))
    check_once(seen, "the list of columns")
    return seen


def named(rows: Iterable[object], names: Sequence[str]) -> Iterator[object]:
    """*rows* as dicts; one that is no tuple of so many values stays as it is, to be rejected by its row."""
    return (_with_names(row, names) for row in rows)


async def named_later(rows: AsyncIterable[object], names: Sequence[str]) -> AsyncIterator[object]:
    """The same of rows that come one by one."""
    async for row in rows:
        yield _with_names(row, names)


def _with_names(row: object, names: Sequence[str]) -> object:
    if not isinstance(row, tuple | list) or len(row) != len(names):
        return row
    return dict(zip(names, row, strict=True))
