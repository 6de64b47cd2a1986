"""Rows with the right structure, as columns: what the fast path has of a block before it looks at values."""

from collections.abc import Sequence
from typing import NamedTuple, TypeGuard

import msgspec

from keebai_async.planning.codec import (
    NO_COLUMNS,
    NO_META,
    ColumnPeople,
    MetaColumns,
    RowCodec,
    WireRow,
    WrittenPeople,
)
from keebai_async.planning.narrowing import without


class Joined(NamedTuple):
    """The numbers of rows as one text, and so the values of each variable, with blanks between."""

    to: str
    values: Sequence[str]


class Candidates(msgspec.Struct, gc=False):
    """Rows of a block that have a number and a text for each variable. *where* are their positions in it.

    *values* has a column for each variable. *ready* is there when the decoder made the rows as they are
    sent; then no value is empty or too long. Where `meta_data` are columns of text, they are in *metas*.
    *written* are all these rows as JSON, where the list has what we would write. Where they are *plain*, none
    of their texts certainly has a sign that JSON writes with a backslash. *joined* is there if their texts
    had to be joined to make them: that takes as long as to ask something of them.
    """

    where: Sequence[int]
    to: Sequence[str]
    values: Sequence[Sequence[str]]
    meta_data: Sequence[object] | None = None
    ready: list[WireRow] | None = None
    metas: MetaColumns | None = None
    written: WrittenPeople | None = None
    plain: bool = False
    joined: Joined | None = None

    def without(self, gone: Sequence[int]) -> "Candidates":
        """All rows but those at the places *gone*, which go up."""
        if not gone:
            return self
        return Candidates(
            without(self.where, gone),
            without(self.to, gone),
            [without(column, gone) for column in self.values],
            None if self.meta_data is None else without(self.meta_data, gone),
            None if self.ready is None else without(self.ready, gone),
            None if self.metas is None else self.metas.without(gone),
            None if self.written is None else self.written.without(gone),
            plain=self.plain,
        )

    def people(self, codec: RowCodec) -> Sequence[WireRow]:
        """The rows as they are sent."""
        if self.ready is not None:
            return self.ready
        if self.meta_data is not None:
            return codec.rows(self.to, self.values, self.meta_data)
        metas = self.metas or NO_COLUMNS
        return ColumnPeople(codec, self.to, self.values, metas, written=self.written, plain=self.plain)

    def with_numbers(self, to: Sequence[str]) -> "Candidates":
        """The same rows with other numbers, which no decoder has made rows of yet."""
        return msgspec.structs.replace(self, to=to, written=None, joined=None)

    def meta_data_of(self, place: int, codec: RowCodec) -> object:
        """That of one row."""
        if self.ready is not None:
            return codec.meta_data([self.ready[place]])[0]
        if self.metas is not None:
            names, columns = self.metas
            return codec.meta_rows(names, [[column[place]] for column in columns])[0]
        return NO_META if self.meta_data is None else self.meta_data[place]


NOBODY = Candidates((), (), ())


def texts_among(
    where: Sequence[int],
    to: Sequence[object],
    values: Sequence[Sequence[object]],
    meta_data: Sequence[object] | None,
    bad: set[int],
    *,
    metas: MetaColumns | None = None,
) -> Candidates:
    """The rows whose number and values are all text, but for those at the places *bad*."""
    for column in (to, *values):
        if not all_text(column):
            bad.update(place for place, value in enumerate(column) if type(value) is not str)
    # What is no text is gone with its row.
    return Candidates(where, to, values, meta_data, metas=metas).without(sorted(bad))  # type: ignore[arg-type]


def all_text(values: Sequence[object]) -> TypeGuard[Sequence[str]]:
    """Whether *values* are text and nothing but text."""
    return set(map(type, values)) <= {str}
