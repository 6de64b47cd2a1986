"""ServiceClient: what the clients of all services have in common; each adds its own resources."""

import copy
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from keebai_async.clock import Clock
from keebai_async.credentials import Token
from keebai_async.environment import poll_floor_of
from keebai_async.model.requests import Requests
from keebai_async.quota.gate import Gate
from keebai_async.quota.shared import shared_limiter
from keebai_async.quota.window import Quota
from keebai_async.transport.dialect import ServiceDialect
from keebai_async.transport.exchange import Exchange
from keebai_async.transport.request import Timeouts
from keebai_async.transport.retry import RetryPolicy
from keebai_async.transport.session import Session
from keebai_async.transport.verdict import SubmitPolicy

if TYPE_CHECKING:
    import aiohttp


class ServiceClient:
    """One token at one address, for one event loop. Use it with `async with`, or await `aclose()`.

    A child makes its resources in `_equip`, which is called again for a copy with other options.
    """

    def __init__(
        self,
        token: Token,
        base_url: str,
        *,
        quotas: Sequence[Quota],
        limiter: Gate | str | None,
        timeout: Timeouts | float | None,
        session: "aiohttp.ClientSession | None",
        clock: Clock,
        submit_policy: SubmitPolicy | None,
        retries: RetryPolicy | None,
        poll_floor: float,
        header: str = "Authorization",
        scheme: str = "Bearer",
        dialect: ServiceDialect,
    ) -> None:
        self.base_url = base_url
        self.quotas = tuple(quotas)
        self.clock = clock
        self.poll_floor = poll_floor
        self.timeouts = _timeouts(timeout)
        self.submit_policy = submit_policy or SubmitPolicy()
        self.retries = retries or RetryPolicy()
        self.requests = Requests()
        """Requests that left for calls outside of campaigns."""
        self._session = Session(base_url, token, header=header, scheme=scheme, client=session)
        self._dialect = dialect
        self._token = token
        self._owner = True
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self.limiter: Gate = self._gate(limiter, token.key(base_url))

    def _gate(self, given: Gate | str | None, key: str) -> Gate:
        if given is None or given == "memory:":
            return shared_limiter(key, self.quotas, self.clock)
        if not isinstance(given, str):
            return given
        from keebai_async.quota.limiter import RateLimiter
        from keebai_async.quota.stores import open_store  # brings SQLite along, which few clients need

        limiter = RateLimiter(
            self.quotas, store=open_store(given, key=key, clock=self.clock), clock=self.clock
        )
        self.at_close(limiter.aclose)
        return limiter

    def _equip(self) -> None:
        raise NotImplementedError

    def _exchange_now(self) -> Exchange:
        """An exchange with the options as they are."""
        return Exchange(
            self._session,
            self.limiter,
            clock=self.clock,
            retries=self.retries,
            policy=self.submit_policy,
            timeouts=self.timeouts,
            dialect=self._dialect,
        )

    def _copied(
        self,
        timeout: Timeouts | float | None,
        submit_policy: SubmitPolicy | None,
        retries: RetryPolicy | None,
        poll_floor: float | None,
    ) -> Self:
        """A copy that shares session and limiter and closes nothing; it is not equipped yet."""
        other = copy.copy(self)
        other._owner = False
        if poll_floor is not None:
            other.poll_floor = poll_floor_of(poll_floor, {}, "")
        if timeout is not None:
            other.timeouts = _timeouts(timeout)
        other.submit_policy = submit_policy or self.submit_policy
        other.retries = retries or self.retries
        return other

    @property
    def way(self) -> str:
        """How requests get to the service, in words: through which proxy, and who named it."""
        return self._session.way

    def at_close(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Await *callback* when this client is closed; the last one comes first."""
        self._closing.append(callback)

    async def __aenter__(self) -> Self:
        self._session.check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what this client opened. Harmless when repeated."""
        if not self._owner:
            return
        try:
            while self._closing:
                await self._closing.pop()()
        finally:
            await self._session.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._token!r}, base_url={self.base_url!r})"


def _timeouts(given: Timeouts | float | None) -> Timeouts:
    if given is None:
        return Timeouts()
    if isinstance(given, Timeouts):
        return given
    return Timeouts(connect=min(Timeouts().connect, given), read=given, submit=given)
