"""The webhooks of the sandbox's Whautomate: what its broadcasts and their people bring about, delivered.

Source: webhooks contract, section 5.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.deliveries import Delivery, DeliveryFeed, spread
from keebai_async.sandbox.replies import JsonObject, timestamp
from keebai_async.sandbox.whautomate.audience import UNSUBSCRIBED_TAG, Audience, Person
from keebai_async.sandbox.whautomate.delivery import DELIVERED_AFTER, READ_AFTER, REPLIED_AFTER, DeliveryRun
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxSettings
from keebai_async.sandbox.whautomate.subscriptions import (
    WhautomateSubscription,
    WhautomateSubscriptionHandlers,
)
from keebai_async.sandbox.whautomate.webhook_switches import WhautomateWebhookSwitches

_AGAIN_AFTER = 60.0
_STEPS = (("delivered", DELIVERED_AFTER), ("read", READ_AFTER), ("replied", REPLIED_AFTER))


class StartedBroadcast(msgspec.Struct, frozen=True):
    """A broadcast that sends, or has sent."""

    id: str
    run: DeliveryRun
    audience: Audience


class _Broadcasts(Protocol):
    def started(self) -> Iterator[StartedBroadcast]: ...

    @property
    def outstanding(self) -> bool: ...


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    key: str
    person: Person
    about: JsonObject
    """What the subject of the event has besides the person."""
    after: float = 0.0


class WhautomateFeed(DeliveryFeed[WhautomateSubscription, _Event]):
    """Follows broadcasts and tells of their messages one by one."""

    def __init__(self, settings: WhautomateSandboxSettings, clock: Clock, broadcasts: _Broadcasts) -> None:
        super().__init__(clock)
        self.subscriptions = WhautomateSubscriptionHandlers(settings, clock)
        self.truth: dict[str, str] = {}
        """By number: sent, delivered, read, replied or failed."""
        self._settings = settings
        self._broadcasts = broadcasts
        self._told: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._begun = False

    def change(self, content: bytes) -> WhautomateWebhookSwitches:
        """Take switches as JSON, those that are named; gives all. Raises msgspec.MsgspecError."""
        given = msgspec.json.decode(content, type=dict[str, object])
        now: dict[str, object] = msgspec.structs.asdict(self.transport)
        new = msgspec.convert(now | given, WhautomateWebhookSwitches)
        for name in given:
            setattr(self.transport, name, getattr(new, name))
        self.wake()
        return self.transport

    @property
    def transport(self) -> WhautomateWebhookSwitches:
        return self._settings.webhooks

    @property
    def following(self) -> bool:
        return self._broadcasts.outstanding or self.untold > 0

    @property
    def untold(self) -> int:
        if not self._begun:
            return 0
        return sum(one.run.people - self._told.get(one.id, 0) for one in self._broadcasts.started())

    def first(self) -> None:
        if self._begun:
            return
        self._begun = True
        now = self._clock.now()
        self._told = {one.id: one.run.done(now) for one in self._broadcasts.started()}

    def advance(self, now: float) -> None:
        for one in self._broadcasts.started():
            told, done = self._told.get(one.id, 0), one.run.done(now)
            for place in range(told, done):
                for event in self._story(one, place):
                    late = self.transport.disorder * spread(next(self._made))
                    self.push(one.run.sent_at(place) - now + event.after + late, event)
            self._told[one.id] = done

    def happen(self, happening: _Event, now: float) -> None:
        for one in list(self.subscriptions.known.values()):
            if not one.is_active or (one.events and happening.kind not in one.events):
                continue
            number = next(self._numbers)
            if spread(number) < self.transport.lost:
                continue
            event_id = f"cIH{number:07d}"
            body = self._body(happening, event_id, self._epoch + now)
            delivery = Delivery(subscription=one, event_id=event_id, kind=happening.kind, body=body)
            self.offer(delivery)
            if spread(number + 7) < self.transport.duplicates:
                self.offer(delivery)

    def wanted(self, delivery: Delivery[WhautomateSubscription]) -> bool:
        now = self.subscriptions.known.get(delivery.subscription.id)
        return now is not None and now.is_active

    def headers(self, delivery: Delivery[WhautomateSubscription]) -> Mapping[str, str]:
        if spread(next(self._made) + 13) < self.transport.without_header:
            return {"Content-Type": "application/json"}
        return {"Content-Type": "application/json"} | delivery.subscription.headers

    def settle(self, delivery: Delivery[WhautomateSubscription], status: int | None) -> None:
        taken = status is not None and 200 <= status < 300
        if not taken and delivery.attempt <= self.transport.retries:
            self.again(delivery, _AGAIN_AFTER)

    def _story(self, broadcast: StartedBroadcast, place: int) -> Iterator[_Event]:
        person, outcome = broadcast.audience[place], broadcast.run.outcomes.of(place)
        number, message_id = f"{person.country_code}{person.phone}", f"{broadcast.id}M{place:06d}"

        def status(word: str, after: float, **more: object) -> _Event:
            self.truth[number] = word
            about: JsonObject = {"id": message_id, "isIncoming": False, "status": word, **more}
            return _Event(
                kind="outgoing_whatsapp_message", key=message_id, person=person, about=about, after=after
            )

        if outcome == "failed":
            errors = self._settings.errors
            words = errors[place // 50 % len(errors)] if errors else ""
            yield status("failed", 0.0, errorMessage=words)
            return
        yield status("sent", 0.0)
        for word, after in _STEPS[: 1 + [step for step, _ in _STEPS].index(outcome)]:
            if word == "replied":
                yield from self._reply(person, message_id, after)
            elif self.transport.each_status:
                yield status(word, after)
        self.truth[number] = outcome

    def _reply(self, person: Person, message_id: str, after: float) -> Iterator[_Event]:
        about: JsonObject = {
            "id": f"{message_id}R",
            "isIncoming": True,
            "status": "",
            "text": self.transport.reply_text,
            "replyToMessage": {"id": message_id},
        }
        yield _Event(
            kind="incoming_whatsapp_message", key=f"{message_id}R", person=person, about=about, after=after
        )
        if self.transport.tagged:
            yield _Event(
                kind="contact_tag_added",
                key=_contact_id(person),
                person=person,
                about={"tags": [UNSUBSCRIBED_TAG]},
                after=after + 1.0,
            )

    def _body(self, event: _Event, event_id: str, at: float) -> bytes:
        stamp = timestamp(at)
        number = f"{event.person.country_code}{event.person.phone}"
        number = number if self.transport.plus else number.removeprefix("+")
        about = {"id": event_id, "type": event.kind, "timeStamp": stamp, "key": event.key}
        contact: JsonObject = {
            "id": _contact_id(event.person),
            "channel": "whatsapp",
            "phoneNumber": number,
        }
        body: JsonObject
        if event.kind == "contact_tag_added":
            body = {"event": about, "contact": contact | {"name": event.person.name} | event.about}
        else:
            blank: JsonObject = {
                "type": "text",
                "replyToMessage": {},
                "errorMessage": "",
                "text": "",
                "caption": "",
                "mediaUrl": None,
                "options": [],
            }
            stamps = {"timestamp": stamp, "createdAt": stamp, "updatedAt": stamp}
            message = blank | {"contact": contact, "channel": "whatsapp"} | stamps | event.about
            body = {"event": about, "message": message}
        return msgspec.json.encode(_quoted(body) if self.transport.quoted else body)


def _contact_id(person: Person) -> str:
    return f"CON{person.phone}"


def _quoted(value: object) -> object:
    """Every value as a text, as the page's samples have them."""
    if isinstance(value, dict):
        return {name: _quoted(inner) for name, inner in value.items()}
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return "" if value is None else value
