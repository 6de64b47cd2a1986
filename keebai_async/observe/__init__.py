"""What happens, as records that one hook receives. Nothing in `campaign`, `transport`, `quota` or `polling`
logs in its own words beside it.

A room takes `observer: Observer = TO_LOG` when it is made, and calls it with a record:

    transport   RequestStarted when the first byte leaves, then one RequestEnded, with the same attempt's
                beginning in it; RetryScheduled before it waits for another attempt; SubmitUnknown where a
                submit outside of a campaign ends without a certain outcome
    quota       the limiter, to the observer of the request that waits: QuotaWaitExpected, QuotaWaited,
                QuotaSpent, SmallerQuotaHolds, QuotaKeptInMemory; the stores: PlaceNotSettled, QuotaStoreGone,
                QuotaStoreBack, QuotaStoreForgot
    campaign    the chunks: ChunkMoved, once a move is on disk; submit: ChunkSubmitStarted and -Ended around
                each attempt, SubmitsHeld, AnswerHeld, BroadcastIdRepeated; the run: RunStarted and -Ended,
                CampaignMoved, LeaseTaken, LeaseLost; the circuit breaker: CircuitOpened,
                CircuitProbed, CircuitClosed; the tracker: BroadcastRead, LookFailed,
                BroadcastStalled; reconcile: ChunkMoved for a person's word
    polling     BroadcastStalled, where somebody waits for a broadcast that is no campaign's

A client makes the hook (`hook_of`) of what its user gave, and hands it down. Three rules for who tells:

1. A beginning and its end are told by the same task, one inside the other, and the end also when an
   exception or a cancellation passes (`finally`). Nothing is yielded to a caller in between.
2. What is on disk is told after it is on disk, as events are.
3. A text from outside goes into `reason`, a path without its ids into `route`, and nowhere else.
"""

from keebai_async.lazy_names import lazily

with lazily(globals()):
    from keebai_async.observe.base import BaseRecord as BaseRecord
    from keebai_async.observe.base import Field as Field
    from keebai_async.observe.base import event_of as event_of
    from keebai_async.observe.base import fields_of as fields_of
    from keebai_async.observe.campaign_records import AnswerHeld as AnswerHeld
    from keebai_async.observe.campaign_records import CampaignLeft as CampaignLeft
    from keebai_async.observe.campaign_records import CampaignMoved as CampaignMoved
    from keebai_async.observe.campaign_records import CampaignRecord as CampaignRecord
    from keebai_async.observe.campaign_records import CampaignTakenUp as CampaignTakenUp
    from keebai_async.observe.campaign_records import CircuitClosed as CircuitClosed
    from keebai_async.observe.campaign_records import CircuitOpened as CircuitOpened
    from keebai_async.observe.campaign_records import CircuitProbed as CircuitProbed
    from keebai_async.observe.campaign_records import LeaseLost as LeaseLost
    from keebai_async.observe.campaign_records import LeaseTaken as LeaseTaken
    from keebai_async.observe.campaign_records import RunEnded as RunEnded
    from keebai_async.observe.campaign_records import RunStarted as RunStarted
    from keebai_async.observe.campaign_records import SubmitsHeld as SubmitsHeld
    from keebai_async.observe.chunk_records import BroadcastIdRepeated as BroadcastIdRepeated
    from keebai_async.observe.chunk_records import BroadcastRead as BroadcastRead
    from keebai_async.observe.chunk_records import BroadcastStalled as BroadcastStalled
    from keebai_async.observe.chunk_records import ChunkMoved as ChunkMoved
    from keebai_async.observe.chunk_records import ChunkRecord as ChunkRecord
    from keebai_async.observe.chunk_records import ChunkSubmitEnded as ChunkSubmitEnded
    from keebai_async.observe.chunk_records import ChunkSubmitStarted as ChunkSubmitStarted
    from keebai_async.observe.chunk_records import LookFailed as LookFailed
    from keebai_async.observe.headcount import Headcount as Headcount
    from keebai_async.observe.hook import TO_LOG as TO_LOG
    from keebai_async.observe.hook import Hook as Hook
    from keebai_async.observe.hook import Observer as Observer
    from keebai_async.observe.hook import hook_of as hook_of
    from keebai_async.observe.logging_sink import to_logging as to_logging
    from keebai_async.observe.quota_records import PlaceNotSettled as PlaceNotSettled
    from keebai_async.observe.quota_records import QuotaKeptInMemory as QuotaKeptInMemory
    from keebai_async.observe.quota_records import QuotaRecord as QuotaRecord
    from keebai_async.observe.quota_records import QuotaSpent as QuotaSpent
    from keebai_async.observe.quota_records import QuotaStoreBack as QuotaStoreBack
    from keebai_async.observe.quota_records import QuotaStoreForgot as QuotaStoreForgot
    from keebai_async.observe.quota_records import QuotaStoreGone as QuotaStoreGone
    from keebai_async.observe.quota_records import QuotaWaited as QuotaWaited
    from keebai_async.observe.quota_records import QuotaWaitExpected as QuotaWaitExpected
    from keebai_async.observe.quota_records import SmallerQuotaHolds as SmallerQuotaHolds
    from keebai_async.observe.records import Record as Record
    from keebai_async.observe.request_records import RequestAnswered as RequestAnswered
    from keebai_async.observe.request_records import RequestCancelled as RequestCancelled
    from keebai_async.observe.request_records import RequestEnded as RequestEnded
    from keebai_async.observe.request_records import RequestFailed as RequestFailed
    from keebai_async.observe.request_records import RequestRecord as RequestRecord
    from keebai_async.observe.request_records import RequestStarted as RequestStarted
    from keebai_async.observe.request_records import RequestThrottled as RequestThrottled
    from keebai_async.observe.request_records import RetryScheduled as RetryScheduled
    from keebai_async.observe.request_records import SubmitUnknown as SubmitUnknown
