"""The commands that lead on from where a campaign stands: each, typed, does what stands beside it. Pure.

A step that would be refused, or would end where it began, is worse than none. So what leads on is decided
from everything that is known: who runs the campaign, what is left, and why it stopped.
"""

import math
import shlex
from collections.abc import Iterator
from typing import Final

import msgspec

from keebai_async.model.campaign import CampaignState, StoredCampaign
from keebai_async.model.chunk import ChunkState
from keebai_async.model.failing import failing_of
from keebai_async.model.guard import Share, canary_failed, canary_of, canary_unnamed, exceeded, share_of
from keebai_async.model.lost import resend_wait
from keebai_async.model.people_words import agreeing, people_words
from keebai_async.model.stop import Cause

PROGRAM: Final = "keebai-async"

_MOST_SETTLED: Final = 3
"""Unknown chunks that are named one by one; the list of `reconcile` has the others."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """*words* say what *command* does. Without a command, they say what to do elsewhere.

    What is in capital letters in a command is for a person to fill in: BROADCAST-ID.
    """

    words: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.words}: {self.command}" if self.command else self.words


def next_steps(campaign: StoredCampaign, now: float) -> tuple[Step, ...]:
    """The steps at the time *now* (Unix time), the first one first; none if there is nothing to do."""
    return tuple(dict.fromkeys(_steps(campaign, now)))


def _steps(campaign: StoredCampaign, now: float) -> Iterator[Step]:
    left = _Left(campaign)
    if campaign.holder is not None:
        yield from _while_it_runs(campaign, left)
    elif campaign.state is CampaignState.PLANNED and not any(chunk.step for chunk in campaign.chunks):
        yield from _of_a_plan(campaign)
    else:
        yield from _settle(campaign, left, now)
        yield from _go_on(campaign, left)
        if failing_of(campaign.chunks):
            yield from _look_why(campaign)


class _Left:
    """What of a campaign still has to happen."""

    def __init__(self, campaign: StoredCampaign) -> None:
        chunks = campaign.chunks
        lost = {ChunkState.UNKNOWN} | (set() if campaign.holder else {ChunkState.SUBMITTING})
        open_to_proof = [chunk for chunk in chunks if chunk.state in lost or chunk.left_before]
        self.proven = [chunk for chunk in open_to_proof if chunk.noticed_at is not None]
        self.unknown = [chunk for chunk in chunks if chunk.state in lost and chunk not in self.proven]
        self.unsent = sum(chunk.recipients for chunk in chunks if chunk.state is ChunkState.PLANNED)
        self.resent = [chunk for chunk in chunks if chunk.resent and chunk not in self.proven]
        open_ones = [chunk for chunk in chunks if chunk.tracked and not chunk.final]
        self.gone = [chunk for chunk in open_ones if chunk.number in campaign.facts.gone]
        self.to_follow = len(open_ones) > len(self.gone)


def _typed(command: str, campaign: StoredCampaign, *options: str) -> str:
    return " ".join([PROGRAM, command, campaign.plan.campaign_id, *options])


def _while_it_runs(campaign: StoredCampaign, left: _Left) -> Iterator[Step]:
    if campaign.state is CampaignState.PAUSED:
        yield Step(words="to let it go on", command=_typed("resume", campaign))
    elif left.unsent:
        yield Step(words="to submit nothing more for now", command=_typed("pause", campaign))
    yield Step(words="to end it in good order", command=_typed("stop", campaign))
    yield Step(words="to look on", command=_typed("watch", campaign))


def _of_a_plan(campaign: StoredCampaign) -> Iterator[Step]:
    if campaign.purged_at is None:
        yield Step(words="to send it", command=_typed("launch", campaign))
    yield Step(words="to remove it", command=_typed("remove", campaign))


def _settle(campaign: StoredCampaign, left: _Left, now: float) -> Iterator[Step]:
    if left.proven:
        numbers = ", ".join(str(chunk.number) for chunk in left.proven)
        words = f"to take in that chunk {numbers} was accepted, as a delivery notice proves"
        yield Step(words=words, command=_typed("resume", campaign))
    if left.unknown:
        yield Step(words="what to look for in the portal", command=_typed("reconcile", campaign))
    for chunk in left.unknown[:_MOST_SETTLED]:
        number = ("--chunk", str(chunk.number))
        yield Step(
            words=f"chunk {chunk.number} is there",
            command=_typed("reconcile", campaign, *number, "--accepted", "BROADCAST-ID"),
        )
        if wait := math.ceil(resend_wait(chunk, now)):
            yield Step(words=f"if chunk {chunk.number} is not there, wait {wait} s and look again")
        elif campaign.purged_at is None:
            yield Step(
                words=f"chunk {chunk.number} is not there: to submit it again at the next resume",
                command=_typed("reconcile", campaign, *number, "--resend"),
            )
        yield Step(
            words=f"to give the people of chunk {chunk.number} up",
            command=_typed("reconcile", campaign, *number, "--abandon"),
        )
    for chunk in left.resent:
        yield Step(
            words=f"to take back that chunk {chunk.number} is not there",
            command=_typed("reconcile", campaign, "--chunk", str(chunk.number), "--take-back"),
        )


def _go_on(campaign: StoredCampaign, left: _Left) -> Iterator[Step]:
    if left.gone:
        named = ", ".join(f"{chunk.broadcast_id}" for chunk in left.gone)
        yield Step(words=f"the service does not know these broadcasts any more, ask its support: {named}")
    if not left.unsent and not left.to_follow:
        return
    if left.unsent and campaign.purged_at is not None:
        return  # without their numbers nobody can be sent to, and no run begins
    if left.unsent and campaign.stopped_by is Cause.GUARD and (why := _stops_again(campaign)):
        yield from _past_the_guard(campaign, why)
        return
    people = people_words(left.unsent, shown=format(left.unsent, ","))
    who = f"{people} who {agreeing(left.unsent, 'is', 'are')} left"
    what = f"to send to the {who}" if left.unsent else "to follow the delivery"
    yield from _after_a_cause(campaign, what)


def _stops_again(campaign: StoredCampaign) -> str | None:
    """Why the guards would stop the campaign again before anybody is submitted."""
    guards, chunks = campaign.terms.guards, campaign.chunks
    if why := exceeded(guards, chunks):
        return why
    family = canary_of(chunks)
    landed = all(chunk.settled or chunk.state is ChunkState.UNKNOWN for chunk in family)
    if guards.canary is None or canary_unnamed(family) or not landed:
        return None
    return canary_failed(guards, chunks)


def _past_the_guard(campaign: StoredCampaign, why: str) -> Iterator[Step]:
    yield from _look_why(campaign)
    share = _worst_share(campaign)
    if share.failed:
        wider = min(1.0, math.ceil(20 * share.failed / share.delivered + 1) / 20)
        yield Step(
            words=f"to go on until more than {wider:.0%} fail",
            command=_typed("resume", campaign, "--stop-above", f"{wider:g}"),
        )
    yield Step(
        words=f"to go on without guards, although {why}", command=_typed("resume", campaign, "--no-guards")
    )


def _worst_share(campaign: StoredCampaign) -> Share:
    """The largest share that a guard looks at."""
    shares = [share_of(campaign.chunks)]
    if campaign.terms.guards.canary is not None:
        shares.append(share_of(chunk for chunk in canary_of(campaign.chunks) if chunk.tracked))
    return max(shares, key=lambda share: share.failed / share.delivered if share.delivered else 0.0)


def _after_a_cause(campaign: StoredCampaign, what: str) -> Iterator[Step]:
    resume = _typed("resume", campaign)
    match campaign.stopped_by:
        case Cause.TOKEN | Cause.SCOPE:
            yield Step(words="to see what the service says of your token", command=f"{PROGRAM} doctor")
            with_it = "with a token of the same account that may send"
            yield Step(words=f"{what}, {with_it}", command=f"{resume} --new-token")
        case Cause.NOT_FOUND:
            yield Step(words="to see which numbers your token can send from", command=f"{PROGRAM} numbers")
            yield Step(words=f"{what}, once its number is among them again", command=resume)
            yield from _in_another_campaign(campaign)
        case Cause.TEMPLATE:
            yield _template_step(campaign)
            yield Step(words=f"{what}, once it is approved again, as it was planned", command=resume)
            yield from _in_another_campaign(campaign)
        case Cause.REFUSED:
            yield Step(words=f"{what}, once the reason of the service is put right", command=resume)
            yield from _in_another_campaign(campaign)
        case Cause.UNREACHABLE | Cause.QUOTA:
            yield Step(words="to see what can be reached", command=f"{PROGRAM} doctor")
            yield Step(words=what, command=resume)
        case _:
            yield Step(words=what, command=resume)


def _in_another_campaign(campaign: StoredCampaign) -> Iterator[Step]:
    if any(chunk.state is ChunkState.PLANNED and chunk.recipients for chunk in campaign.chunks):
        words = "to have them as a list for another campaign (then never resume this one)"
        yield Step(words=words, command=_typed("export", campaign, "rest.csv", "--unsent"))


def _look_why(campaign: StoredCampaign) -> Iterator[Step]:
    yield Step(words="to find out why they fail, look at the worst chunks in the portal, and at the template")
    yield _template_step(campaign)


def _template_step(campaign: StoredCampaign) -> Step:
    name = shlex.quote(campaign.plan.template)
    return Step(words="to see the status of the template", command=f"{PROGRAM} templates {name}")
