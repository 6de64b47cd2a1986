"""A broadcast as it is written: checked before a request is spent. Pure; the time is an argument.

A mistake here costs the whole broadcast: its parameters are one list for everybody, so a blank one fails
for all. Source: contract, sections 4.1, 9 and 10 number 3.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypedDict

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.inputs import check_word
from keebai_async.privacy import shown
from keebai_async.transport.tolerant_reader import Fields
from keebai_async.whautomate.models import (
    Broadcast,
    CamelStruct,
    FlowParameters,
    LocationParameters,
    Reference,
    TemplateName,
    moment,
)
from keebai_async.whautomate.replies import read_broadcast

_UNSENDABLE_PARAMETER: Final = re.compile(r"[\r\n\t]| {5}")

SERVER_FIELDS: Final = frozenset(
    {"id", "status", "startedAt", "completedAt", "processedStats", "deliveryStats"}
)
"""What the service keeps and nobody writes. Source: contract, section 4.2, "PUT hazard"."""


class DraftFields(TypedDict, total=False):
    """The keywords that describe a broadcast."""

    name: str
    type: str
    template: str
    language: str
    location: str
    segments: Sequence[str]
    target_class: str | None
    target_class_status: str | None
    retarget_broadcast: str | None
    retarget_engagement_type: str | None
    schedule_date_time: datetime | None
    header_media_url: str | None
    header_text_parameters: Sequence[str]
    body_text_parameters: Sequence[str]
    button_url_parameters: Sequence[str]
    location_parameters: LocationParameters | None
    flow_parameters: FlowParameters | None


class BroadcastDraft(CamelStruct, frozen=True, kw_only=True):
    """The body of a POST or PUT, checked and ready to be encoded."""

    name: str
    type: str
    segments: tuple[Reference, ...] = ()
    target_class: Reference | None = None
    target_class_status: str | None = None
    retarget_broadcast: Reference | None = None
    retarget_engagement_type: str | None = None
    schedule_date_time: str | None = None
    template: TemplateName
    header_media_url: str | None = None
    header_text_parameters: tuple[str, ...] = ()
    body_text_parameters: tuple[str, ...] = ()
    button_url_parameters: tuple[str, ...] = ()
    location_parameters: LocationParameters | None = None
    flow_parameters: FlowParameters | None = None
    location: Reference


def draft_of(fields: DraftFields, *, wall: float, allow_past: bool = False) -> BroadcastDraft:
    """Check *fields*. *wall* is Unix time, for a schedule in the past.

    Raises:
        InvalidInput: *field* names what to fix.
    """
    draft = BroadcastDraft(
        name=check_word(fields.get("name"), field="name"),
        type=check_word(fields.get("type"), field="type"),
        segments=_references(fields.get("segments", ())),
        target_class=_reference(fields.get("target_class"), "target_class"),
        target_class_status=_optional(fields.get("target_class_status"), "target_class_status"),
        retarget_broadcast=_reference(fields.get("retarget_broadcast"), "retarget_broadcast"),
        retarget_engagement_type=_optional(
            fields.get("retarget_engagement_type"), "retarget_engagement_type"
        ),
        schedule_date_time=_schedule(fields.get("schedule_date_time"), wall, allow_past),
        template=TemplateName(
            name=check_word(fields.get("template"), field="template"),
            language=check_word(fields.get("language"), field="language"),
        ),
        header_media_url=_url(fields.get("header_media_url")),
        header_text_parameters=check_parameters(
            fields.get("header_text_parameters", ()), field="header_text_parameters"
        ),
        body_text_parameters=check_parameters(
            fields.get("body_text_parameters", ()), field="body_text_parameters"
        ),
        button_url_parameters=check_parameters(
            fields.get("button_url_parameters", ()), field="button_url_parameters"
        ),
        location_parameters=fields.get("location_parameters"),
        flow_parameters=fields.get("flow_parameters"),
        location=Reference(id=check_word(fields.get("location"), field="location")),
    )
    if not (draft.segments or draft.target_class or draft.retarget_broadcast):
        raise InvalidInput(
            "nobody is targeted: give segments, a target_class or a retarget_broadcast", field="segments"
        )
    return draft


def fields_of_broadcast(broadcast: Broadcast) -> DraftFields:
    """What of *broadcast* can be written again; what the service keeps is left out.

    Raises:
        InvalidInput: its schedule cannot be read.
    """
    schedule = moment(broadcast.schedule_date_time)
    if broadcast.schedule_date_time is not None and schedule is None:
        raise InvalidInput(
            f"the schedule {broadcast.schedule_date_time!r} cannot be read: give another",
            field="schedule_date_time",
        )
    return DraftFields(
        name=broadcast.name,
        type=broadcast.type,
        template=broadcast.template.name if broadcast.template else "",
        language=broadcast.template.language if broadcast.template else "",
        location=broadcast.location.id if broadcast.location else "",
        segments=[one.id for one in broadcast.segments],
        target_class=_id(broadcast.target_class),
        target_class_status=broadcast.target_class_status,
        retarget_broadcast=_id(broadcast.retarget_broadcast),
        retarget_engagement_type=broadcast.retarget_engagement_type,
        schedule_date_time=schedule,
        header_media_url=broadcast.header_media_url,
        header_text_parameters=broadcast.header_text_parameters,
        body_text_parameters=broadcast.body_text_parameters,
        button_url_parameters=broadcast.button_url_parameters,
        location_parameters=broadcast.location_parameters,
        flow_parameters=broadcast.flow_parameters,
    )


def fields_of_json(wire: Fields) -> DraftFields:
    """The keywords for a broadcast in the service's own shape, as in a file; only what is in it.

    Raises:
        InvalidInput: a field is unknown, or has the wrong form; a schedule is naive or cannot be read.
    """
    names = {field.encode_name: field.name for field in msgspec.structs.fields(Broadcast)}
    unknown = next((name for name in wire if name not in names), None)
    if unknown is not None:
        raise InvalidInput(f"a broadcast has no field {shown(unknown)!r}", field=shown(unknown))
    written = {name: value for name, value in wire.items() if name not in SERVER_FIELDS}
    for name in ("headerTextParameters", "bodyTextParameters", "buttonUrlParameters"):
        check_parameters(written.get(name) or [], field=name)
    read = read_broadcast(written | {"id": "draft"}) or Broadcast(id="draft")
    _check_forms(written, read, names)
    schedule = read.schedule_date_time
    if schedule is not None and moment(schedule) is None:
        raise InvalidInput(
            f"scheduleDateTime {schedule!r} is no ISO-8601 time with an offset, such as 2026-10-01T09:00:00Z:"
            " without the offset nobody knows when it is meant",
            field="scheduleDateTime",
            value=schedule,
        )
    every = fields_of_broadcast(read)
    given = {names[name] for name in written} | ({"language"} if "template" in written else set())
    return msgspec.convert({name: value for name, value in every.items() if name in given}, DraftFields)


def check_parameters(given: object, *, field: str) -> tuple[str, ...]:
    """*given*, if it is a list of texts that Meta takes.

    Source: contract, section 9: no blank one, no line break, no tab, no five blanks in a row.
    """
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Sequence):
        raise InvalidInput(f"{field} must be a list of texts, in the order of the placeholders", field=field)
    for place, value in enumerate(given):
        where = f"{field}.{place}"
        if not isinstance(value, str):
            raise InvalidInput(f"{where} must be a text, not {type(value).__name__}", field=where)
        if not value.strip():
            raise InvalidInput(f"{where} is blank: it would fail the message to everybody", field=where)
        if _UNSENDABLE_PARAMETER.search(value):
            raise InvalidInput(
                f"{where} holds a line break, a tab or five blanks in a row, which WhatsApp refuses",
                field=where,
                value=shown(repr(value), longest=80),
            )
    return tuple(given)


def utc(when: object, *, field: str) -> str:
    """An aware datetime as the service takes it: UTC, with milliseconds and Z.

    Raises:
        InvalidInput: it is no datetime, or has no time zone.
    """
    if not isinstance(when, datetime):
        raise InvalidInput(f"{field} must be a datetime, not {type(when).__name__}", field=field)
    if when.utcoffset() is None:
        raise InvalidInput(
            f"{field} has no time zone, so nobody knows when it is meant: give one, such as tzinfo=UTC",
            field=field,
            value=when.isoformat(),
        )
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _schedule(when: datetime | None, wall: float, allow_past: bool) -> str | None:
    if when is None:
        return None
    text = utc(when, field="schedule_date_time")
    if not allow_past and when.timestamp() < wall:
        raise InvalidInput(
            f"schedule_date_time {text} is in the past; to send at once, leave it out or allow it",
            field="schedule_date_time",
            value=text,
        )
    return text


def _check_forms(wire: Fields, read: Broadcast, names: Mapping[str, str]) -> None:
    """Refuse what the tolerant reader of replies passed over in silence."""
    for name, value in wire.items():
        if value not in (None, "", [], {}) and getattr(read, names[name]) in (None, "", ()):
            raise InvalidInput(f"{name} has the wrong form, or lacks a part", field=name)
    segments = wire.get("segments")
    if isinstance(segments, list) and len(segments) != len(read.segments):
        raise InvalidInput("segments must be objects with an id", field="segments")


def _references(given: object) -> tuple[Reference, ...]:
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Sequence):
        raise InvalidInput("segments must be a list of ids", field="segments")
    return tuple(Reference(id=check_word(one, field=f"segments.{place}")) for place, one in enumerate(given))


def _reference(given: str | None, field: str) -> Reference | None:
    return None if given is None else Reference(id=check_word(given, field=field))


def _optional(given: str | None, field: str) -> str | None:
    return None if given is None else check_word(given, field=field)


def _url(given: str | None) -> str | None:
    if given is None:
        return None
    if not given.startswith(("https://", "http://")) or " " in given:
        raise InvalidInput(
            "header_media_url is no URL", field="header_media_url", value=shown(given, longest=80)
        )
    return given


def _id(reference: Reference | None) -> str | None:
    return None if reference is None else reference.id
