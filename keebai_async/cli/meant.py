"""The campaign that a person typed, by its id, its beginning, its name, or as the last one."""

from keebai_async.campaign_client import CampaignClient
from keebai_async.errors import CampaignNotFound
from keebai_async.model.campaign_words import KnownCampaign, campaign_meant


async def campaign_id(client: CampaignClient, words: str) -> str:
    """The id of the campaign that *words* mean in the journal of *client*. Raises as `campaign_meant`."""
    try:
        await client.journal.load(words)
    except CampaignNotFound:
        every = await client.journal.campaigns()
        return campaign_meant(words, [KnownCampaign(each.plan.campaign_id, each.plan.name) for each in every])
    return words
