"""A log as JSON Lines, or as a CSV for a spreadsheet; of any length, a page at a time."""

from collections.abc import AsyncIterable, Iterable
from pathlib import Path

import msgspec

from keebai_async.cli.csv_files import private_csv
from keebai_async.cli.figures import figure
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.output import say
from keebai_async.whautomate.log_summary import LogSummary, Tally
from keebai_async.whautomate.models import LogRow

_COLUMNS = (
    "name",
    "country_code",
    "phone",
    "status",
    "reply",
    "error",
    "meta_code",
    "advice",
    "created_at",
    "updated_at",
)


async def write_csv(rows: AsyncIterable[LogRow], path: Path) -> LogSummary:
    """Write *rows* to a file for its owner only, and count them. Raises InvalidInput."""
    tally = Tally()
    with private_csv(path) as write:
        write(_COLUMNS)
        async for row in rows:
            tally.add(row)
            write(_cells(row))
    return tally.summary()


def write_rows(rows: Iterable[LogRow], path: Path) -> None:
    """Write *rows* to a file for its owner only. Raises InvalidInput."""
    with private_csv(path) as write:
        write(_COLUMNS)
        for row in rows:
            write(_cells(row))


async def print_rows(rows: AsyncIterable[LogRow]) -> LogSummary:
    """Print *rows* in the service's own shape, a JSON object a line, with Meta's code if there is one."""
    tally = Tally()
    async for row in rows:
        tally.add(row)
        shown = msgspec.json.decode(msgspec.json.encode(row), type=dict[str, object])
        if row.meta_code is not None:
            shown["metaCode"] = row.meta_code
        emit(shown)
    return tally.summary()


def print_summary(summary: LogSummary) -> None:
    """As JSON on stdout."""
    emit(typed("log_summary", summary))


def say_summary(summary: LogSummary) -> None:
    """On stderr: how many reached which status, and for each reason of failure what to do about it."""
    statuses = ", ".join(
        f"{figure(count)} {status or 'without a status'}" for status, count in summary.by_status.items()
    )
    say(f"{figure(summary.rows)} rows: {statuses or 'none'}")
    for failure in summary.failures:
        code = failure.code or "no code"
        say(f"{failure.count:>9,} failed, {code}: {failure.about.meaning}; {failure.about.advice}")
        if failure.code is None or failure.about.meaning.startswith("not in"):
            say(f"{'':>11}{failure.example}")


def _cells(row: LogRow) -> tuple[str, ...]:
    code, failure = row.meta_code, row.failure
    return (
        row.recipient_name,
        row.country_code,
        row.phone,
        row.status,
        row.reply,
        row.error,
        "" if code is None else str(code),
        "" if failure is None else failure.advice,
        row.created_at or "",
        row.updated_at or "",
    )
