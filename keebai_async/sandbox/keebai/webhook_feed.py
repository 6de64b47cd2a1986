"""The sandbox's webhooks: what happened to whom, and its delivery to those who subscribed.

Everything follows the clock that moves the counters, so that counters and events agree in the end. Nothing
runs until somebody subscribes; from then on one task works out what happened, and some others deliver it.
"""

import asyncio
import hashlib
import heapq
import hmac
import itertools
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from typing import Final, Literal, Protocol

import aiohttp
import anyio
import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.keebai.delivery import Counters
from keebai_async.sandbox.keebai.ledger import Messaged
from keebai_async.sandbox.keebai.message_stories import RANKS, MessageHappening, SentMessage, chosen, story
from keebai_async.sandbox.keebai.subscriptions import Subscription, SubscriptionHandlers, WebhookAttempt
from keebai_async.sandbox.keebai.webhook_bodies import WebhookEnvelope, event_body, event_kind
from keebai_async.sandbox.keebai.webhook_switches import WebhookSwitches

_TICK: Final = 0.2
"""Seconds of real time between two looks at what was sent meanwhile."""
_WAITS: Final = {
    "docs": (60.0, 300.0, 1_800.0, 7_200.0),
    "skills": (60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 43_200.0),
}
"""Seconds before each repeat: 5 attempts in about 3 hours, or a day of them."""
_TRIGGERED_SENDER: Final = "100000000000001"
_ITEMS: Final = msgspec.json.Decoder(list[Messaged])


class _Sent(Protocol):
    """A broadcast, as far as its messages are concerned."""

    def counters(self, now: float) -> Counters: ...


class Followed(msgspec.Struct, kw_only=True, eq=False):
    """A broadcast whose messages are told of one by one, as they leave."""

    broadcast_id: str
    sent: _Sent
    items: bytes
    failing: frozenset[int]
    """The places of those who get nothing."""
    sender: str
    company: str
    told: int = 0
    people: list[Messaged] = msgspec.field(default_factory=list)


class MessageTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What really became of one number: the highest of sent, failed, delivered and read; the last code."""

    fate: str
    code: int = 0
    replies: int = 0


class _Delivery(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    subscription: Subscription
    event_id: str
    kind: str
    body: bytes
    attempt: int = 1


class WebhookFeed:
    """Works out what happens to each message, and delivers it."""

    def __init__(self, switches: WebhookSwitches, clock: Clock, seed: int) -> None:
        self.switches = switches
        self.subscriptions = SubscriptionHandlers(clock, self._send_test)
        self._clock = clock
        self._epoch = clock.wall() - clock.now()
        self._seed = seed
        self._followed: list[Followed] = []
        self.truth: dict[str, MessageTruth] = {}
        self._due: list[tuple[float, int, MessageHappening | _Delivery]] = []
        self._order = itertools.count()
        self._ready: deque[_Delivery] = deque()
        self._busy = 0
        self._events = itertools.count(1)
        self._made = itertools.count()
        self._singles: list[tuple[SentMessage, bool, str]] = []
        self._company: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._work = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self.outcomes: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """Events that have not happened yet, and deliveries that are not settled yet."""
        unsent = sum(one.sent.counters(self._clock.now()).total - one.told for one in list(self._followed))
        return unsent + len(self._due) + len(self._ready) + self._busy

    # What the service tells

    def follow(self, broadcast: Followed) -> None:
        """Tell of a broadcast's messages as they leave."""
        self._company[broadcast.sender] = broadcast.company
        self._followed.append(broadcast)
        self._wake()

    def follow_one(self, message: SentMessage, *, company: str, fails: bool) -> None:
        """Tell of a single message that left now."""
        self._company[message.sender] = company
        if self._begun:
            self._plan(message, fails=fails)
            self._wake()

    def opened(self) -> None:
        """The sandbox serves from now on, on the event loop that runs here."""
        self._loop = asyncio.get_running_loop()
        if self.subscriptions.known:
            self._begin()

    def subscribed(self) -> None:
        """Somebody wants to hear something: begin, if nobody did before. From any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if self._task is not None:
            return
        if not self._begun:
            self._begun = True
            now = self._clock.now()
            self._followed = [one for one in self._followed if one.sent.counters(now).pending]
            for one in self._followed:
                one.told = _gone(one.sent.counters(now))  # what happened before is not told
        self._changed, self._work = asyncio.Event(), asyncio.Event()
        # A sandbox is opened and closed in different tasks by fixtures, which no task group allows.
        self._task = asyncio.create_task(self._run(), name="sandbox webhooks")

    def trigger(self, kind: str, number: str, *, code: int = 0, text: str = "", payload: str = "") -> None:
        """Let one event happen now, whatever was sent: `read`, or `received` with a text. From any thread."""
        message_id = f"wamid.SANDBOXTRIGGER{next(self._events):08d}"
        message = SentMessage(message_id=message_id, number=number, sender=_TRIGGERED_SENDER)
        happening = MessageHappening(kind=kind, message=message, code=code, text=text, payload=payload)

        def happen() -> None:
            self._know(happening)
            self._push(0.0, happening)
            self._changed.set()

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(happen)

    def change(self, content: bytes) -> WebhookSwitches:
        """Take switches as JSON, those that are named; gives all. Raises msgspec.MsgspecError."""
        given = msgspec.json.decode(content, type=dict[str, object])
        now: dict[str, object] = msgspec.structs.asdict(self.switches)
        new = msgspec.convert(now | given, WebhookSwitches)
        for name in given:
            setattr(self.switches, name, getattr(new, name))
        self._wake()
        return self.switches

    async def aclose(self) -> None:
        """Stop delivering. What was not delivered stays, for when the sandbox is opened again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # How it is delivered

    async def _run(self) -> None:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, trust_env=False
            ) as session,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(max(1, self.switches.at_once)):
                tasks.start_soon(self._deliver_all, session)
            while True:
                self._changed.clear()
                wait = self._tick()
                if wait is None:
                    await self._changed.wait()
                else:
                    await _either(self._clock, self._changed, wait)

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    def _tick(self) -> float | None:
        """Let what is due happen; gives how long nothing will, None for ever."""
        now = self._clock.now()
        for one in self._followed:
            self._advance(one, now)
        self._followed = [one for one in self._followed if one.told < one.sent.counters(now).total]
        while self._due and self._due[0][0] <= now:
            _, _, due = heapq.heappop(self._due)
            if isinstance(due, MessageHappening):
                self._happen(due, now)
            else:
                self._offer(due)
        waits = [max(0.0, self._due[0][0] - now)] if self._due else []
        if self._followed:
            waits.append(_TICK * max(1.0, getattr(self._clock, "speed", 1.0) / 10.0))
        return min(waits, default=None)

    def _advance(self, one: Followed, now: float) -> None:
        gone = _gone(one.sent.counters(now))
        if gone > one.told and not one.people:
            one.people = _ITEMS.decode(one.items)
        for place in range(one.told, gone):
            person = one.people[place]
            self._plan(
                SentMessage(
                    message_id=f"wamid.SANDBOX.{one.broadcast_id[-8:]}.{place}",
                    number=person.to,
                    sender=one.sender,
                    meta_data=msgspec.json.encode(person.meta_data) if person.meta_data else b"",
                ),
                fails=place in one.failing,
            )
        one.told = gone

    def _plan(self, message: SentMessage, *, fails: bool) -> None:
        for happening in story(message, self.switches, fails=fails, seed=self._seed):
            self._know(happening)
            late = self.switches.disorder * _spread(next(self._made))
            self._push(happening.after + late, happening)

    def _push(self, after: float, due: "MessageHappening | _Delivery") -> None:
        heapq.heappush(self._due, (self._clock.now() + after, next(self._order), due))

    def _know(self, happening: MessageHappening) -> None:
        number = happening.message.number
        before = self.truth.get(number, MessageTruth(fate=""))
        rank = RANKS.get(happening.kind, 0)
        self.truth[number] = MessageTruth(
            fate=happening.kind if rank > RANKS.get(before.fate, 0) else before.fate,
            code=happening.code or before.code,
            replies=before.replies + (happening.kind == "received"),
        )

    def _happen(self, happening: MessageHappening, now: float) -> None:
        kind, switches = event_kind(happening), self.switches
        known_by_id = chosen(switches.without_number, "by id", happening.message.number, self._seed)
        for subscription in list(self.subscriptions.known.values()):
            company = self._company.get(happening.message.sender, subscription.company)
            if not subscription.wants(kind) or company != subscription.company:
                continue
            number = next(self._events)
            event_id = f"evt_{number:012x}"
            if _spread(number) < switches.lost:
                continue
            envelope = WebhookEnvelope(
                event_id=event_id,
                at=self._epoch + now,
                company=company,
                subscription_id=subscription.id,
            )
            dialect = _dialect(switches.dialect, number)
            body = event_body(happening, envelope, switches, dialect=dialect, known_by_id=known_by_id)
            body += b" " * switches.padding
            delivery = _Delivery(subscription=subscription, event_id=event_id, kind=kind, body=body)
            self._offer(delivery)
            if _spread(number + 7) < switches.duplicates:
                self._offer(delivery)

    def _offer(self, delivery: _Delivery) -> None:
        self._ready.append(delivery)
        self._work.set()

    def _send_test(self, subscription: Subscription) -> None:
        event_id = f"evt_test_{next(self._events):012x}"
        body = json.dumps({"id": event_id, "type": "webhook.test", "data": {"webhook_id": subscription.id}})
        self._offer(
            _Delivery(subscription=subscription, event_id=event_id, kind="webhook.test", body=body.encode())
        )

    async def _deliver_all(self, session: aiohttp.ClientSession) -> None:
        while True:
            while not self._ready:
                self._work.clear()
                await self._work.wait()
            delivery = self._ready.popleft()
            if (
                not delivery.subscription.is_active
                or delivery.subscription.id not in self.subscriptions.known
            ):
                continue
            self._busy += 1
            try:
                self._settle(delivery, await self._attempt(session, delivery))
            finally:
                self._busy -= 1

    async def _attempt(self, session: aiohttp.ClientSession, delivery: _Delivery) -> int | None:
        """The status that came back, None for no answer."""
        switches, subscription = self.switches, delivery.subscription
        wrong = _spread(next(self._made) + 13) < switches.wrong_signature
        secret = "whsec_somebody_else" if wrong else subscription.secret
        # Who receives this has the machine's time, not the sandbox's, which may run a hundred times as fast.
        at = int(time.time() + switches.clock_off)
        headers = subscription.headers | {
            "Content-Type": "application/json",
            "X-Keebai-Signature": _signature(secret, at, delivery.body),
        }
        body = delivery.body if not switches.slow else _halves(delivery.body, self._clock, switches.slow)
        try:
            async with session.post(
                subscription.url,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=switches.timeout),
            ) as reply:
                await reply.read()
                return reply.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    def _settle(self, delivery: _Delivery, status: int | None) -> None:
        """What an answer means. Source: webhooks contract, section 2.4."""
        subscription, switches = delivery.subscription, self.switches
        self.outcomes["none" if status is None else str(status)] += 1
        now = self._clock.now()
        subscription.last_delivery_at = now
        subscription.attempts.append(
            WebhookAttempt(
                id=f"dlv_{next(self._made):012x}",
                event_id=delivery.event_id,
                event=delivery.kind,
                attempt=delivery.attempt,
                status=status,
                at=now,
            )
        )
        if status is not None and 200 <= status < 300:
            subscription.failures = 0
            return
        subscription.failures += 1
        if switches.disable_after is not None and subscription.failures >= switches.disable_after:
            subscription.is_active = False
            subscription.disabled_reason = "excessive_failures"
            return
        waits = _WAITS[switches.retries]
        again = switches.retries == "skills" or status is None or status >= 500 or status in (408, 429)
        if again and delivery.attempt <= len(waits):
            self._push(
                waits[delivery.attempt - 1], msgspec.structs.replace(delivery, attempt=delivery.attempt + 1)
            )
            self._changed.set()


def _gone(counters: Counters) -> int:
    return counters.sent + counters.failed


def _spread(number: int) -> float:
    """A number from 0 to 1 that looks like chance, of a count."""
    return (number * 2_654_435_761 % 2**32) / 2**32


def _dialect(named: str, number: int) -> Literal["docs", "skills"]:
    if named == "mixed":
        return "docs" if number % 2 else "skills"
    return "skills" if named == "skills" else "docs"


def _signature(secret: str, at: int, body: bytes) -> str:
    """Source: webhooks contract, section 2.3."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


async def _halves(body: bytes, clock: Clock, seconds: float) -> AsyncIterator[bytes]:
    half = len(body) // 2
    yield body[:half]
    await clock.sleep(seconds)
    yield body[half:]


async def _either(clock: Clock, event: asyncio.Event, seconds: float) -> None:
    """Return when *event* comes, or after *seconds* on *clock*."""

    async def alarm() -> None:
        await clock.sleep(seconds)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(alarm)
        await event.wait()
        tasks.cancel_scope.cancel()
