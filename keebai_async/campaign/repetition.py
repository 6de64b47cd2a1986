"""The same words to the same people under the same name: a second launch by mistake."""

from keebai_async.errors import CampaignBusy
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import CampaignState, StoredCampaign


async def refuse_repetition(campaign: StoredCampaign, journal: Journal) -> None:
    """Let a campaign that submits for the first time not repeat another one. Call it inside the lease.

    Two programs may launch the same at the same instant. Each has its lease by now and looks for the
    other's, so at least one of them sees the other before anything has left.

    Raises:
        CampaignBusy: another campaign of this name sends exactly the same, and was launched before.
    """
    plan = campaign.plan
    if any(chunk.attempts for chunk in campaign.chunks):
        return
    for other in await journal.find(plan.name, plan.fingerprint):
        launched = other.holder is not None or any(chunk.attempts for chunk in other.chunks)
        if launched and other.plan.campaign_id != plan.campaign_id:
            state = other.state if other.holder is None else CampaignState.RUNNING
            raise CampaignBusy(
                f"this list was launched under the name {plan.name!r} before, as campaign"
                f" {other.plan.campaign_id} ({state.value}): resume that one,"
                " or say that it is to be sent again",
                campaign_id=other.plan.campaign_id,
            )
