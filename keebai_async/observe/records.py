"""Record: everything that is ever told, as one union. A `match` on it is exhaustive."""

from keebai_async.observe.campaign_records import CampaignRecord
from keebai_async.observe.chunk_records import ChunkRecord
from keebai_async.observe.quota_records import QuotaRecord
from keebai_async.observe.request_records import RequestRecord

Record = RequestRecord | QuotaRecord | ChunkRecord | CampaignRecord
