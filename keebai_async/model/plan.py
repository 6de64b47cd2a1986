"""A frozen Plan: what a campaign will send, to how many, and why others are left out."""

import math
import re
import unicodedata
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.model.cost import Cost, CountryCount, Price, Rates, cost_at
from keebai_async.model.decided import Decider
from keebai_async.model.hours import Hours
from keebai_async.model.opt_outs import OptOutCount
from keebai_async.model.part import Part
from keebai_async.model.reached import Reached
from keebai_async.model.recipient import Reason, Rejection
from keebai_async.model.result import Result
from keebai_async.model.retry import RetryAccount
from keebai_async.model.sender import Sender
from keebai_async.privacy import without_numbers


class ReasonCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows are left out for one reason, with the first few of them."""

    reason: Reason
    count: int
    examples: tuple[Rejection, ...] = ()


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """What stops a campaign by itself.

    *stop_above* is the share (0 to 1) of what is delivered that may fail. *canary* is the number of people
    that are sent first, as the first chunk; the others follow when it is delivered, below that share.

    Raises:
        InvalidInput: *stop_above* is no share, or *canary* is below 1.
    """

    stop_above: float | None = None
    canary: int | None = None

    def __post_init__(self) -> None:
        if self.stop_above is not None and not 0 <= self.stop_above <= 1:
            raise InvalidInput(
                f"the share that may fail is between 0 and 1, not {self.stop_above}", field="stop_above"
            )
        if self.canary is not None and self.canary < 1:
            raise InvalidInput(f"a canary is at least 1 person, not {self.canary}", field="canary")


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """No more than so many *people* are submitted in any *per* seconds.

    Raises:
        InvalidInput: either of them is below 1.
    """

    people: int
    per: float

    def __post_init__(self) -> None:
        if self.people < 1 or not 1 <= self.per < math.inf:
            raise InvalidInput(
                f"a pace is at least 1 person in at least 1 second, not {self}", field="pace", value=str(self)
            )

    def beside(self, recipients: int) -> int:
        """How many others may have left within its time when a chunk of so many *recipients* leaves.

        A chunk that is larger than the pace leaves when nobody else did.
        """
        return max(0, self.people - recipients)

    @classmethod
    def parse(cls, text: str) -> "Pace":
        """Read `5000/10m`: people, and a time in s, m or h. Raises InvalidInput."""
        found = _PACE.fullmatch(text.strip().lower())
        if found is None:
            raise InvalidInput(
                f"write the pace as 5000/10m (people in a time of s, m or h), not {text!r}",
                field="pace",
                value=text,
            )
        return cls(people=int(found[1]), per=float(found[2] or 1) * _SECONDS[found[3]])

    def __str__(self) -> str:
        unit = next((unit for unit in "hm" if self.per % _SECONDS[unit] == 0), "s")
        return f"{self.people}/{self.per / _SECONDS[unit]:g}{unit}"


DAY: Final = 86_400.0
"""Seconds of a day, which a limit of Meta's goes back from any moment."""


def daily_pace(daily_limit: int | None) -> Pace | None:
    """What a limit on the people of a day comes to."""
    return None if daily_limit is None else Pace(people=daily_limit, per=DAY)


def paces_of(pace: Pace | None, per_hour: int | None, per_day: int | None) -> tuple[Pace, ...]:
    """All that limit how many people leave in a time."""
    others = ((per_hour, 3_600.0), (per_day, DAY))
    return (
        *(() if pace is None else (pace,)),
        *(Pace(people=people, per=per) for people, per in others if people is not None),
    )


def check_people(people: int | None, *, field: str) -> None:
    """Raises InvalidInput, about *field*, if that is no number of people."""
    if people is not None and people < 1:
        raise InvalidInput(f"{field} is at least 1 person, not {people}", field=field, value=str(people))


_PACE: Final = re.compile(r"([0-9]{1,9})/([0-9]{1,6})?([smh])")
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0}


class DailyRoom(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan's daily limit comes to, if it were launched *at* that Unix time.

    *used* people were submitted in the 24 hours before by all campaigns of the journal. Of the plan,
    *at_once* have room then, the next ones leave at *next_at* (None if there are none), the last ones at
    *ends_at*.
    """

    at: float
    used: int
    at_once: int
    next_at: float | None
    ends_at: float


class SuppressListCount(msgspec.Struct, frozen=True, kw_only=True):
    """A list of people who are not to be messaged: how many it names, and how many of them are in the plan's.

    *header_line* is the line that was taken for its header, 0 if none.
    """

    name: str
    numbers: int
    in_list: int
    header_line: int = 0


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A message as one person will read it, and *why* it is shown. *row* is 0 where nobody can say it.

    *to* is their number, masked; empty in plans of 0.1.
    """

    why: str
    text: str
    row: int = 0
    to: str = ""


class Plan(Result, frozen=True, kw_only=True):
    """What would happen. It adds up: read = ready + duplicates + rejected + suppressed.

    *chunks* holds the number of recipients of each chunk, in order. *fingerprint* is a hash of
    everything that would be sent: two plans with the same one would message the same people with the
    same words. *notes* are things a person should know before saying yes, a sentence each; *preview* is the
    first message, *previews* are others that are worth a look. *countries* are those of the people who are
    ready, the most first. *source* is the list, *sheet* that of a workbook, and *first_row* to *last_row* are
    the rows that were read of it, as its reader counts them; 0 in plans of 0.1.
    *preview_to* is the number of the first one, masked.
    *not_within* are the seconds in which nobody may have been sent another campaign; who was is a part of
    *suppressed*. *price* is one for everybody, *rates* are prices by country, in its place.
    *category* is what the template was when it was planned; plans of 0.1 do not know it. *service* is the
    name of the service that it was made for, and that alone can send it; in plans of 0.1 that was Keebai.
    *test* says that it goes to numbers to test with, in the place of the list. *sender_number* is the number
    of the sender, as the service lists it; empty where that could not be read. *wording* is the same for
    templates with the same words, whatever they are called; empty where the service does not show them, and
    in plans of 0.1. *limit* is how many people
    were asked for, and *not_looked_at* how many rows of a file come after them. *gaps* are the rows between
    *first_row* and *last_row* that are none (blank, hidden), as (row, how many); empty if there are more than
    a thousand. *retry* says of what it is a retry, and who was left out of it; *not_before* is the Unix time
    before which it is not to be sent, *hours* those outside of which it is not, *per_hour* and *per_day* how
    many people are submitted in any such time, *daily_limit* how many by all campaigns of the journal
    together in any 24 hours, and *daily_room* what that comes to, as it was when this Plan was given to its
    caller. *chunk_countries* is the country of all people of each chunk,
    where the list was cut by country. *planned_by* is who made it; None in plans of 0.1.
    *reached_before* is what other campaigns of the journal have to do with these people, as it was when this
    Plan was given to its caller; the journal does not keep it. *opted_out* are the people of the list who
    opted out, by how that is known: they are left out, as a part of *suppressed*, unless *opt_outs_ignored*
    says that so many of them are messaged all the same.

    A list over several senders is a Plan of this kind for each of them, with *part*: campaigns of their own.
    The first of them has the rows of the list that are not sent. All of them together are a Plan that the
    journal does not keep, whose *parts* they are, and which counts what they count.
    """

    campaign_id: str
    name: str
    template: str
    language: str
    sender: Sender
    created_at: float
    read: int
    ready: int
    duplicates: int
    rejected: int
    suppressed: int
    chunks: tuple[int, ...]
    reasons: tuple[ReasonCount, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fingerprint: str = ""
    source: str = ""
    preview: str | None = None
    preview_to: str = ""
    guards: Guards = Guards()
    category: str = ""
    countries: tuple[CountryCount, ...] = ()
    suppress_lists: tuple[SuppressListCount, ...] = ()
    previews: tuple[Preview, ...] = ()
    pace: Pace | None = None
    price: Price | None = None
    rates: Rates | None = None
    test: bool = False
    sender_number: str = ""
    service: str = "keebai"
    sheet: str = ""
    first_row: int = 0
    last_row: int = 0
    limit: int | None = None
    not_looked_at: int = 0
    wording: str = ""
    gaps: tuple[tuple[int, int], ...] = ()
    retry: RetryAccount | None = None
    not_before: float | None = None
    hours: Hours | None = None
    per_hour: int | None = None
    per_day: int | None = None
    not_within: float | None = None
    daily_limit: int | None = None
    daily_room: DailyRoom | None = None
    chunk_countries: tuple[str, ...] = ()
    reached_before: tuple[Reached, ...] = ()
    opted_out: tuple[OptOutCount, ...] = ()
    opt_outs_ignored: int | None = None
    planned_by: Decider | None = None
    part: Part | None = None
    parts: tuple["Plan", ...] = ()

    @property
    def cost(self) -> Cost | None:
        """What the people cost who are ready; None if no prices were given."""
        return cost_at(self.rates or self.price, self.ready, self.countries)


def chunk_name(name: str, number: int, of: int, *, parent: int | None = None) -> str:
    """The `campaign_name` of one chunk: "Promo marzo [03/10]", or "[11 from 03]" for a part of one.

    Source: contract, section 3.1, stated advice: parts of one list get different names.
    """
    width = max(2, len(str(of)))
    if parent is not None:
        return f"{name} [{number:0{width}} from {parent:0{width}}]"
    return f"{name} [{number:0{width}}/{of:0{width}}]"


def slug(name: str) -> str:
    """A campaign's name as the beginning of its id: lower case letters without accents, digits and dashes.

    The id stands in logs and traces, so a number that somebody could call is left out of it.
    """
    nobody = re.sub(r"\d{8,}", " ", without_numbers(name))
    bare = "".join(each for each in unicodedata.normalize("NFD", nobody) if not unicodedata.combining(each))
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")[:32] or "campaign"
