"""What every service of the sandbox does with a request before it looks at what it asks for.

The order is the services' own: a request without a good credential is answered 401 and counted against no
quota; one with a good credential is counted, whatever else is wrong with it, and may be answered 429.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.replies import HeaderPairs, SandboxReply
from keebai_async.sandbox.routes import RouteTable
from keebai_async.sandbox.throttle import ThrottlerVersion, Window
from keebai_async.sandbox.traffic import AdmissionControl, Traffic


class ThrottleSettings(Protocol):
    """What a service's settings say of its throttler."""

    @property
    def windows(self) -> tuple[Window, ...]: ...
    @property
    def throttler(self) -> ThrottlerVersion: ...
    @property
    def rate_headers(self) -> bool: ...


class IncomingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was let in, before its body is read."""

    method: str
    path: str
    route: str
    resource_id: str
    """The id in its path, if it has one."""
    credential: str
    reply_headers: HeaderPairs
    """What its reply carries, whatever the reply is."""


class SandboxService(ABC):
    """A service without its sockets. It answers at once: it waits for nothing and writes to no socket."""

    def __init__(self, routes: RouteTable, settings: ThrottleSettings, clock: Clock) -> None:
        self._routes = routes
        self._throttle_settings = settings
        self._admission = AdmissionControl(settings.windows, settings.throttler, clock)

    @property
    def traffic(self) -> Traffic:
        return self._admission.traffic

    def admit(self, method: str, path: str, headers: Mapping[str, str]) -> IncomingRequest | SandboxReply:
        """Count a request and let it in, or answer 401 or 429."""
        found = self._routes.find(method, path)
        credential = self.credential_in(headers)
        if credential is None:
            self._admission.count_stranger(found.route)
            return self.unauthorized()
        ruling = self._admission.count(credential, found.route)
        reply_headers = ruling.headers if self._throttle_settings.rate_headers else ()
        if not ruling.admitted:
            return self.throttled(reply_headers)
        return IncomingRequest(
            method=method,
            path=path,
            route=found.route,
            resource_id=found.resource_id,
            credential=credential,
            reply_headers=reply_headers,
        )

    @abstractmethod
    def credential_in(self, headers: Mapping[str, str]) -> str | None:
        """The token or key of a request, if it is a good one."""

    @abstractmethod
    def act(self, request: IncomingRequest, query: Mapping[str, str], content: bytes) -> SandboxReply:
        """Do what a request that was let in asks for, or refuse it."""

    @abstractmethod
    def error(self, status: int) -> SandboxReply:
        """The service's usual body for an error that a fault asks for."""

    @abstractmethod
    def unauthorized(self) -> SandboxReply:
        """401: no good credential."""

    @abstractmethod
    def throttled(self, headers: HeaderPairs) -> SandboxReply:
        """429, with the throttler's *headers*."""
