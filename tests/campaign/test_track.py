"""Following what was accepted: counters are kept, and what cannot be read is told."""

from collections.abc import Callable

import pytest

from keebai_async.campaign.chunks import Chunks
from keebai_async.campaign.track import Tracker
from keebai_async.clock import ManualClock
from keebai_async.errors import (
    KeebaiError,
    NotFound,
    QuotaUnusable,
    ScopeMissing,
    ServerFailed,
    TokenRejected,
)
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import AnyEvent, BroadcastProgress, BroadcastStuck, BroadcastUnread
from keebai_async.model.progress import Progress
from keebai_async.model.stop import Cause, Stop
from keebai_async.polling.planner import PollPlanner
from keebai_async.polling.watcher import Watcher
from tests.campaign.planning import freeze

Seen = Progress | KeebaiError


def progress(sent: int | None, failed: int | None = 0, *, final: bool = False) -> Progress:
    return Progress(broadcast_id="b1", total=10, sent=sent, failed=failed, final=final)


class Following:
    """Chunks of 10 people, accepted as b1, b2, ..., and what each look at one of them gives."""

    def __init__(self, *seen: Seen, people: int = 10) -> None:
        self.clock = ManualClock(0.0)
        self.journal = MemoryJournal(clock=self.clock)
        self.people = people
        self.seen = list(seen)
        self.looks: list[str] = []
        self.events: list[AnyEvent] = []
        self.held = False
        self.ready: Callable[[Chunks], None] | None = None

    async def look(self, broadcast_id: str) -> Progress:
        self.looks.append(broadcast_id)
        seen = self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]
        if isinstance(seen, KeebaiError):
            raise seen
        return seen

    async def follow(self) -> Stop | None:
        plan = await freeze(self.journal, self.people, size=10)
        started = await self.journal.load(plan.campaign_id)
        self.chunks = Chunks(started, journal=self.journal, clock=self.clock)
        planner = PollPlanner(stuck_after=60.0)
        watcher = Watcher(self.look, planner=planner, clock=self.clock)
        self.tracker = Tracker(self.chunks, watcher, tell=self.events.append, held=lambda: self.held)
        for chunk in self.chunks:
            await self.chunks.submit(chunk.number)
            self.tracker.add(
                await self.chunks.accept(chunk.number, accepted=10, broadcast_id=f"b{chunk.number}")
            )
        self.tracker.close()
        async with self.clock.running():
            return await self.tracker.run()

    async def on_disk(self) -> tuple[Chunk, ...]:
        return (await self.journal.load(self.chunks.plan.campaign_id)).chunks


async def test_counters_are_told_when_they_are_on_disk_and_never_go_back() -> None:
    following = Following(progress(4), progress(2, 1), progress(None, None), progress(8, 2, final=True))

    assert await following.follow() is None

    told = [event for event in following.events if isinstance(event, BroadcastProgress)]
    assert [(each.sent, each.failed, each.pending, each.final) for each in told] == [
        (4, 0, 6, False),
        (4, 1, 5, False),
        (4, 1, 5, False),
        (8, 2, 0, True),
    ]
    (chunk,) = await following.on_disk()
    assert (chunk.sent, chunk.failed, chunk.final) == (8, 2, True)
    assert not following.tracker.expects_more


async def test_a_look_that_fails_is_told_and_made_again() -> None:
    away = ServerFailed("503", method="GET", path="/b1", status=503)
    following = Following(away, progress(10, final=True))

    assert await following.follow() is None

    assert following.events[0] == BroadcastUnread(number=1, broadcast_id="b1", reason="503")
    assert isinstance(following.events[1], BroadcastProgress)
    assert following.tracker.gone == set()


async def test_a_broadcast_that_the_service_does_not_know_is_given_up_and_the_others_go_on() -> None:
    gone = NotFound("404", method="GET", path="/b1", status=404)
    following = Following(gone, progress(10, final=True), people=20)

    assert await following.follow() is None

    assert sorted(set(following.looks)) == ["b1", "b2"]
    assert following.looks.count("b1") == 1
    assert following.tracker.gone == {1}
    assert not following.tracker.expects_more


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (TokenRejected("401", method="GET", path="/", status=401), Cause.TOKEN),
        (ScopeMissing("403", method="GET", path="/", status=403), Cause.SCOPE),
        (QuotaUnusable("no Redis"), Cause.QUOTA),
    ],
)
async def test_what_would_meet_every_look_stops_the_run(error: KeebaiError, cause: Cause) -> None:
    following = Following(error)

    assert await following.follow() == Stop(cause=cause, reason=str(error))

    assert following.tracker.expects_more


async def test_a_broadcast_that_does_not_move_is_told() -> None:
    following = Following(*[progress(1)] * 40, progress(10, final=True))

    await following.follow()

    stuck = [event for event in following.events if isinstance(event, BroadcastStuck)]
    assert [(each.number, each.broadcast_id) for each in stuck] == [(1, "b1")]
    assert stuck[0].seconds >= 60.0


async def test_what_meta_probably_holds_is_told_as_that() -> None:
    following = Following(*[progress(1)] * 40, progress(10, final=True))
    following.held = True

    await following.follow()

    assert [event.held for event in following.events if isinstance(event, BroadcastStuck)] == [True]


@pytest.mark.parametrize(
    ("state", "broadcast_id", "final", "followed"),
    [
        (ChunkState.ACCEPTED, "b", False, 1),
        (ChunkState.ACCEPTED, "b", True, 0),
        (ChunkState.ACCEPTED, None, False, 0),
        (ChunkState.UNKNOWN, "b", False, 0),
    ],
)
async def test_what_is_final_or_cannot_be_followed_is_not(
    state: ChunkState, broadcast_id: str | None, final: bool, followed: int
) -> None:
    following = Following(progress(10, final=True), people=0)
    await following.follow()
    planner = PollPlanner()
    tracker = Tracker(
        following.chunks, Watcher(following.look, planner=planner), tell=following.events.append
    )

    tracker.add(Chunk(number=1, recipients=10, state=state, broadcast_id=broadcast_id, final=final))

    assert len(planner) == followed
