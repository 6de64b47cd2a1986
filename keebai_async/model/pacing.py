"""Whether Meta probably holds the messages of a template that is new, which it does for up to an hour. Pure.

Source: contract, section 10 (pacing): the first messages of a new marketing template are delivered, and the
others held until Meta has seen how people take them; then they are sent, or dropped with 132015. Nothing that
the service answers says so. A stalled broadcast of such a template is more likely that than a mistake.
"""

from collections.abc import Iterable
from typing import Final

from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.places import departures
from keebai_async.model.plan import Plan

HELD_FOR: Final = 3_600.0
"""Seconds from the first message of a template on, in which the others may be held."""
_NEVER_HELD: Final = frozenset({"UTILITY", "AUTHENTICATION"})


def may_be_held(plan: Plan) -> bool:
    """Whether its template is of a category of which Meta holds messages, as far as that is known."""
    return plan.category.upper() not in _NEVER_HELD


def first_message_at(plan: Plan, every: Iterable[StoredCampaign]) -> float | None:
    """When the first message of a plan's template was submitted that somebody may have got.

    *every* is all campaigns of the journal. None if there was none.
    """
    left = (
        at
        for campaign in every
        if (campaign.plan.template, campaign.plan.language) == (plan.template, plan.language)
        for at, _ in departures(campaign.chunks)[:1]
    )
    return min(left, default=None)


def probably_held(plan: Plan, *, first: float | None, now: float) -> bool:
    """Whether what does not move at *now* is probably held, the template's first message being of *first*."""
    return may_be_held(plan) and (first is None or now - first < HELD_FOR)
