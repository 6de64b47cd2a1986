"""Who of a broadcast's log may be sent to again, by the code in the text of each failure."""

from collections.abc import AsyncIterable
from datetime import datetime

from keebai_async.model.chunk import ChunkState
from keebai_async.model.fates import Fate, PersonState
from keebai_async.model.retry import RetryAccount, RetryChoice, RetryTally, Sending, choose
from keebai_async.whautomate.models import LogRow, moment


class LogRetry:
    """Takes the rows of a log, and says who of them may be sent to again at the time *at* (Unix time).

    A person with another row that did not fail has it. A failure without a time counts as one of now.
    Those who failed are kept in memory, and of all others their numbers.
    """

    def __init__(self, *, at: float, now: float) -> None:
        self._at = at
        self._now = now
        self._failed: dict[str, list[LogRow]] = {}
        self._others: set[str] = set()

    async def read(self, rows: AsyncIterable[LogRow]) -> None:
        """Take all of *rows*."""
        async for row in rows:
            number = row.spellings[0] if row.spellings else row.phone
            if row.failed:
                self._failed.setdefault(number, []).append(row)
            else:
                self._others.add(number)

    def chosen(self) -> list[LogRow]:
        """Who may be sent to again, one row each, in the order of the log."""
        return [rows[-1] for rows, choice, _ in self._choices() if choice is RetryChoice.NOW]

    def account(self, broadcast_id: str, name: str) -> RetryAccount:
        """What follows for everybody who failed, by code."""
        tally = RetryTally()
        for _, choice, sendings in self._choices():
            tally.add(choice, sendings)
        return RetryAccount(of=broadcast_id, name=name, at=self._at, groups=tally.groups())

    def _choices(self) -> list[tuple[list[LogRow], RetryChoice, list[Sending]]]:
        found = []
        for number, rows in self._failed.items():
            sendings = [Sending(ChunkState.ACCEPTED, self._state(row)) for row in rows]
            choice = choose(sendings, at=self._at, again=True)
            if number in self._others:
                choice = RetryChoice.DELIVERED
            found.append((rows, choice, sendings))
        return found

    def _state(self, row: LogRow) -> PersonState:
        happened: datetime | None = moment(row.updated_at) or moment(row.created_at)
        at = self._now if happened is None else happened.timestamp()
        return PersonState(fate=Fate.FAILED, failed_at=max(1, int(at)), code=row.meta_code or 0)
