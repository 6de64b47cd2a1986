"""What a running campaign tells, as it happens; each event is one JSON object with its own type."""

from datetime import UTC, datetime

from keebai_async.model.campaign import CampaignState
from keebai_async.model.result import Result


class Event(Result, frozen=True, kw_only=True, tag_field="type"):
    """Base of all events. What a run gives is one of AnyEvent.

    *time* is when it was told, in UTC, and *campaign_id* by which campaign. *id* is its place among the
    events of that campaign in the journal, from 1 on: a reader that has seen it goes on behind it. It is 0
    for what a run tells before the journal has it (Waiting, BroadcastStuck, BroadcastUnread), and for a
    BroadcastProgress in which nothing has changed.
    """

    time: datetime = datetime.fromtimestamp(0, UTC)
    campaign_id: str = ""
    id: int = 0


class ChunkSubmitting(Event, frozen=True, kw_only=True, tag="chunk_submitting"):
    """The intent is on disk and the request is leaving."""

    number: int
    of: int
    recipients: int


class ChunkAccepted(Event, frozen=True, kw_only=True, tag="chunk_accepted"):
    """The service took *accepted* of its people; without a broadcast id they cannot be followed.

    *proven_at* is when a message was told of by a webhook that proved it, where no answer did.
    """

    number: int
    of: int
    recipients: int
    accepted: int
    broadcast_id: str | None
    proven_at: datetime | None = None


class ChunkRefused(Event, frozen=True, kw_only=True, tag="chunk_refused"):
    """The service will not take these *recipients*, for the *reason* it gave."""

    number: int
    recipients: int
    reason: str


class ChunkUnknown(Event, frozen=True, kw_only=True, tag="chunk_unknown"):
    """No answer was seen: perhaps accepted, perhaps not. A person settles it (`reconcile`)."""

    number: int
    recipients: int
    reason: str


class ChunkPlanned(Event, frozen=True, kw_only=True, tag="chunk_planned"):
    """It is to be submitted again, for this *reason*: it was certainly not accepted, or a person says so."""

    number: int
    recipients: int
    reason: str


class ChunkAbandoned(Event, frozen=True, kw_only=True, tag="chunk_abandoned"):
    """A person gave up these *recipients*, of whom nobody knows whether they were accepted."""

    number: int
    recipients: int


class ChunkSplit(Event, frozen=True, kw_only=True, tag="chunk_split"):
    """It was cut, because somebody in it is refused; its people go on in the chunks *into*."""

    number: int
    into: tuple[int, ...]


class PeopleLeftOut(Event, frozen=True, kw_only=True, tag="people_left_out"):
    """These *recipients* stay in this chunk and are not submitted, for a *reason* of ours: they opted out.

    The others of it, if there are any, go on in the chunks *into*.
    """

    number: int
    recipients: int
    reason: str
    into: tuple[int, ...]


class BroadcastProgress(Event, frozen=True, kw_only=True, tag="broadcast_progress"):
    """What the service says of one accepted chunk. The counters never go back."""

    number: int
    broadcast_id: str
    sent: int
    failed: int
    pending: int
    final: bool


class BroadcastStuck(Event, frozen=True, kw_only=True, tag="broadcast_stuck"):
    """The service has delivered nothing of this chunk for *seconds*; it is looked at all the same.

    *held* says that Meta probably holds it, as it does for up to an hour with a template that is new.
    """

    number: int
    broadcast_id: str
    seconds: float
    held: bool = False


class BroadcastUnread(Event, frozen=True, kw_only=True, tag="broadcast_unread"):
    """A look at this chunk's broadcast failed, for this *reason*; it is made again, later."""

    number: int
    broadcast_id: str
    reason: str


class Waiting(Event, frozen=True, kw_only=True, tag="waiting"):
    """Nothing leaves for *seconds*, and *why*."""

    seconds: float
    why: str


class StateChanged(Event, frozen=True, kw_only=True, tag="state_changed"):
    """The campaign as a whole goes on, pauses, stops or is finished."""

    state: CampaignState
    reason: str | None = None


AnyEvent = (
    ChunkSubmitting
    | ChunkAccepted
    | ChunkRefused
    | ChunkUnknown
    | ChunkPlanned
    | ChunkAbandoned
    | ChunkSplit
    | PeopleLeftOut
    | BroadcastProgress
    | BroadcastStuck
    | BroadcastUnread
    | Waiting
    | StateChanged
)
"""Every event there is: a `match` on it that names all of them is exhaustive for a type checker."""


class EventPage(Result, frozen=True, kw_only=True):
    """Events of one campaign in the order of their ids.

    *over* says that there are no more, unless somebody resumes the campaign: nobody runs it, and no
    supervisor is to.
    """

    events: tuple[AnyEvent, ...] = ()
    over: bool = False


def topic_of(event: AnyEvent) -> str:
    """What *event* says the newest of, so that older ones of the same topic are out of date; else empty.

    Such events come without end while a campaign runs, and a journal keeps one of each topic.
    """
    match event:
        case BroadcastProgress(number=number):
            return f"progress {number}"
        case BroadcastStuck(number=number) | BroadcastUnread(number=number):
            return f"look {number}"
        case Waiting():
            return "waiting"
        case _:
            return ""
