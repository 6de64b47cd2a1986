"""Whether the service is there: after an outcome that is unknown, nothing leaves until a read succeeds.

The naive way sends on: each submit into an outage becomes one more chunk of 5,000 that a person has to
look up. Here the first one closes the door, whoever waits behind it probes with a cheap read, waiting
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
    TimedOut,
    TokenRejected,
    Undecodable,
)
from keebai_async.model.stop import Cause, Stop

FIRST_WAIT = 5.0
LONGEST_WAIT = 300.0
PATIENCE = 3_600.0
"""Seconds without an answer after which the campaign stops; `resume` goes on later."""


class Halt(Exception):
    """The campaign stops."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.reason)
        self.stop = stop


class Health:
    """A door for submits. *tell* is called with the seconds of each wait and the reason."""

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        *,
        clock: Clock,
        tell: Callable[[float, str], None],
        patience: float = PATIENCE,
    ) -> None:
        self._probe = probe
        self._clock = clock
        self._tell = tell
        self._patience = patience
        self._probing = anyio.Lock()
        self._doubts = 0
        self._cleared = 0
        self._why = ""

    @property
    def good(self) -> bool:
        return self._cleared == self._doubts

    def doubt(self, why: str) -> None:
        """An outcome was unknown, or the service could not be reached."""
        self._doubts += 1
        self._why = why

    async def wait(self) -> None:
        """Return when the service has answered a read that began after the last doubt.

        Raises:
            Halt: the token is refused, or nothing answered for as long as our patience lasts.
        """
        async with self._probing:
            wait, since = FIRST_WAIT, self._clock.now()
            while not self.good:
                doubts = self._doubts
                if await self._answers():
                    self._cleared = doubts
                    continue
                if self._clock.now() - since >= self._patience:
                    raise Halt(
                        Stop(cause=Cause.UNREACHABLE, reason=f"the service does not answer ({self._why})")
                    )
                self._tell(wait, f"the service does not answer ({self._why})")
                await self._clock.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    async def _answers(self) -> bool:
        try:
            await self._probe()
        except (TokenRejected, ScopeMissing, QuotaUnusable) as error:
            raise Halt(stop_for_error(error)) from error
        except (ConnectionFailed, TimedOut, ServerFailed, Undecodable):
            return False
        except RequestError:
            return True  # 404 or 429 is an answer all the same
        return True
