"""When a chunk may leave, by the word of its owner: not before a time, in the hours, at the pace. Pure.

A decision of three things: the terms of the run, what the journal says of its chunks, and the clock on the
wall. It is asked before a place in the quota is asked for, so that no place is held for a night; again with
the place in hand, because that may have taken a while; and last when the first byte is about to leave.
Nothing is remembered between two questions, so a clock that is set, a kill and a restart change nothing but
the answer.

Chunks of one country wait for the hours of that country. One whose hours are over gives way to those whose
hours are not (`next_of`), or the east would hold back the west.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Final

import msgspec

from keebai_async.campaign.pace import pace_wait
from keebai_async.errors import InvalidInput
from keebai_async.model.campaign import RunTerms
from keebai_async.model.chunk import Chunk
from keebai_async.model.hours import is_inside, next_inside
from keebai_async.model.places import departures
from keebai_async.model.plan import DailyRoom, Pace, Plan, daily_pace
from keebai_async.zones import zones_of

_NEVER_SOON: Final = 86_400.0
"""Seconds after which hours that do not come are looked for again, should a clock be set to such a year."""


class NotYet(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk is not to leave before the Unix time *until*, and *why*, in words."""

    until: float
    why: str


Zones = Mapping[str, tuple[tzinfo, ...]]
"""By the country of a chunk, the time zones that count; that of the hours under an empty name."""

NO_ZONES: Final[Zones] = {}


class Timetable:
    """The *terms* of a run, for the chunks that *chunk_of* gives by number, *plan* being theirs."""

    def __init__(
        self,
        terms: RunTerms,
        plan: Plan,
        chunk_of: Callable[[int], Chunk],
        *,
        zones: Zones = NO_ZONES,
    ) -> None:
        self._terms = terms
        self._plan = plan
        self._chunk_of = chunk_of
        self._zones = zones
        self._closed: dict[str, tuple[float, float]] = {}

    def opens(self, number: int, wall: float) -> NotYet | None:
        """What a chunk waits for before its time has come; None if it may leave, as far as hours go."""
        return self._opens(self._country(number), wall)

    def next_of(self, waiting: Sequence[int], wall: float) -> tuple[int, NotYet | None]:
        """The place in *waiting* of the chunk to submit next: the first that may leave, or that may first."""
        if self._terms.hours is None or not self._terms.hours.by_country:
            return 0, self._opens("", wall)
        found: dict[str, NotYet | None] = {}
        best, until = 0, NotYet(until=float("inf"), why="")
        for place, number in enumerate(waiting):
            country = self._country(number)
            if country not in found:
                found[country] = self._opens(country, wall)
            if (held := found[country]) is None:
                return place, None
            if held.until < until.until:
                best, until = place, held
        return best, until

    @property
    def daily(self) -> Pace | None:
        """The pace of all campaigns of the journal together, if there is a limit on the people of a day."""
        return daily_pace(self._terms.daily_limit)

    def room(
        self,
        recipients: int,
        chunks: Iterable[Chunk],
        wall: float,
        *,
        leaving: int,
        in_journal: Iterable[tuple[float, int]] = (),
    ) -> NotYet | None:
        """What a chunk of *recipients* waits for by the paces, *chunks* being all; None if it may leave.

        *leaving* are people who may leave already and have not yet, *in_journal* the departures of all
        campaigns, the earliest first.
        """
        held = self.room_after(departures(chunks), recipients, wall, leaving=leaving)
        if self.daily is None:
            return held
        wait = pace_wait(self.daily, tuple(in_journal), recipients, wall, leaving=leaving)
        if not wait or (held is not None and held.until >= wall + wait):
            return held
        return NotYet(until=wall + wait, why=f"the daily limit of {self.daily.people}")

    def room_after(
        self, left: Iterable[tuple[float, int]], recipients: int, wall: float, *, leaving: int = 0
    ) -> NotYet | None:
        """The same, after the departures *left*, the earliest first."""
        held = None
        for pace in self._terms.paces:
            wait = pace_wait(pace, left, recipients, wall, leaving=leaving)
            if wait and (held is None or held.until < wall + wait):
                held = NotYet(until=wall + wait, why=f"the pace of {pace}")
        return held

    def _opens(self, country: str, wall: float) -> NotYet | None:
        terms = self._terms
        if terms.not_before is not None and wall < terms.not_before:
            return NotYet(until=terms.not_before, why="its time")
        if terms.hours is None or is_inside(terms.hours, self._zones[country], wall):
            return None
        hours = f"{terms.hours.opens}-{terms.hours.closes} {country}" if country else f"{terms.hours}"
        return NotYet(until=self._next(country, wall), why=f"the hours {hours}")

    def _next(self, country: str, wall: float) -> float:
        asked, until = self._closed.get(country, (0.0, 0.0))
        if self._terms.hours is not None and not asked <= wall < until:
            found = next_inside(self._terms.hours, self._zones[country], wall)
            until = wall + _NEVER_SOON if found is None else found
            self._closed[country] = wall, until
        return until

    def _country(self, number: int) -> str:
        """That of a planned chunk, or of the one that a part was cut from."""
        if self._terms.hours is None or not self._terms.hours.by_country:
            return ""
        while number > len(self._plan.chunks):
            parent = self._chunk_of(number).parent
            if parent is None:
                raise LookupError(f"chunk {number} comes from nowhere")
            number = parent
        return countries_of(self._plan)[number - 1]


def daily_room(plan: Plan, left: Iterable[tuple[float, int]], now: float) -> DailyRoom | None:
    """What a plan's daily limit comes to after the departures *left* of all campaigns, the earliest first.

    None without a limit. No other limit is looked at but a time before which nothing leaves.
    """
    pace = daily_pace(plan.daily_limit)
    if pace is None:
        return None
    wall = now = max(now, plan.not_before or now)
    counted = deque((at, people) for at, people in left if at > now - pace.per)
    used, own = sum(people for _, people in counted), list[tuple[float, int]]()
    for recipients in plan.chunks:
        wall += pace_wait(pace, tuple(counted), recipients, wall)
        own.append((wall, recipients))
        counted.append((wall, recipients))
        while counted[0][0] <= wall - pace.per:
            counted.popleft()
    return DailyRoom(
        at=now,
        used=used,
        at_once=sum(people for at, people in own if at <= now),
        next_at=next((at for at, _ in own if at > now), None),
        ends_at=wall,
    )


def last_departure(terms: RunTerms, plan: Plan, zones: Zones, now: float) -> float:
    """When the last chunk of a plan leaves, if it is launched at the Unix time *now* and all goes well."""
    timetable = Timetable(terms, plan, _of_no_other, zones=zones)
    longest = max((pace.per for pace in terms.paces), default=0.0)
    left: deque[tuple[float, int]] = deque()
    waiting, wall = deque(range(1, len(plan.chunks) + 1)), now
    while waiting:
        place, held = timetable.next_of(waiting, wall)
        recipients = plan.chunks[waiting[place] - 1]
        held = held or timetable.room_after(left, recipients, wall)
        if held is not None:
            wall = held.until
            continue
        del waiting[place]
        left.append((wall, recipients))
        while left[0][0] < wall - longest:
            left.popleft()
    return wall


def _of_no_other(number: int) -> Chunk:
    raise LookupError(f"chunk {number} is none of the plan")


def countries_of(plan: Plan) -> tuple[str, ...]:
    """The country of all people of each chunk; nothing if one of them has people of several."""
    if plan.chunk_countries:
        return plan.chunk_countries
    if len(plan.countries) == 1 and plan.countries[0].people == plan.ready:
        return (plan.countries[0].region,) * len(plan.chunks)
    return ()


def zones_for(terms: RunTerms, plan: Plan, now: float) -> Zones:
    """The zones that the hours of *terms* go by, read from files.

    Raises:
        InvalidInput: they are by country and the chunks are not, there is no such zone, or they never come.
    """
    hours = terms.hours
    if hours is None:
        return {}
    if not hours.by_country:
        zones: Zones = {"": zones_of(hours.zone)}
    else:
        countries = countries_of(plan)
        if not countries:
            raise InvalidInput(
                "its chunks have people of several countries, because it was planned without hours by"
                " country: give one zone",
                field="zone",
            )
        zones = {country: zones_of(country) for country in dict.fromkeys(countries)}
    for country, places in zones.items():
        if next_inside(hours, places, now) is None:
            where = country or hours.zone
            raise InvalidInput(
                f"it never is between {hours.opens} and {hours.closes} in all zones of {where} at once",
                field="hours",
            )
    return zones
