"""The vocabulary of the Keebai API: what it answers, in either dialect of its documents.

A Sender and a Template are words of campaigns too, and are in `model`.
"""

import enum

from keebai_async.model.progress import Progress
from keebai_async.model.result import Result
from keebai_async.transport.tolerant_reader import Fields, text

_LONGEST_ID = 200
_NO_IDS = frozenset({"null", "none", "nil", "undefined", "nan"})


class Phase(enum.Enum):
    """Where a broadcast stands, whatever word the service uses for it.

    Source: contract, section 3.5. A status that nobody documented is OTHER, and not final.
    """

    PENDING = "pending"
    IN_PROGRESS = "in progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OTHER = "other"

    @property
    def final(self) -> bool:
        return self in _FINAL


_FINAL = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED})
_PHASES = {
    "pending": Phase.PENDING,
    "scheduled": Phase.PENDING,
    "queued": Phase.PENDING,
    "in_progress": Phase.IN_PROGRESS,
    "running": Phase.IN_PROGRESS,
    "completed": Phase.COMPLETED,
    "failed": Phase.FAILED,
    "cancelled": Phase.CANCELLED,
    "canceled": Phase.CANCELLED,
}


def phase_of(status: str) -> Phase:
    """Read a status in either dialect and any case."""
    return _PHASES.get(status.lower(), Phase.OTHER)


def id_in(fields: Fields, *names: str) -> str | None:
    """The id under the first of *names* that holds one; None if there is none that can be asked for.

    A blank, dots, `null` or a text with blanks in it is no id: a path made of it would lead elsewhere, and
    never to the broadcast.
    """
    found = (text(fields, name) for name in names)
    return next((one.strip() for one in found if one is not None and _is_id(one.strip())), None)


def _is_id(word: str) -> bool:
    return (
        len(word) <= _LONGEST_ID
        and word.isprintable()
        and not any(letter.isspace() for letter in word)
        and any(letter.isalnum() for letter in word)
        and word.lower() not in _NO_IDS
    )


class AcceptedBroadcast(Result, frozen=True, kw_only=True):
    """The answer to POST /messages/bulk. *total_recipients* is how many were accepted."""

    broadcast_id: str
    status: str = ""
    total_recipients: int | None = None
    scheduled_at: str | None = None


class BroadcastStatus(Result, frozen=True, kw_only=True):
    """Where a broadcast stands: counters, not people. Source: contract, section 3.2.

    *status* is the service's own word; `phase` is what it means.
    """

    broadcast_id: str
    status: str
    total_recipients: int = 0
    sent: int = 0
    failed: int = 0
    pending: int = 0
    started_at: str | None = None
    completed_at: str | None = None

    @property
    def phase(self) -> Phase:
        return phase_of(self.status)

    @property
    def final(self) -> bool:
        """No more will change. An unknown status is final once `completed_at` is set."""
        phase = self.phase
        return phase.final or (phase is Phase.OTHER and self.completed_at is not None)

    @property
    def progress(self) -> Progress:
        """The counters in the words that all services share; Keebai tells nothing of delivery."""
        return Progress(
            broadcast_id=self.broadcast_id,
            status=self.status,
            final=self.final,
            total=self.total_recipients,
            sent=self.sent,
            failed=self.failed,
            pending=self.pending,
            started_at=self.started_at,
            completed_at=self.completed_at,
        )


class Receipt(Result, frozen=True, kw_only=True):
    """The answer to a single send: a `broadcast_id` or a `message_id`, at least one of them.

    Source: contract, section 11 number 2.
    """

    broadcast_id: str | None = None
    message_id: str | None = None
    status: str = ""
    sent_at: str | None = None


class Number(Result, frozen=True, kw_only=True):
    """A sending number of GET /whatsapp/numbers; *id* is the `phone_number_id`."""

    id: str
    phone_number: str | None = None
    waba_id: str | None = None
    channel_id: str | None = None
    status: str = ""


class Channel(Result, frozen=True, kw_only=True):
    """A channel of GET /channels; *id* is the `channel_id`."""

    id: str
    name: str | None = None
    type: str | None = None
    is_active: bool | None = None
    phone_number: str | None = None
    phone_number_id: str | None = None
    business_account_id: str | None = None
    created_at: str | None = None
