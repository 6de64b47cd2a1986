"""Rows with the right structure, as columns: what the fast path has of a block before it looks at values."""

from collections.abc import Sequence
from typing import TypeGuard

import msgspec

from keebai_async.planning.codec import Row
from keebai_async.planning.narrowing import picked


class Draft(msgspec.Struct, gc=False):
    """Rows with the right structure. *where* are their positions in the block.

    *values* has a column for each variable. *rows* is there when the decoder made them; then no value is
    empty or too long.
    """

    where: Sequence[int]
    to: Sequence[str]
    values: Sequence[Sequence[str]]
    meta_data: Sequence[object] | None = None
    rows: list[Row] | None = None

    def picked(self, places: Sequence[int]) -> "Draft":
        """The rows at *places* alone."""
        return Draft(
            picked(self.where, places),
            picked(self.to, places),
            [picked(column, places) for column in self.values],
            None if self.meta_data is None else picked(self.meta_data, places),
            None if self.rows is None else picked(self.rows, places),
        )

    def without(self, places: set[int]) -> "Draft":
        """All rows but those at *places*."""
        return (
            self.picked([place for place in range(len(self.to)) if place not in places]) if places else self
        )


NOTHING = Draft((), (), ())


def sifted(
    where: Sequence[int],
    to: Sequence[object],
    values: Sequence[Sequence[object]],
    meta_data: Sequence[object] | None,
    bad: set[int],
) -> Draft:
    """A draft of the rows whose number and values are all text, but for those at the places *bad*."""
    for column in (to, *values):
        if not all_text(column):
            bad.update(place for place, value in enumerate(column) if type(value) is not str)
    # What is no text is gone with its row.
    return Draft(where, to, values, meta_data).without(bad)  # type: ignore[arg-type]


def all_text(values: Sequence[object]) -> TypeGuard[Sequence[str]]:
    """Whether *values* are text and nothing but text."""
    return set(map(type, values)) <= {str}
