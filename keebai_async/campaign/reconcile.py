"""Chunks whose outcome is unknown: what a person looks for in the service's portal, and what follows.

Nothing but a person's word leads out of unknown. The word is checked as far as it can be: a broadcast that
has more people, or is another chunk's, is not the one. One that has fewer may be: the service took fewer
than it was given, and the others are reported as refused.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import msgspec

from keebai_async.campaign.proofs import take_proofs
from keebai_async.campaign.run_records import tell_taken
from keebai_async.campaign.service import check_service
from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import CampaignBusy, ForbiddenMove, InvalidInput
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.decided import Act, Decider, decided_by
from keebai_async.model.fates import UnmarkedMatch
from keebai_async.model.lifecycle import Abandon, Resend, Vouch, Withdraw
from keebai_async.model.lost import NO_ANSWER_WRITTEN, NOT_SEEN_TO_END, resend_wait
from keebai_async.model.plan import chunk_name
from keebai_async.model.progress import Progress
from keebai_async.model.remainder import state_once_settled
from keebai_async.model.report import Report, report_of
from keebai_async.model.result import Result
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.chunk_records import chunk_moved
from keebai_async.privacy import mask

_WHY_TOO_EARLY: Final[Mapping[str, str]] = MappingProxyType(
    {
        NO_ANSWER_WRITTEN: "what left before its process ended may still arrive",
        NOT_SEEN_TO_END: "its process could wake",
    }
)


NOBODY_SAID: Final = Decider()
"""In the place of a person of whom nobody told."""


class PortalEntry(Result, frozen=True, kw_only=True, tag="unknown", tag_field="type"):
    """An unknown chunk as it would stand in the portal, if it arrived.

    *left_at* is when its request left, in Unix time. *first* and *last* are its numbers at either end,
    masked; empty when its people were purged. *resend_in* is how many seconds must pass, at least, before it
    may be sent again: what left may still arrive for a while, and a look into the portal shows nothing of it.
    *matched* is what webhooks told of its people since then without a mark; None where they told nothing.
    """

    number: int
    campaign_name: str
    left_at: float | None
    recipients: int
    first: str
    last: str
    reason: str | None
    resend_in: float = 0.0
    matched: UnmarkedMatch | None = None


class _NumberOnly(msgspec.Struct):
    to: str


_NUMBERS_ONLY = msgspec.json.Decoder(list[_NumberOnly])


async def portal_entries(
    campaign: StoredCampaign, journal: Journal, *, clock: Clock = SYSTEM_CLOCK
) -> tuple[PortalEntry, ...]:
    """The chunks that a person has to settle, in the order of their numbers.

    No answer was seen for them, and nobody is waiting for one: while a process runs the campaign, what it
    submits just now is not unknown.
    """
    states = {ChunkState.UNKNOWN} | (set() if campaign.holder else {ChunkState.SUBMITTING})
    chunks = [chunk for chunk in campaign.chunks if chunk.state in states]
    matched = await journal.matches(campaign.plan.campaign_id) if chunks else {}
    return tuple(
        [
            await _as_in_the_portal(campaign, chunk, journal, clock.wall(), matched=matched.get(chunk.number))
            for chunk in chunks
        ]
    )


async def _as_in_the_portal(
    campaign: StoredCampaign, chunk: Chunk, journal: Journal, wall: float, *, matched: UnmarkedMatch | None
) -> PortalEntry:
    plan = campaign.plan
    people: list[_NumberOnly] = []
    if campaign.purged_at is None:
        people = _NUMBERS_ONLY.decode(await journal.items(plan.campaign_id, chunk.number))
    return PortalEntry(
        number=chunk.number,
        campaign_name=chunk_name(plan.name, chunk.number, len(plan.chunks), parent=chunk.parent),
        left_at=chunk.submitted_at,
        recipients=chunk.recipients,
        first=mask(people[0].to) if people else "",
        last=mask(people[-1].to) if people else "",
        reason=chunk.reason,
        resend_in=math.ceil(resend_wait(chunk, wall)),
        matched=matched,
    )


async def reconcile(
    campaign_id: str,
    number: int,
    *,
    journal: Journal,
    service: str,
    read: Callable[[str], Awaitable[Progress]],
    clock: Clock = SYSTEM_CLOCK,
    accepted: str | None = None,
    resend: bool = False,
    abandon: bool = False,
    take_back: bool = False,
    who: Decider = NOBODY_SAID,
    observer: Observer = TO_LOG,
) -> Report:
    """Settle chunk *number* by a person's word; exactly one of the four.

    *read* looks at a broadcast of *service*, *who* gives the word.

    *resend* is believed only when a look into the portal shows everything: what left may arrive for some
    seconds more, whatever was answered in its place, and a process that was not seen to end may wake.
    *take_back* makes a chunk unknown again of which *resend* was said, as long as it has not been submitted.

    Raises:
        InvalidInput: not exactly one word is given, the chunk does not exist or is not unknown, there is
            nothing to take back, or the broadcast has more recipients, or none, or is another chunk already,
            of whatever campaign in the journal; or it would be looked for at another service than the
            campaign was planned for.
        RequestError: the broadcast cannot be read; NotFound, if the service does not know it.
        CampaignBusy: a process runs the campaign now; or it is too early for *resend*, and the message says
            until when.
    """
    if [accepted is not None, resend, abandon, take_back].count(True) != 1:
        raise InvalidInput("say one of accepted, resend, abandon and take_back", field="chunk")
    accepted = None if accepted is None else accepted.strip()  # as a service may read it, too
    async with journal.lease(campaign_id):
        tell_taken(campaign_id, await journal.recover(campaign_id), observer)
        campaign = await journal.load(campaign_id)
        campaign = await _with_proofs(campaign, journal, observer)
        chunk = _resent(campaign, number) if take_back else _unknown(campaign, number)
        step = chunk.step + 1
        move: Vouch | Resend | Withdraw | Abandon
        if accepted is not None:
            check_service(campaign.plan, service)
            await _check_free(campaign, accepted, journal)
            total = await _check_broadcast(chunk, accepted, read)
            move = Vouch(number=number, step=step, accepted=total, broadcast_id=accepted)
        elif resend:
            _check_not_too_early(campaign_id, chunk, clock.wall())
            move = Resend(number=number, step=step)
        elif take_back:
            move = Withdraw(number=number, step=step)
        else:
            move = Abandon(number=number, step=step)
        try:
            after = await journal.record(campaign_id, move)
        except ForbiddenMove:
            _unknown(await _with_proofs(campaign, journal, observer), number)  # proven since we looked
            raise
        decided = decided_by(who, Act.RECONCILED, at=clock.wall(), words=_word_on(move))
        await journal.decide(campaign_id, decided)
        observer(chunk_moved(campaign_id, chunk, move, after))
        await _say_what_is_left(await journal.load(campaign_id), journal)
    return report_of(await journal.load(campaign_id))


def _word_on(move: Vouch | Resend | Withdraw | Abandon) -> str:
    """What a person said of a chunk."""
    match move:
        case Vouch():
            return f"chunk {move.number}: found at the service"
        case Resend():
            return f"chunk {move.number}: not at the service, to be submitted again"
        case Withdraw():
            return f"chunk {move.number}: taken back that it is not at the service"
        case Abandon():
            return f"chunk {move.number}: given up"


async def _with_proofs(campaign: StoredCampaign, journal: Journal, observer: Observer) -> StoredCampaign:
    """*campaign* once what webhooks proved of it until now is taken in."""
    if not await take_proofs(campaign, journal, observer):
        return campaign
    campaign = await journal.load(campaign.plan.campaign_id)
    await _say_what_is_left(campaign, journal)
    return campaign


async def _say_what_is_left(campaign: StoredCampaign, journal: Journal) -> None:
    """Why it is not finished may be another reason now, or none."""
    after = state_once_settled(campaign.chunks, campaign.stopped_by)
    if after is not None:
        stop = after.stop
        await journal.set_state(
            campaign.plan.campaign_id,
            after.state,
            reason=None if stop is None else stop.reason,
            stopped_by=None if stop is None else stop.cause,
        )


def _check_not_too_early(campaign_id: str, chunk: Chunk, wall: float) -> None:
    wait = math.ceil(resend_wait(chunk, wall))
    if wait:
        why = _WHY_TOO_EARLY.get(chunk.reason or "", "its request may still arrive")
        raise CampaignBusy(
            f"it is too early to send chunk {chunk.number} again: {why};"
            f" wait {wait} s, look into the portal again, and then repeat this",
            campaign_id=campaign_id,
        )


def _resent(campaign: StoredCampaign, number: int) -> Chunk:
    for chunk in campaign.chunks:
        if chunk.number == number and chunk.resent:
            return chunk
    raise InvalidInput(
        f"there is nothing to take back: chunk {number} does not wait to be submitted again",
        field="chunk",
        value=str(number),
    )


def _unknown(campaign: StoredCampaign, number: int) -> Chunk:
    for chunk in campaign.chunks:
        if chunk.number == number and chunk.state is ChunkState.UNKNOWN:
            return chunk
        if chunk.number == number and chunk.proven_at is not None:
            raise InvalidInput(
                f"there is nothing to settle: chunk {number} was accepted, as a delivery notice of"
                f" {_at(chunk.proven_at)} proves",
                field="chunk",
                value=str(number),
            )
    unknown = [str(chunk.number) for chunk in campaign.chunks if chunk.state is ChunkState.UNKNOWN]
    raise InvalidInput(
        f"chunk {number} is not unknown; "
        + (f"unknown are {', '.join(unknown)}" if unknown else "no chunk of this campaign is"),
        field="chunk",
        value=str(number),
    )


def _at(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


async def _check_free(campaign: StoredCampaign, broadcast_id: str, journal: Journal) -> None:
    """Raises InvalidInput if the broadcast is a chunk already, of this campaign or of another one."""
    own = campaign.plan.campaign_id
    for each in (campaign, *await journal.campaigns()):
        which = "this campaign" if each.plan.campaign_id == own else f"campaign {each.plan.campaign_id}"
        for other in each.chunks:
            if other.broadcast_id == broadcast_id:
                raise InvalidInput(
                    f"broadcast {broadcast_id} is chunk {other.number} of {which} already",
                    field="accepted",
                    value=broadcast_id,
                )


async def _check_broadcast(
    chunk: Chunk, broadcast_id: str, read: Callable[[str], Awaitable[Progress]]
) -> int:
    """How many people the broadcast has, if it can be this chunk."""
    total = (await read(broadcast_id)).total
    if total is not None and 0 < total <= chunk.recipients:
        return total  # the service may take fewer people than it was given
    raise InvalidInput(
        f"broadcast {broadcast_id} has {'an unknown number of' if total is None else total} recipients,"
        f" but chunk {chunk.number} has {chunk.recipients}: it is another one",
        field="accepted",
        value=broadcast_id,
    )
