"""The sandbox's Keebai without its sockets: who is let in, and each route to the code that answers it."""

from collections.abc import Mapping

from keebai_async.clock import Clock
from keebai_async.sandbox.keebai import listings, routes
from keebai_async.sandbox.keebai.bodies import BadRequest
from keebai_async.sandbox.keebai.catalogue import SandboxToken
from keebai_async.sandbox.keebai.sending import RequestContext, SendHandlers
from keebai_async.sandbox.keebai.settings import Dialect, SandboxSettings
from keebai_async.sandbox.keebai.webhook_feed import WebhookFeed
from keebai_async.sandbox.replies import (
    Complaints,
    Envelope,
    HeaderPairs,
    RequestRefused,
    SandboxReply,
    code_error,
    invalid,
    nest_error,
    throttled,
    unauthorized,
)
from keebai_async.sandbox.routes import RouteTable
from keebai_async.sandbox.service import IncomingRequest, SandboxService


class KeebaiService(SandboxService):
    """Answers as Keebai does, in the dialect that is set."""

    def __init__(self, settings: SandboxSettings, clock: Clock) -> None:
        super().__init__(RouteTable(routes.SCOPES), settings, clock)
        self._settings = settings
        self._let_in: dict[str, SandboxToken] = {}
        self._mixed = 0
        self.webhooks = WebhookFeed(settings.webhooks, clock, settings.seed)
        self.sending = SendHandlers(settings, clock, self.webhooks)

    def credential_in(self, headers: Mapping[str, str]) -> str | None:
        authorization = headers.get("Authorization")
        for token in self._settings.tokens:
            if not token.revoked and authorization == f"Bearer {token.secret}":
                self._let_in[token.secret] = token
                return token.secret
        return None

    def unauthorized(self) -> SandboxReply:
        return unauthorized()

    def throttled(self, headers: HeaderPairs) -> SandboxReply:
        return throttled(headers)

    def error(self, status: int) -> SandboxReply:
        return nest_error(status)

    def act(self, request: IncomingRequest, query: Mapping[str, str], content: bytes) -> SandboxReply:
        context = RequestContext(token=self._let_in[request.credential], dialect=self._dialect())
        if (refusal := _out_of_bounds(request, context.token)) is not None:
            return refusal
        if len(content) > self._settings.max_body:
            return nest_error(413, "request entity too large")
        try:
            return self._act(request, context, query, content)
        except RequestRefused as refused:
            return refused.reply
        except BadRequest as bad:
            return self._complain(request.route, context.dialect, bad)

    def _act(
        self, request: IncomingRequest, context: RequestContext, query: Mapping[str, str], content: bytes
    ) -> SandboxReply:
        match request.route:
            case routes.SEND_BULK:
                return self.sending.bulk(context, content)
            case routes.READ_BULK:
                return self.sending.status(context, request.resource_id)
            case routes.SEND_TEMPLATE:
                return self.sending.template(context, content)
            case routes.SEND_TEXT:
                return self.sending.text(context, content)
            case routes.LIST_TEMPLATES:
                return listings.templates(self._settings, context.dialect, query)
            case routes.LIST_NUMBERS:
                return listings.numbers(self._settings)
            case routes.LIST_CHANNELS:
                return listings.channels(self._settings, context.dialect, query)
            case routes.READ_CHANNEL:
                return listings.channel(self._settings, request.resource_id)
            case routes.READ_ME:
                return listings.me(context.token)
            case _:
                return self._act_on_webhooks(request, context.token, query, content)

    def _act_on_webhooks(
        self, request: IncomingRequest, token: SandboxToken, query: Mapping[str, str], content: bytes
    ) -> SandboxReply:
        known, of = self.webhooks.subscriptions, request.resource_id
        match request.route:
            case routes.ADD_WEBHOOK:
                reply = known.add(token, content)
                self.webhooks.subscribed()
                return reply
            case routes.LIST_WEBHOOKS:
                return known.list(token)
            case routes.READ_WEBHOOK:
                return known.show(token, of)
            case routes.CHANGE_WEBHOOK:
                return known.change(token, of, content)
            case routes.REMOVE_WEBHOOK:
                return known.remove(token, of)
            case routes.ROTATE_WEBHOOK:
                return known.rotate(token, of)
            case routes.TEST_WEBHOOK:
                return known.test(token, of)
            case _:
                return known.deliveries(token, of, query)

    def _complain(self, route: str, dialect: Dialect, bad: BadRequest) -> SandboxReply:
        guide = dialect is Dialect.GUIDE
        how = self._settings.complaints or Complaints(
            envelope=Envelope.CODE if guide else Envelope.NEST, listed=not guide
        )
        single = route in (routes.SEND_TEMPLATE, routes.SEND_TEXT)
        if single and not guide and bad.complaints == ("to must be a phone number",):
            return invalid(bad.complaints, how, status=422, code="invalid_phone")
        return invalid(bad.complaints, how)

    def _dialect(self) -> Dialect:
        if self._settings.dialect is not Dialect.MIXED:
            return self._settings.dialect
        self._mixed += 1
        return Dialect.GUIDE if self._mixed % 2 else Dialect.OPENAPI


def _out_of_bounds(request: IncomingRequest, token: SandboxToken) -> SandboxReply | None:
    """Why a request that was counted gets no further: there is no such route, or a scope is missing."""
    if request.route not in routes.SCOPES:
        return nest_error(404, f"Cannot {request.method} /v1{request.path}")
    scope = routes.SCOPES[request.route]
    if scope is None or scope in token.scopes:
        return None
    return code_error(403, "INSUFFICIENT_SCOPE", {"required": [scope], "missing": [scope]})
