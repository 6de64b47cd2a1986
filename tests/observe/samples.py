"""One of each record, and more where its level or its name depends on what it holds."""

from msgspec.structs import replace

from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import (
    Abandon,
    Accept,
    HandOn,
    LateAccept,
    LateTakeBack,
    Lose,
    Move,
    Prove,
    Refuse,
    Resend,
    Submit,
    TakeBack,
    Vouch,
    Withdraw,
    apply,
)
from keebai_async.model.stop import Cause
from keebai_async.observe.campaign_records import (
    AnswerHeld,
    CampaignLeft,
    CampaignMoved,
    CampaignTakenUp,
    CircuitClosed,
    CircuitOpened,
    CircuitProbed,
    LeaseLost,
    LeaseTaken,
    RunEnded,
    RunStarted,
    SubmitsHeld,
)
from keebai_async.observe.chunk_records import (
    BroadcastIdRepeated,
    BroadcastStalled,
    ChunkMoved,
    ChunkSubmitEnded,
    ChunkSubmitStarted,
    LookFailed,
    broadcast_read,
    chunk_moved,
)
from keebai_async.observe.headcount import Headcount
from keebai_async.observe.quota_records import (
    PlaceNotSettled,
    QuotaKeptInMemory,
    QuotaSpent,
    QuotaStoreBack,
    QuotaStoreForgot,
    QuotaStoreGone,
    QuotaWaited,
    QuotaWaitExpected,
    SmallerQuotaHolds,
)
from keebai_async.observe.records import Record
from keebai_async.observe.request_records import (
    RequestAnswered,
    RequestCancelled,
    RequestFailed,
    RequestStarted,
    RequestThrottled,
    RetryScheduled,
    SubmitUnknown,
)

CAMPAIGN = "promo-marzo-9f3c1a2b"

SUBMIT = RequestStarted(
    method="POST",
    route="/messages/bulk",
    kind="submit",
    lane="submit",
    attempt=1,
    label="Promo marzo",
    recipients=5_000,
    server="api.keebai.com",
    port=443,
)
READ = RequestStarted(
    method="GET",
    route="/messages/bulk/{broadcast_id}",
    kind="read",
    lane="poll",
    attempt=2,
    label="Promo marzo",
    server="api.keebai.com",
    port=443,
)

RUN = RunStarted(campaign=CAMPAIGN, chunks=2, people=Headcount(unsent=7_000))
ATTEMPT = ChunkSubmitStarted(campaign=CAMPAIGN, chunk=1, recipients=5_000, attempt=1)

_UNKNOWN = Chunk(number=1, recipients=5_000, state=ChunkState.UNKNOWN, step=2, attempts=1)
_LEAVING = Chunk(number=1, recipients=5_000, state=ChunkState.SUBMITTING, step=1, attempts=1)
_PLANNED = Chunk(number=1, recipients=5_000)


def moved(before: Chunk, move: Move, *into: Chunk) -> ChunkMoved:
    return chunk_moved(CAMPAIGN, before, move, apply(before, move), into)


def campaign_moved(state: CampaignState, cause: Cause | None = None) -> CampaignMoved:
    reason = None if cause is None else "because of that"
    return CampaignMoved(
        campaign=CAMPAIGN, before=CampaignState.RUNNING, state=state, cause=cause, reason=reason
    )


def _read(sent: int, failed: int) -> Record:
    before = Chunk(number=1, recipients=10, state=ChunkState.ACCEPTED, accepted=10, broadcast_id="b1")
    return broadcast_read(CAMPAIGN, before, before.counted(sent=sent, failed=failed, final=False))


SAMPLES: tuple[Record, ...] = (
    SUBMIT,
    READ,
    RequestAnswered(request=READ, status=200, seconds=0.2),
    RequestThrottled(request=SUBMIT, status=429, seconds=0.2, pause=60.0),
    RequestFailed(request=READ, seconds=30.0, stage="written", reason="no answer in time", timed_out=True),
    RequestFailed(request=READ, seconds=0.1, stage="not written", reason="connection refused"),
    RequestCancelled(request=READ, seconds=0.1, stage="written"),
    RequestCancelled(request=SUBMIT, seconds=0.1, stage="written"),
    RequestCancelled(request=SUBMIT, seconds=0.1, stage="not written"),
    RetryScheduled(
        method="GET", route="/templates", kind="read", attempt=1, seconds=0.4, reason="answered 503"
    ),
    SubmitUnknown(
        method="POST",
        route="/messages/template",
        label="Promo marzo",
        recipients=1,
        attempt=1,
        reason="502 Bad Gateway",
        status=502,
    ),
    QuotaWaitExpected(lane="poll", seconds=0.5, reason="the quota is spent", window=60.0, limit=60),
    QuotaWaitExpected(lane="submit", seconds=40.0, reason="the quota is spent", window=60.0, limit=60),
    QuotaWaitExpected(lane="submit", seconds=3_000.0, reason="the service asked for a pause"),
    QuotaWaited(lane="submit", seconds=40.2, got=True, window=60.0),
    QuotaWaited(lane="submit", seconds=61.0, got=False, paused=True),
    QuotaSpent(window=60.0, limit=60, spent=17, account="5f1e77aa"),
    PlaceNotSettled(store="sqlite", reason="disk I/O error"),
    QuotaStoreGone(store="redis", reason="connection refused", share=0.25),
    QuotaStoreBack(store="redis"),
    QuotaStoreForgot(store="sqlite", told=41),
    QuotaKeptInMemory(reason="cannot write /root/.local/state/keebai-async/quota.db"),
    SmallerQuotaHolds(own="120/60s", holds="60/60s"),
    ATTEMPT,
    ChunkSubmitEnded(submit=ATTEMPT, state=ChunkState.ACCEPTED, seconds=8.5),
    ChunkSubmitEnded(submit=ATTEMPT, state=ChunkState.UNKNOWN, seconds=60.0),
    moved(_PLANNED, Submit(number=1, step=1, at=1_790_000_000.0)),
    moved(_PLANNED, HandOn(number=1, step=1, reason="cut with chunk 3")),
    moved(_LEAVING, TakeBack(number=1, step=2, reason="429")),
    moved(_LEAVING, Accept(number=1, step=2, accepted=5_000, broadcast_id="b1")),
    moved(
        _LEAVING,
        Refuse(number=1, step=2, reason="recipients.17.to must be a phone number", recipients=1),
        Chunk(number=3, recipients=4_999, parent=1),
    ),
    moved(_LEAVING, Lose(number=1, step=2, reason="no answer in time")),
    moved(_UNKNOWN, Prove(number=1, step=3, at=7.0)),
    moved(_UNKNOWN, LateAccept(number=1, step=3, accepted=5_000, broadcast_id="b8")),
    moved(_UNKNOWN, LateTakeBack(number=1, step=3, reason="429")),
    moved(_UNKNOWN, Vouch(number=1, step=3, accepted=5_000, broadcast_id="b9")),
    moved(_UNKNOWN, Resend(number=1, step=3)),
    moved(replace(_PLANNED, step=3, attempts=1, resent=True), Withdraw(number=1, step=4)),
    moved(_UNKNOWN, Abandon(number=1, step=3)),
    _read(6, 1),
    LookFailed(campaign=CAMPAIGN, chunk=1, broadcast="b1", reason="timed out"),
    LookFailed(campaign=CAMPAIGN, chunk=1, broadcast="b1", reason="404 Not Found", gone=True),
    BroadcastStalled(campaign=CAMPAIGN, chunk=1, broadcast="b1", seconds=900.0),
    BroadcastStalled(broadcast="b2", seconds=900.0),
    BroadcastIdRepeated(campaign=CAMPAIGN, chunk=2, broadcast="b1", owner=1),
    RUN,
    RunEnded(run=RUN, state=CampaignState.FINISHED, seconds=74.2, people=Headcount(sent=6_900, failed=100)),
    RunEnded(
        run=RUN,
        state=CampaignState.STOPPED,
        cause=Cause.UNKNOWN,
        seconds=9.0,
        people=Headcount(sent=2_000, unknown=5_000),
    ),
    RunEnded(
        run=RUN,
        state=CampaignState.RUNNING,
        seconds=9.0,
        people=Headcount(unsent=7_000),
        error="JournalUnusable",
    ),
    campaign_moved(CampaignState.PLANNED),
    campaign_moved(CampaignState.RUNNING),
    campaign_moved(CampaignState.PAUSED, Cause.INTERRUPTED),
    campaign_moved(CampaignState.FINISHED),
    *(campaign_moved(CampaignState.STOPPED, cause) for cause in Cause),
    SubmitsHeld(campaign=CAMPAIGN, seconds=30.0, reason="the sender has enough to do for now"),
    CampaignTakenUp(campaign=CAMPAIGN, state=CampaignState.STOPPED),
    CampaignLeft(campaign=CAMPAIGN, reason="a guard"),
    CampaignLeft(campaign=CAMPAIGN, reason="finished", finished=True),
    AnswerHeld(campaign=CAMPAIGN, chunk=3, seconds=600.0, reason="the journal is locked"),
    CircuitOpened(campaign=CAMPAIGN, reason="no answer in time"),
    CircuitProbed(campaign=CAMPAIGN, failures=1, seconds=5.0, reason="no answer in time"),
    CircuitClosed(campaign=CAMPAIGN, seconds=12.0),
    LeaseTaken(campaign=CAMPAIGN, recovered=1),
    LeaseLost(campaign=CAMPAIGN, reason="another process runs it"),
)
