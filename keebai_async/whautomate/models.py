"""The vocabulary of the Whautomate API. Every set of words is open, and everything may be missing.

Names are Python's; on the wire they are in camel case, and a log's `recipient_name` is `recepientName`.
Times are the service's own text, for their form is not documented; `moment` reads them.
Source: contract, sections 4 and 5.
"""

from datetime import datetime

from keebai_async.model.limits import E164
from keebai_async.model.meta_codes import MetaCode, about, code_in
from keebai_async.model.progress import Progress
from keebai_async.model.result import Result


class CamelStruct(Result, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What goes over the wire. Written, it leaves out what nobody set."""


class Reference(CamelStruct, frozen=True, kw_only=True):
    """Another thing by its id: a segment, a class, a location, a broadcast."""

    id: str
    name: str | None = None


class TemplateName(CamelStruct, frozen=True, kw_only=True):
    """An approved template."""

    name: str
    language: str


class LocationParameters(CamelStruct, frozen=True, kw_only=True):
    """What a template with a location header shows."""

    latitude: float
    longitude: float
    address: str = ""
    name: str = ""


class FlowParameters(CamelStruct, frozen=True, kw_only=True):
    """What a template with a flow button starts; the data is JSON inside a text."""

    flow_token: str
    flow_data: str = ""


class ProcessedStats(CamelStruct, frozen=True, kw_only=True, omit_defaults=False):
    """How many were handed to Meta, and how many of these it took."""

    total_count: int = 0
    success_count: int = 0
    failure_count: int = 0


class DeliveryStats(CamelStruct, frozen=True, kw_only=True, omit_defaults=False):
    """How many messages reached which status."""

    sent_count: int | None = None
    delivered_count: int | None = None
    read_count: int | None = None
    failed_count: int | None = None
    replied_count: int | None = None


class Broadcast(CamelStruct, frozen=True, kw_only=True):
    """A broadcast as the service tells of it. It has no recipients: it reaches the people of segments, of a
    class, or of an earlier broadcast. Source: contract, section 4.1."""

    id: str
    name: str = ""
    type: str = ""
    status: str = ""
    segments: tuple[Reference, ...] = ()
    target_class: Reference | None = None
    target_class_status: str | None = None
    retarget_broadcast: Reference | None = None
    retarget_engagement_type: str | None = None
    schedule_date_time: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    template: TemplateName | None = None
    header_media_url: str | None = None
    header_text_parameters: tuple[str, ...] = ()
    body_text_parameters: tuple[str, ...] = ()
    button_url_parameters: tuple[str, ...] = ()
    location_parameters: LocationParameters | None = None
    flow_parameters: FlowParameters | None = None
    location: Reference | None = None
    processed_stats: ProcessedStats | None = None
    delivery_stats: DeliveryStats | None = None

    @property
    def started(self) -> bool:
        return self.started_at is not None

    @property
    def finished(self) -> bool:
        """No more will be sent. No value of `status` is documented, so it is not asked.

        Source: contract, section 4.5.
        """
        stats = self.processed_stats
        if self.completed_at is not None:
            return True
        return (
            stats is not None
            and stats.total_count > 0
            and stats.success_count + stats.failure_count >= stats.total_count
        )

    @property
    def progress(self) -> Progress:
        """The counters in the words that all services share."""
        stats, delivery = self.processed_stats, self.delivery_stats or DeliveryStats()
        total = sent = failed = pending = None
        if stats is not None and (stats.total_count or self.finished):  # before the start, 0 is no count
            total, sent, failed = stats.total_count, stats.success_count, stats.failure_count
            pending = max(0, total - sent - failed)
        elif self.delivery_stats is not None and (self.started or delivery.sent_count):
            sent, failed = delivery.sent_count, delivery.failed_count
        return Progress(
            broadcast_id=self.id,
            status=self.status,
            final=self.finished,
            total=total,
            sent=sent,
            failed=failed,
            pending=pending,
            delivered=delivery.delivered_count,
            read=delivery.read_count,
            replied=delivery.replied_count,
            undelivered=None if stats is None else delivery.failed_count,
            started_at=self.started_at,
            completed_at=self.completed_at,
        )


def _log_name(field: str) -> str:
    first, *rest = ("recepient_name" if field == "recipient_name" else field).split("_")
    return first + "".join(word.title() for word in rest)


class LogRow(CamelStruct, frozen=True, kw_only=True, omit_defaults=False, rename=_log_name):
    """One person of a broadcast. The row changes in place while the message advances.

    There is no id of a message or a contact: a person is found by the number, see `spellings`.
    Source: contract, section 4.4.
    """

    broadcast: Reference | None = None
    recipient_name: str = ""
    country_code: str = ""
    phone: str = ""
    status: str = ""
    reply: str = ""
    error: str = ""
    created_at: str | None = None
    updated_at: str | None = None

    @property
    def failed(self) -> bool:
        """The message did not reach the person: the status says so, or an error is all there is."""
        status = self.status.strip().lower()
        return status in {"failed", "failure", "error", "undelivered"} or (not status and bool(self.error))

    @property
    def meta_code(self) -> int | None:
        """The code of Meta's that the error text holds."""
        return code_in(self.error) if self.error else None

    @property
    def failure(self) -> MetaCode | None:
        """Why the message failed, and what to do about it; None if it did not."""
        return about(self.meta_code) if self.failed else None

    @property
    def spellings(self) -> tuple[str, ...]:
        """The numbers in E.164 that this row may mean, the likelier one first.

        `phone` sometimes repeats the country code, so both readings are given.
        """
        code, phone = _digits(self.country_code), _digits(self.phone)
        repeated = bool(code) and phone.startswith(code)
        readings = [f"+{phone}", f"+{code}{phone}"] if repeated or not code else [f"+{code}{phone}"]
        if self.phone.strip().startswith("+"):
            readings = [f"+{phone}"]
        return tuple(dict.fromkeys(one for one in readings if E164.fullmatch(one)))


class PrimaryLocation(CamelStruct, frozen=True, kw_only=True):
    """A location inside a segment's criteria."""

    id: str
    title: str | None = None


class Criteria(CamelStruct, frozen=True, kw_only=True):
    """The people of a segment. How several criteria combine is not documented."""

    tags: tuple[str, ...] = ()
    exclusion_tags: tuple[str, ...] = ()
    gender: str | None = None
    number_of_days_last_activity: int | None = None
    age_from: int | None = None
    age_to: int | None = None
    contact_stage: str | None = None
    primary_locations: tuple[PrimaryLocation, ...] = ()


class Segment(CamelStruct, frozen=True, kw_only=True):
    """An audience. Source: contract, section 5.1."""

    id: str
    name: str = ""
    type: str = ""
    criteria: Criteria | None = None
    location: Reference | None = None


class SentTemplate(CamelStruct, frozen=True, kw_only=True):
    """A single template message that was taken. What the service answers is not documented."""

    id: str | None = None
    status: str = ""


def moment(text: str | None) -> datetime | None:
    """A time of the service's as an aware datetime; None if there is none, or it cannot be read."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return read if read.tzinfo is not None else None


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter in "0123456789")
