# ruff: noqa: S608 - all that stands in these statements are numbers and hexadecimal digits of ours
"""Spending kept in PostgreSQL: shared by many machines. The server's clock decides.

Needs the `postgres` extra.

The naive way reads the past of an hour for every place, under a lock that all others wait for. Here each
process keeps the books of its token in memory, and each change in the database has a number: who wants a
place locks the token's row, reads what has changed since it last looked, decides, and writes its own change.
So a place costs the same whether an hour is empty or full.
"""

import hashlib
import os
import time
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec
import psycopg

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import QuotaUnusable
from keebai_async.observe import TO_LOG, Observer
from keebai_async.quota.books import Books
from keebai_async.quota.gate import Ending
from keebai_async.quota.limits import Limits, renewed
from keebai_async.quota.pause import Pause
from keebai_async.quota.recollection import WITNESSED, OtherClock, Recollection, kept_past
from keebai_async.quota.sqlite import LONGEST_REQUEST
from keebai_async.quota.store import HeldPlace, Word
from keebai_async.quota.threaded import TIDIED_EVERY, ThreadedStore
from keebai_async.quota.window import LaneWindow, Wait
from keebai_async.storage.postgres import PATIENCE, Connection, Moment, PostgresDatabase, PostgresUse, SqlRow
from keebai_async.storage.postgres_address import PostgresAddress
from keebai_async.storage.safety import Safe
from keebai_async.storage.thread import Worker

T = TypeVar("T")

QUOTA_TABLES: Final = (
    # `seq` numbers the changes of a token's rows; `ahead` is added to the server's clock, `leaps` counts how
    # often that was done because it leapt.
    """CREATE TABLE quota_tokens (
        token TEXT PRIMARY KEY,
        epoch TEXT NOT NULL,
        seq BIGINT NOT NULL DEFAULT 0,
        ahead DOUBLE PRECISION NOT NULL DEFAULT 0,
        leaps INTEGER NOT NULL DEFAULT 0,
        until DOUBLE PRECISION NOT NULL,
        step DOUBLE PRECISION NOT NULL,
        proving BOOLEAN NOT NULL,
        limits BYTEA
    )""",
    # A place under way has a `taken`, and `ended` is when it lapses; one that is `gone` never left.
    """CREATE TABLE quota_places (
        token TEXT NOT NULL,
        id TEXT NOT NULL,
        taken DOUBLE PRECISION,
        ended DOUBLE PRECISION NOT NULL,
        gone BOOLEAN NOT NULL DEFAULT false,
        seq BIGINT NOT NULL,
        PRIMARY KEY (token, id)
    )""",
    "CREATE INDEX quota_places_by_change ON quota_places (token, seq)",
    "CREATE INDEX quota_places_by_time ON quota_places (token, ended)",
    # What others than we spent, as replies gave away.
    """CREATE TABLE quota_others (
        token TEXT NOT NULL,
        per DOUBLE PRECISION NOT NULL,
        ended DOUBLE PRECISION NOT NULL,
        count INTEGER NOT NULL,
        seq BIGINT NOT NULL
    )""",
    "CREATE INDEX quota_others_by_change ON quota_others (token, seq)",
)

POSTGRES_QUOTA: Final = PostgresUse(
    name="the quota",
    part="quota",
    error=QuotaUnusable,
    passing=QuotaUnusable,
    migrations=(QUOTA_TABLES,),
)


class _PlaceRow(msgspec.Struct, frozen=True, gc=False):
    """A row: under way since *taken* until it lapses at *ended*, or past since *ended*."""

    taken: float | None
    ended: float


class _Head(msgspec.Struct, frozen=True, gc=False):
    epoch: str
    seq: int
    ahead: float
    leaps: int
    until: float
    step: float
    proving: bool
    limits: bytes | None


class _FollowedBooks(Books):
    """Books of rows that are kept elsewhere, brought up to date by what has changed there."""

    __slots__ = ("_lapses", "rows")

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, _PlaceRow] = {}
        self._lapses: dict[str, float] = {}

    def put(self, place_id: str, place: _PlaceRow) -> None:
        self.drop(place_id)
        self.rows[place_id] = place
        if place.taken is None:
            insort(self.ended, place.ended)
        else:
            self.held[place_id] = place.taken
            self._lapses[place_id] = place.ended

    def drop(self, place_id: str) -> None:
        """Forget a place, whatever it was."""
        place = self.rows.pop(place_id, None)
        if place is None:
            return
        self.held.pop(place_id, None)
        if place.taken is None or self._lapses.pop(place_id, None) is None:
            at = bisect_left(self.ended, place.ended)
            if at < len(self.ended) and self.ended[at] == place.ended:
                del self.ended[at]

    def lapse(self, now: float) -> None:
        """Count as ended what its holder was not heard of for too long."""
        for place_id, lapses in list(self._lapses.items()):
            if lapses <= now:
                self.put(place_id, _PlaceRow(None, lapses))

    def tidy(self, longest: float, now: float) -> float:
        """Drop what has left every window of up to *longest* seconds; gives the time that it ended before."""
        before = self.remembered(now) - longest
        self.forget(longest, now)
        self.rows = {name: row for name, row in self.rows.items() if row.ended > before}
        return before


class PostgresStore(ThreadedStore):
    """The spending of the token named *key* in the database at *address*; its tables are made on first use.

    *longest* is how many seconds a request may take at most: a place whose holder died lapses then.
    *patience* is how many seconds of real time are waited for a server that is away; then QuotaUnusable is
    raised, and nothing leaves. Several event loops may use it.

    A database that has lost something (it was put back to an older copy, rows were deleted) is told again
    what this process spent; what others may have spent counts until a window has passed (recollection.py).
    *steady* measures the time that passes here, by which a leap of the server's clock is seen.
    """

    def __init__(
        self,
        address: PostgresAddress,
        key: str,
        *,
        clock: Clock = SYSTEM_CLOCK,
        longest: float = LONGEST_REQUEST,
        patience: float = PATIENCE,
        observer: Observer = TO_LOG,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("postgres", Worker("keebai quota", late=_too_late), observer=observer)
        self._database = PostgresDatabase(
            address, POSTGRES_QUOTA, isolation="READ COMMITTED", patience=patience
        )
        self._token = hashlib.sha256(key.encode()).hexdigest()[:32]
        self._clock = clock
        self._longest = longest
        self._steady = steady
        self._recollection = Recollection()  # used in the worker's thread alone, as is all below
        self._there = OtherClock()
        self._leaps = 0
        self._epoch = ""
        self._seen = -1
        """The last change of which the books know; -1 if they know nothing."""
        self._books = _FollowedBooks()
        self._settled = 0

    async def forecast(self, windows: Sequence[LaneWindow], ahead: int) -> Wait | None:
        def forecast(turn: "_Turn") -> Wait | None:
            return turn.books.forecast(windows, ahead, turn.now)

        return await self._worker.run(lambda: self._write(windows, forecast))

    async def spent(self, windows: Sequence[LaneWindow]) -> tuple[int, ...]:
        return await self._worker.run(
            lambda: self._write(windows, lambda turn: turn.books.spent(windows, turn.now))
        )

    async def agree(self, said: Limits, *, replace: bool = False) -> Limits:
        def agree(turn: "_Turn") -> Limits:
            kept = turn.limits
            now = renewed(kept, said, replace=replace, version=os.urandom(8).hex())
            if now != kept:
                turn.keep_limits(now)
            return now

        return await self._worker.run(lambda: self._write((), agree))

    async def limits(self) -> Limits | None:
        return await self._worker.run(lambda: self._write((), lambda turn: turn.limits))

    # From here on in the worker's thread

    def _close(self) -> None:
        self._database.close()

    def _take(self, place_id: str, windows: Sequence[LaneWindow], version: str) -> HeldPlace | Wait | None:
        asked = self._clock.now()

        def take(turn: "_Turn") -> HeldPlace | Wait | None:
            if version and (turn.limits is None or turn.limits.version != version):
                return None
            held = turn.books.take(place_id, windows, turn.now)
            if isinstance(held, HeldPlace):
                turn.put(place_id, _PlaceRow(turn.now, turn.now + self._longest))
            return held

        held = self._write(windows, take)
        self._recollection.heard(place_id, windows, held, asked)
        return held

    def _give_back(self, place_id: str, windows: Sequence[LaneWindow]) -> None:
        self._recollection.settled(place_id, None)
        self._write(windows, lambda turn: turn.drop(place_id))

    def _settle(self, held: HeldPlace, windows: Sequence[LaneWindow], word: Word) -> bool:
        self._recollection.entered(held.id, windows, word, self._clock.now())
        self._settled += 1

        def settle(turn: "_Turn") -> bool:
            if word.ending is Ending.UNSENT:
                turn.drop(held.id)
                return True
            before = turn.books.pause
            turn.books.drop(held.id)
            settled = turn.books.settle(held, windows, word, turn.now)
            if settled.ended is not None:
                turn.note(held.id, _PlaceRow(None, settled.ended))
            for per, count in settled.others:
                turn.keep_others(per, count)
            if turn.books.pause != before:
                turn.keep_pause()
            if self._settled % TIDIED_EVERY == 0:
                turn.tidy(kept_past(windows))
            return settled.sooner

        return self._write(windows, settle)

    def _write(self, windows: Sequence[LaneWindow], work: Callable[["_Turn"], T]) -> T:
        """One transaction that nobody with this token can come between, on books that are up to date."""
        forgot: list[int] = []
        seen: list[int] = []

        def once(connection: Connection, moment: Moment) -> T:
            forgot.clear()
            seen.clear()
            known, self._seen = self._seen, -1  # until it is certain that this was written
            turn = self._turn(connection, moment.last, windows, known, forgot)
            given = work(turn)
            turn.end()
            seen.append(turn.seq)
            return given

        given = self._database.write(once, safe=Safe.FROM_KILLS, certain=False)
        self._seen = seen[0]
        if forgot:
            self._forgot = forgot[0]
        return given

    def _turn(
        self,
        connection: Connection,
        last: list[str],
        windows: Sequence[LaneWindow],
        known: int,
        forgot: list[int],
    ) -> "_Turn":
        own, clock = self._recollection, self._clock.now()
        since = clock - WITNESSED * kept_past(windows)
        witnesses = [name for name in (own.last_ended(since), own.last_held(since)) if name]
        head, now, rows, others, found = self._look(connection, known, witnesses)
        lost = bool(self._epoch) and (
            head.epoch != self._epoch or head.seq < known or (bool(windows) and found < len(witnesses))
        )
        if known < 0 or head.epoch != self._epoch or head.seq < known:
            self._books = _FollowedBooks()
            if known >= 0:
                head, now, rows, others, _ = self._look(connection, -1, [])
        self._epoch = head.epoch
        books = self._books
        books.pause = Pause(until=head.until, step=head.step, proving=head.proving)
        for place_id, taken, ended, gone in rows:
            if gone:
                books.drop(place_id)
            else:
                books.put(place_id, _PlaceRow(taken, ended))
        for per, ended, count in others:
            for _ in range(count):
                insort(books.others.setdefault(per, []), ended)
        books.lapse(now)
        turn = _Turn(last, self._token, head, books, now)
        if lost and windows:
            forgot.append(len(own.ended) + len(own.held))
            self._tell_again(turn, windows, clock)
        return turn

    def _look(
        self, connection: Connection, known: int, witnesses: Sequence[str]
    ) -> tuple[
        _Head,
        float,
        list[tuple[str, float | None, float, bool]],
        list[tuple[float, float, int]],
        int,
    ]:
        """Lock the token's row, and read what has changed since *known*, in one go to the server and back."""
        token, names = self._token, ", ".join(f"'{name}'" for name in witnesses) or "''"
        before = self._steady()
        cursor = connection.execute(
            f"SELECT epoch, seq, ahead, leaps, until, step, proving, limits FROM quota_tokens"
            f" WHERE token = '{token}' FOR UPDATE;"
            "SELECT extract(epoch FROM clock_timestamp())::float8;"
            f"SELECT id, taken, ended, gone FROM quota_places WHERE token = '{token}' AND seq > {known}"
            " ORDER BY seq;"
            f"SELECT per, ended, count FROM quota_others WHERE token = '{token}' AND seq > {known};"
            f"SELECT count(*) FROM quota_places WHERE token = '{token}' AND id IN ({names})".encode()
        )
        heads = cursor.fetchall()
        if not heads:
            connection.execute(
                b"INSERT INTO quota_tokens (token, epoch, until, step, proving) VALUES (%s, %s, %s, 0, false)"
                b" ON CONFLICT DO NOTHING",
                (token, os.urandom(8).hex(), Pause().until),
            )
            return self._look(connection, known, witnesses)
        raw = msgspec.convert(_next_rows(cursor)[0][0], float)
        head = self._without_leap(connection, _head_of(heads[0]), raw, before)
        rows = msgspec.convert(_next_rows(cursor), list[tuple[str, float | None, float, bool]])
        others = msgspec.convert(_next_rows(cursor), list[tuple[float, float, int]])
        found = msgspec.convert(_next_rows(cursor)[0][0], int)
        return head, raw + head.ahead, rows, others, found

    def _without_leap(self, connection: Connection, head: _Head, raw: float, before: float) -> _Head:
        """The same head; if the server's clock leapt, and nobody has said so yet, turned back by that."""
        leap = self._there.leapt(before, self._steady(), raw)
        if leap and head.leaps == self._leaps:
            ahead, leaps = head.ahead - leap, head.leaps + 1
            connection.execute(
                b"UPDATE quota_tokens SET ahead = %s, leaps = %s WHERE token = %s",
                (ahead, leaps, self._token),
            )
            head = msgspec.structs.replace(head, ahead=ahead, leaps=leaps)
        self._leaps = head.leaps
        return head

    def _tell_again(self, turn: "_Turn", windows: Sequence[LaneWindow], clock: float) -> None:
        """Enter what this process spent, and as spent what others may have, where it is missing."""
        own, there = self._recollection, turn.now - clock
        for place_id, at in own.ended.items():
            if place_id not in turn.books.rows:
                turn.put(place_id, _PlaceRow(None, at + there))
        for place_id, at in own.held.items():
            if place_id not in turn.books.rows:
                turn.put(place_id, _PlaceRow(at + there, at + there + self._longest))
        for window, most in zip(windows, own.most(windows, clock), strict=True):
            missing = most - turn.books.counted(window, turn.now - window.per)
            if missing > 0:
                turn.keep_others(window.per, missing)
                turn.books.others.setdefault(window.per, []).extend([turn.now] * missing)
        if own.paused > clock:
            pause = turn.books.pause
            until = max(pause.until, own.paused + there)
            turn.books.pause = Pause(until=until, step=pause.step, proving=True)
            turn.keep_pause()


class _Turn:
    """One transaction: the *books* as they are, and what it changes in them and in the database.

    What it changes there is sent with its commit, in *last*.
    """

    def __init__(self, last: list[str], token: str, head: _Head, books: _FollowedBooks, now: float) -> None:
        self._last = last
        self._token = token
        self._head = head
        self._before = head.seq
        self.seq = head.seq
        self.books = books
        self.now = now

    @property
    def limits(self) -> Limits | None:
        kept = self._head.limits
        return None if kept is None else msgspec.json.decode(kept, type=Limits)

    def keep_limits(self, limits: Limits) -> None:
        kept = msgspec.json.encode(limits).hex()
        self._last.append(f"UPDATE quota_tokens SET limits = '\\x{kept}' WHERE token = '{self._token}'")

    def put(self, place_id: str, place: _PlaceRow) -> None:
        """Enter a place in both."""
        self.books.put(place_id, place)
        self.note(place_id, place)

    def note(self, place_id: str, place: _PlaceRow) -> None:
        """Enter in the database, and among the rows, a place that is in the sums of the books already."""
        self.books.rows[place_id] = place
        self._put(place_id, place.taken, place.ended, gone=False)

    def drop(self, place_id: str) -> None:
        """A place that never left."""
        self.books.drop(place_id)
        self._put(place_id, None, self.now, gone=True)

    def _put(self, place_id: str, taken: float | None, ended: float, *, gone: bool) -> None:
        self._last.append(
            "INSERT INTO quota_places (token, id, taken, ended, gone, seq) VALUES"
            f" ('{self._token}', '{place_id}', {_sql_of(taken)}, {_sql_of(ended)}, {gone}, {self._next()})"
            " ON CONFLICT (token, id) DO UPDATE SET taken = excluded.taken, ended = excluded.ended,"
            " gone = excluded.gone, seq = excluded.seq"
        )

    def keep_others(self, per: float, count: int) -> None:
        values = f"'{self._token}', {_sql_of(per)}, {_sql_of(self.now)}, {count}, {self._next()}"
        self._last.append(f"INSERT INTO quota_others VALUES ({values})")

    def keep_pause(self) -> None:
        pause = self.books.pause
        self._last.append(
            f"UPDATE quota_tokens SET until = {_sql_of(pause.until)}, step = {_sql_of(pause.step)},"
            f" proving = {pause.proving} WHERE token = '{self._token}'"
        )

    def tidy(self, longest: float) -> None:
        before = _sql_of(self.books.tidy(longest, self.now))
        for table in ("quota_places", "quota_others"):
            self._last.append(f"DELETE FROM {table} WHERE token = '{self._token}' AND ended <= {before}")

    def end(self) -> None:
        if self.seq != self._before:
            self._last.append(f"UPDATE quota_tokens SET seq = {self.seq} WHERE token = '{self._token}'")

    def _next(self) -> int:
        self.seq += 1
        return self.seq


def _sql_of(value: float | None) -> str:
    return "NULL" if value is None else f"'{value!r}'::float8"


def _next_rows(cursor: psycopg.Cursor[SqlRow]) -> list[SqlRow]:
    cursor.nextset()
    return cursor.fetchall()


def _head_of(row: SqlRow) -> _Head:
    names = _Head.__struct_fields__
    return msgspec.convert(dict(zip(names, row, strict=True)), _Head)


def _too_late(seconds: float) -> QuotaUnusable:
    return QuotaUnusable(f"the quota took longer than {seconds:g} s for one line: is its server gone?")
