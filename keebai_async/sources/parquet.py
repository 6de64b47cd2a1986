"""Parquet, with the `files` extra."""

import itertools
from collections.abc import Mapping
from functools import partial

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import BLOCK_ROWS
from keebai_async.sources.sheet import NumberedRows, Sheet, cell_of, single_cell_of, unreadable

_SINGLE = {"float", "halffloat"}
"""Arrow's names of floats of 32 bits and fewer."""


def parquet(path: str, *, columns: Mapping[str, str]) -> Sheet:
    """The rows of a file, counted from 1."""
    return Sheet(partial(_rows, path), path, columns=columns)


def _rows(path: str) -> NumberedRows:
    """The columns' names as row 0, then the rows.

    Raises UnusableSource without pyarrow, or if it cannot read the file.
    """
    try:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError:
        raise UnusableSource(f"{path}: to read Parquet, install keebai-async[files]") from None
    try:
        with pq.ParquetFile(path) as file:
            yield 0, file.schema_arrow.names
            numbers = itertools.count(1)
            for batch in file.iter_batches(batch_size=BLOCK_ROWS):
                columns = [
                    list(map(single_cell_of if str(column.type) in _SINGLE else cell_of, column.to_pylist()))
                    for column in batch.columns
                ]
                yield from zip(numbers, zip(*columns, strict=True), strict=False)
    except (OSError, ValueError) as error:  # pyarrow's own errors are these
        raise unreadable(path, error) from error
