"""Results of databases and tables of Arrow, recognised by what they can do: no driver is imported."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from keebai_async.errors import UnusableSource
from keebai_async.sources.header import check_once, visible

RESULT: Final = "the result"
"""What it is called to people."""

_FETCHED_AT_ONCE: Final = 400
"""Rows that are fetched, or made of a batch of Arrow, at a time."""


_Row = Sequence[object] | Mapping[str, object]


@runtime_checkable
class SqlResult(Protocol):
    """A Result of SQLAlchemy, or an asynchronous one."""

    def keys(self) -> Iterable[str]: ...

    def mappings(self) -> Iterable[Mapping[str, object]] | AsyncIterable[Mapping[str, object]]: ...


@runtime_checkable
class DatabaseCursor(Protocol):
    """A cursor of the DB-API after a query, or a connection of DuckDB, which is one."""

    @property
    def description(self) -> Sequence[Sequence[object]] | None: ...

    def fetchmany(self, size: int) -> Sequence[Sequence[object]]: ...


@runtime_checkable
class ArrowStream(Protocol):
    """A Table of pyarrow, or a reader of its batches; a relation of DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


@runtime_checkable
class _OtherFrame(Protocol):
    """A data frame of pandas or polars, which `frames.py` reads."""

    def to_dict(self) -> object: ...


class ArrowBatch(Protocol):
    """A RecordBatch of pyarrow."""

    @property
    def num_rows(self) -> int: ...

    def slice(self, offset: int, length: int) -> "ArrowBatch": ...

    def to_pylist(self) -> list[dict[str, object]]: ...


def rows_of_result(given: object) -> Iterator[object] | AsyncIterator[object] | None:
    """The rows of a result as dicts by the names of its columns; None if it is none.

    Raises UnusableSource if two columns have one name.
    """
    if isinstance(given, SqlResult):
        check_once([visible(name) for name in given.keys()], RESULT)  # noqa: SIM118 - it is no dict
        mappings = given.mappings()
        return _dicts_later(mappings) if isinstance(mappings, AsyncIterable) else map(dict, mappings)
    if isinstance(given, ArrowStream) and not isinstance(given, _OtherFrame):
        return _of_stream(given)
    if isinstance(given, DatabaseCursor) and given.description is not None and callable(given.fetchmany):
        names = [visible(str(column[0])) for column in given.description]
        check_once(names, RESULT)
        if isinstance(given, AsyncIterable):  # whose fetchmany is asynchronous, too
            return _named_later(given, names)
        return _fetched(given.fetchmany, names)
    return None


async def _dicts_later(mappings: AsyncIterable[Mapping[str, object]]) -> AsyncIterator[object]:
    async for row in mappings:
        yield dict(row)


def _of_stream(given: ArrowStream) -> Iterator[object]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
    except ImportError as error:
        raise UnusableSource(
            "a table of Arrow needs the extra files: pip install 'keebai-async[files]'"
        ) from error
    reader = pa.RecordBatchReader.from_stream(given)
    check_once([visible(name) for name in reader.schema.names], RESULT)
    return _of_batches(reader)


def _of_batches(batches: Iterable[ArrowBatch]) -> Iterator[object]:
    for batch in batches:
        for start in range(0, batch.num_rows, _FETCHED_AT_ONCE):  # a batch may hold a hundred thousand rows
            yield from batch.slice(start, _FETCHED_AT_ONCE).to_pylist()


def _fetched(fetch: Callable[[int], Sequence[_Row]], names: list[str]) -> Iterator[object]:
    while rows := fetch(_FETCHED_AT_ONCE):
        for row in rows:
            yield _named(row, names)


async def _named_later(rows: AsyncIterable[_Row], names: list[str]) -> AsyncIterator[object]:
    async for row in rows:
        yield _named(row, names)


def _named(row: _Row, names: list[str]) -> object:
    return row if isinstance(row, Mapping) else dict(zip(names, row, strict=True))
