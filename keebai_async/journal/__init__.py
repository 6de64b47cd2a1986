"""What must survive a crash."""

from keebai_async.lazy_names import lazily

with lazily(globals()):
    from keebai_async.journal.contract import Journal as Journal
    from keebai_async.journal.open import open_journal as open_journal
    from keebai_async.model.campaign import CampaignState as CampaignState
    from keebai_async.model.campaign import Holder as Holder
    from keebai_async.model.campaign import RunFacts as RunFacts
    from keebai_async.model.campaign import RunTerms as RunTerms
    from keebai_async.model.campaign import Started as Started
    from keebai_async.model.campaign import StoredCampaign as StoredCampaign
    from keebai_async.model.campaign import Wish as Wish
    from keebai_async.model.chunk import Chunk as Chunk
    from keebai_async.model.chunk import ChunkState as ChunkState
    from keebai_async.model.decided import Decided as Decided
    from keebai_async.model.decided import Decider as Decider
    from keebai_async.model.events import AnyEvent as AnyEvent
    from keebai_async.model.events import EventPage as EventPage
    from keebai_async.model.fates import ChunkFates as ChunkFates
    from keebai_async.model.fates import Fate as Fate
    from keebai_async.model.fates import FateCounts as FateCounts
    from keebai_async.model.fates import PersonNews as PersonNews
    from keebai_async.model.fates import PersonState as PersonState
    from keebai_async.model.fates import UnmarkedMatch as UnmarkedMatch
    from keebai_async.model.lifecycle import Abandon as Abandon
    from keebai_async.model.lifecycle import Accept as Accept
    from keebai_async.model.lifecycle import HandOn as HandOn
    from keebai_async.model.lifecycle import LateAccept as LateAccept
    from keebai_async.model.lifecycle import LateTakeBack as LateTakeBack
    from keebai_async.model.lifecycle import Lose as Lose
    from keebai_async.model.lifecycle import Move as Move
    from keebai_async.model.lifecycle import Prove as Prove
    from keebai_async.model.lifecycle import Refuse as Refuse
    from keebai_async.model.lifecycle import Resend as Resend
    from keebai_async.model.lifecycle import Submit as Submit
    from keebai_async.model.lifecycle import TakeBack as TakeBack
    from keebai_async.model.lifecycle import Vouch as Vouch
    from keebai_async.model.lifecycle import Withdraw as Withdraw
    from keebai_async.model.opt_outs import ConsentWord as ConsentWord
    from keebai_async.model.opt_outs import OptOut as OptOut
    from keebai_async.model.opt_outs import OptOutPage as OptOutPage
    from keebai_async.model.opt_outs import OptOutSource as OptOutSource
    from keebai_async.model.plan import Pace as Pace
    from keebai_async.model.plan import Plan as Plan
    from keebai_async.model.purged_people import PurgedPeople as PurgedPeople
    from keebai_async.model.recipient import Rejection as Rejection
    from keebai_async.model.requests import Requests as Requests
    from keebai_async.model.stop import Cause as Cause
