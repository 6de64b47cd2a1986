"""From a reply of Whautomate's to its model, whatever is missing, null or of another type. Pure."""

from collections.abc import Callable
from typing import TypeVar

from keebai_async.transport.tolerant_reader import Fields, count, text, texts
from keebai_async.whautomate.models import (
    Broadcast,
    Criteria,
    DeliveryStats,
    FlowParameters,
    LocationParameters,
    LogRow,
    PrimaryLocation,
    ProcessedStats,
    Reference,
    Segment,
    TemplateName,
)

T = TypeVar("T")


def read_broadcast(fields: Fields, broadcast_id: str = "") -> Broadcast | None:
    """A broadcast; *broadcast_id* is what was asked for. None if it is none: it has no id and no name."""
    own_id = text(fields, "id", "_id")
    if own_id is None and (not broadcast_id or not ({"name", "type", "status", "template"} & fields.keys())):
        return None
    return Broadcast(
        id=own_id or broadcast_id,
        name=text(fields, "name") or "",
        type=text(fields, "type") or "",
        status=text(fields, "status") or "",
        segments=_references(fields.get("segments")),
        target_class=_reference(fields.get("targetClass")),
        target_class_status=text(fields, "targetClassStatus"),
        retarget_broadcast=_reference(fields.get("retargetBroadcast")),
        retarget_engagement_type=text(fields, "retargetEngagementType"),
        schedule_date_time=text(fields, "scheduleDateTime"),
        started_at=text(fields, "startedAt"),
        completed_at=text(fields, "completedAt"),
        template=_part(fields, "template", _template),
        header_media_url=text(fields, "headerMediaUrl"),
        header_text_parameters=tuple(texts(fields.get("headerTextParameters"))),
        body_text_parameters=tuple(texts(fields.get("bodyTextParameters"))),
        button_url_parameters=tuple(texts(fields.get("buttonUrlParameters"))),
        location_parameters=_part(fields, "locationParameters", _place),
        flow_parameters=_part(fields, "flowParameters", _flow),
        location=_reference(fields.get("location")),
        processed_stats=_part(fields, "processedStats", _processed),
        delivery_stats=_part(fields, "deliveryStats", _delivery),
    )


def read_log_row(fields: Fields) -> LogRow:
    """One row of a log. Source: contract, section 4.4: both spellings of the name's field."""
    return LogRow(
        broadcast=_reference(fields.get("broadcast")),
        recipient_name=text(fields, "recepientName", "recipientName") or "",
        country_code=text(fields, "countryCode") or "",
        phone=text(fields, "phone") or "",
        status=text(fields, "status") or "",
        reply=text(fields, "reply") or "",
        error=_error(fields.get("error")),
        created_at=text(fields, "createdAt"),
        updated_at=text(fields, "updatedAt"),
    )


def read_segment(fields: Fields, segment_id: str = "") -> Segment | None:
    """A segment; None if it has no id."""
    own_id = text(fields, "id", "_id") or segment_id
    if not own_id:
        return None
    return Segment(
        id=own_id,
        name=text(fields, "name") or "",
        type=text(fields, "type") or "",
        criteria=_part(fields, "criteria", _criteria),
        location=_reference(fields.get("location")),
    )


def _part(fields: Fields, name: str, read: Callable[[Fields], T | None]) -> T | None:
    value = fields.get(name)
    return read(value) if isinstance(value, dict) else None


def _reference(value: object) -> Reference | None:
    if isinstance(value, str):
        return Reference(id=value) if value else None
    if not isinstance(value, dict):
        return None
    own_id = text(value, "id", "_id")
    return None if own_id is None else Reference(id=own_id, name=text(value, "name", "title"))


def _references(value: object) -> tuple[Reference, ...]:
    found = map(_reference, value if isinstance(value, list) else [])
    return tuple(one for one in found if one is not None)


def _template(fields: Fields) -> TemplateName | None:
    name = text(fields, "name")
    return None if name is None else TemplateName(name=name, language=text(fields, "language") or "")


def _place(fields: Fields) -> LocationParameters | None:
    try:
        latitude, longitude = float(text(fields, "latitude") or ""), float(text(fields, "longitude") or "")
    except ValueError:
        return None
    return LocationParameters(
        latitude=latitude,
        longitude=longitude,
        address=text(fields, "address") or "",
        name=text(fields, "name") or "",
    )


def _flow(fields: Fields) -> FlowParameters | None:
    token = text(fields, "flowToken")
    return (
        None if token is None else FlowParameters(flow_token=token, flow_data=text(fields, "flowData") or "")
    )


def _processed(fields: Fields) -> ProcessedStats | None:
    total = count(fields, "totalCount")
    if total is None:
        return None
    return ProcessedStats(
        total_count=total,
        success_count=count(fields, "successCount") or 0,
        failure_count=count(fields, "failureCount") or 0,
    )


def _delivery(fields: Fields) -> DeliveryStats:
    return DeliveryStats(
        sent_count=count(fields, "sentCount"),
        delivered_count=count(fields, "deliveredCount"),
        read_count=count(fields, "readCount"),
        failed_count=count(fields, "failedCount"),
        replied_count=count(fields, "repliedCount"),
    )


def _criteria(fields: Fields) -> Criteria:
    places = fields.get("primaryLocations")
    return Criteria(
        tags=tuple(texts(fields.get("tags"))),
        exclusion_tags=tuple(texts(fields.get("exclusionTags"))),
        gender=text(fields, "gender"),
        number_of_days_last_activity=count(fields, "numberOfDaysLastActivity"),
        age_from=count(fields, "ageFrom"),
        age_to=count(fields, "ageTo"),
        contact_stage=text(fields, "contactStage"),
        primary_locations=tuple(
            PrimaryLocation(id=own_id, title=text(place, "title", "name"))
            for place in (places if isinstance(places, list) else [])
            if isinstance(place, dict) and (own_id := text(place, "id"))
        ),
    )


def _error(value: object) -> str:
    """Free text, by the page; a code and its message inside an object say the same."""
    if isinstance(value, dict):
        code, words = text(value, "code"), text(value, "message", "title", "error_data", "error") or ""
        return f"(#{code}) {words}".strip() if code else words
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""
