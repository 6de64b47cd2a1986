"""A campaign by its id, or all parts of a list over several senders by the id of the list."""

from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.part import part_ids, whole_of


async def load_parts(journal: Journal, campaign_id: str) -> tuple[StoredCampaign, ...]:
    """The campaign of that id alone, or every part of the list of that id, in their order.

    Raises:
        CampaignNotFound: there is none, or a part of the list is not there.
        JournalUnusable: it cannot be read.
    """
    return tuple([await journal.load(each) for each in part_ids(campaign_id) or (campaign_id,)])


async def load_with_siblings(journal: Journal, campaign: StoredCampaign) -> tuple[StoredCampaign, ...]:
    """All parts of the list of which *campaign* is one; it alone if it is no part of one."""
    whole = whole_of(campaign.plan.campaign_id)
    return (campaign,) if whole is None or campaign.plan.part is None else await load_parts(journal, whole)
