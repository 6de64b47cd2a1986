"""A block of rows into recipients: fast when all is well, exact about every row where it is not.

Structure, numbers and values of a whole block are checked in bulk, in C. A check that fails is asked
again row by row, cheaply, which row it was; only that row takes the slow path of `given`, which accepts
it after all or says what is wrong. So a bad row costs its block a second look, not a slow one, and a
row's fate does not depend on its neighbours.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final

import anyio.lowlevel
import anyio.to_thread
import msgspec

from keebai_async.model.limits import E164
from keebai_async.model.recipient import Reason, Rejection
from keebai_async.planning.check_row import STRICT, Leniency, Mended, Names, judge
from keebai_async.planning.codec import Row, Shape
from keebai_async.planning.draft import NOTHING, Draft
from keebai_async.planning.drafting import Drafter
from keebai_async.planning.narrowing import picked
from keebai_async.planning.phone import bare, identities, identities_if_e164, parse, parser_installed
from keebai_async.planning.rows import Originals
from keebai_async.planning.template import Problem, all_fine, fine_values
from keebai_async.sources.block import Block, Cells, Columns, Lines

TURN: Final = 0.002
"""Seconds that rows on the slow path may take before the event loop has its turn."""


class Checked(msgspec.Struct, gc=False):
    """What became of a block: rows to send and rows rejected, each in order.

    *keys* are the identity keys of the rows, *where* their positions in the block.
    """

    originals: Originals
    rows: list[Row]
    keys: list[int]
    where: Sequence[int]
    rejections: Sequence[Rejection] = ()


class Reader:
    """Reads blocks for one template. Without *fast*, every row takes the slow path: for proofs."""

    def __init__(
        self, shape: Shape, columns: Mapping[str, str], leniency: Leniency = STRICT, *, fast: bool = True
    ) -> None:
        self.mended = Mended()
        self._warm = False
        self.ignored: dict[str, None] = {}
        """The columns with which nothing was done, in the order they were met."""
        self._shape = shape
        self._names = Names(shape.names, columns)
        self._drafter = Drafter(shape, self._names, self.ignored)
        self._leniency = leniency
        self._fast = fast
        self._header: Sequence[str] = ()

    async def read(self, block: Block) -> Checked:
        """Check a block. Every row of it is in the answer, either among the rows or the rejections.

        The event loop gets its turns between rows that take the slow path.
        """
        if isinstance(block, Cells | Columns) and block.header is not self._header:
            self._header = block.header
            known = self._names.known.union(self._names.metas(block.header))
            self.ignored.update(dict.fromkeys(name for name in block.header if name not in known))
        originals = Originals(block, self._names)
        if isinstance(block, Lines) and not self._fast:
            block.check()
        draft = self._drafter.draft(block, originals) if self._fast else NOTHING
        checked = self._sift(originals, draft)
        return checked if len(checked.rows) == len(originals) else await self._complete(checked)

    def _sift(self, originals: Originals, draft: Draft) -> Checked:
        """The rows of a draft whose numbers and values are certainly fine."""
        keys = identities_if_e164(draft.to)
        if keys is None:
            draft = _in_e164(draft)
            keys = identities(draft.to)
        if not self._fine(draft):
            good = self._fine_places(draft)
            draft, keys = draft.picked(good), picked(keys, good)
        rows = draft.rows
        if rows is None:
            rows = self._shape.rows(draft.to, draft.values, draft.meta_data)
        return Checked(originals, rows, keys, draft.where)

    async def _complete(self, checked: Checked) -> Checked:
        """Send the rows that are not in *checked* down the slow path, and put all in order."""
        originals = checked.originals
        found: dict[int, Row] = {}
        rejections = []
        if not self._warm and parser_installed():
            await anyio.to_thread.run_sync(parse, "+5491155555555", None)  # its import takes a while
            self._warm = True
        until = time.monotonic() + TURN
        for position in sorted(set(range(len(originals))).difference(checked.where)):
            if time.monotonic() > until:
                await anyio.lowlevel.checkpoint()
                until = time.monotonic() + TURN
            row = self._judge(originals, position)
            if isinstance(row, Problem):
                rejections.append(reject(originals, position, row.reason, row.detail, field=row.field))
            else:
                found[position] = row
        if not found:
            checked.rejections = rejections
            return checked
        found |= zip(checked.where, checked.rows, strict=True)
        where = sorted(found)
        rows = list(map(found.__getitem__, where))
        return Checked(originals, rows, identities(self._shape.numbers(rows)), where, rejections)

    def _fine(self, draft: Draft) -> bool:
        """Whether all values are certainly fine."""
        room = self._shape.room
        return not draft.values or (
            all_fine(draft.values, measured=draft.rows is not None)
            and (room is None or room.holds_all(draft.values))
        )

    def _fine_places(self, draft: Draft) -> list[int]:
        """The places of the rows whose values are certainly fine."""
        good = set(range(len(draft.to)))
        for column in draft.values:
            good.intersection_update(fine_values(column))
        room = self._shape.room
        if room is not None and not room.holds_all(draft.values):
            rows = enumerate(zip(*draft.values, strict=True))
            good.difference_update(place for place, values in rows if room.over(values) > 0)
        return sorted(good)

    def _judge(self, originals: Originals, position: int) -> Row | Problem:
        given = originals.given(position)
        if isinstance(given, Problem):
            return given
        self.ignored.update(dict.fromkeys(given.ignored))
        return judge(given, self._shape, self._leniency, self.mended)


def _in_e164(draft: Draft) -> Draft:
    """The rows whose numbers are in E.164 but for what surrounds them."""
    to = list(draft.to)
    bad = set()
    for place, match in enumerate(map(E164.fullmatch, draft.to)):
        if not match:
            number = to[place] = bare(to[place])
            if not E164.fullmatch(number):
                bad.add(place)
            elif draft.rows is not None:
                draft.rows[place].to = number
    return msgspec.structs.replace(draft, to=to).without(bad)


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
