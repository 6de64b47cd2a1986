"""ServiceClient: what the clients of all services have in common; each adds its own resources."""

import asyncio
import copy
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import anyio

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.credentials import Token
from keebai_async.draining import drain_of, share_drain
from keebai_async.environment import poll_floor_of
from keebai_async.errors import InvalidInput
from keebai_async.lazy_names import LazyModule
from keebai_async.model.requests import Requests
from keebai_async.observe import Observer, hook_of
from keebai_async.observe.quota_records import QuotaKeptInMemory
from keebai_async.quota.gate import Gate
from keebai_async.quota.shared import shared_limiter
from keebai_async.quota.window import Quota
from keebai_async.transport.departures import Departures
from keebai_async.transport.dialect import ServiceDialect
from keebai_async.transport.exchange import Exchange
from keebai_async.transport.request import Timeouts
from keebai_async.transport.retry import RetryPolicy
from keebai_async.transport.session import Session
from keebai_async.transport.slot import HttpTransport
from keebai_async.transport.verdict import SubmitPolicy

if TYPE_CHECKING:
    import aiohttp
else:  # too dear to import for an annotation
    aiohttp = LazyModule("aiohttp")


_TOLD: list[str] = []
"""Why the quota of this process is kept in memory, once that was told."""


class ServiceClient:
    """One token at one address, for one event loop. Use it with `async with`, or await `aclose()`.

    A child makes its resources in `_equip`, which is called again for a copy with other options.
    """

    __slots__ = {
        "__dict__": "",
        "__weakref__": "",
        "base_url": "Where requests go.",
        "clock": "What waits and measures.",
        "limiter": "Who gives places in the quota.",
        "longest_quota_wait": "Seconds for which a single call without a timeout waits for the quota.",
        "poll_floor": "Seconds between two looks at one broadcast, at least.",
        "quotas": "How many requests in how many seconds.",
        "requests": "Requests that left for calls outside of campaigns.",
        "retries": "How often a read is repeated.",
        "submit_policy": "After which replies a submit may be made again, beyond the safe ones.",
        "timeouts": "Seconds for a whole request, by its kind.",
    }

    base_url: str
    clock: Clock
    limiter: Gate
    longest_quota_wait: float | None
    poll_floor: float
    quotas: tuple[Quota, ...]
    requests: Requests
    retries: RetryPolicy
    submit_policy: SubmitPolicy
    timeouts: Timeouts

    def __init__(
        self,
        token: Token,
        base_url: str,
        *,
        quotas: Sequence[Quota],
        quotas_said: bool = True,
        limiter: Gate | str | None,
        timeout: Timeouts | float | None,
        session: "aiohttp.ClientSession | None",
        clock: Clock,
        submit_policy: SubmitPolicy | None,
        retries: RetryPolicy | None,
        poll_floor: float,
        longest_quota_wait: float | None,
        header: str = "Authorization",
        scheme: str = "Bearer",
        dialect: ServiceDialect,
        observer: Observer | Iterable[Observer] | None = None,
    ) -> None:
        self.base_url = base_url
        self.quotas = tuple(quotas)
        self._quotas_said = quotas_said
        self.clock = clock
        self.poll_floor = poll_floor
        self.longest_quota_wait = _longest_quota_wait(longest_quota_wait)
        self.timeouts = _timeouts(timeout)
        self.submit_policy = submit_policy or SubmitPolicy()
        self.retries = retries or RetryPolicy()
        self._observer = hook_of(observer)
        self.requests = Requests()
        self._session = Session(base_url, token, header=header, scheme=scheme, client=session)
        self._dialect = dialect
        self._token = token
        self._owner = True
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self.limiter = self._gate(limiter, token.key(base_url))

    def _gate(self, given: Gate | str | None, key: str) -> Gate:
        if given is None and self.clock is SYSTEM_CLOCK:  # time that runs differently is not the machine's
            given = self._machine_limiter(key) or "memory:"
        if given is None or given == "memory:":
            return shared_limiter(key, self.quotas, self.clock, yields=not self._quotas_said)
        if not isinstance(given, str):
            return given
        from keebai_async.quota.limiter import RateLimiter
        from keebai_async.quota.stores import open_store  # brings SQLite along, which few clients need

        store = open_store(given, key=key, clock=self.clock, observer=self.observer)
        limiter = RateLimiter(self.quotas, store=store, clock=self.clock, yields=not self._quotas_said)
        self.at_close(limiter.aclose)
        return limiter

    def _machine_limiter(self, key: str) -> Gate | None:
        """What all processes of this machine share; None where no file can be had for it."""
        from keebai_async.quota.default_place import default_quota_file, why_unusable
        from keebai_async.quota.shared import machine_limiter

        try:
            path = default_quota_file()
            reason = why_unusable(path)
        except OSError as error:
            path, reason = None, str(error)
        if path is None or reason is not None:
            if not _TOLD:
                _TOLD.append(reason or "")
                self.observer(QuotaKeptInMemory(reason=reason or ""))
            return None
        return machine_limiter(key, self.quotas, path, yields=not self._quotas_said, observer=self.observer)

    def _equip(self) -> None:
        raise NotImplementedError

    def _exchange_now(self, session: HttpTransport | None = None) -> Exchange:
        """An exchange with the options as they are, whose submits are waited for at the end.

        One that goes straight through a *session* is for who enters the Drain for a whole campaign, which
        waits for the quota as long as it must.
        """
        address = urlsplit(self.base_url)
        single = session is None
        return Exchange(
            session or Departures(self._session, drain_of(self)),
            self.limiter,
            clock=self.clock,
            retries=self.retries,
            policy=self.submit_policy,
            timeouts=self.timeouts,
            dialect=self._dialect,
            observer=self.observer,
            server=address.hostname,
            account=self._token.key(self.base_url)[:8],
            longest_quota_wait=self.longest_quota_wait if single else None,
            drain=drain_of(self) if single else None,
            port=address.port or (443 if address.scheme == "https" else 80),
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
        share_drain(self, other)
        other._owner = False
        if poll_floor is not None:
            other.poll_floor = poll_floor_of(poll_floor, {}, "")
        if timeout is not None:
            other.timeouts = _timeouts(timeout)
        other.submit_policy = submit_policy or self.submit_policy
        other.retries = retries or self.retries
        return other

    @property
    def observer(self) -> Observer:
        """Who is told what happens."""
        return self._observer

    @property
    def proxy(self) -> str:
        """How requests get to the service, in words: through which proxy, and who named it."""
        return self._session.proxy

    @property
    def way(self) -> str:
        """The former name of `proxy`."""
        return self.proxy

    def token_mark(self, salt: str) -> str:
        """A hash of the token, keyed with *salt*, by which a journal knows it again."""
        return self._token.mark(salt)

    @property
    def token_end(self) -> str:
        """The last characters of the token, by which its owner knows it again."""
        return repr(self._token).removeprefix("Token(").removesuffix(")")

    @property
    def longest_submit(self) -> float:
        """Seconds after which a submit that left has its answer, or never will."""
        return self.timeouts.submit

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
        """Stop what runs, wait for what has left, and close what this client opened. Harmless when repeated.

        From the first instant nothing more leaves. Submits under way, of campaigns and of single calls, are
        answered or reach their time limit, and are written down. A cancellation cuts nothing of this short:
        it is raised when all is closed.
        """
        if not self._owner:
            return
        cancelled: asyncio.CancelledError | None = None
        failed: Exception | None = None
        with anyio.CancelScope(shield=True):
            for close in self._in_the_order_of_closing():
                try:
                    await close()
                except asyncio.CancelledError as error:
                    cancelled = error
                except Exception as error:
                    failed = failed or error
        if cancelled is not None:
            raise cancelled
        if failed is not None:
            raise failed

    def _in_the_order_of_closing(self) -> Iterator[Callable[[], Awaitable[None]]]:
        yield drain_of(self).close
        while self._closing:
            yield self._closing.pop()
        yield self._session.aclose

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._token!r}, base_url={self.base_url!r})"


def _longest_quota_wait(given: float | None) -> float | None:
    if given is not None and not 0 <= given < math.inf:
        raise InvalidInput(
            f"longest_quota_wait is a number of seconds, or None for ever, not {given}",
            field="longest_quota_wait",
            value=str(given),
        )
    return given


def _timeouts(given: Timeouts | float | None) -> Timeouts:
    if given is None:
        return Timeouts()
    if isinstance(given, Timeouts):
        return given
    return Timeouts(connect=min(Timeouts().connect, given), read=given, submit=given)
