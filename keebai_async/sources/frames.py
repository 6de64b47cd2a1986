"""Data frames, recognised by what they can do: neither pandas nor polars is imported."""

from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

from keebai_async.sources.header import check_once, visible


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
        return frame.iter_rows(named=True)
    if isinstance(frame, Pandas):
        names = [visible(str(name)) for name in frame.columns]
        check_once(names, "the data frame")
        tuples = frame.itertuples(index=False, name=None)
        return (dict(zip(names, row, strict=True)) for row in tuples)
    return None
