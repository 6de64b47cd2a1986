"""The outbox of a journal: single messages that are sent once, and who is sending each of them."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from msgspec.structs import replace

from keebai_async.clock import Clock
from keebai_async.errors import ForbiddenMove, InvalidInput, JournalUnusable, Misused
from keebai_async.journal.tables import Database, OutboxRow, Tables
from keebai_async.journal.transactions import Transactions
from keebai_async.model import outbox
from keebai_async.model.chunk import ChunkState
from keebai_async.model.lost import NO_ANSWER_WRITTEN, NOT_SEEN_TO_END
from keebai_async.model.outbox import (
    MessageLost,
    MessageNotTaken,
    MessageOutcome,
    MessageTaken,
    OutboxMessage,
    message_id,
)
from keebai_async.storage.process import seen_alive, this_process
from keebai_async.storage.safety import Safe

_UNDER_WAY: Final[set[str]] = set()
"""The ids of all attempts that this process makes just now: one that is over here is over for good."""


_UNWRITTEN: Final[dict[str, MessageTaken | MessageNotTaken]] = {}
"""What is certain of attempts of this process and no journal took while it was held, by their ids."""

_NOT_WRITTEN_IN_TIME: Final = MessageNotTaken(reason="its intent was written too late, so nothing left")


class OutboxTables(Protocol):
    """The outbox, as what sends uses it. Raises what a Journal raises."""

    async def find(self, key: str) -> OutboxMessage | None:
        """The message of *key*. One whose sender died on the way is unknown from now on."""
        ...

    async def begin(self, message: OutboxMessage, *, seconds: float) -> tuple[OutboxMessage, str | None]:
        """Put the intent to send *message* on disk, and give the id of the attempt.

        The id is None, and the message is as it stands, if there is one of its key that may not be sent now.
        *seconds* is how long the attempt may take; on another machine it counts as lost some time after that.

        Raises InvalidInput if its key was used for another message.
        """
        ...

    async def end(self, key: str, attempt: str, outcome: MessageOutcome) -> OutboxMessage:
        """Put what became of an attempt on disk."""
        ...

    def over(self, attempt: str) -> None:
        """Nothing is done for an attempt any more: without an outcome on disk it is unknown from now on."""

    async def settle(
        self, key: str, change: Callable[[OutboxMessage], OutboxMessage]
    ) -> OutboxMessage | None:
        """Change a message by a person's word; None if there is none of this key."""
        ...

    async def messages(self, state: ChunkState, *, limit: int) -> list[OutboxMessage]:
        """The newest messages in this state, at most *limit* of them."""
        ...

    async def purge(self, *, before: float) -> int:
        """Forget the messages made before this Unix time that are settled; gives how many."""
        ...


class StoredOutbox:
    """The outbox over the tables of a journal. *clock* gives the times that are written down."""

    def __init__(self, transactions: Transactions, database: Database, *, clock: Clock) -> None:
        self._transactions = transactions
        self._database = database
        self._clock = clock
        self._process = this_process()

    async def find(self, key: str) -> OutboxMessage | None:
        row, over = await self._transactions.read(partial(self._look, key))
        if over:
            row = await self._transactions.write(partial(self._lose_if_over, key))
        return None if row is None else row.message

    async def begin(self, message: OutboxMessage, *, seconds: float) -> tuple[OutboxMessage, str | None]:
        attempt = secrets.token_hex(8)
        _UNDER_WAY.add(attempt)  # before it is on disk, where another task may see it
        begun = False
        try:
            # Safe from copying, as the intent of a chunk is: a copy must know whom it would message again.
            work = partial(self._begin, message, attempt, seconds)
            row, begun = await self._transactions.write(work, safe=Safe.FROM_COPYING)
        except JournalUnusable:
            # It may be there all the same, or come there when a disk that hung is back.
            _UNWRITTEN[attempt] = _NOT_WRITTEN_IN_TIME
            self._transactions.hand_over(partial(self._lose_if_over, message.key), safe=Safe.FROM_POWER_CUTS)
            raise
        finally:
            if not begun:
                _UNDER_WAY.discard(attempt)
        return row.message, attempt if begun else None

    async def end(self, key: str, attempt: str, outcome: MessageOutcome) -> OutboxMessage:
        def work(tables: Tables) -> OutboxMessage:
            row = _row(tables, key)
            if row is None:
                raise Misused(f"there is no message {key!r}")
            if row.attempt_id == attempt:  # else a later one decides
                row = replace(row, message=outbox.ended(row.message, outcome, at=self._clock.wall()))
                tables.update(row)
            return row.message

        try:
            after = await self._transactions.write(work)
        except JournalUnusable:
            if not isinstance(outcome, MessageLost):
                _UNWRITTEN[attempt] = outcome
            raise
        except ForbiddenMove as error:
            raise Misused(f"the message {key!r} cannot end so: {error}") from error
        _UNWRITTEN.pop(attempt, None)
        return after

    def over(self, attempt: str) -> None:
        _UNDER_WAY.discard(attempt)

    async def settle(
        self, key: str, change: Callable[[OutboxMessage], OutboxMessage]
    ) -> OutboxMessage | None:
        def work(tables: Tables) -> OutboxMessage | None:
            row = self._lose_if_over(key, tables)
            if row is None:
                return None
            row = replace(row, message=change(row.message))
            tables.update(row)
            return row.message

        return await self._transactions.write(work)

    async def messages(self, state: ChunkState, *, limit: int) -> list[OutboxMessage]:
        def work(tables: Tables) -> list[OutboxMessage]:
            return [row.message for row in tables.outbox(state, limit=limit)]

        return await self._transactions.read(work)

    async def purge(self, *, before: float) -> int:
        def work(tables: Tables) -> int:
            old = [
                row
                for state in (ChunkState.ACCEPTED, ChunkState.ABANDONED)
                for row in tables.outbox(state, before=before, limit=_AT_ONCE)
            ]
            for row in old:
                tables.delete(OutboxRow, row.campaign_id)
            return len(old)

        forgotten = 0
        while batch := await self._transactions.write(work):
            forgotten += batch
        if forgotten:
            await self._transactions.shred()
        return forgotten

    # Inside of a transaction

    def _look(self, key: str, tables: Tables) -> tuple[OutboxRow | None, bool]:
        row = _row(tables, key)
        return row, row is not None and self._is_over(row, tables)

    def _lose_if_over(self, key: str, tables: Tables) -> OutboxRow | None:
        row = _row(tables, key)
        if row is None or not self._is_over(row, tables):
            return row
        if (outcome := _UNWRITTEN.get(row.attempt_id)) is not None:
            row = replace(row, message=outbox.ended(row.message, outcome, at=self._clock.wall()))
            tables.update(row)
            return row
        ours = row.process == self._process
        ended = ours or (row.process is not None and seen_alive(row.process) is False)
        reason = NO_ANSWER_WRITTEN if ended else NOT_SEEN_TO_END
        row = replace(row, message=outbox.lost(row.message, reason, at=self._clock.wall()))
        tables.update(row)
        return row

    def _is_over(self, row: OutboxRow, tables: Tables) -> bool:
        """Whether it is on its way, and nobody is left who could say what became of it; or it is known here.

        Then it may be unknown by now, because another process took this one for dead; or somebody had it sent
        again, which nobody has done yet.
        """
        known = None if row.attempt_id in _UNDER_WAY else _UNWRITTEN.get(row.attempt_id)
        match row.message.state:
            case ChunkState.UNKNOWN:
                return known is not None
            case ChunkState.PLANNED:
                return isinstance(known, MessageTaken)
        if row.message.state is not ChunkState.SUBMITTING or row.process is None:
            return False
        if (row.process.pid, row.process.born, row.process.place) == (
            self._process.pid,
            self._process.born,
            self._process.place,
        ):
            return row.attempt_id not in _UNDER_WAY
        return not self._database.alive(row.process, silent_for=max(0.0, tables.now() - row.due))

    def _begin(
        self, message: OutboxMessage, attempt: str, seconds: float, tables: Tables
    ) -> tuple[OutboxRow, bool]:
        row = self._lose_if_over(message.key, tables)
        if row is None:
            row = OutboxRow(campaign_id=message_id(message.key), message=message)
            tables.insert(row)
        check_same(row.message, message)
        if row.message.state is not ChunkState.PLANNED:
            return row, False
        row = replace(
            row,
            message=outbox.begun(row.message, at=self._clock.wall()),
            attempt_id=attempt,
            process=self._process,
            due=tables.now() + seconds,
        )
        tables.update(row)
        return row, True


_AT_ONCE: Final = 1_000
"""Messages that are forgotten in one transaction."""


def check_same(kept: OutboxMessage, given: OutboxMessage) -> None:
    """Raises InvalidInput if the key of *kept* is used for another message."""
    if kept.fingerprint != given.fingerprint:
        raise InvalidInput(
            f"the key {kept.key!r} was used for {kept.what} to {kept.to}, which is not the same message:"
            " a key stands for one message",
            field="once",
            value=kept.key,
        )


def _row(tables: Tables, key: str) -> OutboxRow | None:
    return tables.get(OutboxRow, message_id(key))
