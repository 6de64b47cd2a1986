"""When so many fail that it is no success, although all was submitted. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from keebai_async.model.chunk import Chunk
from keebai_async.model.guard import LEAST, Share, share_of
from keebai_async.model.report import utc

ALARMING: Final = 0.2
"""The share of failures above which something is wrong with the template, the sender or the list."""

_MOST_NAMED: Final = 5


class FailingChunk(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk of which an alarming share failed. *submitted_at* is in UTC."""

    number: int
    broadcast_id: str | None
    failed: int
    delivered: int
    submitted_at: datetime | None = None


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """An alarming share (0 to 1) of those of whom something is known failed.

    *worst* are the chunks with the largest shares, at most five; *since* is when the first request left of
    which so many failed, in UTC.
    """

    failed: int
    delivered: int
    share: float
    worst: tuple[FailingChunk, ...] = ()
    since: datetime | None = None


def failing_of(chunks: Iterable[Chunk]) -> Failing | None:
    """Whether more than ALARMING failed, of 200 people or more; None if not."""
    every = tuple(chunks)
    share = share_of(every)
    if not alarming(share):
        return None
    bad = [chunk for chunk in every if share_of([chunk]).above(ALARMING)]
    worst = sorted(bad, key=lambda chunk: -chunk.failed / (chunk.failed + chunk.sent))[:_MOST_NAMED]
    return Failing(
        failed=share.failed,
        delivered=share.delivered,
        share=share.failed / share.delivered,
        worst=tuple(
            FailingChunk(
                number=chunk.number,
                broadcast_id=chunk.broadcast_id,
                failed=chunk.failed,
                delivered=chunk.failed + chunk.sent,
                submitted_at=utc(chunk.submitted_at),
            )
            for chunk in worst
        ),
        since=utc(min((chunk.submitted_at for chunk in bad if chunk.submitted_at is not None), default=None)),
    )


def alarming(share: Share) -> bool:
    return share.delivered >= LEAST and share.above(ALARMING)
