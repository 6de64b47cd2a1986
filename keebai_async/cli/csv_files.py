"""Files about people: for their owner only, whole or not at all, and tables safe in a spreadsheet."""

import csv
import enum
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.marks import MARK_KEY
from keebai_async.model.recipient import Recipient, Rejection

_ACTIVE = ("=", "+", "-", "@", "\t", "\r")

_RECIPIENTS = msgspec.json.Decoder(list[Recipient])

WriteRow = Callable[[Iterable[str]], None]


def inert(cell: str) -> str:
    """*cell* so that no spreadsheet takes it for a formula: an apostrophe before what could be one."""
    return f"'{cell}" if cell.startswith(_ACTIVE) else cell


@contextmanager
def private_csv(path: Path) -> Iterator[WriteRow]:
    """Give a function that writes one row. The file takes its place, and an earlier one's, at the end.

    Raises:
        InvalidInput: it cannot be written there.
    """
    with private_file(path) as file:
        writer = csv.writer(file)
        yield lambda cells: writer.writerow([inert(cell) for cell in cells])


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A text file that takes its place, and an earlier one's, at the end.

    Raises:
        InvalidInput: it cannot be written there.
    """
    try:
        handle, temporary = tempfile.mkstemp(prefix=".keebai-", dir=path.resolve().parent)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                yield file
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror or error}; choose another place") from error


_REJECTION_COLUMNS = ("row", "to", "field", "reason", "detail", "repeats_row")


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
        write([*_REJECTION_COLUMNS, *(f"original {column}" for column in columns)])
        async for rejection in rejections():
            write(_rejection_cells(rejection, columns))
            count += 1
    return count


def _rejection_cells(rejection: Rejection, columns: dict[str, None]) -> list[str]:
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


class PeopleGroup(enum.Enum):
    """People by what became of them. A chunk that is on its way has no answer yet."""

    REFUSED = frozenset({ChunkState.REFUSED})
    UNKNOWN = frozenset({ChunkState.UNKNOWN, ChunkState.SUBMITTING})
    UNSENT = frozenset({ChunkState.PLANNED})


async def write_people(path: Path, chunks: Callable[[], AsyncIterator[tuple[Chunk, bytes]]]) -> int:
    """Write everyone in *chunks*, with chunk, reason, variables and meta data; say how many.

    *chunks* gives each chunk with the JSON array of its people. It is called twice: once to learn the
    columns, once for the rows.

    Raises:
        InvalidInput: the file cannot be written there.
    """
    variables: dict[str, None] = {}
    meta: dict[str, None] = {}
    async for _, items in chunks():
        for person in _RECIPIENTS.decode(items):
            variables.update(dict.fromkeys(person.variables))
            meta.update(dict.fromkeys(person.meta_data))
    meta.pop(MARK_KEY, None)  # ours, and of this campaign only
    count = 0
    with private_csv(path) as write:
        write(["to", *variables, *(f"meta_{name}" for name in meta), "chunk", "reason"])
        async for chunk, items in chunks():
            for person in _RECIPIENTS.decode(items):
                write([*_person_cells(person, variables, meta), str(chunk.number), chunk.reason or ""])
                count += 1
    return count


def _person_cells(person: Recipient, variables: dict[str, None], meta: dict[str, None]) -> list[str]:
    return [
        person.to,
        *(person.variables.get(name, "") for name in variables),
        *(_text(person.meta_data.get(name, "")) for name in meta),
    ]


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
