"""What is told of a campaign: its runs, its states, the circuit breaker, who holds it."""

import msgspec

from keebai_async.model.campaign import CampaignState
from keebai_async.model.stop import Cause
from keebai_async.observe.base import BaseRecord, next_span
from keebai_async.observe.headcount import Headcount


class RunStarted(BaseRecord, frozen=True, kw_only=True, tag="run started"):
    """A process begins to run *campaign*, or goes on with it. *people* is where everybody is by now."""

    campaign: str
    chunks: int
    people: Headcount
    span: int = msgspec.field(default_factory=next_span)


class RunEnded(BaseRecord, frozen=True, kw_only=True, tag="run ended"):
    """The run is over: *state* and *cause* are what the journal says of the campaign, *people* where all are.

    *error* is the name of the exception with which it ended, None if it ended in good order.
    """

    run: RunStarted
    state: CampaignState
    seconds: float
    people: Headcount
    cause: Cause | None = None
    error: str | None = None


class CampaignMoved(BaseRecord, frozen=True, kw_only=True, tag="campaign moved"):
    """The campaign went from state *before* to *state*, for this *cause* and *reason*. It is on disk."""

    campaign: str
    before: CampaignState
    state: CampaignState
    cause: Cause | None = None
    reason: str | None = None


class SubmitsHeld(BaseRecord, frozen=True, kw_only=True, tag="submits held"):
    """Nothing is submitted for *seconds*, because the sender has enough to do. Told once for each hold."""

    campaign: str
    seconds: float
    reason: str


class AnswerHeld(BaseRecord, frozen=True, kw_only=True, tag="answer held"):
    """What the service answered to a chunk cannot be written down yet, which is tried for *seconds* at most.

    Told once for each answer. Only when they are over is the chunk unknown.
    """

    campaign: str
    chunk: int
    seconds: float
    reason: str


class CircuitOpened(BaseRecord, frozen=True, kw_only=True, tag="circuit opened"):
    """After an outcome that is unknown, or a connection that was refused, nothing is submitted."""

    campaign: str
    reason: str


class CircuitProbed(BaseRecord, frozen=True, kw_only=True, tag="circuit probed"):
    """A cheap read was not answered, like *failures* before it in a row; the next one comes in *seconds*."""

    campaign: str
    failures: int
    seconds: float
    reason: str


class CircuitClosed(BaseRecord, frozen=True, kw_only=True, tag="circuit closed"):
    """The service answered a read after *seconds*: submits may leave again."""

    campaign: str
    seconds: float


class LeaseTaken(BaseRecord, frozen=True, kw_only=True, tag="lease taken"):
    """This process may change *campaign* now, and nobody else.

    *recovered* are chunks that a process which died had on their way: they are unknown from now on.
    """

    campaign: str
    recovered: int = 0


class LeaseLost(BaseRecord, frozen=True, kw_only=True, tag="lease lost"):
    """Somebody else took *campaign* over: this run ends, and writes nothing more."""

    campaign: str
    reason: str


class CampaignTakenUp(BaseRecord, frozen=True, kw_only=True, tag="campaign taken up"):
    """A supervisor runs *campaign* from now on, which was in *state* when nobody ran it."""

    campaign: str
    state: CampaignState


class CampaignLeft(BaseRecord, frozen=True, kw_only=True, tag="campaign left"):
    """No supervisor takes *campaign* up again: it is finished, or needs a person, as *reason* says."""

    campaign: str
    reason: str
    finished: bool = False


CampaignRecord = (
    RunStarted
    | RunEnded
    | CampaignMoved
    | SubmitsHeld
    | AnswerHeld
    | CircuitOpened
    | CircuitProbed
    | CircuitClosed
    | LeaseTaken
    | LeaseLost
    | CampaignTakenUp
    | CampaignLeft
)
