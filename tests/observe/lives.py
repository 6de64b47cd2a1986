"""Campaigns that Hypothesis makes up, told as the rooms tell them, in a world that leaks.

Each text from outside quotes somebody's number in one of its spellings, or the token.
"""

from collections.abc import Iterable

import msgspec
from hypothesis import strategies as st

from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import (
    Abandon,
    Accept,
    HandOn,
    Lose,
    Move,
    Prove,
    Refuse,
    Resend,
    Submit,
    TakeBack,
    Vouch,
    apply,
)
from keebai_async.model.stop import Cause
from keebai_async.observe.campaign_records import (
    CampaignMoved,
    CircuitOpened,
    CircuitProbed,
    LeaseLost,
    LeaseTaken,
    RunEnded,
    RunStarted,
    SubmitsHeld,
)
from keebai_async.observe.chunk_records import (
    BroadcastStalled,
    ChunkSubmitEnded,
    ChunkSubmitStarted,
    LookFailed,
    broadcast_read,
    chunk_moved,
)
from keebai_async.observe.headcount import headcount
from keebai_async.observe.quota_records import (
    PlaceNotSettled,
    QuotaStoreGone,
    QuotaWaited,
    QuotaWaitExpected,
)
from keebai_async.observe.records import Record
from keebai_async.observe.request_records import (
    RequestAnswered,
    RequestCancelled,
    RequestFailed,
    RequestStarted,
    RequestThrottled,
    RetryScheduled,
    SubmitUnknown,
)

TOKENS = st.builds(
    str.__add__,
    st.sampled_from(("kbai_pk_", "pat_")),
    st.text("abcdefghijkmnpqrstuvwxyz23456789", min_size=16, max_size=40),
)
NUMBERS = st.integers(10**9, 10**15 - 1).map(str)
SPELLINGS = (
    "{0}",
    "+{0}",
    "+{a} {b}",
    "{a}-{b}",
    "+{a} ({c}) {d}",
    "({a}) {c}.{d}",
    "{a} / {b}",
    "whatsapp:+{0}",
    "/contacts/{0}/send",
    "tel{0}x",
    '{{"to":"+{0}"}}',
    "{0}{0}",
    "{0} {0}",
)
WORDS = ("is no phone number", "", "recipients.17.to", "¡atención!", "\n\x00\x1b[31m", "60/60s")


class World(msgspec.Struct):
    """What was told, and what must not be in it."""

    campaign: str
    numbers: list[str]
    token: str
    told: list[Record]
    before: list[Chunk]
    after: list[Chunk]


def spelled(number: str, spelling: str) -> str:
    a, b = number[:2], number[2:]
    return spelling.format(number, a=a, b=b, c=b[:3], d=f"{b[3:7]}-{b[7:]}")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A campaign of up to four chunks, through as many turns as it likes."""
    return _Play(draw).play()


class _Play:
    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._numbers = draw(st.lists(NUMBERS, min_size=1, max_size=4, unique=True))
        self._token = draw(TOKENS)
        self._campaign = f"promo-{draw(st.integers(0, 2**32 - 1)):08x}"
        self._told: list[Record] = []
        quoted = [spelled(number, spelling) for number in self._numbers for spelling in SPELLINGS]
        quoted += [self._token, f"Bearer {self._token}", f"{quoted[0]} {quoted[-1]}"]
        self._texts = [f"{words} {quote} {words}" for quote in quoted for words in WORDS]
        sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
        self._chunks = {number: Chunk(number=number, recipients=size) for number, size in enumerate(sizes, 1)}

    def play(self) -> World:
        before = list(self._chunks.values())
        run = RunStarted(campaign=self._campaign, chunks=len(before), people=headcount(before))
        self._tell(LeaseTaken(campaign=self._campaign), run)
        for _ in range(self._draw(st.integers(0, 12))):
            self._turn(self._draw(st.sampled_from(sorted(self._chunks))))
        after = list(self._chunks.values())
        self._end(run, after)
        return World(self._campaign, self._numbers, self._token, self._told, before, after)

    def _outside(self) -> str:
        """A text of a server, or of an exception, as bad as they come."""
        return self._draw(st.sampled_from(self._texts))

    def _tell(self, *records: Record) -> None:
        self._told.extend(records)

    def _turn(self, number: int) -> None:
        match self._chunks[number].state:
            case ChunkState.PLANNED:
                self._submit(number)
            case ChunkState.UNKNOWN:
                self._settle(number)
            case ChunkState.ACCEPTED:
                self._look(number)
            case _:
                self._tell(SubmitsHeld(campaign=self._campaign, seconds=30.0, reason=self._outside()))

    def _submit(self, number: int) -> None:
        chunk = self._chunks[number]
        started = ChunkSubmitStarted(
            campaign=self._campaign,
            chunk=number,
            recipients=chunk.recipients,
            attempt=chunk.attempts + 1,
        )
        self._tell(started)
        self._tell(QuotaWaitExpected(lane="submit", seconds=40.0, reason=self._outside(), window=60.0))
        self._tell(QuotaWaited(lane="submit", seconds=40.0, got=True, window=60.0))
        self._move(number, Submit(number=number, step=chunk.step + 1, at=0.0))
        self._request("POST", "/messages/bulk", chunk.recipients)
        self._judge(number)
        self._tell(ChunkSubmitEnded(submit=started, state=self._chunks[number].state, seconds=41.0))

    def _judge(self, number: int) -> None:
        chunk = self._chunks[number]
        step, people = chunk.step + 1, chunk.recipients
        match self._draw(st.sampled_from(("accept", "lose", "take back", "refuse", "recut"))):
            case "accept":
                accepted = self._draw(st.integers(0, people))
                broadcast = self._draw(st.sampled_from((f"b{number}", None)))
                self._move(
                    number, Accept(number=number, step=step, accepted=accepted, broadcast_id=broadcast)
                )
            case "lose":
                self._move(number, Lose(number=number, step=step, reason=self._outside()))
                self._tell(CircuitOpened(campaign=self._campaign, reason=self._outside()))
            case "take back":
                self._move(number, TakeBack(number=number, step=step, reason=self._outside()))
            case "refuse":
                refuse = Refuse(number=number, step=step, reason=self._outside(), recipients=people)
                self._move(number, refuse)
            case _:
                self._recut(number)

    def _recut(self, number: int) -> None:
        """The chunk keeps some, and the others go on with those of another planned chunk, in new ones."""
        chunk = self._chunks[number]
        kept = self._draw(st.integers(0, chunk.recipients))
        going = chunk.recipients - kept
        planned = [each for each in self._chunks.values() if each.state is ChunkState.PLANNED]
        rest = self._draw(st.sampled_from([None, *planned]))
        born = [going] if rest is None else [going, rest.recipients]
        first = max(self._chunks) + 1
        into = [Chunk(number=first + at, recipients=size, parent=number) for at, size in enumerate(born)]
        refuse = Refuse(number=number, step=chunk.step + 1, reason=self._outside(), recipients=kept)
        self._move(number, refuse, into)
        if rest is not None:
            self._move(rest.number, HandOn(number=rest.number, step=rest.step + 1, reason=self._outside()))
        self._chunks.update((child.number, child) for child in into)

    def _settle(self, number: int) -> None:
        chunk = self._chunks[number]
        step = chunk.step + 1
        moves: tuple[Move, ...] = (
            Prove(number=number, step=step, at=7.0),
            Vouch(number=number, step=step, accepted=chunk.recipients, broadcast_id=f"b{number}"),
            Resend(number=number, step=step),
            Abandon(number=number, step=step),
        )
        self._move(number, self._draw(st.sampled_from(moves)))

    def _look(self, number: int) -> None:
        chunk = self._chunks[number]
        if chunk.broadcast_id is None:
            return
        self._request("GET", f"/messages/bulk/{self._outside()}", 0)  # a route that somebody got wrong
        sent, failed = self._draw(st.tuples(st.integers(0, 12), st.integers(0, 12)))
        seen = chunk.counted(
            sent=max(sent, chunk.sent), failed=max(failed, chunk.failed), final=self._draw(st.booleans())
        )
        self._tell(broadcast_read(self._campaign, chunk, seen))
        self._chunks[number] = seen
        self._tell(
            LookFailed(
                campaign=self._campaign, chunk=number, broadcast=chunk.broadcast_id, reason=self._outside()
            ),
            BroadcastStalled(broadcast=chunk.broadcast_id, seconds=900.0),
        )

    def _request(self, method: str, route: str, recipients: int) -> None:
        kind = "submit" if recipients else "read"
        started = RequestStarted(
            method=method,
            route=route,
            kind=kind,
            lane="submit",
            attempt=1,
            recipients=recipients,
            server="api.keebai.com",
            port=443,
        )
        ends: tuple[Record, ...] = (
            RequestAnswered(request=started, status=400, seconds=0.2),
            RequestThrottled(request=started, status=429, seconds=0.2, pause=60.0),
            RequestFailed(request=started, seconds=0.2, stage="written", reason=self._outside()),
            RequestCancelled(request=started, seconds=0.2, stage="written"),
        )
        self._tell(started, self._draw(st.sampled_from(ends)))
        self._tell(
            RetryScheduled(
                method=method, route=route, kind=kind, attempt=1, seconds=0.5, reason=self._outside()
            ),
            SubmitUnknown(method=method, route=route, recipients=1, attempt=1, reason=self._outside()),
        )

    def _end(self, run: RunStarted, after: Iterable[Chunk]) -> None:
        cause = self._draw(st.sampled_from(Cause))
        running, stopped = CampaignState.RUNNING, CampaignState.STOPPED
        self._tell(
            CircuitProbed(campaign=self._campaign, failures=1, seconds=5.0, reason=self._outside()),
            PlaceNotSettled(store="sqlite", reason=self._outside()),
            QuotaStoreGone(store="redis", reason=self._outside()),
            LeaseLost(campaign=self._campaign, reason=self._outside()),
            CampaignMoved(
                campaign=self._campaign, before=running, state=stopped, cause=cause, reason=self._outside()
            ),
            RunEnded(run=run, state=stopped, cause=cause, seconds=9.0, people=headcount(after)),
        )

    def _move(self, number: int, move: Move, into: Iterable[Chunk] = ()) -> None:
        before = self._chunks[number]
        self._chunks[number] = apply(before, move)
        self._tell(chunk_moved(self._campaign, before, move, self._chunks[number], tuple(into)))
