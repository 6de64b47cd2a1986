"""What a campaign needs of a messaging service, of any: the one port through which it sees one.

A service that carries campaigns implements CampaignService in one file of its own room, as Keebai does in
`keebai/campaign_service.py`.
"""

import enum
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.model.chunk import Chunk
from keebai_async.model.plan import Plan
from keebai_async.model.progress import Progress
from keebai_async.model.requests import Requests
from keebai_async.model.sender import ListedSender, Sender
from keebai_async.model.template import Template
from keebai_async.transport.error_body import ErrorBody
from keebai_async.transport.request import Objection
from keebai_async.transport.verdict import Halted as Halted
from keebai_async.transport.verdict import Throttled as Throttled
from keebai_async.transport.verdict import Unknown as Unknown
from keebai_async.transport.verdict import Unsent as Unsent


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The service took *accepted* of the people, 0 to all of them.

    *broadcast_id* is the name by which their counters are read; None if the reply names none: then they
    were accepted all the same, and cannot be followed.
    """

    accepted: int
    broadcast_id: str | None


class Blame(enum.Enum):
    """Who is to blame for a refusal, as far as the reply says."""

    SOMEBODY = "somebody"
    """One or more of the people in the chunk: the others can go on."""
    EVERYBODY = "everybody"
    """The request itself: every one like it is refused, with anybody in it."""
    SIZE = "size"
    """Nobody: the request is too large."""
    NOT_SAID = "not said"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Certainly not accepted; this chunk, as it stands, never will be.

    *fault* is what the service said; its *items* are the people it named, by their index in the chunk.
    """

    fault: ErrorBody
    blame: Blame


ChunkVerdict = Taken | Refusal | Halted | Unsent | Throttled | Unknown
"""What became of one attempt to submit a chunk."""


class SubmitSlot(Protocol):
    """A place in the quota, for one submit."""

    async def submit(
        self, body: bytes, *, recipients: int, objection: Objection | None = None
    ) -> ChunkVerdict:
        """Let the bytes leave, and say what came of it. Trouble on the way is no exception.

        *body* is what the service's `body` gave for a chunk of so many *recipients*. *objection* is asked in
        the last instant before the first byte; where it gives a reason, nothing leaves, and that is Unsent.
        """
        ...


class CampaignService(Protocol):
    """The part of a messaging service that a campaign uses. *requests* counts what left."""

    requests: Requests

    @property
    def name(self) -> str:
        """The service's name, which a plan says for ever: only this service can run it."""
        ...

    @property
    def largest_chunk(self) -> int:
        """People in one chunk, at most."""
        ...

    def body(self, plan: Plan, chunk: Chunk, items: bytes) -> bytes:
        """What to submit for a chunk whose people are *items*, a JSON array of Recipients.

        The same arguments give the same bytes.
        """
        ...

    def slot(self) -> AbstractAsyncContextManager[SubmitSlot]:
        """Wait for a place in the quota; nothing leaves before `submit` is called on it.

        A slot that is left without a submit gives its place back. Entering it may be cancelled at any
        time. Raises QuotaUnusable, on entering only, when no place can be asked for.
        """
        ...

    async def template(self, name: str, language: str) -> Template:
        """The approved template of that name, as the service lists it now.

        Raises TemplateUnusable if there is none that is approved, RequestError, or QuotaUnusable.
        """
        ...

    async def listed(self, sender: Sender) -> ListedSender | None:
        """The sender, as the service lists it now; None where that cannot be read.

        Raises InvalidInput if it is not among those that the token can send from, TokenRejected, or
        QuotaUnusable.
        """
        ...

    async def progress(self, broadcast_id: str) -> Progress:
        """Read where a broadcast stands. Raises RequestError or QuotaUnusable."""
        ...

    async def probe(self) -> None:
        """Make one cheap read without retries.

        Raises RequestError if the service does not answer it, QuotaUnusable if it could not be made.
        """


def check_service(plan: Plan, name: str) -> None:
    """Refuse to go on with *plan* at the service called *name*, if it was made for another.

    Raises:
        InvalidInput: its people, its template and its broadcasts mean nothing there.
    """
    if plan.service != name:
        raise InvalidInput(
            f"campaign {plan.campaign_id} was planned for {plan.service}, and this is {name}:"
            f" go on with it at {plan.service}, or plan the list again"
        )
