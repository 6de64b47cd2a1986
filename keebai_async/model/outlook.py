"""How far delivery is likely to be by now, and when it ends: between two looks nobody knows it. Pure.

A look at the service costs a request, so minutes may pass between two. What is shown meanwhile is reckoned
from the last look, at the rate that the sender was seen to have, and is called an estimate where it is shown.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk
from keebai_async.model.report import settle_counters, utc

DELIVERY_RATE: Final = 80.0
"""Messages a second that one sender delivers by default. Source: contract, section 10, "Throughput"."""


class Outlook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is likely of the people who are with the service.

    *seen* of them were counted as sent or failed when last looked at, *pending* are still to come, and
    *likely* of these have come by now, at *rate* messages a second, which was *learnt* from looks at this
    campaign, or is a sender's default. *next_look* is when the service is asked again, and *ends_at* when the
    last of them is likely to have come, both in UTC; None where nobody can say it.
    """

    seen: int
    pending: int
    likely: int
    rate: float
    learnt: bool = False
    next_look: datetime | None = None
    ends_at: datetime | None = None


def outlook_of(campaign: StoredCampaign, now: float) -> Outlook | None:
    """What is likely at *now* (Unix time); None if nobody is with the service and to come."""
    followed = [
        chunk for chunk in campaign.chunks if chunk.tracked and chunk.number not in campaign.facts.gone
    ]
    seen = sum(sum(settle_counters(chunk)[:2]) for chunk in followed)
    pending = sum(settle_counters(chunk)[2] for chunk in followed if not chunk.final)
    if not pending:
        return None
    facts = campaign.facts
    rate = facts.delivery_rate or DELIVERY_RATE
    since = _since(followed)
    passed = 0.0 if since is None else max(0.0, now - since)
    told = sum(max(0, min(chunk.told, chunk.accepted) - chunk.sent - chunk.failed) for chunk in followed)
    likely = min(pending, max(int(rate * passed), told))
    look = facts.next_look_at
    return Outlook(
        seen=seen,
        pending=pending,
        likely=likely,
        rate=rate,
        learnt=facts.delivery_rate is not None,
        next_look=utc(None if look is None else max(now, look)),
        ends_at=utc(now + (pending - likely) / rate),
    )


def _since(followed: Iterable[Chunk]) -> float | None:
    """When what is known was true: at the last look, or when the first of them left."""
    looks, left = list[float](), list[float]()
    for chunk in followed:
        if chunk.seen_at is not None:
            looks.append(chunk.seen_at)
        if chunk.submitted_at is not None and not chunk.final:
            left.append(chunk.submitted_at)
    first = min(left, default=None)
    last = max(looks, default=None)
    if first is None or last is None:
        return first if last is None else last
    return max(first, last)
