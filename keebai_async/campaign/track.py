"""Follow every accepted chunk until the service has counted all of its people."""

from collections.abc import Callable

from keebai_async.campaign.chunks import Chunks
from keebai_async.campaign.stop import stop_for_error
from keebai_async.errors import NotFound, QuotaUnusable, RequestError, ScopeMissing, TokenRejected
from keebai_async.model.chunk import Chunk
from keebai_async.model.events import AnyEvent, BroadcastProgress, BroadcastStuck, BroadcastUnread
from keebai_async.model.progress import Progress
from keebai_async.model.report import settle_counters
from keebai_async.model.stop import Stop
from keebai_async.observe import TO_LOG, Observer
from keebai_async.observe.chunk_records import BroadcastStalled, LookFailed
from keebai_async.polling.planner import Stuck
from keebai_async.polling.watcher import Watcher


class Tracker:
    """Looks at broadcasts and keeps what it sees in the Chunks. *tell* gets each event once it is on disk.

    *held* says whether what does not move is probably held by Meta at this time.
    """

    def __init__(
        self,
        chunks: Chunks,
        watcher: Watcher,
        *,
        tell: Callable[[AnyEvent], None],
        observer: Observer = TO_LOG,
        held: Callable[[], bool] = lambda: False,
    ) -> None:
        self._held = held
        self._chunks = chunks
        self._watcher = watcher
        self._tell = tell
        self._observer = observer
        self._numbers: dict[str, int] = {}
        self._told: dict[int, int] = {}
        self.gone: set[int] = set()
        """Chunks whose broadcasts the service does not know (any more), by number."""

    def add(self, chunk: Chunk, *, age: float = 0.0) -> None:
        """Follow a chunk that was accepted *age* seconds ago, unless it is final or cannot be followed."""
        if chunk.broadcast_id is None or not chunk.tracked or chunk.final:
            return
        self._numbers[chunk.broadcast_id] = chunk.number
        self._watcher.add(
            chunk.broadcast_id, recipients=chunk.accepted, sender=self._chunks.plan.sender.id, age=age
        )

    def heard(self) -> None:
        """Webhooks have told more of the chunks: look at them when there is something to see."""
        for broadcast_id, number in self._numbers.items():
            if not (chunk := self._chunks[number]).final and chunk.told > self._told.get(number, 0):
                self._told[number] = chunk.told
                self._watcher.told(broadcast_id, chunk.told)

    @property
    def expects_more(self) -> bool:
        """A counter of some chunk may still change."""
        return any(
            chunk.tracked and not chunk.final and chunk.number not in self.gone for chunk in self._chunks
        )

    @property
    def delivery_rate(self) -> float | None:
        """Messages a second that the campaign's sender was seen delivering; None if it was not."""
        return self._watcher.rate(self._chunks.plan.sender.id)

    @property
    def next_look(self) -> float | None:
        """When the next look is due, as Unix time; None while none is planned."""
        return self._watcher.next_look

    def close(self) -> None:
        """No more chunks will be added."""
        self._watcher.close()

    async def run(self) -> Stop | None:
        """Return when everything added is final and no more will be added, or when the token may not read."""
        async with self._watcher:
            async for broadcast_id, seen in self._watcher:
                match seen:
                    case Progress():
                        await self._saw(broadcast_id, seen)
                    case Stuck(seconds=seconds):
                        self._stuck(broadcast_id, seconds)
                    case TokenRejected() | ScopeMissing() | QuotaUnusable():
                        return stop_for_error(seen)
                    case RequestError():
                        self._missed(broadcast_id, seen)
        return None

    async def _saw(self, broadcast_id: str, progress: Progress) -> None:
        number = self._numbers[broadcast_id]
        if self._is_another(self._chunks[number], progress):
            why = f"it has {progress.total} recipients, and the chunk has {self._chunks[number].recipients}"
            self._leave(broadcast_id, f"{why}: it is another broadcast, and is not followed", gone=True)
            return
        before = self._chunks[number]
        chunk = await self._chunks.progress(
            number, sent=progress.sent or 0, failed=progress.failed or 0, final=progress.final
        )
        sent, failed, pending = settle_counters(chunk)
        self._tell(
            BroadcastProgress(
                id=0 if chunk == before else chunk.event_id,
                number=number,
                broadcast_id=broadcast_id,
                sent=sent,
                failed=failed,
                pending=pending,
                final=chunk.final,
            )
        )

    def _stuck(self, broadcast_id: str, seconds: float) -> None:
        number, held = self._numbers[broadcast_id], self._held()
        self._observer(
            BroadcastStalled(
                campaign=self._chunks.plan.campaign_id,
                chunk=number,
                broadcast=broadcast_id,
                seconds=seconds,
                held=held,
            )
        )
        self._tell(BroadcastStuck(number=number, broadcast_id=broadcast_id, seconds=seconds, held=held))

    def _is_another(self, chunk: Chunk, progress: Progress) -> bool:
        """Whether a broadcast that only a delivery notice named cannot be that of *chunk*."""
        return chunk.proven_at is not None and (progress.total or 0) > chunk.recipients

    def _missed(self, broadcast_id: str, error: RequestError) -> None:
        self._leave(broadcast_id, str(error), gone=isinstance(error, NotFound))

    def _leave(self, broadcast_id: str, reason: str, *, gone: bool) -> None:
        """Tell that a look was of no use; where it is *gone*, asking again is none either."""
        number = self._numbers[broadcast_id]
        self._observer(
            LookFailed(
                campaign=self._chunks.plan.campaign_id,
                chunk=number,
                broadcast=broadcast_id,
                reason=reason,
                gone=gone,
            )
        )
        self._tell(BroadcastUnread(number=number, broadcast_id=broadcast_id, reason=reason))
        if gone:
            self.gone.add(number)
            self._watcher.forget(broadcast_id)
