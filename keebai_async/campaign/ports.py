"""What a campaign needs of the world, as protocols: a service that submits, a journal that remembers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from keebai_async.campaign.chunk import Chunk
from keebai_async.campaign.lifecycle import HandOn, Move, Refuse
from keebai_async.campaign.planned import CampaignState, Plan
from keebai_async.campaign.recipient import Rejection
from keebai_async.keebai.models import BroadcastStatus
from keebai_async.transport.verdict import Verdict


class Requests(msgspec.Struct, kw_only=True):
    """Requests that really left, counted by what they were for; *throttled* counts the 429s among them."""

    submits: int = 0
    polls: int = 0
    other: int = 0
    throttled: int = 0


class Service(Protocol):
    """The part of a messaging service that a running campaign uses."""

    requests: Requests

    async def submit(
        self, body: bytes, *, recipients: int, leaving: Callable[[], Awaitable[None]]
    ) -> Verdict:
        """Make one attempt, and say what it means.

        *leaving* is awaited when the quota has given a place, before the first byte is written; if
        it raises, nothing is sent and its exception comes out. Nothing else is raised.
        """

    async def status(self, broadcast_id: str) -> BroadcastStatus:
        """Read where a broadcast stands. Raises RequestError."""

    async def probe(self) -> None:
        """Make one cheap read without retries. Raises RequestError if the service does not answer it."""


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as the journal has it."""

    plan: Plan
    state: CampaignState
    chunks: tuple[Chunk, ...]
    reason: str | None = None
    """Why it is paused or stopped, in words."""
    requests: Requests
    """What earlier runs spent."""
    seconds: float = 0.0
    """How long earlier runs took."""


class Journal(Protocol):
    """What must survive. Each method returns when what it was given is as safe as this journal makes it.

    Raises JournalUnusable if it cannot be made safe, CampaignNotFound for an id it does not hold.
    """

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        """Keep a chunk of a plan in the making; *items* is the JSON array of its recipients."""

    async def add_rejections(self, campaign_id: str, rejections: Sequence[Rejection]) -> None:
        """Keep rows of a plan in the making that will not be sent."""

    async def freeze(self, plan: Plan) -> None:
        """End the making of a plan: from now on the campaign exists, in state PLANNED."""

    async def discard(self, campaign_id: str) -> None:
        """Forget a plan that was never frozen."""

    async def load(self, campaign_id: str) -> Started: ...

    async def campaigns(self) -> list[Started]:
        """All frozen campaigns, newest first."""

    async def items(self, campaign_id: str, number: int) -> bytes:
        """The JSON array of the recipients that a chunk answers for."""

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        """Put a move of a chunk's life on disk, and give the chunk as it is after it.

        Raises ForbiddenMove if its life does not allow it.
        """

    async def recut(
        self,
        campaign_id: str,
        moves: Sequence[Refuse | HandOn],
        *,
        keep: bytes,
        children: Sequence[tuple[int, bytes]],
    ) -> tuple[Chunk, ...]:
        """Cut people into other chunks, all in one piece or not at all.

        The first of *moves* refuses a chunk, which keeps the people of *keep* (a JSON array); the others
        hand on chunks that were not submitted yet. *children* are the new chunks, as (recipients,
        items), numbered from the highest number on; their parent is the refused one. Gives the moved
        chunks and then the children, as they are now.

        Raises ForbiddenMove if a move is not allowed; ValueError if the people before and after differ
        in number.
        """

    async def progress(self, campaign_id: str, number: int, *, sent: int, failed: int, final: bool) -> None:
        """Keep the counters of a chunk's broadcast."""

    async def set_state(
        self,
        campaign_id: str,
        state: CampaignState,
        *,
        reason: str | None = None,
        requests: Requests | None = None,
        seconds: float | None = None,
    ) -> None:
        """Keep where the campaign stands, and with it what was spent so far, in all runs together."""

    def rejections(self, campaign_id: str) -> AsyncIterator[Rejection]:
        """The rows that were not sent, in the order they were read."""

    async def aclose(self) -> None: ...
