"""Submit all planned chunks, a few at a time."""

from collections import deque
from collections.abc import Iterable

import anyio

from keebai_async.campaign.bisect import Family, Trust
from keebai_async.campaign.chunks import Book
from keebai_async.campaign.circuit_breaker import Halt
from keebai_async.campaign.submit import Submitter
from keebai_async.model.chunk import Chunk, ChunkState

IN_FLIGHT = 4
"""Submits on their way at once: what an outage can make unknown, at most."""


async def dispatch(book: Book, submitter: Submitter, chunks: Iterable[Chunk] | None = None) -> None:
    """Return when nothing is left to submit, or when *submitter* was stopped and all is written down.

    *chunks* are those to look at, by default all of the book; only planned ones are submitted.
    """
    queue = deque(each.number for each in chunks or book.chunks if each.state is ChunkState.PLANNED)
    trust = Trust.of(book)

    async def work() -> None:
        try:
            while queue and submitter.stopped is None:
                await Family(queue.popleft(), book=book, submitter=submitter, trust=trust).submit()
        except Halt as halt:
            submitter.stop(halt.stop)

    async with anyio.create_task_group() as workers:
        for _ in range(min(IN_FLIGHT, len(queue))):
            workers.start_soon(work)
