"""A block that is not certainly fine, looked at closer: only what the fast path cannot vouch for.

If one bad row sent all 400 of its block down the exact path, a list with 1 % of them would be as slow as if
all were bad; and where all numbers are spelled with blanks, or one value in three is blank, most rows are on
this path. So only what is in doubt is asked exactly: a number alone if it is the number, the values alone if
it is these (which, is asked of ever smaller parts in bulk), a row taken apart only if its structure is in
doubt. All others are made in bulk, as on the fast path.
"""

import re
import time
from collections.abc import Iterable, Sequence
from itertools import filterfalse
from typing import Final

from keebai_async.model.identity import identities, not_in_e164
from keebai_async.planning.candidates import Candidates
from keebai_async.planning.check_row import CheckedNumber, RowChecks
from keebai_async.planning.checked import Checked
from keebai_async.planning.codec import WireRow, numbers_of
from keebai_async.planning.corrections import Corrected, Corrections
from keebai_async.planning.narrowing import picked
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rows import ListContext, ParsedRow, Rows, rejected
from keebai_async.planning.template import BodySpace
from keebai_async.planning.text_checks import fine_values, longest
from keebai_async.sources.loop_turns import next_turn

_SOME_DIGITS: Final = re.compile("[0-9][^0-9]*[0-9]")
CHECK_SECONDS: Final = 0.001
"""Seconds that rows on the slow path may take before the event loop has its turn."""


class CloserLook:
    """One block, whose rows with the right structure are *candidates*."""

    def __init__(
        self,
        checks: RowChecks,
        context: ListContext,
        corrections: Corrections,
        rows: Rows,
        candidates: Candidates,
    ) -> None:
        self._checks = checks
        self._context = context
        self._corrections = corrections
        self._rows = rows
        self._found = candidates
        self._numbers: dict[int, CheckedNumber] = {}
        """By place, of the candidates whose numbers were in doubt and are good."""
        self._bad: set[int] = set()
        """The places of the candidates with a problem."""
        self._problems: dict[int, Problem] = {}
        """By position in the block."""
        self._corrected: dict[int, Corrected] = {}
        """By position: rows that were made alone, or of which a person should know something."""
        self._until = time.monotonic() + CHECK_SECONDS

    async def checked(self, keys: list[int] | None, doubtful: Sequence[int], *, fine: bool) -> Checked:
        """All rows of the block.

        *keys* are those of the candidates if all are in E.164; those at the places *doubtful* are not
        certain. *fine* says that all values are.
        """
        rows, found = self._rows, self._found
        await self._check_numbers(self._in_doubt() if keys is None else doubtful)
        places = await self._check_values(fine=fine)
        await self._check_others()
        good = found if len(places) == len(found.to) else found.picked(places)
        ready = self._made(good, places)
        where: Sequence[int] = good.where
        most = longest(good.values)
        for place, row in zip(places, ready, strict=True) if self._numbers else ():
            if (number := self._numbers.get(place)) and number.oddities:
                self._corrected[found.where[place]] = Corrected(row, number.oddities)
        alone = self._corrected.keys() - set(where) if self._corrected else ()
        if alone:
            by_position = dict(zip(where, ready, strict=True))
            by_position |= {position: self._corrected[position].row for position in alone}
            where = sorted(by_position)
            ready = list(map(by_position.__getitem__, where))
            most = max(most, max(sum(map(len, self._checks.codec.values(by_position[at]))) for at in alone))
        for position in sorted(self._corrected):
            self._corrections.note(rows.numbers[position], self._corrected[position])
        if keys is None or alone or self._numbers:
            keys = identities(numbers_of(ready))
        elif len(places) < len(keys):
            keys = picked(keys, places)
        _, region = self._checks.numbers.forms.doubtful(keys)
        rejections = [rejected(rows, at, self._problems[at]) for at in sorted(self._problems)]
        return Checked(rows, len(rows.numbers), ready, keys, where, rejections, region, most)

    def _in_doubt(self) -> Iterable[int]:
        """The places of numbers that are not certain."""
        to = self._found.to
        other = not_in_e164(to)
        strict = list(filterfalse(frozenset(other).__contains__, range(len(to))))
        doubtful, _ = self._checks.numbers.forms.doubtful(identities(picked(to, strict)))
        return sorted([*other, *map(strict.__getitem__, doubtful)])

    async def _check_numbers(self, places: Iterable[int]) -> None:
        found, check = self._found, self._checks.numbers.check
        for place in places:
            number = check(found.to[place])
            if isinstance(number, Problem):
                self._bad.add(place)
                self._problems[found.where[place]] = number
                if not _SOME_DIGITS.search(found.to[place]):
                    # With no digit, or one ("Tel. 2"), it may be no row of a person but a header again.
                    row = self._rows.parse(found.where[place])
                    self._problems[found.where[place]] = row if isinstance(row, Problem) else number
            else:
                self._numbers[place] = number
            if time.monotonic() > self._until:
                await self._turn()

    async def _check_values(self, *, fine: bool) -> list[int]:
        """Look at values that are not certainly fine; gives the places of the rows that need not be."""
        found = self._found
        good: Sequence[int] = range(len(found.to)) if fine else _fine_places(found, self._checks.codec.space)
        for place in () if fine else sorted(set(range(len(found.to))).difference(good)):
            position = found.where[place]
            if place in self._bad:
                continue
            number = self._numbers.get(place) or CheckedNumber(found.to[place], ())
            given = [column[place] for column in found.values]
            row = self._checks.check_values(number, given, found.meta_data_of(place, self._checks.codec))
            if isinstance(row, Problem):
                self._bad.add(place)
                self._problems[position] = row
            else:
                self._corrected[position] = row
            if time.monotonic() > self._until:
                await self._turn()
        return list(filterfalse(self._bad.__contains__, good))

    async def _check_others(self) -> None:
        """Take apart the rows whose structure is in doubt."""
        rows = self._rows
        if len(self._found.where) == len(rows.numbers):
            return
        for position in sorted(set(range(len(rows.numbers))).difference(self._found.where)):
            row: Corrected | Problem | ParsedRow = rows.parse(position)
            if isinstance(row, ParsedRow):
                self._context.ignore(row.ignored)
                row = self._checks.check(row)
            if isinstance(row, Problem):
                self._problems[position] = row
            else:
                self._corrected[position] = row
            if time.monotonic() > self._until:
                await self._turn()

    def _made(self, good: Candidates, places: Sequence[int]) -> Sequence[WireRow]:
        """The rows of the candidates at *places*, with their numbers as they are sent."""
        if good.ready is not None:
            for place, row in zip(places, good.ready, strict=True) if self._numbers else ():
                if place in self._numbers:
                    row.to = self._numbers[place].e164
            return good.ready
        if self._numbers:
            to = [
                self._numbers[place].e164 if place in self._numbers else number
                for place, number in zip(places, good.to, strict=True)
            ]
            good = good.with_numbers(to)
        return good.people(self._checks.codec)

    async def _turn(self) -> None:
        """Give the event loop its turn, because this has taken long."""
        await next_turn()
        self._until = time.monotonic() + CHECK_SECONDS


def _fine_places(candidates: Candidates, space: BodySpace | None) -> list[int]:
    """The places of the rows whose values are certainly fine."""
    good = set(range(len(candidates.to)))
    for column in candidates.values:
        good.intersection_update(fine_values(column))
    if space is not None and not space.holds_all(candidates.values):
        rows = enumerate(zip(*candidates.values, strict=True))
        good.difference_update(place for place, values in rows if space.over(values) > 0)
    return sorted(good)
