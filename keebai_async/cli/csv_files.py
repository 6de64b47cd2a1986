"""Files about people: for their owner only, whole or not at all, and tables safe in a spreadsheet."""

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from keebai_async.errors import InvalidInput
from keebai_async.sources.formula_guard import inert as inert

WriteRow = Callable[[Iterable[str]], None]


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
    """A text file in UTF-8 that takes its place, and an earlier one's, at the end.

    Raises:
        InvalidInput: it cannot be written there.
    """
    with private_bytes(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach()


@contextmanager
def private_bytes(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its place, and an earlier one's, at the end.

    Raises:
        InvalidInput: it cannot be written there.
    """
    _refuse_what_is_no_file(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=".keebai-", dir=path.resolve().parent)  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror or error}; choose another place") from error


def _refuse_what_is_no_file(path: Path) -> None:
    """A folder cannot be replaced, and a device must not be: `/dev/null` would be a file with people in it.

    Raises:
        InvalidInput: something else than a file is there.
    """
    if path.exists() and not path.is_file():
        what = "is a folder" if path.is_dir() else "is no file, such as a device or a pipe"
        raise InvalidInput(f"cannot write {path}: it {what}; choose another place")
