"""The sandbox's webhooks: what happened to whom, and its delivery to those who subscribed.

Everything follows the clock that moves the counters, so that counters and events agree in the end.
"""

import itertools
import json
import time
from collections.abc import Mapping
from typing import Final, Literal, Protocol

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.deliveries import Delivery, DeliveryFeed, spread
from keebai_async.sandbox.keebai.delivery import Counters
from keebai_async.sandbox.keebai.ledger import Messaged
from keebai_async.sandbox.keebai.message_stories import (
    PACED,
    RANKS,
    AccountHappening,
    MessageHappening,
    SentMessage,
    chosen,
    paused,
    story,
)
from keebai_async.sandbox.keebai.single_event import SingleEvent, happening_of
from keebai_async.sandbox.keebai.subscriptions import Subscription, SubscriptionHandlers, WebhookAttempt
from keebai_async.sandbox.keebai.webhook_bodies import (
    WebhookEnvelope,
    delivery_signature,
    event_body,
    event_kind,
)
from keebai_async.sandbox.keebai.webhook_switches import WebhookSwitches

_WAITS: Final = {
    "docs": (60.0, 300.0, 1_800.0, 7_200.0),
    "skills": (60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 43_200.0),
}
"""Seconds before each repeat: 5 attempts in about 3 hours, or a day of them."""
_ITEMS: Final = msgspec.json.Decoder(list[Messaged])
_Happening = MessageHappening | AccountHappening


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
    template: str = ""
    language: str = ""
    told: int = 0
    paused: bool = False
    people: list[Messaged] = msgspec.field(default_factory=list)


class MessageTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What really became of one number: the highest of sent, failed, delivered and read; the last code."""

    fate: str
    code: int = 0
    replies: int = 0


class WebhookFeed(DeliveryFeed[Subscription, _Happening]):
    """Works out what happens to each message, and delivers it."""

    def __init__(self, switches: WebhookSwitches, clock: Clock, seed: int) -> None:
        super().__init__(clock)
        self.switches = switches
        self.subscriptions = SubscriptionHandlers(clock, self._send_test)
        self.truth: dict[str, MessageTruth] = {}
        self._seed = seed
        self._followed: list[Followed] = []
        self._events = itertools.count(1)
        self._company: dict[str, str] = {}
        self._begun = False

    # What the service tells

    def follow(self, broadcast: Followed) -> None:
        """Tell of a broadcast's messages as they leave."""
        self._company[broadcast.sender] = broadcast.company
        self._followed.append(broadcast)
        self.wake()

    def follow_one(self, message: SentMessage, *, company: str, fails: bool) -> None:
        """Tell of a single message that left now."""
        self._company[message.sender] = company
        if self._begun:
            self._plan(message, fails=fails)
            self.wake()

    def trigger(self, event: SingleEvent) -> None:
        """Let one event happen now, whatever was sent. From any thread. Raises ValueError."""
        message_id = f"wamid.SANDBOXTRIGGER{next(self._events):08d}"
        happening = happening_of(event, message_id, self._epoch + self._clock.now())
        if isinstance(happening, MessageHappening):
            self._know(happening)
        self.make_happen(happening)

    def change(self, content: bytes) -> WebhookSwitches:
        """Take switches as JSON, those that are named; gives all. Raises msgspec.MsgspecError."""
        given = msgspec.json.decode(content, type=dict[str, object])
        now: dict[str, object] = msgspec.structs.asdict(self.switches)
        new = msgspec.convert(now | given, WebhookSwitches)
        for name in given:
            setattr(self.switches, name, getattr(new, name))
        self.wake()
        return self.switches

    # What a feed asks for

    @property
    def transport(self) -> WebhookSwitches:
        return self.switches

    @property
    def following(self) -> bool:
        return bool(self._followed)

    @property
    def untold(self) -> int:
        now = self._clock.now()
        return sum(one.sent.counters(now).total - one.told for one in list(self._followed))

    def first(self) -> None:
        if self._begun:
            return
        self._begun = True
        now = self._clock.now()
        self._followed = [one for one in self._followed if one.sent.counters(now).pending]
        for one in self._followed:
            one.told = _gone(one.sent.counters(now))  # what happened before is not told

    def advance(self, now: float) -> None:
        for one in self._followed:
            self._advance(one, now)
        self._followed = [one for one in self._followed if one.told < one.sent.counters(now).total]

    def happen(self, happening: _Happening, now: float) -> None:
        kind, switches = event_kind(happening), self.switches
        message = None if isinstance(happening, AccountHappening) else happening.message
        by_id = message is not None and chosen(switches.without_number, "by id", message.number, self._seed)
        for subscription in list(self.subscriptions.known.values()):
            company = subscription.company
            if message is not None:
                company = self._company.get(message.sender, company)
            if not subscription.wants(kind) or company != subscription.company:
                continue
            number = next(self._events)
            event_id = f"evt_{number:012x}"
            if spread(number) < switches.lost:
                continue
            envelope = WebhookEnvelope(
                event_id=event_id,
                at=self._epoch + now,
                company=company,
                subscription_id=subscription.id,
            )
            dialect = _dialect(switches.dialect, number)
            body = event_body(happening, envelope, switches, dialect=dialect, known_by_id=by_id)
            body += b" " * switches.padding
            delivery = Delivery(subscription=subscription, event_id=event_id, kind=kind, body=body)
            self.offer(delivery)
            if spread(number + 7) < switches.duplicates:
                self.offer(delivery)

    def wanted(self, delivery: Delivery[Subscription]) -> bool:
        one = delivery.subscription
        return one.is_active and one.id in self.subscriptions.known

    def headers(self, delivery: Delivery[Subscription]) -> Mapping[str, str]:
        wrong = spread(next(self._made) + 13) < self.switches.wrong_signature
        secret = "whsec_somebody_else" if wrong else delivery.subscription.secret
        # Who receives this has the machine's time, not the sandbox's, which may run a hundred times as fast.
        at = int(time.time() + self.switches.clock_off)
        return delivery.subscription.headers | {
            "Content-Type": "application/json",
            "X-Keebai-Signature": delivery_signature(secret, at, delivery.body),
        }

    def settle(self, delivery: Delivery[Subscription], status: int | None) -> None:
        """What an answer means. Source: webhooks contract, section 2.4."""
        subscription, switches = delivery.subscription, self.switches
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
        repeated = switches.retries == "skills" or status is None or status >= 500 or status in (408, 429)
        if repeated and delivery.attempt <= len(waits):
            self.again(delivery, waits[delivery.attempt - 1])

    def _advance(self, one: Followed, now: float) -> None:
        gone = _gone(one.sent.counters(now))
        if gone > one.told and not one.people:
            one.people = _ITEMS.decode(one.items)
        for place in range(one.told, gone):
            person = one.people[place]
            message = SentMessage(
                message_id=f"wamid.SANDBOX.{one.broadcast_id[-8:]}.{place}",
                number=person.to,
                sender=one.sender,
                meta_data=msgspec.json.encode(person.meta_data) if person.meta_data else b"",
            )
            if PACED in self._plan(message, fails=place in one.failing) and not one.paused:
                one.paused = True
                self.push(0.0, paused(one.template, one.language))
        one.told = gone

    def _plan(self, message: SentMessage, *, fails: bool) -> set[int]:
        """Plan what happens to a message; gives the codes of it."""
        codes: set[int] = set()
        for happening in story(message, self.switches, fails=fails, seed=self._seed):
            self._know(happening)
            codes.add(happening.code)
            late = self.switches.disorder * spread(next(self._made))
            self.push(happening.after + late, happening)
        return codes

    def _know(self, happening: MessageHappening) -> None:
        number = happening.message.number
        before = self.truth.get(number, MessageTruth(fate=""))
        rank = RANKS.get(happening.kind, 0)
        self.truth[number] = MessageTruth(
            fate=happening.kind if rank > RANKS.get(before.fate, 0) else before.fate,
            code=happening.code or before.code,
            replies=before.replies + (happening.kind == "received"),
        )

    def _send_test(self, subscription: Subscription) -> None:
        event_id = f"evt_test_{next(self._events):012x}"
        body = json.dumps({"id": event_id, "type": "webhook.test", "data": {"webhook_id": subscription.id}})
        self.offer(
            Delivery(subscription=subscription, event_id=event_id, kind="webhook.test", body=body.encode())
        )


def _gone(counters: Counters) -> int:
    return counters.sent + counters.failed


def _dialect(named: str, number: int) -> Literal["docs", "skills"]:
    if named == "mixed":
        return "docs" if number % 2 else "skills"
    return "skills" if named == "skills" else "docs"
