"""A service in memory with a will of its own: what it does to each submit is written beforehand."""

import enum
import math
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import msgspec

from keebai_async.campaign.service import ChunkVerdict, Halted, Refusal, Taken, Throttled, Unknown, Unsent
from keebai_async.clock import Clock
from keebai_async.errors import ServerFailed, TemplateUnusable
from keebai_async.keebai.campaign_service import blame_of, body_of
from keebai_async.model.chunk import Chunk
from keebai_async.model.plan import Plan
from keebai_async.model.progress import Progress
from keebai_async.model.requests import Requests
from keebai_async.model.sender import ListedSender, Sender
from keebai_async.model.template import Template
from keebai_async.transport.error_body import ErrorBody
from keebai_async.transport.request import Objection


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

    name = "keebai"
    largest_chunk = 5_000

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
        self.halting = ErrorBody(status=401, message="Invalid or missing API token")
        self.down_probes = 0
        self.suspended_after: float = math.inf  # so many broadcasts; from then on everything is refused
        self.silent_refusals = 0  # of those to come, which name nobody even if it *names*
        self.status, self.category = "APPROVED", "UTILITY"  # of every template
        self.in_flight = 0
        self.most_in_flight = 0
        self.places = 0  # in the quota, taken for a submit
        self.given_back = 0  # places in the quota in which nothing left

    def body(self, plan: Plan, chunk: Chunk, items: bytes) -> bytes:
        return body_of(plan, chunk.number, items, parent=chunk.parent)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator["ScriptedSlot"]:
        await self.place()
        self.places += 1
        slot = ScriptedSlot(self)
        try:
            yield slot
        finally:
            self.given_back += not slot.used

    async def place(self) -> None:
        """Wait for a place in the quota: by default there is always one."""

    async def submit(self, body: bytes) -> ChunkVerdict:
        self.requests.submits += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await self.clock.sleep(self.latency)
        self.in_flight -= 1
        fate = self.script.popleft() if self.script else Fate.FINE
        return self._judge(msgspec.json.decode(body, type=Body), fate)

    async def progress(self, broadcast_id: str) -> Progress:
        self.requests.polls += 1
        total = self.totals[broadcast_id]
        failed = round(self.failing * total)
        return Progress(
            broadcast_id=broadcast_id,
            status="COMPLETED",
            final=True,
            total=total,
            sent=total - failed,
            failed=failed,
        )

    async def template(self, name: str, language: str) -> Template:
        self.requests.other += 1
        if self.down_probes:
            self.down_probes -= 1
            raise ServerFailed("503", method="GET", path="/templates", status=503)
        if self.status != "APPROVED":
            raise TemplateUnusable(f"template {name!r} in {language} is not approved: {self.status}")
        return Template(name=name, language=language, status=self.status, category=self.category)

    async def listed(self, sender: Sender) -> ListedSender:
        self.requests.other += 1
        return ListedSender(status="active")

    async def probe(self) -> None:
        self.requests.other += 1
        if self.down_probes:
            self.down_probes -= 1
            raise ServerFailed("503", method="GET", path="/me", status=503)

    def _judge(self, body: Body, fate: Fate) -> ChunkVerdict:
        match fate:
            case Fate.UNSENT:
                return Unsent(reason="connection refused")
            case Fate.DROPPED:
                return Unknown(reason="connection reset")
            case Fate.THROTTLED:
                return Throttled(pause=0.0)
            case Fate.HALTED:
                return Halted(fault=self.halting)
            case _:
                refusal = self._refusal(body)
                return refusal or self._accept(body, fate)

    def _refusal(self, body: Body) -> Refusal | None:
        if self.common is not None:
            return refusal(self.common)
        if len(self.names_seen) >= self.suspended_after:
            return refusal(ErrorBody(status=400, message="Bad Request"))
        if len(body.recipients) > self.largest:
            return refusal(ErrorBody(status=413, message="Payload Too Large"))
        bad = [index for index, item in enumerate(body.recipients) if item.to in self.malformed]
        if not bad:
            return None
        self.silent_refusals -= 1
        if self.names and self.silent_refusals < 0:
            words = f"recipients.{bad[0]}.to must be a phone number"
            field = f"recipients.{bad[0]}.to"
            return refusal(ErrorBody(status=400, message=words, field=field, items=(bad[0],)))
        return refusal(ErrorBody(status=400, message="Bad Request"))

    def _accept(self, body: Body, fate: Fate) -> ChunkVerdict:
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
            return Taken(accepted=len(people), broadcast_id=None)
        return Taken(accepted=len(people), broadcast_id=broadcast_id)


class ScriptedSlot:
    def __init__(self, service: ScriptedService) -> None:
        self.service = service
        self.used = False

    async def submit(
        self, body: bytes, *, recipients: int, objection: Objection | None = None
    ) -> ChunkVerdict:
        assert not self.used
        self.used = True
        if objection is not None and (reason := objection()) is not None:
            return Unsent(reason=reason)
        return await self.service.submit(body)


def refusal(fault: ErrorBody) -> Refusal:
    return Refusal(fault=fault, blame=blame_of(fault))
