"""The campaign that a person typed, by its id, its beginning, its name, or as the last one."""

from collections.abc import Iterator, Sequence

from keebai_async.campaign_client import CampaignClient
from keebai_async.errors import CampaignNotFound
from keebai_async.journal.parts import load_parts
from keebai_async.model.campaign import CampaignState, StoredCampaign
from keebai_async.model.campaign_words import KnownCampaign, campaign_meant
from keebai_async.model.part import whole_of
from keebai_async.model.whole import together


async def campaign_id(client: CampaignClient, words: str, *, plans: bool = False) -> str:
    """The id of the campaign that *words* mean in the journal of *client*.

    With *plans* one that was never launched may be meant as well as another of its name that was. Raises as
    `campaign_meant`.
    """
    try:
        await load_parts(client.journal, words)
    except CampaignNotFound:
        every = together(await client.journal.campaigns())
        return campaign_meant(words, [known for each in every for known in _known(each)], plans=plans)
    return words


def _known(parts: Sequence[StoredCampaign]) -> Iterator[KnownCampaign]:
    """A campaign; or a list over several senders, and then its parts."""
    part, whole = parts[0].plan.part, whole_of(parts[0].plan.campaign_id)
    if part is not None and whole is not None:
        yield KnownCampaign(whole, part.name, launched=any(map(_launched, parts)))
    for each in parts:
        yield KnownCampaign(each.plan.campaign_id, each.plan.name, launched=_launched(each))


def _launched(campaign: StoredCampaign) -> bool:
    """Whether somebody launched it, or a process died that was about to."""
    return campaign.state is not CampaignState.PLANNED or any(chunk.step for chunk in campaign.chunks)
