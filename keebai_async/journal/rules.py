"""What every journal checks before it keeps something: that a plan adds up, and that no move loses anyone.

Pure: what is a campaign, a chunk or a plan is decided here, and never by a database.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from keebai_async.errors import CampaignBusy, CampaignNotFound, ForbiddenMove, Misused
from keebai_async.model.campaign import CampaignState, Holder
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import (
    Accept,
    HandOn,
    LateAccept,
    LateTakeBack,
    Lose,
    Move,
    Refuse,
    Submit,
    TakeBack,
    apply,
)
from keebai_async.model.lost import NO_ANSWER_WRITTEN, NOT_SEEN_TO_END
from keebai_async.model.people_words import agreeing, people_words
from keebai_async.model.plan import Pace, Plan, ReasonCount
from keebai_async.model.recipient import Rejection
from keebai_async.privacy import without_numbers

S = TypeVar("S", bound=msgspec.Struct)

DAMAGED: Final = "it is damaged: restore it from a copy before anything is submitted again"
_HALF: Final = re.compile("[\ud800-\udfff]")

NEWER: Final = (
    "it is damaged, or a newer version of this program wrote it: update this one, or restore it from a copy"
    " before anything is submitted again"
)


def not_found(campaign_id: str) -> CampaignNotFound:
    return CampaignNotFound(f"there is no campaign {campaign_id} in this journal", campaign_id=campaign_id)


def no_chunk(campaign_id: str, number: int) -> CampaignNotFound:
    return CampaignNotFound(f"campaign {campaign_id} has no chunk {number}", campaign_id=campaign_id)


def no_people(campaign_id: str) -> CampaignNotFound:
    return CampaignNotFound(
        f"the people of campaign {campaign_id} have been purged; its counts are all that is left",
        campaign_id=campaign_id,
    )


def frozen(campaign_id: str) -> Misused:
    return Misused(f"campaign {campaign_id} is frozen: its plan cannot be changed")


def kept_twice(campaign_id: str, number: int) -> Misused:
    return Misused(f"chunk {number} of campaign {campaign_id} is kept already")


def busy(campaign_id: str, holder: Holder) -> CampaignBusy:
    since = datetime.fromtimestamp(holder.since, UTC).astimezone().isoformat(sep=" ", timespec="seconds")
    return CampaignBusy(
        f"campaign {campaign_id} is being run by process {holder.pid} on {holder.host} since {since}:"
        " wait until it ends, or stop it",
        campaign_id=campaign_id,
    )


def no_lease(campaign_id: str) -> Misused:
    return Misused(f"recover campaign {campaign_id} inside its lease: its chunks may be on their way")


def check_plan(plan: Plan, kept: Mapping[int, int]) -> None:
    """Compare a plan with the chunks that were kept for it (number -> recipients).

    Raises:
        Misused: they are not the same, or the plan counts another number of people than it holds.
    """
    planned = dict(enumerate(plan.chunks, start=1))
    if planned != dict(kept):
        raise Misused(
            f"plan {plan.campaign_id} names {len(planned)} chunks with {people_words(sum(planned.values()))},"
            f" but {len(kept)} with {sum(kept.values())} were kept for it, or in another order"
        )
    if plan.ready != sum(plan.chunks):
        raise Misused(
            f"plan {plan.campaign_id} is ready for {people_words(plan.ready)} and holds {sum(plan.chunks)}"
        )


def storable(value: S) -> S:
    """*value* as it can be kept: half a character (a lone surrogate) becomes U+FFFD, and a text of another
    class, such as numpy's, a text."""
    try:
        msgspec.json.encode(value)
    except (UnicodeEncodeError, TypeError):
        whole: S = msgspec.convert(_whole(msgspec.to_builtins(value, enc_hook=str.__str__)), type(value))
        return whole
    return value


def _whole(value: object) -> object:
    match value:
        case str():
            return _HALF.sub("\N{REPLACEMENT CHARACTER}", value)
        case list() | tuple():
            return [_whole(each) for each in value]
        case dict():
            return {_whole(name): _whole(each) for name, each in value.items()}
        case _:
            return value


def moved(chunk: Chunk, move: Move) -> Chunk:
    """The chunk after a move that stands by itself.

    Raises:
        ForbiddenMove: its life does not allow it, or people would be in no chunk afterwards.
    """
    if isinstance(move, LateAccept | LateTakeBack):
        raise ForbiddenMove(f"chunk {chunk.number}: only an answer to its last submit leads to that move")
    after = apply(chunk, move)
    if after.recipients != chunk.recipients:
        raise ForbiddenMove(
            f"{type(move).__name__.lower()} of chunk {chunk.number} keeps {after.recipients} of its"
            f" {people_words(chunk.recipients)}: the others need new chunks"
        )
    return after


def has_room(pace: Pace, recipients: int, left: Iterable[tuple[float, int]]) -> bool:
    """Whether so many *recipients* may leave, after those who *left* within the time of the pace."""
    return sum(people for _, people in left) <= pace.beside(recipients)


def late(chunk: Chunk, submit: Submit, answer: Accept | TakeBack) -> Move | None:
    """The move that *answer* to *submit*, the last one of *chunk*, is now; None if it changes nothing.

    A person may have said meanwhile that it did not arrive: an acceptance knows better, while it is not
    submitted again.
    """
    number, step = chunk.number, chunk.step + 1
    if chunk.state is ChunkState.SUBMITTING:
        return answer if chunk.step == submit.step else None
    unknown = chunk.state is ChunkState.UNKNOWN
    match answer:
        case Accept(accepted=accepted, broadcast_id=broadcast_id) if unknown or chunk.resent:
            return LateAccept(number=number, step=step, accepted=accepted, broadcast_id=broadcast_id)
        case TakeBack(reason=reason) if unknown:
            return LateTakeBack(number=number, step=step, reason=reason)
        case _:
            return None


def recut(
    chunks: Mapping[int, Chunk], moves: Sequence[Refuse | HandOn], children: Sequence[tuple[int, bytes]]
) -> tuple[list[Chunk], list[Chunk]]:
    """The moved chunks and their children, after a recut.

    Where the people of one of them had left before, it may be proven yet that they were accepted then: their
    children know of it, and of the proof, if it is there already. No broadcast that it names has just the
    people of a child.

    Raises:
        ForbiddenMove: a life does not allow its move, or a chunk is moved twice.
        ValueError: there is no move, one after the first is not a HandOn, or people would be lost or added.
    """
    if not moves or any(isinstance(move, Refuse) for move in moves[1:]):
        raise ValueError("a recut refuses one chunk at most, the first, and hands on the others")
    if len({move.number for move in moves}) != len(moves):
        raise ForbiddenMove("a recut moves each chunk once")
    parents = [apply(chunks[move.number], move) for move in moves]
    before = sum(chunks[move.number].recipients for move in moves)
    after = sum(parent.recipients for parent in parents) + sum(recipients for recipients, _ in children)
    if before != after or any(recipients < 1 for recipients, _ in children):
        raise ValueError(f"a recut of {people_words(before)} cannot give {after}, nor a chunk without people")
    highest = max(chunks)
    cut = [chunks[move.number] for move in moves]
    left_at = max((at for each in cut if (at := _left_earlier_at(each)) is not None), default=None)
    noticed = [each.noticed_at for each in cut if each.noticed_at is not None]
    born = [
        Chunk(
            number=highest + place,
            recipients=recipients,
            parent=moves[0].number,
            left_earlier_at=left_at,
            noticed_at=None if left_at is None else min(noticed, default=None),
        )
        for place, (recipients, _) in enumerate(children, start=1)
    ]
    return parents, born


def _left_earlier_at(chunk: Chunk) -> float | None:
    """When the people of a chunk that is cut had left before, but for an attempt that was just refused."""
    refused_now = chunk.state is ChunkState.SUBMITTING
    return chunk.submitted_at if chunk.attempts > refused_now else chunk.left_earlier_at


def further(chunk: Chunk, *, sent: int, failed: int, final: bool, at: float) -> Chunk:
    """The chunk with new counters: none of them ever goes back, and final stays final.

    *at* is when they were seen; it counts if they are news.
    """
    after = chunk.counted(
        sent=max(sent, chunk.sent),
        failed=max(failed, chunk.failed),
        final=final or chunk.final,
        seen_at=chunk.seen_at,
    )
    return chunk if after == chunk else msgspec.structs.replace(after, seen_at=at)


def lost(chunk: Chunk, *, seen_dead: bool, at: float) -> Lose:
    """What becomes of a chunk whose process died, or fell silent, while it was on its way; *at* is now."""
    reason = NO_ANSWER_WRITTEN if seen_dead else NOT_SEEN_TO_END
    return Lose(number=chunk.number, step=chunk.step + 1, reason=reason, at=at)


def check_removable(campaign_id: str, state: CampaignState, chunks: Sequence[Chunk]) -> None:
    """Raises:
    CampaignBusy: it was launched, so what became of its people must stay known.
    """
    if state is not CampaignState.PLANNED or any(chunk.step for chunk in chunks):
        raise CampaignBusy(
            f"campaign {campaign_id} was launched, and what became of its people stays in the journal:"
            " only a plan can be removed",
            campaign_id=campaign_id,
        )


def check_purgeable(campaign_id: str, chunks: Sequence[Chunk]) -> None:
    """Raises:
    CampaignBusy: someone in it may still have to be submitted.
    """
    states = {ChunkState.PLANNED, ChunkState.SUBMITTING, ChunkState.UNKNOWN}
    people = sum(chunk.recipients for chunk in chunks if chunk.state in states)
    if people:
        who = f"{people_words(people)} who {agreeing(people, 'is', 'are')}"
        raise CampaignBusy(
            f"campaign {campaign_id} has {who} unsent or unknown:"
            " without their numbers it could never be ended",
            campaign_id=campaign_id,
        )


def without_people(plan: Plan) -> Plan:
    """A plan as it may stay after a purge: no examples of rows, no message with somebody's values."""
    reasons = tuple(ReasonCount(reason=each.reason, count=each.count) for each in plan.reasons)
    return msgspec.structs.replace(plan, reasons=reasons, preview=None, preview_to="", previews=())


def anonymous_words(words: str | None) -> str | None:
    """A reason as it may stay after a purge: a service may have named a number in it."""
    return None if words is None else without_numbers(words)


def anonymous_chunk(chunk: Chunk) -> Chunk:
    return msgspec.structs.replace(chunk, reason=anonymous_words(chunk.reason))


def anonymous_move(move: Move) -> Move:
    match move:
        case TakeBack() | Refuse() | HandOn() | Lose() | LateTakeBack():
            return msgspec.structs.replace(move, reason=anonymous_words(move.reason))
        case _:
            return move


def anonymous(rejection: Rejection) -> Rejection:
    """A rejection as it may stay after a purge: its row and its reason."""
    return msgspec.structs.replace(rejection, to="", columns={}, number="", cells={})
