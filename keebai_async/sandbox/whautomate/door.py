"""Who may come in: routes, keys and the throttler."""

from collections.abc import Mapping
from typing import Final

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.replies import Said
from keebai_async.sandbox.turnstile import Turnstile
from keebai_async.sandbox.whautomate.replies import error
from keebai_async.sandbox.whautomate.settings import Settings

LIST_BROADCASTS: Final = "GET /broadcasts"
CREATE_BROADCAST: Final = "POST /broadcasts"
READ_BROADCAST: Final = "GET /broadcasts/{id}"
REPLACE_BROADCAST: Final = "PUT /broadcasts/{id}"
DELETE_BROADCAST: Final = "DELETE /broadcasts/{id}"
READ_LOGS: Final = "GET /broadcasts/{id}/logs"
LIST_SEGMENTS: Final = "GET /segments"
CREATE_SEGMENT: Final = "POST /segments"
READ_SEGMENT: Final = "GET /segments/{id}"
DELETE_SEGMENT: Final = "DELETE /segments/{id}"
LIST_CONTACTS: Final = "GET /contacts"
CREATE_CONTACT: Final = "POST /contacts"
READ_CONTACT: Final = "GET /contacts/{id}"
LIST_LOCATIONS: Final = "GET /locations"
SEND_TEMPLATE: Final = "POST /messages/whatsapp/sendtemplate"
NOWHERE: Final = "(no such route)"

ROUTES: Final = frozenset(
    {
        LIST_BROADCASTS,
        CREATE_BROADCAST,
        READ_BROADCAST,
        REPLACE_BROADCAST,
        DELETE_BROADCAST,
        READ_LOGS,
        LIST_SEGMENTS,
        CREATE_SEGMENT,
        READ_SEGMENT,
        DELETE_SEGMENT,
        LIST_CONTACTS,
        CREATE_CONTACT,
        READ_CONTACT,
        LIST_LOCATIONS,
        SEND_TEMPLATE,
    }
)
"""Source: contract, section 3. Clients, webhooks and the rest of its index are not here."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A request that came in, before its body is read. *asked* is the id in its path, if it has one."""

    route: str
    asked: str
    headers: tuple[tuple[str, str], ...]


def route_of(method: str, path: str) -> tuple[str, str]:
    """The route of *path*, as it stands in ROUTES, and the id in the path."""
    exact = f"{method} {path}"
    if exact in ROUTES:
        return exact, ""
    parts = path.strip("/").split("/")
    if len(parts) >= 2:
        pattern = "/".join((parts[0], "{id}", *parts[2:]))
        if f"{method} /{pattern}" in ROUTES:
            return f"{method} /{pattern}", parts[1]
    return NOWHERE, ""


class Door:
    """Lets requests in, or answers them at once."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self.turnstile = Turnstile(settings.windows, settings.manners, clock)

    def admit(self, method: str, path: str, headers: Mapping[str, str]) -> Visit | Said:
        """Count a request and let it in, or say 401 or 429."""
        route, asked = route_of(method, path)
        key = headers.get("x-api-key")
        if key is None or key not in self._settings.keys:
            self.turnstile.turned_away(route)
            return error(self._settings, 401, "Invalid API key")
        ruling = self.turnstile.passes(key, route)
        told = ruling.headers if self._settings.rate_headers else ()
        if not ruling.admitted:
            return Said(429, self._settings.throttled_body, told)
        return Visit(route=route, asked=asked, headers=told)
