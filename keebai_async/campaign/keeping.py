"""Have what the service answered written down, also if that has to wait a while.

The problem: an answer came, and the journal does not take it just now: another process keeps it locked, the
disk is full, the database restarts. The naive way gives up, and what was known becomes unknown: of 5,000
people, or of one. Here it is written again and again while the journal says that this may work soon. It is
one policy for chunks and for single messages; how long the patience lasts is theirs.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import anyio

from keebai_async.clock import Clock
from keebai_async.errors import JournalUnusable

T = TypeVar("T")

LONGEST_WRITE = 30.0
"""Seconds of real time that one write may take before the journal counts as unusable."""

_TRIED_EVERY: Final = 1.0

_TRIED_AT_LEAST: Final = 3
"""However long that took: a process that was frozen comes to the end of its patience at once."""

Keep = Callable[[], Awaitable[T]]


@contextmanager
def in_time() -> Iterator[None]:
    """One write inside `with`, which no cancellation ends, but LONGEST_WRITE does.

    Raises JournalUnusable, temporary, if it is not done by then; it may be done all the same, later.
    """
    try:
        with anyio.fail_after(LONGEST_WRITE, shield=True):
            yield
    except TimeoutError as error:
        # It may: a process that was frozen in the middle of it wakes here.
        late = f"the journal did not take a line within {LONGEST_WRITE:g} s"
        raise JournalUnusable(late, temporary=True) from error


class Patience:
    """What is left of the patience with a journal that does not take an outcome; it begins now.

    It lasts *seconds* of *clock*. *tell* is told once, at the first wait: how many of them are left, and why.
    """

    def __init__(
        self, clock: Clock, *, seconds: float, tell: Callable[[float, str], None] | None = None
    ) -> None:
        self._clock = clock
        self._until = clock.now() + seconds
        self._tell = tell
        self._tries = 0

    async def keep(self, write: Keep[T]) -> T:
        """Do *write*, which may be done more than once, until it is done. No cancellation ends that.

        Raises JournalUnusable as the last try did: what is wrong does not pass, or the patience is at its
        end. What else *write* raises comes out at once.
        """
        with anyio.CancelScope(shield=True):
            while True:
                self._tries += 1
                try:
                    with in_time():
                        return await write()
                except JournalUnusable as error:
                    left = self._until - self._clock.now()
                    if not error.temporary or (left <= 0 and self._tries >= _TRIED_AT_LEAST):
                        raise
                    self._tell_once(left, error)
                await self._clock.sleep(_TRIED_EVERY)
        raise AssertionError("it is kept, or an error says why not")

    def _tell_once(self, left: float, error: JournalUnusable) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(left, f"{error}")
