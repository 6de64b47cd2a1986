"""How many requests a plan needs, and how long it will take. Pure, but for the zones of its hours."""

import math
from collections.abc import Iterable

import msgspec

from keebai_async.campaign.pace import pace_seconds
from keebai_async.campaign.timetable import last_departure, zones_for
from keebai_async.cli.figures import figure
from keebai_async.model.campaign import terms_of
from keebai_async.model.outlook import DELIVERY_RATE
from keebai_async.model.plan import Plan
from keebai_async.quota.window import Quota

POLLS_PER_CHUNK = 3
"""Reads that follow one broadcast to its end, when one sender delivers in a line."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """*requests* in all, of which *submits* message people; *submitting* and *delivering* in seconds.

    Delivering counts from the first submit, at one sender's default rate, and never ends before
    submitting does.
    """

    requests: int
    submits: int
    submitting: float
    delivering: float


def estimate(plan: Plan, quotas: Iterable[Quota], *, now: float | None = None) -> Estimate:
    """Reckon with *quotas* that nobody else spends from, and a launch at the Unix time *now*.

    By default it is launched when the plan was made.
    """
    submits = len(plan.chunks)
    submitting = max((_last_start(submits, quota) for quota in quotas), default=0.0)
    terms, at = terms_of(plan), plan.created_at if now is None else now
    if terms.hours is not None or terms.not_before is not None:
        last = last_departure(terms, plan, zones_for(terms, plan, at), at)
        submitting = max(submitting, last - at)
    else:
        submitting = max([submitting, *(pace_seconds(pace, plan.chunks) for pace in terms.paces)])
    if plan.daily_room is not None:
        submitting = max(submitting, plan.daily_room.ends_at - at)
    return Estimate(
        requests=submits * (1 + POLLS_PER_CHUNK),
        submits=submits,
        submitting=submitting,
        delivering=max(submitting, max(each.ready for each in plan.parts or (plan,)) / DELIVERY_RATE),
    )


def _last_start(requests: int, quota: Quota) -> float:
    """When the last of *requests* may start: each full window of them costs one wait."""
    return (requests - 1) // quota.limit * quota.per if requests else 0.0


def duration(seconds: float) -> str:
    """*seconds* in the two units that matter: `8 s`, `10 min`, `10 min 17 s`, `3 h 28 min`, `5 d 9 h`."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {left} s" if (left := whole % 60) else "")
    hours = whole // 3600
    if hours < 48:
        return f"{hours} h" + (f" {left} min" if (left := whole % 3600 // 60) else "")
    return f"{figure(hours // 24)} d" + (f" {left} h" if (left := hours % 24) else "")
