"""The row of a list in which somebody of a plan stood, from what the journal has anyway. Pure.

Kept for each person, a row would be some bytes in every campaign for ever, for a question that is asked of a
few. But everybody who is ready stands in the order of the list, and each row that is not sent is kept with
its number. So the rows of the others are those that are left.
"""

from bisect import bisect_right
from collections.abc import Iterable

from keebai_async.model.plan import Plan


class RowNumbers:
    """The rows of the people of *plan*, whose list has lost the rows *rejected*, in any order.

    Nothing is known of a test, nor of a list that was cut by country, since its people do not stand in its
    order any more, nor where the rows that are left are not as many as the people.
    """

    def __init__(self, plan: Plan, rejected: Iterable[int]) -> None:
        out = sorted([*((row, 1) for row in rejected), *plan.gaps])
        first, last = plan.first_row, plan.last_row
        self._first = first
        self._people = 0
        self._starts: list[int] = []
        """Of each run of rows that are out, how many people stand before it."""
        self._passed = [0]
        for row, rows in out:
            if not first <= row <= last:
                continue
            passed = self._passed[-1]
            if self._starts and self._starts[-1] == row - first - passed:
                self._passed[-1] += rows
            else:
                self._starts.append(row - first - passed)
                self._passed.append(passed + rows)
        left = last - first + 1 - self._passed[-1]
        in_order = len(set(plan.chunk_countries)) <= 1
        if first and left == plan.ready and in_order and not plan.test:
            self._people = plan.ready
        self._offsets = [0]
        for recipients in plan.chunks:
            self._offsets.append(self._offsets[-1] + recipients)

    def row(self, chunk: int, place: int) -> int | None:
        """The row of the person at *place* (from 0) of a chunk of the plan; None if it is not known."""
        if not 1 <= chunk < len(self._offsets):
            return None
        person = self._offsets[chunk - 1] + place
        if not place >= 0 or person >= min(self._offsets[chunk], self._people):
            return None
        return self._first + person + self._passed[bisect_right(self._starts, person)]
