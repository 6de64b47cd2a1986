"""The sandbox's Whautomate without its sockets: who is let in, and each route to the code that answers it."""

from collections.abc import Mapping

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.replies import HeaderPairs, JsonObject, RequestRefused, SandboxReply
from keebai_async.sandbox.routes import RouteTable
from keebai_async.sandbox.service import IncomingRequest, SandboxService
from keebai_async.sandbox.whautomate import routes
from keebai_async.sandbox.whautomate.broadcasts import BroadcastHandlers
from keebai_async.sandbox.whautomate.ledger import Created, WhautomateLedger
from keebai_async.sandbox.whautomate.replies import error_reply, success
from keebai_async.sandbox.whautomate.segments import SegmentHandlers
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxSettings
from keebai_async.sandbox.whautomate.webhook_feed import WhautomateFeed


class WhautomateService(SandboxService):
    """Answers as Whautomate's page says, and as the settings say where the page says nothing."""

    def __init__(self, settings: WhautomateSandboxSettings, clock: Clock) -> None:
        super().__init__(RouteTable(routes.ROUTES), settings, clock)
        self._settings = settings
        self.ledger = WhautomateLedger()
        self.segments = SegmentHandlers(settings, clock, self.ledger)
        self.broadcasts = BroadcastHandlers(settings, clock, self.segments, self.ledger)
        self.webhooks = WhautomateFeed(settings, clock, self.broadcasts)
        self._clock = clock

    def credential_in(self, headers: Mapping[str, str]) -> str | None:
        key = headers.get("x-api-key")
        return key if key in self._settings.keys else None

    def unauthorized(self) -> SandboxReply:
        return error_reply(self._settings, 401, "Invalid API key")

    def throttled(self, headers: HeaderPairs) -> SandboxReply:
        return SandboxReply(429, self._settings.throttled_body, headers)

    def error(self, status: int) -> SandboxReply:
        return error_reply(self._settings, status, f"The service answered {status}")

    def act(self, request: IncomingRequest, query: Mapping[str, str], content: bytes) -> SandboxReply:
        """Do what a request that came in asks for, or refuse it."""
        try:
            return self._act(request, query, content)
        except RequestRefused as refused:
            return refused.reply

    def _act(self, request: IncomingRequest, query: Mapping[str, str], content: bytes) -> SandboxReply:
        match request.route:
            case routes.LIST_BROADCASTS:
                return self.broadcasts.list(query)
            case routes.CREATE_BROADCAST:
                created = self.broadcasts.create(self._body(content))
                self.webhooks.wake()
                return created
            case routes.READ_BROADCAST:
                return self.broadcasts.read(request.resource_id)
            case routes.REPLACE_BROADCAST:
                return self.broadcasts.replace(request.resource_id, self._body(content))
            case routes.DELETE_BROADCAST:
                return self.broadcasts.delete(request.resource_id)
            case routes.READ_LOGS:
                return self.broadcasts.logs(request.resource_id, query)
            case routes.LIST_SEGMENTS:
                return self.segments.list(query)
            case routes.CREATE_SEGMENT:
                return self.segments.create(self._body(content))
            case routes.READ_SEGMENT:
                return self.segments.read(request.resource_id)
            case routes.DELETE_SEGMENT:
                return self.segments.delete(request.resource_id)
            case _:
                return self._act_on_people(request, query, content)

    def _act_on_people(
        self, request: IncomingRequest, query: Mapping[str, str], content: bytes
    ) -> SandboxReply:
        match request.route:
            case routes.LIST_CONTACTS:
                return self.segments.list_contacts(query)
            case routes.CREATE_CONTACT:
                return self.segments.create_contact(self._body(content))
            case routes.READ_CONTACT:
                return self.segments.read_contact(request.resource_id)
            case routes.LIST_LOCATIONS:
                return success(self._settings, [{"id": one, "name": one} for one in self._settings.locations])
            case routes.SEND_TO_CONTACT:
                return self._send(self._body(content))
            case _:
                return self._act_on_webhooks(request, query, content)

    def _act_on_webhooks(
        self, request: IncomingRequest, query: Mapping[str, str], content: bytes
    ) -> SandboxReply:
        known, of = self.webhooks.subscriptions, request.resource_id
        match request.route:
            case routes.LIST_SUBSCRIPTIONS:
                return known.list(query)
            case routes.CREATE_SUBSCRIPTION:
                reply = known.create(self._body(content))
                self.webhooks.subscribed()
                return reply
            case routes.READ_SUBSCRIPTION:
                return known.read(of)
            case routes.REPLACE_SUBSCRIPTION:
                return known.replace(of, self._body(content))
            case routes.DELETE_SUBSCRIPTION:
                return known.delete(of)
            case _:
                return error_reply(self._settings, 404, "Not found")

    def _send(self, body: JsonObject) -> SandboxReply:
        """POST one template to one contact. Source: contract, section 6."""
        inner = body.get("contact")
        contact = self.segments.contact(str(inner.get("id")) if isinstance(inner, dict) else "")
        for name in ("template", "location"):
            if not body.get(name):
                raise RequestRefused(error_reply(self._settings, 400, f"{name} is required"))
        message_id = f"MSG{len(self.ledger.messages) + 1:07d}"
        self.ledger.created.append(
            Created(kind="message", id=message_id, name=contact.name, at=self._clock.now(), body=body)
        )
        return success(self._settings, {"id": message_id, "status": "sent"})

    def _body(self, content: bytes) -> JsonObject:
        try:
            return msgspec.json.decode(content, type=JsonObject)
        except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
            raise RequestRefused(error_reply(self._settings, 400, "The body is not a JSON object")) from wrong
