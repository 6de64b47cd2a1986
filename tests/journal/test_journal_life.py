"""Any sequence of moves, reopenings and recoveries leaves all journals where a simple model is."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from keebai_async.clock import ManualClock
from keebai_async.errors import ForbiddenMove
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.postgres_tables import PostgresJournal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.fates import Fate, PersonNews
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
    Withdraw,
    replay,
)
from keebai_async.model.marks import mark_in
from keebai_async.model.recipient import Recipient
from keebai_async.storage.postgres_address import postgres_address
from tests.journal.journal_kit import keep, number_of, plan_of
from tests.journal.json_tables import JsonJournal, JsonServer
from tests.postgres_server import PostgresServer

T = TypeVar("T")

CHUNKS = (4, 3, 5)
PEOPLE = sum(CHUNKS)

# The model: a chunk is a word, and a move is a pair of words.
ARROWS: dict[type[Move], tuple[str, str]] = {
    Submit: ("planned", "submitting"),
    HandOn: ("planned", "refused"),
    TakeBack: ("submitting", "planned"),
    Accept: ("submitting", "accepted"),
    Refuse: ("submitting", "refused"),
    Lose: ("submitting", "unknown"),
    Vouch: ("unknown", "accepted"),
    Resend: ("unknown", "planned"),
    Withdraw: ("planned", "unknown"),
    Prove: ("unknown", "accepted"),
    Abandon: ("unknown", "abandoned"),
}


def move_of(kind: type[Move], chunk: Chunk, step: int) -> Move:
    makers: dict[type[Move], Callable[[], Move]] = {
        Submit: lambda: Submit(number=chunk.number, step=step, at=2.5),
        HandOn: lambda: HandOn(number=chunk.number, step=step, reason="cut again"),
        TakeBack: lambda: TakeBack(number=chunk.number, step=step, reason="429"),
        Accept: lambda: Accept(number=chunk.number, step=step, accepted=chunk.recipients, broadcast_id="b"),
        Refuse: lambda: Refuse(number=chunk.number, step=step, reason="400", recipients=chunk.recipients),
        Lose: lambda: Lose(number=chunk.number, step=step, reason="reset"),
        Vouch: lambda: Vouch(number=chunk.number, step=step, accepted=chunk.recipients, broadcast_id="v"),
        Resend: lambda: Resend(number=chunk.number, step=step),
        Withdraw: lambda: Withdraw(number=chunk.number, step=step),
        Abandon: lambda: Abandon(number=chunk.number, step=step),
        Prove: lambda: Prove(number=chunk.number, step=step, at=7.5),
    }
    return makers[kind]()


class Life(RuleBasedStateMachine):
    postgres: PostgresServer | None = None

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "journal.db"
        self._server = JsonServer()
        clock = self._clock = ManualClock()
        self.memory = MemoryJournal(clock=clock)
        self.disk = SqliteJournal(self._path, clock=clock)
        self.json = JsonJournal(self._server, clock=clock)
        self._address = "" if self.postgres is None else self.postgres.schema()
        self.remote = self._opened()
        self.model = dict.fromkeys(range(1, len(CHUNKS) + 1), "planned")
        self.sizes = dict(enumerate(CHUNKS, start=1))
        self.left = set[int]()  # chunks that an attempt was made at
        self.noticed = set[int]()  # chunks of which a webhook told before they were accepted
        self.all(lambda journal: keep(journal, plan_of(chunks=CHUNKS)))

    def _opened(self) -> PostgresJournal | None:
        if not self._address:
            return None
        return PostgresJournal(postgres_address(self._address), clock=self._clock)

    def run(self, use: Awaitable[T]) -> T:
        async def used() -> T:
            return await use

        coroutine: Coroutine[object, object, T] = used()
        return self._runner.run(coroutine)

    def all(self, use: Callable[[Journal], Awaitable[T]]) -> T:
        """Do the same to all of them, and see that they say the same."""
        journals = [self.memory, self.disk, self.json, *([self.remote] if self.remote else [])]
        in_memory, *others = [self.outcome(use(journal)) for journal in journals]
        if isinstance(in_memory, ForbiddenMove):
            assert {str(other) for other in others} == {str(in_memory)}
            raise in_memory
        assert others == [in_memory] * (len(journals) - 1)
        return in_memory

    def outcome(self, use: Awaitable[T]) -> T | ForbiddenMove:
        try:
            return self.run(use)
        except ForbiddenMove as error:
            return error

    def chunk(self, data: st.DataObject) -> Chunk:
        number = data.draw(st.sampled_from(sorted(self.model)))
        return next(each for each in self.load().chunks if each.number == number)

    def load(self) -> StoredCampaign:
        return self.all(lambda journal: journal.load("promo"))

    @rule(data=st.data(), late=st.sampled_from([0, 0, 0, 0, -1, 1]))
    def move(self, data: st.DataObject, late: int) -> None:
        chunk = self.chunk(data)
        before, after = ARROWS[
            kind := data.draw(st.sampled_from(sorted(ARROWS, key=lambda each: each.__name__)))
        ]
        move = move_of(kind, chunk, chunk.step + 1 + late)
        loses_people = kind is HandOn and chunk.recipients > 0
        nothing_to_take_back = kind is Withdraw and not chunk.resent
        is_proven = kind in (Resend, Submit) and chunk.number in self.noticed & self.provable
        from_planned = kind is Prove and chunk.number in self.provable
        from_planned = from_planned or (kind is Refuse and self.model[chunk.number] == "planned")
        allowed = (self.model[chunk.number] == before or from_planned) and not late
        allowed = allowed and not loses_people and not nothing_to_take_back and not is_proven
        try:
            self.all(lambda journal: journal.record("promo", move))
        except ForbiddenMove:
            assert not allowed
        else:
            assert allowed
            self.model[chunk.number] = after
            if kind is Submit:
                self.left.add(chunk.number)

    @property
    def provable(self) -> set[int]:
        """Chunks that a webhook would prove to have been accepted."""
        return {
            number
            for number, state in self.model.items()
            if state == "unknown" or (state == "planned" and number in self.left)
        }

    @rule(
        data=st.data(),
        fate=st.sampled_from([Fate.SENT, Fate.FAILED, Fate.DELIVERED, Fate.READ]),
        number=st.sampled_from(["theirs", "theirs", "none", "another"]),
        held=st.booleans(),
    )
    def a_webhook_tells(self, data: st.DataObject, fate: Fate, number: str, held: bool) -> None:
        """Somebody runs the campaign meanwhile (*held*), or nobody does."""
        chunk, place = data.draw(st.sampled_from(sorted(PLACES)))
        numbers = {"theirs": number_of(chunk, place), "none": "", "another": "+5491199999999"}
        news = PersonNews(
            campaign_id="promo", chunk=chunk, place=place, fate=fate, at=7.5, number=numbers[number]
        )
        inside = next(each for each in self.model if (chunk, place) in self.people_of(each))
        self.all(lambda journal: told(journal, news, held=held))
        if number != "another" and self.model[inside] != "accepted":
            self.noticed.add(inside)
        waits = {n for n, state in self.model.items() if state == "submitting"}
        family = {inside} | {each for each in self.model if self.root(each) == self.root(inside)}
        if not held and self.noticed & family & (self.provable | waits):
            self.model.update(dict.fromkeys(waits, "unknown"))  # their process is gone
        elif not held:
            return
        self.model.update(dict.fromkeys(self.noticed & self.provable, "accepted"))

    def root(self, number: int) -> int:
        parents = {chunk.number: chunk.parent for chunk in self.load().chunks}
        while (parent := parents[number]) is not None:
            number = parent
        return number

    def people_of(self, number: int) -> set[tuple[int, int]]:
        """Who is in a chunk now, by the chunk and the place that they were planned in."""
        items = self.all(lambda journal: journal.items("promo", number))
        return {planned_in(person) for person in msgspec.json.decode(items, type=list[Recipient])}

    @rule(data=st.data(), keeps=st.integers(0, 3), also=st.booleans())
    @precondition(lambda self: "submitting" in self.model.values())
    def recut(self, data: st.DataObject, keeps: int, also: bool) -> None:
        number = data.draw(st.sampled_from([n for n, state in self.model.items() if state == "submitting"]))
        chunks = {chunk.number: chunk for chunk in self.load().chunks}
        root = self.root(number)
        handed = [n for n, state in self.model.items() if state == "planned" and self.root(n) == root]
        handed = handed[: 1 if also else 0]
        kept = min(keeps, self.sizes[number])
        moves: list[Refuse | HandOn] = [
            Refuse(number=number, step=chunks[number].step + 1, reason="400", recipients=kept),
            *(HandOn(number=n, step=chunks[n].step + 1, reason="cut again") for n in handed),
        ]
        everybody = [person for n in (number, *handed) for person in self.items(n)]
        kept_ones, rest = everybody[:kept], everybody[kept:]
        parts = [part for part in (rest[: len(rest) // 2], rest[len(rest) // 2 :]) if part]
        first = max(self.model) + 1
        children = [(len(part), msgspec.json.encode(part)) for part in parts]
        self.all(
            lambda journal: journal.recut(
                "promo", moves, keep=msgspec.json.encode(kept_ones), children=children
            )
        )
        self.model.update(dict.fromkeys([number, *handed], "refused"))
        self.sizes.update({number: kept} | dict.fromkeys(handed, 0))
        for place, part in enumerate(parts):
            self.model[first + place], self.sizes[first + place] = "planned", len(part)

    def items(self, number: int) -> list[msgspec.Raw]:
        items = self.all(lambda journal: journal.items("promo", number))
        return msgspec.json.decode(items, type=list[msgspec.Raw])

    @rule(clean=st.booleans())
    def come_back(self, clean: bool) -> None:
        """The process ends, with or without its last words, and another one recovers."""
        if clean:
            self.run(self.disk.aclose())
            self.run(self.json.aclose())
            self._close_remote()
        before = [self.disk, self.json, *([self.remote] if self.remote else [])]
        self.disk = SqliteJournal(self._path, clock=self._clock)
        self.json = JsonJournal(self._server, clock=self._clock)
        self.remote = self._opened()
        self.all(recovered)
        for journal in before:
            self.run(journal.aclose())
        for number, state in self.model.items():
            if state == "submitting":
                self.model[number] = "unknown"

    @invariant()
    def all_are_where_the_model_is(self) -> None:
        started = self.load()
        assert {chunk.number: chunk.state for chunk in started.chunks} == {
            number: ChunkState(state) for number, state in self.model.items()
        }
        assert {chunk.number: chunk.recipients for chunk in started.chunks} == self.sizes
        assert sum(self.sizes.values()) == PEOPLE

    @invariant()
    def replaying_the_journal_twice_is_replaying_it_once(self) -> None:
        moves = self.all(lambda journal: journal.moves("promo"))
        for chunk in self.load().chunks:
            assert replay(chunk, [move for move in moves if move.number == chunk.number]) == chunk

    def _close_remote(self) -> None:
        if self.remote is not None:
            self.run(self.remote.aclose())

    def teardown(self) -> None:
        self.run(self.memory.aclose())
        self.run(self.disk.aclose())
        self.run(self.json.aclose())
        self._close_remote()
        self._runner.close()
        self._folder.cleanup()


PLACES = {(number, place) for number, size in enumerate(CHUNKS, start=1) for place in range(size)}


def planned_in(person: Recipient) -> tuple[int, int]:
    mark = mark_in(person.meta_data)
    assert mark is not None
    return mark.chunk, mark.place


async def told(journal: Journal, news: PersonNews, *, held: bool) -> tuple[Chunk, ...]:
    if not held:
        await journal.tell([news])
        return ()
    async with journal.lease("promo"):
        await journal.tell([news])
        return await journal.prove("promo")


async def recovered(journal: Journal) -> tuple[Chunk, ...]:
    async with journal.lease("promo"):
        return await journal.recover("promo")


Life.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestLife = Life.TestCase


def test_a_life_in_postgresql_is_the_same(postgres: PostgresServer) -> None:
    class Remote(Life):
        pass

    Remote.postgres = postgres
    run_state_machine_as_test(
        Remote, settings=settings(max_examples=5, stateful_step_count=15, deadline=None)
    )
