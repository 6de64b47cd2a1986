"""What a run is told in the place of the terms of its plan or of the last run. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.model.campaign import RunTerms
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.hours import Hours
from keebai_async.model.moments import unix
from keebai_async.model.plan import Guards, Pace, check_people
from keebai_async.model.whole import dealt_guards, dealt_pace, dealt_people

OFF: Final = "off"
"""In the place of a pace, of hours, of a number of people: none, whatever it was before."""
NOW: Final = "now"
"""In the place of a time: at once."""


class NewTerms(msgspec.Struct, frozen=True, kw_only=True):
    """None leaves a term as it was, and `off` ends it (for *at*: `now`).

    *at* is Unix time, or a time with its offset. *daily_limit* is of all campaigns of the journal together,
    so every part of a list over several senders has the same.
    """

    guards: Guards | None = None
    pace: Pace | str | None = None
    at: float | datetime | str | None = None
    hours: Hours | str | None = None
    per_hour: int | str | None = None
    per_day: int | str | None = None
    daily_limit: int | str | None = None
    ignore_opt_outs: bool = False


def dealt_terms(new: NewTerms, number: int, of: int) -> NewTerms:
    """What the part *number* of *of* is told, where the whole list is told *new*.

    Raises:
        InvalidInput: one of them is none of its kind, or there is not one person for each part in it.
    """
    pace = _pace(new.pace, None)
    return msgspec.structs.replace(
        new,
        guards=None if new.guards is None else dealt_guards(new.guards, number, of),
        pace=new.pace if pace is None else dealt_pace(pace, number, of),
        per_hour=_dealt(new.per_hour, number, of, field="per_hour"),
        per_day=_dealt(new.per_day, number, of, field="per_day"),
    )


def _dealt(new: int | str | None, number: int, of: int, *, field: str) -> int | str | None:
    people = _people(new, None, 0, field=field)
    return new if people is None else dealt_people(people, number, of, field=field)


def changed(terms: RunTerms, new: NewTerms, chunks: Iterable[Chunk] = ()) -> RunTerms:
    """*terms* with what is *new*, for what is planned of *chunks*.

    Opt-outs are ignored from now on if *new* says so, or if they were before.

    Raises:
        InvalidInput: one of them is none of its kind, or a planned chunk has more people than may leave in a
            day or an hour.
    """
    largest = max((each.recipients for each in chunks if each.state is ChunkState.PLANNED), default=0)
    return RunTerms(
        guards=new.guards or terms.guards,
        pace=_pace(new.pace, terms.pace),
        ignore_opt_outs=new.ignore_opt_outs or terms.ignore_opt_outs,
        not_before=_not_before(new.at, terms.not_before),
        hours=_hours(new.hours, terms.hours),
        per_hour=_people(new.per_hour, terms.per_hour, largest, field="per_hour"),
        per_day=_people(new.per_day, terms.per_day, largest, field="per_day"),
        daily_limit=_people(new.daily_limit, terms.daily_limit, largest, field="daily_limit"),
    )


def _pace(new: Pace | str | None, before: Pace | None) -> Pace | None:
    if not isinstance(new, str):
        return new or before
    return None if _is(new, OFF) else Pace.parse(new)


def _hours(new: Hours | str | None, before: Hours | None) -> Hours | None:
    if not isinstance(new, str):
        return new or before
    return None if _is(new, OFF) else Hours.parse(new, None if before is None else before.zone)


def _not_before(new: float | datetime | str | None, before: float | None) -> float | None:
    if not isinstance(new, str):
        return before if new is None else unix(new)
    if _is(new, NOW):
        return None
    raise InvalidInput(f"at is a time, or now, not {new!r}", field="at", value=new)


def _people(new: int | str | None, before: int | None, largest: int, *, field: str) -> int | None:
    if new is None:
        return before
    if isinstance(new, str) and _is(new, OFF):
        return None
    try:
        people = int(new)
    except ValueError as error:
        words = f"{field} is a number of people, or off, not {new!r}"
        raise InvalidInput(words, field=field, value=f"{new}") from error
    check_people(people, field=field)
    if people < largest:
        raise InvalidInput(
            f"{field} is at least {largest:,} here: that many people are in one chunk of this campaign, and"
            " leave together",
            field=field,
            value=f"{people}",
        )
    return people


def _is(text: str, word: str) -> bool:
    return text.strip().lower() == word
