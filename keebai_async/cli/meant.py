"""The campaign that a person typed, by its id, its beginning, its name, or as the last one."""

from collections.abc import Iterator, Sequence

from keebai_async.campaign_client import CampaignClient
from keebai_async.errors import CampaignNotFound
from keebai_async.journal.parts import load_parts
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.campaign_words import KnownCampaign, campaign_meant
from keebai_async.model.part import whole_of
from keebai_async.model.whole import together


async def campaign_id(client: CampaignClient, words: str) -> str:
    """The id of the campaign that *words* mean in the journal of *client*. Raises as `campaign_meant`."""
    try:
        await load_parts(client.journal, words)
    except CampaignNotFound:
        every = together(await client.journal.campaigns())
        return campaign_meant(words, [known for each in every for known in _known(each)])
    return words


def _known(parts: Sequence[StoredCampaign]) -> Iterator[KnownCampaign]:
    """A campaign; or a list over several senders, and then its parts."""
    part, whole = parts[0].plan.part, whole_of(parts[0].plan.campaign_id)
    if part is not None and whole is not None:
        yield KnownCampaign(whole, part.name)
    yield from (KnownCampaign(each.plan.campaign_id, each.plan.name) for each in parts)
