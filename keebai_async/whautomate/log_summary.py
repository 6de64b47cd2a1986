"""A log of any length, counted by status and by failure, in bounded memory."""

from collections import Counter
from collections.abc import AsyncIterable
from typing import Final, Protocol

import msgspec

from keebai_async.model.meta_codes import MetaCode, about
from keebai_async.model.result import Result
from keebai_async.privacy import shown, without_numbers

MOST_KINDS: Final = 100
"""Different statuses, codes or texts that are counted apart; what comes later is counted together."""

OTHER: Final = "other"
_LONGEST_REASON = 120


class LoggedMessage(Protocol):
    """One row of a log: one person, and how far the message came."""

    @property
    def status(self) -> str: ...
    @property
    def failed(self) -> bool: ...
    @property
    def error(self) -> str: ...
    @property
    def meta_code(self) -> int | None: ...


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """How many failed for one reason. *example* is the service's own text, without numbers of people."""

    count: int
    about: MetaCode
    example: str

    @property
    def code(self) -> int | None:
        return self.about.code


class LogSummary(Result, frozen=True, kw_only=True):
    """All rows of a log, counted. *failures* are the most frequent first."""

    rows: int
    failed: int
    by_status: dict[str, int]
    failures: tuple[Failures, ...]


class Tally:
    """Takes rows one by one, and sums them up at any time."""

    def __init__(self) -> None:
        self._statuses: Counter[str] = Counter()
        self._failures: Counter[int | str] = Counter()
        self._examples: dict[int | str, str] = {}

    def add(self, row: LoggedMessage) -> None:
        """Count one row."""
        self._statuses[_kind(row.status.lower(), self._statuses)] += 1
        if not row.failed:
            return
        text = shown(without_numbers(row.error), longest=_LONGEST_REASON)
        # Without a code, the text is the reason; without numbers, so that equal reasons meet.
        kind = row.meta_code if row.meta_code is not None else _kind(text, self._failures)
        self._failures[kind] += 1
        self._examples.setdefault(kind, text)

    def summary(self) -> LogSummary:
        """What was counted until now."""
        return LogSummary(
            rows=self._statuses.total(),
            failed=self._failures.total(),
            by_status=dict(self._statuses.most_common()),
            failures=tuple(
                Failures(
                    count=count,
                    about=about(kind if isinstance(kind, int) else None),
                    example=self._examples[kind],
                )
                for kind, count in self._failures.most_common()
            ),
        )


async def summarize(rows: AsyncIterable[LoggedMessage]) -> LogSummary:
    """Read *rows* to their end, and count them. No row is kept."""
    tally = Tally()
    async for row in rows:
        tally.add(row)
    return tally.summary()


def _kind(text: str, counted: "Counter[int | str] | Counter[str]") -> str:
    return text if text in counted or len(counted) < MOST_KINDS else OTHER
