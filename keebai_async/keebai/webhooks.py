"""The webhook subscriptions of an account. Source: webhooks contract, section 2.1."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.keebai.api import KeebaiApi, decoded, listed
from keebai_async.model.result import Result
from keebai_async.quota.gate import Lane
from keebai_async.transport.request import Request
from keebai_async.transport.tolerant_reader import Fields, fields_of, flag, text

MESSAGE_EVENTS: Final = tuple(
    f"whatsapp.message.{kind}" for kind in ("sent", "delivered", "read", "failed", "received")
)
"""What is told of messages. Source: webhooks contract, section 3.1."""
_LONGEST_URL: Final = 2_048
_ROUTE: Final = "/webhooks/{webhook_id}"


class WebhookSubscription(Result, frozen=True, kw_only=True):
    """A subscription, as the service tells it; fields that a reply lacks are None."""

    id: str
    name: str | None = None
    url: str | None = None
    events: tuple[str, ...] = ()
    is_active: bool | None = None
    failure_count: int | None = None
    """Failures in a row; at fifty the service switches it off."""
    disabled_reason: str | None = None
    last_delivery_at: str | None = None
    secret_prefix: str | None = None


class NewSecret(Result, frozen=True, kw_only=True):
    """A subscription with its secret, which the service shows once."""

    subscription: WebhookSubscription
    secret: str

    def __repr__(self) -> str:
        return f"NewSecret(subscription={self.subscription!r}, secret=...)"


class Webhooks:
    """GET, POST, PATCH and DELETE /webhooks. Each call takes a place in the token's quota."""

    def __init__(self, api: KeebaiApi) -> None:
        self._api = api

    async def list(self, *, timeout: float | None = None) -> "list[WebhookSubscription]":
        """Every subscription of the company, no matter whose token made it. Raises RequestError."""
        return [_subscription(each) for each in await listed(self._api, "/webhooks", timeout=timeout)]

    async def create(
        self,
        url: str,
        *,
        name: str = "keebai-async",
        events: Sequence[str] = MESSAGE_EVENTS,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> NewSecret:
        """Subscribe *url*; the secret is in this answer only.

        Raises:
            InvalidInput: the address, the name or the events cannot be right.
            OutcomeUnknown: no answer came: look at `list`, and remove one that you have no secret of.
            RequestError: it was not made.
        """
        _check(url, name, events)
        body: dict[str, object] = {"name": name, "url": url, "events": [*events]}
        if headers:
            body["headers"] = dict(headers)
        answer, request = await self._api.submit(
            "/webhooks", msgspec.json.encode(body), recipients=0, lane=Lane.INTERACTIVE, timeout=timeout
        )
        return _with_secret(fields_of(decoded(answer, request)), "made")

    async def activate(self, webhook_id: str, *, timeout: float | None = None) -> None:
        """Switch one on again that was switched off. Raises RequestError."""
        await self._change(_checked_id(webhook_id), "PATCH", b'{"is_active":true}', timeout)

    async def remove(self, webhook_id: str, *, timeout: float | None = None) -> None:
        """End a subscription. Raises RequestError; NotFound if there is none of this id."""
        await self._change(_checked_id(webhook_id), "DELETE", None, timeout)

    async def rotate_secret(self, webhook_id: str, *, timeout: float | None = None) -> NewSecret:
        """Have a new secret made; the old one is dead at once.

        Let the receiver know first (`WebhookSecrets(..., rotating=True)`), or what comes meanwhile is lost.

        Raises:
            OutcomeUnknown: no answer came, and the secret may be another one now: rotate again.
            RequestError: it was not rotated.
        """
        answer, request = await self._api.submit(
            f"/webhooks/{_checked_id(webhook_id)}/rotate-secret",
            b"{}",
            recipients=0,
            lane=Lane.INTERACTIVE,
            timeout=timeout,
            route=f"{_ROUTE}/rotate-secret",
        )
        return _with_secret({"id": webhook_id} | fields_of(decoded(answer, request)), "rotated")

    async def test(self, webhook_id: str, *, timeout: float | None = None) -> None:
        """Have one synthetic delivery made. Raises RequestError."""
        path = f"{_checked_id(webhook_id)}/test"
        await self._change(path, "POST", b"{}", timeout, route=f"{_ROUTE}/test")

    async def _change(
        self, path: str, method: str, body: bytes | None, timeout: float | None, *, route: str = _ROUTE
    ) -> None:
        # It may be made twice: what it asks for is then true already, or one more test is delivered.
        request = Request(
            method=method,
            path=f"/webhooks/{path}",
            body=body,
            lane=Lane.INTERACTIVE,
            timeout=timeout,
            route=route,
        )
        await self._api.exchange.read(request, tally=self._api.requests)


def _check(url: str, name: str, events: Sequence[str]) -> None:
    local = url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
    if not (url.startswith("https://") or local) or len(url) > _LONGEST_URL:
        raise InvalidInput(
            f"a webhook's address is https, of at most {_LONGEST_URL:,} characters",
            field="url",
            value=url[:200],
        )
    if not 3 <= len(name) <= 120:
        raise InvalidInput("a webhook's name has 3 to 120 characters", field="name", value=name[:120])
    if not events or len(set(events)) != len(events):
        raise InvalidInput("a webhook wants at least one event, each of them once", field="events")


def _checked_id(webhook_id: str) -> str:
    if not webhook_id or not all(letter.isalnum() or letter in "_-" for letter in webhook_id):
        raise InvalidInput(
            "no such webhook: an id is letters, digits, _ and -", field="webhook_id", value=webhook_id[:60]
        )
    return webhook_id


def _with_secret(fields: Fields, done: str) -> NewSecret:
    secret = text(fields, "secret")
    if not secret:
        raise InvalidInput(
            f"the webhook was {done}, but its secret is not in the answer: rotate it to get one",
            field="secret",
        )
    return NewSecret(subscription=_subscription(fields), secret=secret)


def _subscription(fields: Fields) -> WebhookSubscription:
    events = fields.get("events")
    failures = fields.get("failure_count")
    return WebhookSubscription(
        id=text(fields, "id") or "",
        name=text(fields, "name", "description"),
        url=text(fields, "url"),
        events=tuple(map(str, events)) if isinstance(events, list) else (),
        is_active=flag(fields, "is_active", "active"),
        failure_count=failures if isinstance(failures, int) else None,
        disabled_reason=text(fields, "disabled_reason"),
        last_delivery_at=text(fields, "last_delivery_at"),
        secret_prefix=text(fields, "secret_prefix"),
    )
