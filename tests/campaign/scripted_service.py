"""A service in memory with a will of its own: what it does to each submit is written beforehand."""

import enum
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from keebai_async.clock import Clock
from keebai_async.errors import ServerFailed
from keebai_async.keebai.models import BroadcastStatus
from keebai_async.model.requests import Requests
from keebai_async.transport.error_body import ErrorBody
from keebai_async.transport.reply import Answer
from keebai_async.transport.verdict import Accepted, Halted, Refused, Throttled, Unknown, Unsent, Verdict


class Fate(enum.Enum):
    FINE = "read, judged by its numbers, and answered"
    LOST = "accepted, and the answer lost"
    DROPPED = "lost before the service saw it"
    UNREADABLE = "accepted in a reply nobody can read"
    SHORT = "accepted but for one"
    UNSENT = "the connection was refused"
    THROTTLED = "429"
    HALTED = "401"


class Item(msgspec.Struct):
    to: str


class Body(msgspec.Struct):
    campaign_name: str
    recipients: list[Item]


class ScriptedService:
    """*malformed* numbers make it refuse the whole request; *names* says whether it tells which."""

    def __init__(
        self,
        clock: Clock,
        *,
        script: Iterable[Fate] = (),
        malformed: Iterable[str] = (),
        names: bool = False,
        common: ErrorBody | None = None,
        largest: int = 5_000,
        latency: float = 0.2,
    ) -> None:
        self.requests = Requests()
        self.clock = clock
        self.script = deque(script)
        self.malformed = frozenset(malformed)
        self.names = names
        self.common = common
        self.largest = largest
        self.latency = latency
        self.messaged: Counter[str] = Counter()
        self.names_seen: list[str] = []
        self.totals: dict[str, int] = {}
        self.failing = 0.0  # the share of each broadcast that fails
        self.down_probes = 0
        self.in_flight = 0
        self.most_in_flight = 0

    async def submit(
        self, body: bytes, *, recipients: int, leaving: Callable[[], Awaitable[None]]
    ) -> Verdict:
        await leaving()
        self.requests.submits += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await self.clock.sleep(self.latency)
        self.in_flight -= 1
        fate = self.script.popleft() if self.script else Fate.FINE
        return self._judge(msgspec.json.decode(body, type=Body), fate)

    async def status(self, broadcast_id: str) -> BroadcastStatus:
        self.requests.polls += 1
        total = self.totals[broadcast_id]
        failed = round(self.failing * total)
        return BroadcastStatus(
            broadcast_id=broadcast_id,
            status="COMPLETED",
            total_recipients=total,
            sent=total - failed,
            failed=failed,
        )

    async def probe(self) -> None:
        self.requests.other += 1
        if self.down_probes:
            self.down_probes -= 1
            raise ServerFailed("503", method="GET", path="/me", status=503)

    def _judge(self, body: Body, fate: Fate) -> Verdict:
        match fate:
            case Fate.UNSENT:
                return Unsent(reason="connection refused")
            case Fate.DROPPED:
                return Unknown(reason="connection reset")
            case Fate.THROTTLED:
                return Throttled(pause=0.0)
            case Fate.HALTED:
                return Halted(fault=ErrorBody(status=401, message="Invalid or missing API token"))
            case _:
                refusal = self._refusal(body)
                return refusal or self._accept(body, fate)

    def _refusal(self, body: Body) -> Refused | None:
        if self.common is not None:
            return Refused(fault=self.common)
        if len(body.recipients) > self.largest:
            return Refused(fault=ErrorBody(status=413, message="Payload Too Large"))
        bad = [index for index, item in enumerate(body.recipients) if item.to in self.malformed]
        if not bad:
            return None
        if self.names:
            words = f"recipients.{bad[0]}.to must be a phone number"
            return Refused(
                fault=ErrorBody(status=400, message=words, field=f"recipients.{bad[0]}.to", items=(bad[0],))
            )
        return Refused(fault=ErrorBody(status=400, message="Bad Request"))

    def _accept(self, body: Body, fate: Fate) -> Verdict:
        people = [item.to for item in body.recipients]
        if fate is Fate.SHORT:
            people = people[1:]
        self.messaged.update(people)
        self.names_seen.append(body.campaign_name)
        broadcast_id = f"b{len(self.names_seen)}"
        self.totals[broadcast_id] = len(people)
        if fate is Fate.LOST:
            return Unknown(reason="no answer in time")
        if fate is Fate.UNREADABLE:
            return Accepted(answer=Answer(status=202, body=b"<html>", complete=False))
        reply = {"broadcast_id": broadcast_id, "status": "scheduled", "total_recipients": len(people)}
        return Accepted(answer=Answer(status=202, body=msgspec.json.encode(reply)))
