"""Submit all planned chunks, a few at a time."""

from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack

import anyio

from keebai_async.campaign.bisect import Bisection, Evidence, refuse_held
from keebai_async.campaign.chunks import Chunks
from keebai_async.campaign.stop import CUT_SHORT, stop_for_error
from keebai_async.campaign.submit import Submitter
from keebai_async.draining import out_of_reach, quiet_if_never_begun
from keebai_async.errors import QuotaUnusable
from keebai_async.model.chunk import Chunk, ChunkState

IN_FLIGHT = 4
"""Submits on their way at once: what an outage can make unknown, at most."""


async def dispatch(chunks: Chunks, submitter: Submitter, only: Iterable[Chunk] | None = None) -> None:
    """Return when nothing is left to submit, or when *submitter* was stopped and all is written down.

    *only* are those to look at, by default all; only planned ones are submitted.
    """
    queue = deque(each.number for each in only or chunks if each.state is ChunkState.PLANNED)
    evidence = Evidence.of(chunks)

    async def work() -> None:
        out_of_reach()  # of a cancellation that is not the run's: see RunControl
        try:
            while queue and submitter.stopped is None:
                number = await submitter.next_of(queue)
                if number is None:
                    continue
                await Bisection(
                    number, chunks=chunks, submitter=submitter, evidence=evidence, waiting=queue
                ).submit()
        except QuotaUnusable as error:  # no place was given, so nothing has left
            submitter.stop(stop_for_error(error))

    with ExitStack() as begun:
        async with anyio.create_task_group() as workers:
            for _ in range(min(IN_FLIGHT, len(queue))):
                workers.start_soon(begun.enter_context(quiet_if_never_begun(work, told=False)))
    if workers.cancel_scope.cancel_called and submitter.stopped is None:
        # One of them was cancelled before its first step, and the others with it: what waits stays planned.
        submitter.stop(CUT_SHORT)
    if submitter.stopped is None:  # nobody is left who could show that it was about everybody
        await refuse_held(chunks, submitter, evidence.held)
