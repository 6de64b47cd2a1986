"""The broadcasts of the sandbox's Whautomate: what was written, and how far each is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from keebai_async.clock import Clock
from keebai_async.sandbox.replies import Refused, Said
from keebai_async.sandbox.whautomate.audience import Audience, audience_of
from keebai_async.sandbox.whautomate.delivery import Course, Fates
from keebai_async.sandbox.whautomate.ledger import Created, WhautomateLedger
from keebai_async.sandbox.whautomate.lists import window_of
from keebai_async.sandbox.whautomate.replies import deleted, error, said
from keebai_async.sandbox.whautomate.segments import Segments
from keebai_async.sandbox.whautomate.settings import Settings

Json = dict[str, object]

_SERVERS: Final = ("id", "status", "startedAt", "completedAt", "processedStats", "deliveryStats")


class _Kept:
    """One broadcast. Its audience is known when it starts, or when it is created."""

    __slots__ = ("audience", "body", "course", "created", "due")

    def __init__(self, body: Json, created: float, due: float) -> None:
        self.body = body
        self.created = created
        self.due = due
        self.audience: Audience | None = None
        self.course: Course | None = None


class Broadcasts:
    """Answers the routes of /broadcasts. Raises Refused."""

    def __init__(
        self, settings: Settings, clock: Clock, segments: Segments, ledger: WhautomateLedger
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._epoch = clock.wall() - clock.now()
        self._segments = segments
        self._ledger = ledger
        self._kept: dict[str, _Kept] = {}
        self._count = 0

    def create(self, body: Json) -> Said:
        """POST. Source: contract, section 4.2."""
        now = self._clock.now()
        self._check(body)
        self._count += 1
        broadcast_id = f"mA7F{self._count:06d}"
        kept = self._kept[broadcast_id] = _Kept({}, now, now)
        self._write(broadcast_id, kept, body)
        self._ledger.created.append(
            Created(kind="broadcast", id=broadcast_id, name=str(body["name"]), at=now, body=kept.body)
        )
        return self.read(broadcast_id)

    def stage(self, broadcast_id: str, *, starts_in: float) -> None:
        """Put a broadcast there without a request, to everybody, that starts in so many seconds, or did."""
        everybody = self._segments.everybody()
        now = self._clock.now()
        body: Json = {
            "name": "Staged",
            "type": "contact",
            "segments": [{"id": everybody}],
            "template": {"name": "recall", "language": "es"},
            "location": {"id": self._settings.locations[0]},
            "scheduleDateTime": self._stamp(now + starts_in),
        }
        self._kept[broadcast_id] = _Kept(body, min(now, now + starts_in), now + starts_in)

    def read(self, broadcast_id: str) -> Said:
        """GET one."""
        return said(self._settings, self._shown(broadcast_id, self._find(broadcast_id)))

    def replace(self, broadcast_id: str, body: Json) -> Said:
        """PUT. One that has started is refused: what the service does then is not documented."""
        kept = self._find(broadcast_id)
        if self._course(kept) is not None:
            raise Refused(error(self._settings, 409, "The broadcast has started"))
        self._check(body)
        self._write(broadcast_id, kept, body)
        self._ledger.replaced.append(broadcast_id)
        return self.read(broadcast_id)

    def delete(self, broadcast_id: str) -> Said:
        """DELETE. It stops one that runs, and takes its log along: neither is documented."""
        self._find(broadcast_id)
        del self._kept[broadcast_id]
        self._ledger.deleted.append(broadcast_id)
        return deleted()

    def list(self, query: Mapping[str, str]) -> Said:
        """GET all, the newest first. Source: contract, section 4.3."""
        window = window_of(query, self._settings)
        start, end = query.get("startDate", ""), query.get("endDate", "9999")
        words, place = query.get("searchText", "").lower(), query.get("locationId")
        found = [
            (broadcast_id, kept)
            for broadcast_id, kept in reversed(self._kept.items())
            if words in str(kept.body["name"]).lower()
            and (place is None or _id(kept.body.get("location")) == place)
            and start <= self._stamp(kept.created) <= end
        ]
        shown = found[window.start : window.start + window.size]
        return said(self._settings, [self._shown(*one) for one in shown])

    def logs(self, broadcast_id: str, query: Mapping[str, str]) -> Said:
        """GET one page of the log; each row is made for this answer. Source: contract, section 4.4."""
        kept = self._find(broadcast_id)
        window = window_of(query, self._settings)
        course, now = self._course(kept), self._clock.now()
        if course is None or kept.audience is None:
            return said(self._settings, [])
        done = course.done(now)
        places = range(window.start, min(done, window.start + window.size))
        if self._settings.reordered:
            places = range(done - 1 - window.start, max(-1, done - 1 - window.start - window.size), -1)
        about = {"id": broadcast_id, "name": kept.body["name"]}
        return said(self._settings, [self._row(about, kept.audience, course, place, now) for place in places])

    def _row(self, about: Json, audience: Audience, course: Course, place: int, now: float) -> Json:
        person, (status, since) = audience[place], course.status(place, now)
        code = person.country_code.removeprefix("+") if self._settings.repeats_country_code else ""
        errors = self._settings.errors
        return {
            "broadcast": about,
            "recepientName": person.name,
            "countryCode": person.country_code,
            "phone": f"{code}{person.phone}",
            "status": status,
            "reply": "Gracias" if status == "replied" else "",
            "error": errors[place // 50 % len(errors)] if status == "failed" and errors else "",
            "createdAt": self._stamp(course.sent_at(place)),
            "updatedAt": self._stamp(since),
        }

    def _find(self, broadcast_id: str) -> _Kept:
        kept = self._kept.get(broadcast_id)
        if kept is None:
            raise Refused(error(self._settings, 404, "Broadcast not found"))
        return kept

    def _check(self, body: Json) -> None:
        """Source: contract, section 4.1 and section 10 number 3."""
        for name in ("name", "type"):
            if not isinstance(body.get(name), str) or not body[name]:
                raise Refused(error(self._settings, 400, f"{name} is required"))
        if _id(body.get("location")) not in self._settings.locations and not self._settings.any_id:
            raise Refused(error(self._settings, 400, "location is required"))
        if not any(body.get(name) for name in ("segments", "targetClass", "retargetBroadcast")):
            raise Refused(error(self._settings, 400, "segments is required"))
        for segment in _list(body.get("segments")):
            if not self._segments.has(_id(segment)) and not self._settings.any_id:
                raise Refused(error(self._settings, 400, f"Segment {_id(segment)} not found"))
        schedule = body.get("scheduleDateTime")
        if schedule is not None and _moment(schedule) is None:
            raise Refused(error(self._settings, 422, "scheduleDateTime must be UTC"))

    def _write(self, broadcast_id: str, kept: _Kept, body: Json) -> None:
        kept.body = {name: value for name, value in body.items() if name not in _SERVERS}
        moment = _moment(body.get("scheduleDateTime"))
        kept.due = kept.created if moment is None else max(kept.created, moment - self._epoch)
        if self._settings.membership == "creation":
            kept.audience = self._audience(kept)

    def _audience(self, kept: _Kept) -> Audience:
        criteria = [self._segments.criteria(_id(one)) for one in _list(kept.body.get("segments"))]
        again = self._kept.get(_id(kept.body.get("retargetBroadcast")))
        if again is not None:
            criteria += [self._segments.criteria(_id(one)) for one in _list(again.body.get("segments"))]
        return audience_of(
            criteria,
            self._segments.contacts,
            self._settings.crowds,
            self._settings.unsubscribed_every,
        )

    def _course(self, kept: _Kept) -> Course | None:
        """The course of a broadcast that has started; this starts it, if it is time."""
        if kept.course is None and self._clock.now() >= kept.due:
            kept.audience = kept.audience or self._audience(kept)
            settings = self._settings
            kept.course = Course(
                kept.due,
                len(kept.audience),
                settings.delivery_rate,
                Fates(settings.failing, settings.read, settings.replied),
            )
        return kept.course

    def _shown(self, broadcast_id: str, kept: _Kept) -> Json:
        course, now = self._course(kept), self._clock.now()
        shown: Json = {"id": broadcast_id, **kept.body}
        if course is None:
            zero = {"totalCount": 0, "successCount": 0, "failureCount": 0}
            return shown | {"status": "scheduled", "processedStats": zero}
        stats = course.stats(now)
        sent = stats.done - stats.failed
        shown |= {
            "status": "sending",
            "startedAt": self._stamp(course.start),
            "processedStats": {
                "totalCount": stats.total,
                "successCount": sent,
                "failureCount": stats.failed,
            },
            "deliveryStats": {
                "sentCount": sent,
                "deliveredCount": stats.delivered,
                "readCount": stats.read,
                "failedCount": stats.failed,
                "repliedCount": stats.replied,
            },
        }
        if now >= course.end:
            shown |= {"status": "sent", "completedAt": self._stamp(course.end)}
        return shown

    def _stamp(self, at: float) -> str:
        moment = datetime.fromtimestamp(self._epoch + at, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(value: object) -> float | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.timestamp() if moment is not None and moment.utcoffset() is not None else None


def _id(value: object) -> str:
    inner = value.get("id") if isinstance(value, dict) else None
    return inner if isinstance(inner, str) else ""


def _list(value: object) -> "list[object]":
    return value if isinstance(value, list) else []
