"""Limits of the caller's own on what may fail, checked while a campaign runs. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.people_words import people_words
from keebai_async.model.plan import Guards

LEAST = 200
"""People delivered or failed before a share of them means something."""

CANARY_SHARE = 0.2
"""The share that may fail in a canary for which nobody named one."""


class Share(msgspec.Struct, frozen=True):
    """How many of *delivered* people failed; *delivered* counts both."""

    failed: int
    delivered: int

    def above(self, limit: float) -> bool:
        return self.failed > limit * self.delivered

    def __str__(self) -> str:
        return f"{self.failed} of {self.delivered} delivered so far failed"


def share_of(chunks: Iterable[Chunk]) -> Share:
    failed = sent = 0
    for chunk in chunks:
        if chunk.state is ChunkState.ACCEPTED:
            failed, sent = failed + chunk.failed, sent + chunk.sent
    return Share(failed, failed + sent)


def exceeded(guards: Guards, chunks: Iterable[Chunk]) -> str | None:
    """Why nothing more should be submitted, in words; None if it may go on."""
    share = share_of(chunks)
    if guards.stop_above is None or share.delivered < LEAST or not share.above(guards.stop_above):
        return None
    return f"{share}, more than the {guards.stop_above:.0%} allowed"


def canary_of(chunks: Iterable[Chunk]) -> list[Chunk]:
    """The first chunk of the plan, and all that it was cut into."""
    family: dict[int, Chunk] = {}
    for chunk in sorted(chunks, key=lambda each: each.number):
        if chunk.number == 1 or chunk.parent in family:
            family[chunk.number] = chunk
    return list(family.values())


def canary_unnamed(chunks: Iterable[Chunk]) -> bool:
    """Whether all of the canary was accepted in replies that name no broadcast: nobody can ever follow it.

    Who was refused in it, or given up, tells nothing of the others.
    """
    family = canary_of(chunks)
    accepted = [chunk for chunk in family if chunk.state is ChunkState.ACCEPTED]
    settled = all(chunk.settled for chunk in family)
    return settled and bool(accepted) and not any(chunk.tracked for chunk in accepted)


def canary_failed(guards: Guards, chunks: Iterable[Chunk]) -> str | None:
    """Why the rest should not follow the canary, whose chunks are settled; None if it may."""
    family = canary_of(chunks)
    accepted = [chunk for chunk in family if chunk.tracked]
    if canary_unnamed(family):
        return "the reply to the canary names no broadcast: see what became of it in the portal, then resume"
    if not accepted or any(not chunk.settled for chunk in family):
        return "what became of the canary is not known"
    limit = CANARY_SHARE if guards.stop_above is None else guards.stop_above
    share = share_of(accepted)
    if share.above(limit):
        return f"of the canary, {share}, more than the {limit:.0%} allowed"
    return _canary_untold(accepted, share, limit)


def _canary_untold(accepted: Sequence[Chunk], share: Share, limit: float) -> str | None:
    """The same for a canary of which the counters say too little: they are final, and do not add up.

    Source: contract, section 3.2: no page promises that they do; and a broadcast may be cancelled.
    """
    people = sum(chunk.accepted for chunk in accepted)
    if not people:
        return "the service took nobody of the canary"
    untold = max(0, people - share.delivered)
    if untold + share.failed <= limit * people:
        return None
    return (
        f"of the canary, {untold} of {people_words(people)} were neither sent nor failed when its broadcast"
        f" ended, and {share.failed} failed: see what became of them in the portal"
    )
