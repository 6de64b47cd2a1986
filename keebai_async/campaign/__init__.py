"""From a list of people to a finished report."""

from keebai_async.lazy_names import lazily

with lazily(globals()):
    from keebai_async.campaign.run import CampaignRun as CampaignRun
    from keebai_async.campaign.service import Blame as Blame
    from keebai_async.campaign.service import CampaignService as CampaignService
    from keebai_async.campaign.service import ChunkVerdict as ChunkVerdict
    from keebai_async.campaign.service import Refusal as Refusal
    from keebai_async.campaign.service import SubmitSlot as SubmitSlot
    from keebai_async.campaign.service import Taken as Taken
    from keebai_async.model.sender import ListedSender as ListedSender
    from keebai_async.transport.error_body import ErrorBody as ErrorBody
    from keebai_async.transport.verdict import Halted as Halted
    from keebai_async.transport.verdict import Throttled as Throttled
    from keebai_async.transport.verdict import Unknown as Unknown
    from keebai_async.transport.verdict import Unsent as Unsent
