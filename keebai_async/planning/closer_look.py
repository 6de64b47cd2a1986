"""A block that is not certainly fine, looked at closer: only what the fast path cannot vouch for.

If one bad row sent all 1,000 of its block down the exact path, a list with 1 % of them would be as slow as if
all were bad; and where all numbers are spelled with blanks, or one value in three is blank, most rows are on
this path. So only what is in doubt is asked exactly: a number alone if it is the number, the values alone if
it is these (which, is asked of ever smaller parts in bulk), a row taken apart only if its structure is in
doubt. All others are made in bulk, as on the fast path.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import filterfalse
from typing import Final

from keebai_async.model.identity import identities, not_in_e164
from keebai_async.model.recipient import Rejection
from keebai_async.planning.candidates import Candidates
from keebai_async.planning.check_row import CheckedNumber, RowChecks
from keebai_async.planning.checked import Checked
from keebai_async.planning.codec import WireRow, numbers_of
from keebai_async.planning.consent import may_say_who_wants_none
from keebai_async.planning.corrections import Corrected, Corrections, Oddity
from keebai_async.planning.narrowing import without
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rows import ListContext, ParsedRow, Rows, rejected
from keebai_async.planning.text_checks import fine_values
from keebai_async.sources.loop_turns import TimedTurns

_REJECTED_AT_ONCE: Final = 16
"""Rejected rows between two looks at the clock: each takes microseconds."""
_SOME_DIGITS: Final = re.compile("[0-9][^0-9]*[0-9]")


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
        """By position: rows that were made alone."""
        self._turns = TimedTurns()

    async def checked(
        self, keys: list[int] | None, doubtful: Sequence[int], region: str | None, *, fine: bool, most: int
    ) -> Checked:
        """All rows of the block.

        *keys* are those of the candidates if all are in E.164; those at the places *doubtful* are not
        certain, and *region* is that of all, if it is known to be one. *fine* says that all values are, and
        those of nobody have more than *most* characters.
        """
        rows, found = self._rows, self._found
        if keys is None:
            keys, doubtful, region = self._in_doubt()
        await self._check_numbers(doubtful)
        gone = await self._check_values(fine=fine)
        await self._check_others()
        good = found.without(gone)
        places = (
            list(filterfalse(frozenset(gone).__contains__, range(len(found.to)))) if self._numbers else ()
        )
        ready = self._made(good, places)
        where: Sequence[int] = good.where
        self._note_numbers(places, ready)
        alone = self._corrected
        if alone:
            for position, corrected in alone.items():
                for oddity in corrected.oddities:
                    self._corrections.note(oddity, rows.numbers[position], corrected.row)
            by_position = dict(zip(where, ready, strict=True))
            by_position |= {position: corrected.row for position, corrected in alone.items()}
            where = sorted(by_position)
            ready = list(map(by_position.__getitem__, where))
            most = max(most, max(sum(map(len, self._checks.codec.values(by_position[at]))) for at in alone))
        if alone or self._numbers:
            keys, region = identities(numbers_of(ready)), None
        elif gone and keys:
            keys = without(keys, gone)
        if region is None:
            _, region = self._checks.numbers.forms.doubtful(keys)
        rejections: list[Rejection] = []
        for count, at in enumerate(sorted(self._problems)):
            rejections.append(rejected(rows, at, self._problems[at]))
            if count % _REJECTED_AT_ONCE == 0 and self._turns.due:
                await self._turns.next()
        return Checked(rows, len(rows.numbers), ready, keys, where, rejections, region, most)

    def _note_numbers(self, places: Sequence[int], ready: Sequence[WireRow]) -> None:
        """Count what is odd in the numbers of those who are *ready*, who are at *places* if some are odd."""
        counts: dict[int, int] = {}
        firsts: dict[int, tuple[tuple[Oddity, ...], int]] = {}
        for at, place in enumerate(places):
            if (number := self._numbers.get(place)) and (odd := number.oddities):
                which = id(odd)  # of few that are kept for good; to hash one takes as long as a number
                if which not in firsts:
                    firsts[which] = odd, at
                counts[which] = counts.get(which, 0) + 1
        for which, (odd, at) in firsts.items():
            row = self._rows.numbers[self._found.where[places[at]]]
            for oddity in odd:
                self._corrections.note(oddity, row, ready[at], count=counts[which])

    def _in_doubt(self) -> tuple[list[int], list[int], str | None]:
        """The keys of numbers, any for those that are not certain; the places of these; the region of all."""
        to = self._found.to
        other = not_in_e164(to)
        if len(other) == len(to):
            return [], other, None
        # One that is in E.164 stands in for the others, so that all are read at once and keep their places.
        given, strict = list(to), next(filterfalse(frozenset(other).__contains__, range(len(to))))
        for place in other:
            given[place] = to[strict]
        keys = identities(given)
        doubtful, region = self._checks.numbers.forms.doubtful(keys)
        return keys, sorted({*other, *doubtful}), region

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
            if self._turns.due:
                await self._turns.next()

    async def _check_values(self, *, fine: bool) -> list[int]:
        """Look at values that are not certainly fine.

        Gives the places of those who are not taken as they are: who is bad, or was made alone.
        """
        found = self._found
        in_doubt = [] if fine else sorted(set(range(len(found.to))).difference(await self._fine_places()))
        for place in in_doubt:
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
            if self._turns.due:
                await self._turns.next()
        return sorted(self._bad.union(in_doubt))

    async def _fine_places(self) -> set[int]:
        """The places of the rows whose values are certainly fine."""
        columns, space = self._found.values, self._checks.codec.space
        good = set(range(len(self._found.to)))
        for column in columns:
            if self._turns.due:
                await self._turns.next()
            good.intersection_update(fine_values(column))
        if space is not None and not space.holds_all(columns):
            rows = enumerate(zip(*columns, strict=True))
            good.difference_update(place for place, values in rows if space.over(values) > 0)
        return good

    async def _check_others(self) -> None:
        """Take apart the rows whose structure is in doubt."""
        rows = self._rows
        if len(self._found.where) == len(rows.numbers):
            return
        for position in sorted(set(range(len(rows.numbers))).difference(self._found.where)):
            row: Corrected | Problem | ParsedRow = rows.parse(position)
            if isinstance(row, ParsedRow):
                self._ignore(row.ignored, position)
                row = self._checks.check(row)
            if isinstance(row, Problem):
                self._problems[position] = row
            else:
                self._corrected[position] = row
            if self._turns.due:
                await self._turns.next()

    def _ignore(self, names: Sequence[str], position: int) -> None:
        """Nothing is done with what a row has under *names*."""
        self._context.ignore(names)
        if asked := list(filter(may_say_who_wants_none, names)):
            original = self._rows.original(position)
            for name in asked:
                self._context.consent.meet(name, [original.get(name, "")], [position])

    def _made(self, good: Candidates, places: Sequence[int]) -> Sequence[WireRow]:
        """The rows of the candidates, who are at *places* if some have numbers to be sent otherwise."""
        if good.ready is not None:
            for place, row in zip(places, good.ready, strict=True) if places else ():
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
