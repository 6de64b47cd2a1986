"""Whether the service is there: after an outcome that is unknown, nothing leaves until a read succeeds.

The naive way sends on: each submit into an outage becomes one more chunk of 5,000 that a person has to
look up. Here the first one opens the circuit; who wants to submit then probes with a cheap read, waiting
longer each time, and an outage costs the chunks that were on their way.
"""

from collections.abc import Awaitable, Callable

import anyio

from keebai_async.campaign.stop import stop_for_error
from keebai_async.clock import Clock
from keebai_async.errors import (
    ConnectionFailed,
    QuotaUnusable,
    RequestError,
    ScopeMissing,
    ServerFailed,
    TemplateUnusable,
    TimedOut,
    TokenRejected,
    Undecodable,
)
from keebai_async.model.stop import Cause, Stop
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.campaign_records import CircuitClosed, CircuitOpened, CircuitProbed

FIRST_PROBE_WAIT = 5.0
LONGEST_PROBE_WAIT = 300.0
LONGEST_OUTAGE = 3_600.0
"""Seconds without an answer after which the campaign stops; `resume` goes on later."""


class ProbeUnanswered(Exception):
    """The service replied to a probe, and did not say what was asked: a circuit breaker stays open."""


class CircuitBreaker:
    """Closed, everything may leave; open, nothing does. *tell* gets the seconds and reason of each wait."""

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        *,
        clock: Clock,
        tell: Callable[[float, str], None],
        longest_outage: float = LONGEST_OUTAGE,
        campaign_id: str = "",
        observer: Observer = TO_LOG,
    ) -> None:
        self._campaign = campaign_id
        self._observer = observer
        self._opened: float | None = None
        self._probe = probe
        self._clock = clock
        self._tell = tell
        self._longest_outage = longest_outage
        self._probing = anyio.Lock()
        self._trips = 0
        self._cleared = 0
        self._why = ""
        self._stop: Stop | None = None

    @property
    def closed(self) -> bool:
        """Submits may leave."""
        return self._cleared == self._trips

    def trip(self, why: str) -> None:
        """Open it: an outcome was unknown, or the service could not be reached."""
        self.hold(why)
        if self._opened is None:
            self._opened = self._clock.now()
            self._observer(CircuitOpened(campaign=self._campaign, reason=why))

    def hold(self, why: str) -> None:
        """Open it although nothing is wrong: a read is wanted before the next submit."""
        self._trips += 1
        self._why = why

    async def until_closed(self) -> Stop | None:
        """Return when the service has answered a read that began after the last trip.

        A Stop says that it will not be closed: the token is refused, the template may not be sent, the quota
        cannot be asked, or nothing has answered for too long.
        """
        async with self._probing:
            wait, since, failures = FIRST_PROBE_WAIT, self._clock.now(), 0
            while self._stop is None and not self.closed:
                trips = self._trips
                try:
                    answered = await self._answers()
                except (TokenRejected, ScopeMissing, QuotaUnusable, TemplateUnusable) as error:
                    self._stop = stop_for_error(error)  # all who wait hear it, and nobody asks again
                    continue
                if answered:
                    self._cleared = trips
                    self._tell_if_closed()
                    continue
                why = f"the service does not answer ({self._why})"
                if self._clock.now() - since >= self._longest_outage:
                    self._stop = Stop(cause=Cause.UNREACHABLE, reason=why)
                    continue
                failures += 1
                self._tell(wait, why)
                self._observer(
                    CircuitProbed(campaign=self._campaign, failures=failures, seconds=wait, reason=self._why)
                )
                await self._clock.sleep(wait)
                wait = min(2 * wait, LONGEST_PROBE_WAIT)
        return self._stop

    def _tell_if_closed(self) -> None:
        if self.closed and self._opened is not None:
            seconds, self._opened = self._clock.now() - self._opened, None
            self._observer(CircuitClosed(campaign=self._campaign, seconds=seconds))

    async def _answers(self) -> bool:
        try:
            await self._probe()
        except (TokenRejected, ScopeMissing):
            raise
        except (ConnectionFailed, TimedOut, ServerFailed, Undecodable, ProbeUnanswered):
            return False
        except RequestError:
            return True  # 404 or 429 is an answer all the same
        return True
