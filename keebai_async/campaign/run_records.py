"""What is told of a run: its beginning and its end, its states, and what it found when it took the lease."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import anyio
from msgspec.structs import replace

from keebai_async.campaign.stop import leaves
from keebai_async.clock import Clock
from keebai_async.errors import CampaignBusy
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import Lose
from keebai_async.observe import Observer
from keebai_async.observe.campaign_records import CampaignMoved, LeaseLost, LeaseTaken, RunEnded, RunStarted
from keebai_async.observe.chunk_records import chunk_moved
from keebai_async.observe.headcount import headcount


class RunRecords:
    """Tells *observer* of the runs of one campaign."""

    def __init__(self, campaign_id: str, *, observer: Observer, clock: Clock) -> None:
        self._campaign = campaign_id
        self._observer = observer
        self._clock = clock

    def taken(self, lost: tuple[Chunk, ...]) -> None:
        """The lease is ours; *lost* are the chunks that a process which died had on their way."""
        tell_taken(self._campaign, lost, self._observer)

    def moved(self, before: StoredCampaign, after: StoredCampaign) -> None:
        """The campaign went from one state to the other, on disk."""
        self._observer(
            CampaignMoved(
                campaign=self._campaign,
                before=before.state,
                state=after.state,
                cause=after.stopped_by,
                reason=after.reason,
            )
        )

    @contextmanager
    def run(self, now: Callable[[], StoredCampaign]) -> Iterator[None]:
        """Tell the beginning and the end of what runs inside `with`; *now* is the campaign as it is."""
        chunks, since = now().chunks, self._clock.now()
        started = RunStarted(campaign=self._campaign, chunks=answering(chunks), people=headcount(chunks))
        self._observer(started)
        error: BaseException | None = None
        try:
            yield
        except BaseException as raised:
            error = raised
            self._tell_lost_lease(raised)
            raise
        finally:
            end = now()
            self._observer(
                RunEnded(
                    run=started,
                    state=end.state,
                    cause=end.stopped_by,
                    seconds=self._clock.now() - since,
                    people=headcount(end.chunks),
                    error=name_of_failure(error),
                )
            )

    def _tell_lost_lease(self, error: BaseException) -> None:
        lost = next((each for each in leaves(error) if isinstance(each, CampaignBusy)), None)
        if lost is not None:
            self._observer(LeaseLost(campaign=self._campaign, reason=str(lost)))


def answering(chunks: Iterable[Chunk]) -> int:
    """How many of *chunks* answer for somebody."""
    return sum(1 for chunk in chunks if chunk.recipients)


def name_of_failure(error: BaseException | None) -> str | None:
    """The name of what ended a run; None if it ended in good order, also by a cancellation from outside."""
    if error is None:
        return None
    cancelled = anyio.get_cancelled_exc_class()
    failures = [each for each in leaves(error) if not isinstance(each, cancelled)]
    return type(failures[0]).__name__ if failures else None


def tell_taken(campaign_id: str, lost: tuple[Chunk, ...], observer: Observer) -> None:
    """Tell that the lease was taken, and of the chunks that `recover` moved to unknown (as they are now)."""
    observer(LeaseTaken(campaign=campaign_id, recovered=len(lost)))
    for after in lost:
        before = replace(after, state=ChunkState.SUBMITTING, step=after.step - 1, reason=None)
        move = Lose(number=after.number, step=after.step, reason=after.reason or "", at=after.lost_at)
        observer(chunk_moved(campaign_id, before, move, after))
