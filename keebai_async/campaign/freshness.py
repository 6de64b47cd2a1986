"""Whether the intent to submit is still fresh when its bytes are about to leave.

A container is paused, a laptop sleeps, between the intent and the bytes. Meanwhile another process may take
the campaign over, and a person who finds nothing in the portal may have the chunk submitted again. Who wakes
must not go on as if no time had passed: so the age of the intent is looked at last of all, where the first
byte is written.
"""

import math
import time
from collections.abc import Callable
from typing import Final

from keebai_async.model.lost import LONGEST_INTENT as LONGEST_INTENT

_BOOT_TIME: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)

Clocks = tuple[float, ...]


def machine_clocks() -> Clocks:
    """Real time by the clocks that go on while this process is frozen, and while its machine sleeps."""
    steady = time.monotonic() if _BOOT_TIME is None else time.clock_gettime(_BOOT_TIME)
    return steady, time.time()


class IntentAge:
    """How old an intent is, by the *clocks* that say most; it begins now.

    The lease that it was written under lasts for *lease* seconds: within half of them its bytes have to
    leave, so that they never leave when the campaign is another's.
    """

    def __init__(self, clocks: Callable[[], Clocks] = machine_clocks, *, lease: float = math.inf) -> None:
        self._clocks = clocks
        self._lease = lease
        self._began = clocks()

    @property
    def seconds(self) -> float:
        return max(now - then for now, then in zip(self._clocks(), self._began, strict=True))

    def objection(self) -> str | None:
        """Why its bytes may not leave any more, if they may not."""
        if self.seconds <= min(LONGEST_INTENT, self._lease / 2):
            return None
        return f"{self.seconds:.0f} s passed before its first byte: it slept, or waited for a connection"
