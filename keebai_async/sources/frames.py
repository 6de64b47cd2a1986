"""Data frames, recognised by what they can do: neither pandas nor polars is imported."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from keebai_async.sources.header import check_once, visible
from keebai_async.sources.spelling import of_single

Row = dict[str, object]


@runtime_checkable
class Polars(Protocol):
    """A polars DataFrame."""

    def iter_rows(self, *, named: bool) -> Iterator[dict[str, object]]: ...


@runtime_checkable
class Pandas(Protocol):
    """A pandas DataFrame."""

    columns: Iterable[object]

    def itertuples(self, *, index: bool, name: None) -> Iterable[tuple[object, ...]]: ...


def rows_of_frame(frame: object) -> Iterator[dict[str, object]] | None:
    """The rows of a data frame as dicts; None if it is none.

    Raises UnusableSource if two columns have one name.
    """
    if isinstance(frame, Polars):
        types = {visible(name): kind for name, kind in getattr(frame, "schema", {}).items()}
        return _with_singles(
            _seen(frame.iter_rows(named=True), getattr(frame, "columns", ())), _singles(types)
        )
    if isinstance(frame, Pandas):
        names = [visible(str(name)) for name in frame.columns]
        check_once(names, "the data frame")
        types = dict(zip(names, getattr(frame, "dtypes", ()), strict=False))
        tuples = frame.itertuples(index=False, name=None)
        return _with_singles((dict(zip(names, row, strict=True)) for row in tuples), _singles(types))
    return None


def _seen(rows: Iterator[Row], names: Sequence[str]) -> Iterator[Row]:
    """*rows* under the names of their columns as they are seen."""
    seen = list(map(visible, names))
    check_once(seen, "the data frame")
    return rows if seen == list(names) else (dict(zip(seen, row.values(), strict=True)) for row in rows)


def _singles(types: Mapping[str, object]) -> list[str]:
    """The columns of floats of 32 bits and fewer, which have digits too many as Python's own."""
    return [name for name, kind in types.items() if str(kind).lower() in {"float32", "float16"}]


def _with_singles(rows: Iterator[Row], singles: list[str]) -> Iterator[Row]:
    if not singles:
        return rows
    return (
        row | {name: of_single(value) for name in singles if isinstance(value := row[name], float)}
        for row in rows
    )
