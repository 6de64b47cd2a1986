"""Who may come in: routes, tokens, the throttler and scopes, in the order in which they are asked."""

from typing import Final

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.keebai.catalogue import SandboxToken
from keebai_async.sandbox.keebai.settings import Dialect, Settings
from keebai_async.sandbox.replies import Said, code_error, nest_error, throttled, unauthorized
from keebai_async.sandbox.traffic import Traffic
from keebai_async.sandbox.turnstile import Turnstile

SEND_BULK: Final = "POST /messages/bulk"
READ_BROADCAST: Final = "GET /messages/bulk/{broadcast_id}"
SEND_TEMPLATE: Final = "POST /messages/template"
SEND_TEXT: Final = "POST /messages/text"
LIST_TEMPLATES: Final = "GET /templates"
LIST_NUMBERS: Final = "GET /whatsapp/numbers"
LIST_CHANNELS: Final = "GET /channels"
READ_CHANNEL: Final = "GET /channels/{channel_id}"
READ_ME: Final = "GET /me"
NOWHERE: Final = "(no such route)"

SCOPES: Final = {
    SEND_BULK: "messages:bulk",
    READ_BROADCAST: "messages:bulk",
    SEND_TEMPLATE: "messages:send",
    SEND_TEXT: "messages:send",
    LIST_TEMPLATES: "templates:read",
    LIST_NUMBERS: "channels:read",
    LIST_CHANNELS: "channels:read",
    READ_CHANNEL: "channels:read",
    READ_ME: None,
}
"""Every route, and the scope it asks for. Source: contract, section 2."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A request that came in, before its body is read. *asked* is the id in its path, if it has one."""

    route: str
    asked: str
    token: SandboxToken
    dialect: Dialect
    headers: tuple[tuple[str, str], ...]
    refusal: Said | None
    """Why it gets no further although it was counted: a scope is missing, or there is no such route."""


def route_of(method: str, path: str) -> tuple[str, str]:
    """The route of *path*, as it stands in SCOPES, and the id in the path."""
    exact = f"{method} {path}"
    if exact in SCOPES:
        return exact, ""
    parent, _, last = path.rpartition("/")
    for route in (READ_BROADCAST, READ_CHANNEL):
        if last and f"{method} {parent}" == route.rpartition("/")[0]:
            return route, last
    return NOWHERE, ""


class Door:
    """Lets requests in, or answers them at once."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._turnstile = Turnstile(settings.windows, settings.manners, clock)
        self._admitted = 0

    @property
    def traffic(self) -> Traffic:
        return self._turnstile.traffic

    def admit(self, method: str, path: str, authorization: str | None) -> Visit | Said:
        """Count a request and let it in, or say 401 or 429."""
        route, asked = route_of(method, path)
        token = self._token(authorization)
        if token is None:
            self._turnstile.turned_away(route)
            return unauthorized()
        ruling = self._turnstile.passes(token.secret, route)
        headers = ruling.headers if self._settings.rate_headers else ()
        if not ruling.admitted:
            return throttled(headers)
        return Visit(
            route=route,
            asked=asked,
            token=token,
            dialect=self._dialect(),
            headers=headers,
            refusal=_refusal(route, method, path, token),
        )

    def _token(self, authorization: str | None) -> SandboxToken | None:
        for token in self._settings.tokens:
            if not token.revoked and authorization == f"Bearer {token.secret}":
                return token
        return None

    def _dialect(self) -> Dialect:
        if self._settings.dialect is not Dialect.MIXED:
            return self._settings.dialect
        self._admitted += 1
        return Dialect.GUIDE if self._admitted % 2 else Dialect.OPENAPI


def _refusal(route: str, method: str, path: str, token: SandboxToken) -> Said | None:
    if route not in SCOPES:
        return nest_error(404, f"Cannot {method} /v1{path}")
    scope = SCOPES[route]
    if scope is None or scope in token.scopes:
        return None
    return code_error(403, "INSUFFICIENT_SCOPE", {"required": [scope], "missing": [scope]})
