"""What is refused before a run begins: a list that was launched before, or one whose people are gone."""

from collections.abc import Iterable, Sequence

from keebai_async.errors import AlreadyLaunched, PeoplePurged
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import CampaignState, StoredCampaign, began_after
from keebai_async.model.chunk import ChunkState
from keebai_async.model.people_words import agreeing, people_words
from keebai_async.model.reached import Reached, repeated


def refuse_purged(campaign: StoredCampaign) -> None:
    """Let no campaign begin whose people are unsent and removed.

    Raises:
        PeoplePurged: there are such people.
    """
    unsent = sum(chunk.recipients for chunk in campaign.chunks if chunk.state is ChunkState.PLANNED)
    if campaign.purged_at is not None and unsent:
        campaign_id = campaign.plan.campaign_id
        raise PeoplePurged(
            f"the people of campaign {campaign_id} were removed, {unsent} of them unsent:"
            " nobody is left to be sent to",
            campaign_id=campaign_id,
        )


async def refuse_repetition(campaign: StoredCampaign, journal: Journal) -> None:
    """Let a campaign that submits for the first time not repeat another one. Call it inside the lease.

    Two programs may launch the same at the same instant. Each has its lease by now and looks for the
    other's: the later one sees the earlier one before anything has left, which goes on.

    Raises:
        AlreadyLaunched: another campaign of this name sends exactly the same, and was launched before; or
            webhooks told of people whom this journal never submitted, as they do if it is an old copy.
    """
    plan = campaign.plan
    _refuse_an_old_copy(campaign)
    if plan.test or any(chunk.attempts for chunk in campaign.chunks):
        return
    for other in await journal.find(plan.name, plan.fingerprint):
        attempted = any(chunk.attempts for chunk in other.chunks)
        launched = attempted or (other.holder is not None and not began_after(other, campaign))
        if launched and other.plan.campaign_id != plan.campaign_id:
            state = other.state if other.holder is None else CampaignState.RUNNING
            raise AlreadyLaunched(
                f"this list was launched under the name {plan.name!r} before, as campaign"
                f" {other.plan.campaign_id} ({state.value}): resume that one,"
                " or say that it is to be sent again",
                campaign_id=other.plan.campaign_id,
            )


def _refuse_an_old_copy(campaign: StoredCampaign) -> None:
    known = [chunk for chunk in campaign.chunks if chunk.never_left and chunk.noticed_at is not None]
    if known:
        numbers = ", ".join(str(chunk.number) for chunk in known)
        raise AlreadyLaunched(
            f"webhooks told of messages to people of chunk {numbers}, whom this journal never submitted:"
            " is it an old copy? Then go on with the one that submitted them",
            campaign_id=campaign.plan.campaign_id,
        )


def refuse_reached(
    campaign: StoredCampaign,
    reached: Iterable[Reached],
    *,
    agreed: Iterable[Reached] = (),
    parts: Sequence[StoredCampaign] = (),
) -> None:
    """Let a campaign not send the same to people who got it from another one a short time ago.

    *reached* are the facts of now, and *agreed* those that somebody has agreed to. Of a list over several
    senders both are of all its *parts*: a repetition is not smaller because it is dealt. Those of a part that
    was purged are sent to no more, so they do not make it smaller either.

    Raises:
        AlreadyLaunched: it is a repetition for too many of its people.
    """
    known = {each.campaign_id: each.repeated for each in agreed}
    news = [each for each in reached if each.repeated > known.get(each.campaign_id, 0)]
    there = (each for each in parts or (campaign,) if each.purged_at is None)
    chunks = (chunk for each in there for chunk in each.chunks)
    unsent = sum(chunk.recipients for chunk in chunks if chunk.state is ChunkState.PLANNED)
    if not (count := repeated(news, unsent)):
        return
    most = max(news, key=lambda each: each.repeated)
    still = bool(most.unsent and not most.people)
    to_get = f"{agreeing(count, 'is', 'are')} still to get"
    got, when = (to_get, "") if still else ("got", " a short time ago")
    same = "the" if most.template == campaign.plan.template else "the same words by the"
    raise AlreadyLaunched(
        f"{count} of these {people_words(unsent)} {got} {same} template {most.template!r} from campaign"
        f" {most.campaign_id} ({most.name!r}){when}: leave them out, or say that it is to be sent again",
        campaign_id=most.campaign_id,
    )
