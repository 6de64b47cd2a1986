"""One row, checked exactly: it becomes what is sent, or we say what is wrong with it.

This is the slow path. The fast path looks at whole blocks and may only say "certainly fine"; a row of which
it does not say that comes here, to be accepted after all or to be told the first thing that is wrong, in a
fixed order: number, variables that are missing, extra variables, values, length of the message, `meta_data`.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import compress, product
from typing import Final

import msgspec

from keebai_async.model.identity import identity
from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.model.recipient import Reason
from keebai_async.planning.codec import RowCodec
from keebai_async.planning.corrections import Corrected, Oddity
from keebai_async.planning.number_forms import NumberForms, country_name, region_of
from keebai_async.planning.phone import NumberReader
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rows import NotText, ParsedRow, Value
from keebai_async.planning.text_checks import check_text, flatten, oddities, unwrapped
from keebai_async.privacy import shown
from keebai_async.sources.header import for_numbers, nearest


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """What may be corrected on the way, because the caller said so.

    *region* is the country of numbers without a plus, or they are *international* and begin with a country
    code; *countries* are the only ones whose people are sent to, if any is given, and *closed* those to which
    Meta delivers nothing of this category. *drop_extra* leaves out variables that the template does not have,
    *fix_whitespace* flattens line breaks, tabs and runs of spaces in values.
    """

    region: str | None = None
    international: bool = False
    countries: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    drop_extra: bool = False
    fix_whitespace: bool = False


class CheckedNumber(msgspec.Struct, frozen=True, gc=False):
    """A number as it is sent, and what a person should know of it."""

    e164: str
    oddities: tuple[Oddity, ...]


class NumberChecks:
    """How the numbers of one list are read, and which countries they may be of."""

    def __init__(self, tolerance: "Tolerance") -> None:
        self.reader = NumberReader(tolerance.region, international=tolerance.international)
        self.forms = NumberForms(tolerance.countries, tolerance.closed)

    def check(self, cell: str) -> CheckedNumber | Problem:
        """The number in a cell, or what is wrong with it."""
        number = self.reader.read(cell)
        if isinstance(number, Problem):
            return number
        if self.forms.filters and not self.forms.allows(key := identity(number.e164)):
            return _not_allowed(region_of(key), number.e164, self.forms.closed)
        return CheckedNumber(number.e164, _ODDITIES[number.parsed, number.landline, number.ambiguous])


def _not_allowed(region: str, number: str, closed: frozenset[str]) -> Problem:
    if region in closed:
        detail = (
            "a number of the United States, where Meta delivers no MARKETING template: leave the person"
            " out, or reach them in another way"
        )
        return Problem(Reason.NO_MARKETING, detail, "to", number)
    detail = f"a number of {country_name(region)}, which is not among the countries asked for"
    return Problem(Reason.OTHER_COUNTRY, detail, "to", number)


STRICT: Final = Tolerance()
_OF_NUMBERS: Final = (Oddity.PARSED, Oddity.LANDLINE, Oddity.AMBIGUOUS)
_ODDITIES: Final = {is_so: tuple(compress(_OF_NUMBERS, is_so)) for is_so in product((False, True), repeat=3)}


class RowChecks:
    """What a row of one list must be: like *codec*'s template wants it, corrected as *tolerance* allows."""

    def __init__(self, codec: RowCodec, tolerance: Tolerance = STRICT) -> None:
        self.codec = codec
        self.numbers = NumberChecks(tolerance)
        self._drop_extra = tolerance.drop_extra
        self._fix_whitespace = tolerance.fix_whitespace

    def check(self, row: ParsedRow) -> Corrected | Problem:
        """The row as it will be sent, or the first thing that is wrong with it."""
        if isinstance(row.to, NotText):
            what = f"the number {row.to.what}: write it as text, +5491155555555"
            return Problem(Reason.BAD_NUMBER, what, "to")
        number = self.numbers.check(row.to or "")
        if isinstance(number, Problem):
            return number if row.to else _no_number(number, tuple(sorted(row.ignored)))
        found = self._check_rest(number, row)
        return msgspec.structs.replace(found, number=number.e164) if isinstance(found, Problem) else found

    def check_values(
        self, number: CheckedNumber, given: Sequence[Value], meta_data: object
    ) -> Corrected | Problem:
        """The row of somebody with this *number* and a value for each variable; or what is wrong with one."""
        found = self._check_values(number, given, meta_data)
        return msgspec.structs.replace(found, number=number.e164) if isinstance(found, Problem) else found

    def _check_rest(self, number: CheckedNumber, row: ParsedRow) -> Corrected | Problem:
        names = self.codec.names
        absent = [name for name in names if name not in row.values]
        if absent:
            return _missing(absent, [*row.ignored, *(name for name in row.values if name not in names)])
        if len(row.values) > len(names) and not self._drop_extra:
            # A list may have a number where a name should be.
            extra = shown(next(name for name in row.values if name not in names))
            what = f"the template has no variable {extra}: leave it out"
            return Problem(Reason.EXTRA_VARIABLE, what, extra)
        return self._check_values(number, list(map(row.values.__getitem__, names)), row.meta_data)

    def _check_values(
        self, number: CheckedNumber, given: Sequence[Value], meta_data: object
    ) -> Corrected | Problem:
        codec = self.codec
        values: list[str] = []
        found = number.oddities
        for name, value in zip(codec.names, given, strict=True):
            value = unwrapped(value)
            if self._fix_whitespace and isinstance(value, str) and (flat := flatten(value)) != value:
                value = flat
                found += (Oddity.WHITESPACE,)
            problem = _wrong(name, value)
            if problem or not isinstance(value, str):
                return problem or _missing([name])
            values.append(value)
            found += tuple(oddities(value))
        if codec.space is not None and (over := codec.space.over(values)) > 0:
            what = f"the message would be {over} characters longer than {MAX_VARIABLE}: shorten its variables"
            return Problem(Reason.LONG_VARIABLE, what, _longest(codec.names, values))
        if isinstance(meta_data, NotText):
            return Problem(Reason.BAD_META_DATA, f"meta_data {meta_data.what}", "meta_data")
        return Corrected(codec.row(number.e164, values, meta_data), found)


def _wrong(name: str, value: Value) -> Problem | None:
    if value is None:
        return Problem(Reason.BLANK_VARIABLE, f"{name} is null: give it a value", name)
    if isinstance(value, NotText):
        return Problem(Reason.BAD_VARIABLE, f"{name} {value.what}: write it as text", name)
    return check_text(name, value)


def _missing(names: Sequence[str], given: Sequence[str] = ()) -> Problem:
    """*given* are names of the row that are none of the template's."""
    first, *others = names
    also = f" (and {', '.join(others)})" if others else ""
    like = _like(first, tuple(sorted(given))) if given else None
    meant = f"; if {like} is meant, rename it" if like else ""
    detail = f"{first}{also} is missing: the template asks for it{meant}"
    return Problem(Reason.MISSING_VARIABLE, detail, first)


@lru_cache  # a list that has no number in a row has none in each
def _no_number(problem: Problem, ignored: tuple[str, ...]) -> Problem:
    """*problem* says that a row has no number; with the column of the *ignored* ones that may be meant."""
    meant = next(filter(for_numbers, ignored), None)
    if meant is None:
        return problem
    column = shown(meant)
    detail = f"there is no number: if {column} is meant, say --column to={column}"
    return Problem(problem.reason, detail, problem.field)


@lru_cache  # a list that misses a name misses it in every row
def _like(name: str, names: tuple[str, ...]) -> str | None:
    return nearest(name, names)


def _longest(names: Sequence[str], values: Sequence[str]) -> str:
    """The name of the longest value."""
    return max(zip(names, values, strict=True), key=lambda each: len(each[1]), default=("", ""))[0]
