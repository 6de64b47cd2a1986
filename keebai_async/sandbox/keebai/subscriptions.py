"""The routes of webhook subscriptions, and what is known of each.

Source: webhooks contract, section 2.1.
"""

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.addresses import is_of_this_machine
from keebai_async.sandbox.keebai.bodies import BadRequest
from keebai_async.sandbox.keebai.catalogue import SandboxToken
from keebai_async.sandbox.replies import (
    JsonObject,
    RequestRefused,
    SandboxReply,
    code_error,
    json_reply,
    timestamp,
)

EVENTS: Final = (
    "whatsapp.message.received",
    "whatsapp.message.sent",
    "whatsapp.message.delivered",
    "whatsapp.message.read",
    "whatsapp.message.failed",
    "whatsapp.template.status_updated",
    "whatsapp.channel.connected",
    "whatsapp.channel.disconnected",
    "conversation.created",
    "conversation.escalated_to_human",
    "instagram.message.received",
)
"""Source: webhooks contract, section 3.1."""
TOLD_OF_MESSAGES: Final = EVENTS[:5]
"""What is told of messages."""
_ATTEMPTS_KEPT: Final = 1_000


class WebhookAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a delivery. *status* is None where no answer came."""

    id: str
    event_id: str
    event: str
    attempt: int
    status: int | None
    at: float


class Subscription(msgspec.Struct, kw_only=True):
    """Who wants to hear of what, and where. *failures* are those in a row."""

    id: str
    company: str
    name: str
    url: str
    events: tuple[str, ...]
    secret: str
    created_at: float
    updated_at: float
    headers: dict[str, str] = {}
    is_active: bool = True
    failures: int = 0
    disabled_reason: str | None = None
    last_delivery_at: float | None = None
    attempts: deque[WebhookAttempt] = msgspec.field(default_factory=lambda: deque(maxlen=_ATTEMPTS_KEPT))

    def wants(self, kind: str) -> bool:
        return self.is_active and (kind in self.events or kind not in EVENTS)


class _Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str | None = None
    url: str | None = None
    events: list[str] | None = None
    headers: dict[str, str] | None = None
    is_active: bool | None = None
    active: bool | None = None
    description: str | None = None


class SubscriptionHandlers:
    """Answers the routes below `/webhooks`. *send_test* delivers a synthetic event."""

    def __init__(self, clock: Clock, send_test: Callable[[Subscription], None]) -> None:
        self._clock = clock
        self._epoch = clock.wall() - clock.now()
        self._send_test = send_test
        self.known: dict[str, Subscription] = {}
        self._count = 0

    def add(self, token: SandboxToken, content: bytes) -> SandboxReply:
        """POST /webhooks: the only answer with the whole secret."""
        one = self.make(token.company, content)
        return json_reply(201, self._shown(one) | {"secret": one.secret})

    def make(self, company: str, content: bytes) -> Subscription:
        """A new subscription, as *content* asks for it. Raises BadRequest."""
        body = _read(content)
        if body.name is not None and not 3 <= len(body.name) <= 120:
            raise BadRequest("name must have 3 to 120 characters")
        if body.url is None:
            raise BadRequest("url should not be empty")
        if body.events is None:
            raise BadRequest("events should not be empty")
        self._count += 1
        now = self._clock.now()
        one = Subscription(
            id=f"wh_{self._count:024x}",
            company=company,
            name=body.name or "",
            url=_checked_url(body.url),
            events=_checked_events(body.events),
            headers=body.headers or {},
            is_active=_active(body, default=True),
            secret=_new_secret(),
            created_at=now,
            updated_at=now,
        )
        self.known[one.id] = one
        return one

    def list(self, token: SandboxToken) -> SandboxReply:
        """GET /webhooks: those of the company, no matter who made them."""
        return json_reply(
            200, {"data": [self._shown(one) for one in self.known.values() if one.company == token.company]}
        )

    def show(self, token: SandboxToken, subscription_id: str) -> SandboxReply:
        """GET /webhooks/{id}."""
        return json_reply(200, self._shown(self._one(token, subscription_id)))

    def change(self, token: SandboxToken, subscription_id: str, content: bytes) -> SandboxReply:
        """PATCH /webhooks/{id}; one that was switched off is on again, and begins to count at none."""
        one, body = self._one(token, subscription_id), _read(content)
        if body.url is not None:
            one.url = _checked_url(body.url)
        if body.events is not None:
            one.events = _checked_events(body.events)
        one.name = body.name if body.name is not None else one.name
        one.headers = body.headers if body.headers is not None else one.headers
        one.is_active = _active(body, default=one.is_active)
        if one.is_active:
            one.failures, one.disabled_reason = 0, None
        one.updated_at = self._clock.now()
        return json_reply(200, self._shown(one))

    def remove(self, token: SandboxToken, subscription_id: str) -> SandboxReply:
        """DELETE /webhooks/{id}."""
        del self.known[self._one(token, subscription_id).id]
        return SandboxReply(204, b"")

    def rotate(self, token: SandboxToken, subscription_id: str) -> SandboxReply:
        """POST /webhooks/{id}/rotate-secret: the old secret is dead at once."""
        one = self._one(token, subscription_id)
        one.secret = _new_secret()
        one.updated_at = self._clock.now()
        return json_reply(200, self._shown(one) | {"secret": one.secret})

    def test(self, token: SandboxToken, subscription_id: str) -> SandboxReply:
        """POST /webhooks/{id}/test."""
        self._send_test(self._one(token, subscription_id))
        return json_reply(202, {"status": "queued"})

    def deliveries(self, token: SandboxToken, subscription_id: str, query: Mapping[str, str]) -> SandboxReply:
        """GET /webhooks/{id}/deliveries: the newest first."""
        attempts = list(reversed(self._one(token, subscription_id).attempts))
        limit = int(query.get("limit", "20")) if query.get("limit", "20").isdigit() else 20
        start = int(query.get("cursor", "0")) if query.get("cursor", "0").isdigit() else 0
        page = attempts[start : start + limit]
        end = start + len(page)
        return json_reply(
            200,
            {
                "data": [msgspec.structs.asdict(one) | {"at": self._stamp(one.at)} for one in page],
                "next_cursor": str(end) if end < len(attempts) else None,
            },
        )

    def _one(self, token: SandboxToken, subscription_id: str) -> Subscription:
        one = self.known.get(subscription_id)
        if one is None or one.company != token.company:
            raise RequestRefused(code_error(404, "WEBHOOK_NOT_FOUND"))
        return one

    def _shown(self, one: Subscription) -> JsonObject:
        return {
            "id": one.id,
            "name": one.name,
            "url": one.url,
            "events": list(one.events),
            "headers": one.headers,
            "is_active": one.is_active,
            "secret_prefix": one.secret[:14],
            "failure_count": one.failures,
            "disabled_reason": one.disabled_reason,
            "last_delivery_at": self._stamp(one.last_delivery_at),
            "created_at": self._stamp(one.created_at),
            "updated_at": self._stamp(one.updated_at),
        }

    def _stamp(self, at: float | None) -> str | None:
        return None if at is None else timestamp(self._epoch + at)


def _read(content: bytes) -> _Body:
    try:
        return msgspec.json.decode(content, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(str(error)) from error


def _active(body: _Body, *, default: bool) -> bool:
    told = body.is_active if body.is_active is not None else body.active
    return default if told is None else told


def _checked_events(events: list[str]) -> tuple[str, ...]:
    if not events:
        raise BadRequest("events should not be empty")
    if len(set(events)) != len(events):
        raise BadRequest("All events's elements must be unique")
    for place, event in enumerate(events):
        if event not in EVENTS:
            raise BadRequest(f"events.{place} must be one of the following values: {', '.join(EVENTS)}")
    return tuple(events)


def _checked_url(url: str) -> str:
    """The service takes https alone. The sandbox takes http too, and nothing but this machine."""
    parts = urlsplit(url)
    if len(url) > 2_048 or parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest("url must be a URL address")
    if not is_of_this_machine(url):
        raise BadRequest("url must be of this machine: the sandbox delivers to 127.0.0.1 or localhost only")
    return url


def _new_secret() -> str:
    return "whsec_" + secrets.token_hex(32)
