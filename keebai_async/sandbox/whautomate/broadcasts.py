"""The broadcasts of the sandbox's Whautomate: what was written, and how far each is."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from keebai_async.clock import Clock
from keebai_async.sandbox.replies import JsonObject, RequestRefused, SandboxReply, timestamp
from keebai_async.sandbox.whautomate.audience import Audience, audience_of
from keebai_async.sandbox.whautomate.delivery import DeliveryRun, OutcomeShares
from keebai_async.sandbox.whautomate.ledger import Created, WhautomateLedger
from keebai_async.sandbox.whautomate.paging import page_of
from keebai_async.sandbox.whautomate.replies import deleted, error_reply, success
from keebai_async.sandbox.whautomate.segments import SegmentHandlers
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxSettings
from keebai_async.sandbox.whautomate.webhook_feed import StartedBroadcast

_SERVERS: Final = ("id", "status", "startedAt", "completedAt", "processedStats", "deliveryStats")


class _StoredBroadcast:
    """One broadcast. Its audience is known when it starts, or when it is created."""

    __slots__ = ("audience", "body", "created", "due", "run")

    def __init__(self, body: JsonObject, created: float, due: float) -> None:
        self.body = body
        self.created = created
        self.due = due
        self.audience: Audience | None = None
        self.run: DeliveryRun | None = None


class BroadcastHandlers:
    """Answers the routes of /broadcasts. Raises RequestRefused."""

    def __init__(
        self,
        settings: WhautomateSandboxSettings,
        clock: Clock,
        segments: SegmentHandlers,
        ledger: WhautomateLedger,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._epoch = clock.wall() - clock.now()
        self._segments = segments
        self._ledger = ledger
        self._broadcasts: dict[str, _StoredBroadcast] = {}
        self._count = 0

    def create(self, body: JsonObject) -> SandboxReply:
        """POST. Source: contract, section 4.2."""
        now = self._clock.now()
        self._check(body)
        self._count += 1
        broadcast_id = f"mA7F{self._count:06d}"
        stored = self._broadcasts[broadcast_id] = _StoredBroadcast({}, now, now)
        self._write(broadcast_id, stored, body)
        self._ledger.created.append(
            Created(kind="broadcast", id=broadcast_id, name=str(body["name"]), at=now, body=stored.body)
        )
        return self.read(broadcast_id)

    def stage(self, broadcast_id: str, *, starts_in: float) -> None:
        """Put a broadcast there without a request, to everybody, that starts in so many seconds, or did."""
        everybody = self._segments.everybody()
        now = self._clock.now()
        body: JsonObject = {
            "name": "Staged",
            "type": "contact",
            "segments": [{"id": everybody}],
            "template": {"name": "recall", "language": "es"},
            "location": {"id": self._settings.locations[0]},
            "scheduleDateTime": self._stamp(now + starts_in),
        }
        self._broadcasts[broadcast_id] = _StoredBroadcast(body, min(now, now + starts_in), now + starts_in)

    def read(self, broadcast_id: str) -> SandboxReply:
        """GET one."""
        return success(self._settings, self._shown(broadcast_id, self._find(broadcast_id)))

    def replace(self, broadcast_id: str, body: JsonObject) -> SandboxReply:
        """PUT. One that has started is refused: what the service does then is not documented."""
        stored = self._find(broadcast_id)
        if self._run_of(stored) is not None:
            raise RequestRefused(error_reply(self._settings, 409, "The broadcast has started"))
        self._check(body)
        self._write(broadcast_id, stored, body)
        self._ledger.replaced.append(broadcast_id)
        return self.read(broadcast_id)

    def delete(self, broadcast_id: str) -> SandboxReply:
        """DELETE. It stops one that runs, and takes its log along: neither is documented."""
        self._find(broadcast_id)
        del self._broadcasts[broadcast_id]
        self._ledger.deleted.append(broadcast_id)
        return deleted()

    def list(self, query: Mapping[str, str]) -> SandboxReply:
        """GET all, the newest first. Source: contract, section 4.3."""
        page = page_of(query, self._settings)
        start, end = query.get("startDate", ""), query.get("endDate", "9999")
        words, place = query.get("searchText", "").lower(), query.get("locationId")
        found = [
            (broadcast_id, stored)
            for broadcast_id, stored in reversed(self._broadcasts.items())
            if words in str(stored.body["name"]).lower()
            and (place is None or _id(stored.body.get("location")) == place)
            and start <= self._stamp(stored.created) <= end
        ]
        shown = found[page.start : page.stop]
        return success(self._settings, [self._shown(*one) for one in shown])

    def logs(self, broadcast_id: str, query: Mapping[str, str]) -> SandboxReply:
        """GET one page of the log; each row is made for this answer. Source: contract, section 4.4."""
        stored = self._find(broadcast_id)
        page = page_of(query, self._settings)
        run, now = self._run_of(stored), self._clock.now()
        if run is None or stored.audience is None:
            return success(self._settings, [])
        done = run.done(now)
        places = range(page.start, min(done, page.stop))
        if self._settings.reordered:
            places = range(done - 1 - page.start, max(-1, done - 1 - page.stop), -1)
        about = {"id": broadcast_id, "name": stored.body["name"]}
        return success(
            self._settings, [self._row(about, stored.audience, run, place, now) for place in places]
        )

    def started(self) -> Iterator[StartedBroadcast]:
        """Those that send now, or have sent."""
        for broadcast_id, stored in list(self._broadcasts.items()):
            run = self._run_of(stored)
            if run is not None and stored.audience is not None:
                yield StartedBroadcast(broadcast_id, run, stored.audience)

    @property
    def outstanding(self) -> bool:
        """Whether one of them will start later."""
        return any(stored.run is None for stored in list(self._broadcasts.values()))

    def _row(
        self, about: JsonObject, audience: Audience, run: DeliveryRun, place: int, now: float
    ) -> JsonObject:
        person, (status, since) = audience[place], run.status(place, now)
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
            "createdAt": self._stamp(run.sent_at(place)),
            "updatedAt": self._stamp(since),
        }

    def _find(self, broadcast_id: str) -> _StoredBroadcast:
        stored = self._broadcasts.get(broadcast_id)
        if stored is None:
            raise RequestRefused(error_reply(self._settings, 404, "Broadcast not found"))
        return stored

    def _check(self, body: JsonObject) -> None:
        """Source: contract, section 4.1 and section 10 number 3."""
        for name in ("name", "type"):
            if not isinstance(body.get(name), str) or not body[name]:
                raise RequestRefused(error_reply(self._settings, 400, f"{name} is required"))
        if _id(body.get("location")) not in self._settings.locations and not self._settings.any_id:
            raise RequestRefused(error_reply(self._settings, 400, "location is required"))
        if not any(body.get(name) for name in ("segments", "targetClass", "retargetBroadcast")):
            raise RequestRefused(error_reply(self._settings, 400, "segments is required"))
        for segment in _list(body.get("segments")):
            if not self._segments.has(_id(segment)) and not self._settings.any_id:
                raise RequestRefused(error_reply(self._settings, 400, f"Segment {_id(segment)} not found"))
        schedule = body.get("scheduleDateTime")
        if schedule is not None and _moment(schedule) is None:
            raise RequestRefused(error_reply(self._settings, 422, "scheduleDateTime must be UTC"))

    def _write(self, broadcast_id: str, stored: _StoredBroadcast, body: JsonObject) -> None:
        stored.body = {name: value for name, value in body.items() if name not in _SERVERS}
        moment = _moment(body.get("scheduleDateTime"))
        stored.due = stored.created if moment is None else max(stored.created, moment - self._epoch)
        if self._settings.membership == "creation":
            stored.audience = self._audience(stored)

    def _audience(self, stored: _StoredBroadcast) -> Audience:
        criteria = [self._segments.criteria(_id(one)) for one in _list(stored.body.get("segments"))]
        again = self._broadcasts.get(_id(stored.body.get("retargetBroadcast")))
        if again is not None:
            criteria += [self._segments.criteria(_id(one)) for one in _list(again.body.get("segments"))]
        return audience_of(
            criteria,
            self._segments.contacts,
            self._settings.crowds,
            self._settings.unsubscribed_every,
        )

    def _run_of(self, stored: _StoredBroadcast) -> DeliveryRun | None:
        """The deliveries of a broadcast that has started; this starts it, if it is time."""
        if stored.run is None and self._clock.now() >= stored.due:
            stored.audience = stored.audience or self._audience(stored)
            settings = self._settings
            stored.run = DeliveryRun(
                stored.due,
                len(stored.audience),
                settings.delivery_rate,
                OutcomeShares(settings.failing, settings.read, settings.replied),
            )
        return stored.run

    def _shown(self, broadcast_id: str, stored: _StoredBroadcast) -> JsonObject:
        run, now = self._run_of(stored), self._clock.now()
        shown: JsonObject = {"id": broadcast_id, **stored.body}
        if run is None:
            zero = {"totalCount": 0, "successCount": 0, "failureCount": 0}
            return shown | {"status": "scheduled", "processedStats": zero}
        stats = run.stats(now)
        sent = stats.done - stats.failed
        shown |= {
            "status": "sending",
            "startedAt": self._stamp(run.start),
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
        if now >= run.end:
            shown |= {"status": "sent", "completedAt": self._stamp(run.end)}
        return shown

    def _stamp(self, at: float) -> str:
        return timestamp(self._epoch + at)


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
