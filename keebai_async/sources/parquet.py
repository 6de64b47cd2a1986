"""Parquet, with the `files` extra: columns in the file, and columns they stay."""

import itertools
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import UNESCAPED, ColumnBlock
from keebai_async.sources.header import checked_header
from keebai_async.sources.objects import in_thread
from keebai_async.sources.sheet import NumberedRows, Sheet, cell_of, single_cell_of, unreadable
from keebai_async.sources.spelling import NotText

PARQUET_ROWS: Final = 1_000
"""In a block: about as many as of other kinds of files."""
READ_BLOCKS: Final = 12
"""Blocks that the thread reads at once: to change threads takes as long as to read one."""
PARQUET_BUFFER: Final = 256 * 1024
"""Read at once of a column: else all of it in a row group is in memory, which may be all of a file."""
_SINGLE: Final = {"float", "halffloat"}
"""Arrow's names of floats of 32 bits and fewer."""
_TEXT_TYPES: Final = {"string", "large_string", "string_view"}
_OFFSETS: Final[dict[str, Literal["i", "q"]]] = {"string": "i", "large_string": "q"}
"""How Arrow keeps where in its bytes each text begins, by type."""


class ParquetTable(Sheet):
    """The rows of a file, counted from 1."""

    def __init__(self, path: str, *, columns: Mapping[str, str]) -> None:
        super().__init__(partial(_rows, path), path, columns=columns)

    async def blocks(self) -> AsyncGenerator[ColumnBlock, None]:
        first = 1
        async with aclosing(in_thread(_parts(self.description), READ_BLOCKS, alone=True)) as pulled:
            async for parts in pulled:
                for part in parts:
                    columns = [_listed(column, self.description) for column in part.columns]
                    yield ColumnBlock(
                        header=part.header,
                        first=first,
                        columns=columns,
                        plain=part.plain,
                        not_text=part.not_text,
                    )
                    first += len(columns[0])
        if first == 1:
            raise UnusableSource(f"{self.description} holds nobody: there is nobody to message")


def parquet(path: str, *, columns: Mapping[str, str]) -> ParquetTable:
    """The rows of a file."""
    return ParquetTable(path, columns=columns)


class _Column(NamedTuple):
    """A column of Arrow's, of a *kind*; *plain* is as of a `ColumnBlock`."""

    values: Any
    kind: str
    plain: bool

    def some(self, start: int) -> "_Values":
        """Those of a block."""
        part = self.values.slice(start, PARQUET_ROWS)
        if self.kind in _TEXT_TYPES and not part.null_count:
            return _Values(part, is_text=True, plain=self.plain)
        values = part.to_pylist()
        return _Values(list(map(single_cell_of, values)) if self.kind in _SINGLE else values)


class _Values(NamedTuple):
    """Some values of a column. Where it *is_text*, all certainly are text, and they are Arrow's still.

    To make many texts in one thread for another takes them through the caches of two processors.
    """

    values: Sequence[Any]
    is_text: bool = False
    plain: bool = False


class _Part(NamedTuple):
    """Some rows by column, texts or Arrow's; and by position and place what in them is no text."""

    header: tuple[str, ...]
    columns: Sequence[Any]
    plain: bool
    not_text: Mapping[int, Mapping[int, NotText]]


def _parts(path: str) -> Iterator[_Part]:
    """The rows, a block at a time. Raises UnusableSource as `_batches` and `checked_header` do."""
    batches = _batches(path)
    header = checked_header(next(batches), path)
    for batch in batches:
        columns, not_text = _texts(batch)
        yield _Part(header, columns, all(column.plain for column in batch), not_text)


def _texts(columns: Sequence[_Values]) -> tuple[Sequence[Any], Mapping[int, Mapping[int, NotText]]]:
    """Columns as text, for a person to look at where they are none."""
    texts: list[Any] = []
    not_text: dict[int, dict[int, NotText]] = {}
    for place, (values, is_text, _) in enumerate(columns):
        if is_text or set(map(type, values)) == {str}:
            texts.append(values)
            continue
        cells = list(map(_cell, values))
        for position, cell in enumerate(cells):
            if isinstance(cell, NotText):
                not_text.setdefault(position, {})[place] = cell
        texts.append([f"({cell.what})" if isinstance(cell, NotText) else cell for cell in cells])
    return texts, not_text


def _listed(column: Any, path: str) -> Sequence[Any]:
    """The values of a column as a list. Raises UnusableSource if Arrow cannot make them."""
    if isinstance(column, list):
        return column
    try:
        values: Sequence[Any] = column.to_pylist()
    except ValueError as error:
        raise unreadable(path, error) from error
    return values


def _cell(value: object) -> str | NotText:
    return value if isinstance(value, NotText) else cell_of(value)


def _rows(path: str) -> NumberedRows:
    """The columns' names as row 0, then the rows. Raises UnusableSource as `_batches` does."""
    batches = _batches(path)
    yield 0, list(map(str, next(batches)))
    number = itertools.count(1)
    for batch in batches:
        for cells in zip(*(map(_cell, _listed(column.values, path)) for column in batch), strict=True):
            yield next(number), cells


def _batches(path: str) -> Iterator[Sequence[Any]]:
    """The columns' names, then a block at a time as `_Values` of each.

    Raises UnusableSource without pyarrow, or if it cannot read the file.
    """
    try:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError:
        raise UnusableSource(f"{path}: to read Parquet, install keebai-async[files]") from None
    try:
        with _opened_frugally(pq.ParquetFile, path) as file:
            yield file.schema_arrow.names
            for batch in _arrow_batches(file):
                columns = list(map(_column, batch.columns))
                # A block at a time: what makes values of a column lets no other thread in before it is done.
                for start in range(0, batch.num_rows if columns else 0, PARQUET_ROWS):
                    yield [column.some(start) for column in columns]
    except (OSError, ValueError) as error:  # pyarrow's own errors are these
        raise unreadable(path, error) from error


def _column(column: Any) -> _Column:
    kind = str(column.type)
    return _Column(column, kind, _is_plain(column, kind))


def _is_plain(column: Any, kind: str) -> bool:
    """Whether certainly no text of a column has a sign that JSON escapes: its bytes lie in one piece."""
    if kind not in _OFFSETS:
        return False
    _, places, texts = column.buffers()
    if texts is None:
        return True
    begins = memoryview(places).cast("B").cast(_OFFSETS[kind])
    data = memoryview(texts)[begins[column.offset] : begins[column.offset + len(column)]]
    return not bytes(data).translate(None, UNESCAPED)


def _opened_frugally(open_file: Callable[..., Any], path: str) -> Any:
    """A file that gives back what it does not use any more: Arrow's own pools keep twice as much.

    A file has the pool that is set when it is opened, and nothing else says which. That others who make
    something in that moment have it too makes no difference to them.
    """
    import pyarrow as pa

    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        return open_file(path, buffer_size=PARQUET_BUFFER, pre_buffer=False)
    finally:
        pa.set_memory_pool(usual)


def _arrow_batches(file: Any) -> Iterator[Any]:
    """A row group at a time: one iterator over all of a file keeps what it has read of every group before.

    In threads, columns are read no faster here, and in more memory.
    """
    for group in range(file.num_row_groups):
        yield from file.iter_batches(
            batch_size=READ_BLOCKS * PARQUET_ROWS, row_groups=[group], use_threads=False
        )
