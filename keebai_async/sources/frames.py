"""Data frames, recognised by what they can do: neither pandas nor polars is imported."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, runtime_checkable

from keebai_async.sources.header import check_once, visible
from keebai_async.sources.spelling import of_single

FRAME: Final = "the data frame"
"""What it is called to people."""

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


class Frame(NamedTuple):
    """The names of its columns as they are seen, and its rows as dicts under these names."""

    header: tuple[str, ...]
    rows: Iterator[Row]


def frame_of(frame: object) -> Frame | None:
    """A data frame; None if it is none.

    Raises UnusableSource if two columns have one name.
    """
    if isinstance(frame, Polars):
        types = {visible(name): kind for name, kind in getattr(frame, "schema", {}).items()}
        names: Sequence[str] = getattr(frame, "columns", ())
        rows = _seen(frame.iter_rows(named=True), names)
        return Frame(tuple(map(visible, names)), _with_singles(rows, _singles(types)))
    if isinstance(frame, Pandas):
        names = [visible(str(name)) for name in frame.columns]
        check_once(names, FRAME)
        types = dict(zip(names, getattr(frame, "dtypes", ()), strict=False))
        tuples = frame.itertuples(index=False, name=None)
        rows = (dict(zip(names, row, strict=True)) for row in tuples)
        return Frame(tuple(names), _with_singles(rows, _singles(types)))
    return None


def _seen(rows: Iterator[Row], names: Sequence[str]) -> Iterator[Row]:
    """*rows* under the names of their columns as they are seen."""
    seen = list(map(visible, names))
    check_once(seen, FRAME)
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
