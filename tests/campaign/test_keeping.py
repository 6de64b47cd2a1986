"""An outcome is written down although the journal does not take it just now, and no cancellation ends it."""

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from keebai_async.campaign import keeping
from keebai_async.campaign.keeping import Patience, in_time
from keebai_async.clock import ManualClock
from keebai_async.errors import JournalUnusable


class Written:
    """A line that the journal takes after so many tries."""

    def __init__(self, *, fails: int, temporary: bool = True) -> None:
        self.fails = fails
        self.temporary = temporary
        self.tries = 0

    async def line(self) -> str:
        self.tries += 1
        if self.tries <= self.fails:
            raise JournalUnusable(f"locked at {self.tries}", temporary=self.temporary)
        return "written"


async def kept(
    clock: ManualClock, patience: Patience, write: Callable[[], Awaitable[str]], *, cancelled: bool = False
) -> str:
    async with clock.running():
        task = asyncio.ensure_future(_keep(patience, write, cancelled=cancelled))
        return await task


async def _keep(patience: Patience, write: Callable[[], Awaitable[str]], *, cancelled: bool) -> str:
    with anyio.CancelScope() as scope:
        if cancelled:
            scope.cancel()
        return await patience.keep(write)
    raise AssertionError("the cancellation ended it")


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_line_is_written_again_each_second_until_it_is_written(cancelled: bool) -> None:
    clock, written, told = ManualClock(), Written(fails=7), list[tuple[float, str]]()
    began = clock.now()
    patience = Patience(clock, seconds=10.0, tell=lambda *wait: told.append(wait))

    assert await kept(clock, patience, written.line, cancelled=cancelled) == "written"
    assert (written.tries, clock.now() - began) == (8, 7.0)
    assert told == [(10.0, "locked at 1")]


async def test_patience_has_an_end() -> None:
    clock, written = ManualClock(), Written(fails=100)
    began = clock.now()

    with pytest.raises(JournalUnusable, match="locked at 11"):
        await kept(clock, Patience(clock, seconds=10.0), written.line)

    assert clock.now() - began == 10.0


async def test_who_was_frozen_for_longer_than_the_patience_tries_three_times_all_the_same() -> None:
    clock, written = ManualClock(), Written(fails=2)
    patience = Patience(clock, seconds=10.0)
    async with clock.running():
        await clock.sleep(3_600.0)

    assert await kept(clock, patience, written.line) == "written"


async def test_who_was_frozen_does_not_try_for_ever() -> None:
    clock, written = ManualClock(), Written(fails=100)
    patience = Patience(clock, seconds=10.0)
    async with clock.running():
        await clock.sleep(3_600.0)

    with pytest.raises(JournalUnusable, match="locked at 3"):
        await kept(clock, patience, written.line)


async def test_two_lines_share_one_patience() -> None:
    clock, first, second = ManualClock(), Written(fails=9), Written(fails=100)
    patience = Patience(clock, seconds=10.0)
    await kept(clock, patience, first.line)

    with pytest.raises(JournalUnusable, match="locked at 2"):
        await kept(clock, patience, second.line)


async def test_what_does_not_pass_is_told_at_once() -> None:
    clock, written = ManualClock(), Written(fails=100, temporary=False)

    with pytest.raises(JournalUnusable, match="locked at 1"):
        await kept(clock, Patience(clock, seconds=10.0), written.line)


async def test_a_write_that_never_ends_counts_as_one_that_may_work_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeping, "LONGEST_WRITE", 0.05)

    with anyio.CancelScope() as scope:
        scope.cancel()
        with pytest.raises(JournalUnusable, match="did not take a line within") as raised, in_time():
            await anyio.sleep_forever()

    assert raised.value.temporary
    assert not scope.cancelled_caught
