"""One row, checked exactly: it becomes what is sent, or we say what is wrong with it.

This is the slow path. The fast path looks at whole blocks and may only say "certainly fine"; a row of which
it does not say that comes here, to be accepted after all or to be told the first thing that is wrong, in a
fixed order: number, variables that are missing, extra variables, values, length of the message, `meta_data`.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.model.recipient import Reason
from keebai_async.planning.codec import RowCodec, WireRow
from keebai_async.planning.corrections import Corrections, Oddity
from keebai_async.planning.identity import identity
from keebai_async.planning.number_forms import NumberForms, country_name, region_of
from keebai_async.planning.phone import NumberReader
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rows import NotText, ParsedRow, Value
from keebai_async.planning.text_checks import check_text, flatten, oddities, unwrapped
from keebai_async.privacy import shown
from keebai_async.sources.header import nearest


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """What may be corrected on the way, because the caller said so.

    *region* is the country of numbers without a plus, or they are *international* and begin with a country
    code; *countries* are the only ones whose people are sent to, if any is given. *drop_extra* leaves out
    variables that the template does not have, *fix_whitespace* flattens line breaks, tabs and runs of spaces
    in values.
    """

    region: str | None = None
    international: bool = False
    countries: frozenset[str] = frozenset()
    drop_extra: bool = False
    fix_whitespace: bool = False


class NumberChecks:
    """How the numbers of one list are read, and which countries they may be of."""

    def __init__(self, tolerance: "Tolerance") -> None:
        self.reader = NumberReader(tolerance.region, international=tolerance.international)
        self.forms = NumberForms(tolerance.countries)


STRICT: Final = Tolerance()


def check_row(
    row: ParsedRow, codec: RowCodec, tolerance: Tolerance, numbers: NumberChecks, corrections: Corrections
) -> WireRow | Problem:
    """The row as it will be sent, or the first thing that is wrong with it; counts in *corrections*."""
    to = _number(row.to, numbers, corrections)
    if isinstance(to, Problem):
        return to
    checked = _check_rest(to, row, codec, tolerance, corrections)
    return msgspec.structs.replace(checked, number=to) if isinstance(checked, Problem) else checked


def _check_rest(
    to: str, row: ParsedRow, codec: RowCodec, tolerance: Tolerance, corrections: Corrections
) -> WireRow | Problem:
    absent = [name for name in codec.names if name not in row.values]
    if absent:
        return _missing(absent, [*row.ignored, *(name for name in row.values if name not in codec.names)])
    extra = [name for name in row.values if name not in codec.names]
    if extra and not tolerance.drop_extra:
        name = shown(extra[0])  # a list may have a number where a name should be
        return Problem(Reason.EXTRA_VARIABLE, f"the template has no variable {name}: leave it out", name)
    values = []
    for name in codec.names:
        value = unwrapped(row.values[name])
        if tolerance.fix_whitespace and isinstance(value, str) and (flat := flatten(value)) != value:
            value = flat
            corrections.note(Oddity.WHITESPACE)
        problem = _wrong(name, value)
        if problem or not isinstance(value, str):
            return problem or _missing([name])
        values.append(value)
        for oddity in oddities(value):
            corrections.note(oddity)
    if codec.space is not None and (over := codec.space.over(values)) > 0:
        detail = f"the message would be {over} characters longer than {MAX_VARIABLE}: shorten its variables"
        return Problem(Reason.LONG_VARIABLE, detail, _longest(codec.names, values))
    if isinstance(row.meta_data, NotText):
        return Problem(Reason.BAD_META_DATA, f"meta_data {row.meta_data.what}", "meta_data")
    return codec.row(to, values, row.meta_data)


def _number(value: Value, numbers: NumberChecks, corrections: Corrections) -> str | Problem:
    if isinstance(value, NotText):
        return Problem(Reason.BAD_NUMBER, f"the number {value.what}: write it as text, +5491155555555", "to")
    number = numbers.reader.read(value or "")
    if isinstance(number, Problem):
        return number
    if not numbers.forms.allows(key := identity(number.e164)):
        detail = f"a number of {country_name(region_of(key))}, which is not among the countries asked for"
        return Problem(Reason.OTHER_COUNTRY, detail, "to", number.e164)
    for oddity, is_so in (
        (Oddity.PARSED, number.parsed),
        (Oddity.LANDLINE, number.landline),
        (Oddity.AMBIGUOUS, number.ambiguous),
    ):
        if is_so:
            corrections.note(oddity)
    return number.e164


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


@lru_cache  # a list that misses a name misses it in every row
def _like(name: str, names: tuple[str, ...]) -> str | None:
    return nearest(name, names)


def _longest(names: Sequence[str], values: Sequence[str]) -> str:
    """The name of the longest value."""
    return max(zip(names, values, strict=True), key=lambda each: len(each[1]), default=("", ""))[0]
