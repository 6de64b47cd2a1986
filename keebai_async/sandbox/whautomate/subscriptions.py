"""The routes of webhook subscriptions of the sandbox's Whautomate. Source: webhooks contract, section 5.1."""

from collections.abc import Mapping

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.addresses import is_of_this_machine
from keebai_async.sandbox.replies import JsonObject, RequestRefused, SandboxReply, timestamp
from keebai_async.sandbox.whautomate.paging import page_of
from keebai_async.sandbox.whautomate.replies import deleted, error_reply, success
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxSettings


class WhautomateSubscription(msgspec.Struct, kw_only=True):
    """Who wants to hear of what, and where. *headers* go with every delivery."""

    id: str
    name: str
    url: str
    is_active: bool
    headers: dict[str, str]
    events: tuple[str, ...]
    created_at: float
    updated_at: float


class WhautomateSubscriptionHandlers:
    """Answers the routes of /webhooks. Raises RequestRefused."""

    def __init__(self, settings: WhautomateSandboxSettings, clock: Clock) -> None:
        self.known: dict[str, WhautomateSubscription] = {}
        self._settings = settings
        self._clock = clock
        self._epoch = clock.wall() - clock.now()
        self._count = 0

    def create(self, body: JsonObject) -> SandboxReply:
        """POST."""
        self._count += 1
        one = self._written(f"WHK{self._count:07d}", body, self._clock.now())
        self.known[one.id] = one
        return success(self._settings, self._shown(one))

    def list(self, query: Mapping[str, str]) -> SandboxReply:
        """GET all."""
        page = page_of(query, self._settings)
        shown = [self._shown(one) for one in self.known.values()]
        return success(self._settings, shown[page.start : page.stop])

    def read(self, webhook_id: str) -> SandboxReply:
        """GET one."""
        return success(self._settings, self._shown(self._find(webhook_id)))

    def replace(self, webhook_id: str, body: JsonObject) -> SandboxReply:
        """PUT: what is left out is gone."""
        self.known[webhook_id] = self._written(webhook_id, body, self._find(webhook_id).created_at)
        return self.read(webhook_id)

    def delete(self, webhook_id: str) -> SandboxReply:
        """DELETE."""
        del self.known[self._find(webhook_id).id]
        return deleted()

    def _find(self, webhook_id: str) -> WhautomateSubscription:
        if webhook_id not in self.known:
            raise RequestRefused(error_reply(self._settings, 404, "Webhook not found"))
        return self.known[webhook_id]

    def _written(self, webhook_id: str, body: JsonObject, created_at: float) -> WhautomateSubscription:
        name, url, active = body.get("name"), body.get("serverUrl"), body.get("active")
        if not isinstance(name, str) or not name:
            raise self._refused("name is required")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise self._refused("serverUrl is required")
        if not is_of_this_machine(url):
            raise self._refused("serverUrl must be of this machine: the sandbox delivers nowhere else")
        if not isinstance(active, bool):
            raise self._refused("active is required")
        events, headers = body.get("events"), body.get("webhookHeaders")
        return WhautomateSubscription(
            id=webhook_id,
            name=name,
            url=url,
            is_active=active,
            headers={
                str(one["key"]): str(one["value"])
                for one in (headers if isinstance(headers, list) else [])
                if isinstance(one, dict) and "key" in one and "value" in one
            },
            events=tuple(map(str, events)) if isinstance(events, list) else (),
            created_at=created_at,
            updated_at=self._clock.now(),
        )

    def _refused(self, words: str) -> RequestRefused:
        return RequestRefused(error_reply(self._settings, 400, words))

    def _shown(self, one: WhautomateSubscription) -> JsonObject:
        return {
            "id": one.id,
            "name": one.name,
            "serverUrl": one.url,
            "active": one.is_active,
            "webhookHeaders": [{"key": key, "value": value} for key, value in one.headers.items()],
            "events": list(one.events),
            "createdAt": timestamp(self._epoch + one.created_at),
            "updatedAt": timestamp(self._epoch + one.updated_at),
        }
