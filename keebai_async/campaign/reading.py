"""A block of rows into recipients: fast when all is well, exact about every row where it is not.

Structure, numbers and values of a whole block are checked in bulk, in C. A check that fails is asked
again row by row, cheaply, which row it was; only that row takes the slow path of `given`, which accepts
it after all or says what is wrong. So a bad row costs its block a second look, not a slow one, and a
row's fate does not depend on its neighbours.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

import msgspec

from keebai_async.campaign.draft import NOTHING, Draft, Drafter
from keebai_async.campaign.given import Names, judge
from keebai_async.campaign.original import Originals
from keebai_async.campaign.phone import all_e164
from keebai_async.campaign.recipient import Reason, Rejection
from keebai_async.campaign.shape import Row, Shape
from keebai_async.campaign.template import Problem, all_fine
from keebai_async.keebai.limits import E164
from keebai_async.sources.block import Block, Cells

_UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)


class Checked(msgspec.Struct, gc=False):
    """What became of a block: rows to send and rows rejected, each in order.

    *where* are the positions of the rows in the block, *encoded* is their JSON.
    """

    originals: Originals
    rows: list[Row]
    where: Sequence[int]
    encoded: bytes
    rejections: Sequence[Rejection] = ()


class Reader:
    """Reads blocks for one template. Without *fast*, every row takes the slow path: for proofs."""

    def __init__(
        self, shape: Shape, columns: Mapping[str, str], *, drop_extra: bool = False, fast: bool = True
    ) -> None:
        self.ignored: dict[str, None] = {}
        """The columns with which nothing was done, in the order they were met."""
        self._shape = shape
        self._names = Names(shape.names, columns)
        self._drafter = Drafter(shape, self._names, self.ignored)
        self._drop_extra = drop_extra
        self._fast = fast
        self._header: Sequence[str] = ()

    def read(self, block: Block) -> Checked:
        """Check a block. Every row of it is in the answer, either among the rows or the rejections."""
        if isinstance(block, Cells) and block.header is not self._header:
            self._header = block.header
            known = self._names.known.union(self._names.metas(block.header))
            self.ignored.update(dict.fromkeys(name for name in block.header if name not in known))
        originals = Originals(block, self._names)
        rows, where = self._sift(self._drafter.draft(block, originals) if self._fast else NOTHING)
        try:
            return self._complete(originals, rows, where)
        except _UNWRITABLE:  # something inside meta_data: row by row it is found whose
            return self._complete(originals, [], ())

    def _sift(self, draft: Draft) -> tuple[list[Row], Sequence[int]]:
        """The rows of a draft whose numbers and values are certainly fine."""
        if not draft.to:
            return [], ()
        flat = draft.flat if draft.flat is not None else list(chain.from_iterable(draft.values))
        rows = draft.rows or self._shape.rows(draft.to, draft.values, draft.meta_data)
        good_numbers, good_values = all_e164(draft.to), all_fine(flat)
        if good_numbers and good_values:
            return rows, draft.where
        kept: Sequence[int] = range(len(rows))
        if not good_numbers:
            kept = [place for place in kept if E164.fullmatch(draft.to[place])]
        if not good_values:
            size = len(self._shape.names)
            kept = [place for place in kept if all_fine(flat[place * size : place * size + size])]
        return [rows[place] for place in kept], [draft.where[place] for place in kept]

    def _complete(self, originals: Originals, rows: list[Row], where: Sequence[int]) -> Checked:
        """Send the rows that are in no draft down the slow path, and put all in order."""
        if len(rows) == len(originals):
            return Checked(originals, rows, where, self._shape.encode(rows))
        found = dict(zip(where, rows, strict=True))
        rejections = []
        for position in range(len(originals)):
            if position in found:
                continue
            row = self._judge(originals, position)
            if isinstance(row, Problem):
                rejections.append(reject(originals, position, row.reason, row.detail, field=row.field))
            else:
                found[position] = row
        order = sorted(found)
        rows = [found[position] for position in order]
        return Checked(originals, rows, order, self._shape.encode(rows), rejections)

    def _judge(self, originals: Originals, position: int) -> Row | Problem:
        given = originals.given(position)
        if isinstance(given, Problem):
            return given
        self.ignored.update(dict.fromkeys(given.ignored))
        return judge(given, self._shape, drop_extra=self._drop_extra)


def reject(
    originals: Originals,
    position: int,
    reason: Reason,
    detail: str,
    *,
    field: str = "",
    repeats_row: int | None = None,
) -> Rejection:
    """The rejection of one row of a block, with the row as it was read."""
    columns = originals.columns(position)
    return Rejection(
        row=originals.numbers[position],
        reason=reason,
        detail=detail,
        to=originals.to(columns),
        field=field,
        repeats_row=repeats_row,
        columns=columns,
    )
