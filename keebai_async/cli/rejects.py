"""The rows that were not sent, with the reason of each, as a file."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from keebai_async.cli.csv_files import private_csv
from keebai_async.model.recipient import Rejection

_HEAD = ("row", "to", "field", "reason", "detail", "repeats_row")


async def write_rejects(path: Path, rejections: Callable[[], AsyncIterator[Rejection]]) -> int:
    """Write every rejection to *path*, and say how many.

    *rejections* is called twice: once to learn the columns, once for the rows.

    Raises:
        InvalidInput: the file cannot be written there.
    """
    columns: dict[str, None] = {}
    async for rejection in rejections():
        columns.update(dict.fromkeys(rejection.columns))
    count = 0
    with private_csv(path) as write:
        write([*_HEAD, *(f"original {column}" for column in columns)])
        async for rejection in rejections():
            write(_cells(rejection, columns))
            count += 1
    return count


def _cells(rejection: Rejection, columns: dict[str, None]) -> list[str]:
    repeats = "" if rejection.repeats_row is None else str(rejection.repeats_row)
    return [
        str(rejection.row),
        rejection.to,
        rejection.field,
        rejection.reason.value,
        rejection.detail,
        repeats,
        *(rejection.columns.get(column, "") for column in columns),
    ]
