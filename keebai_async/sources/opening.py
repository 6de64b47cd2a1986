"""From what the caller calls "people" to the Source that reads it."""

import io
import os
import sys
from collections.abc import AsyncIterable, Iterable, Mapping
from pathlib import Path

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import Source
from keebai_async.sources.delimited import Delimited
from keebai_async.sources.jsonlines import JsonLines
from keebai_async.sources.objects import Awaited, Held, Pulled, tied_to_its_thread
from keebai_async.sources.pieces import Opener

People = str | os.PathLike[str] | Iterable[object] | AsyncIterable[object]


def open_source(
    people: People, *, columns: Mapping[str, str] | None = None, delimiter: str | None = None
) -> Source:
    """Say how *people* are read: a path by its suffix, "-" for standard input, or rows the program has.

    *columns* maps our names to those of the list: `{"to": "phone"}`. Nothing is opened before the first
    block is asked for.

    Raises:
        UnusableSource: the suffix is none we know, or *people* is no list of people.
    """
    given: object = people  # whatever the signature says: a program may give anything
    renamed = dict(columns or {})
    if isinstance(given, str | os.PathLike):
        return _file(os.fspath(given), renamed, delimiter)
    if isinstance(given, AsyncIterable):
        return Awaited(given, columns=renamed)
    if not isinstance(given, Iterable) or isinstance(given, bytes | Mapping):
        raise UnusableSource(
            f"people are a path, or an iterable of dicts or Recipients, not a {type(given).__name__}"
        )
    if isinstance(given, list | tuple) or tied_to_its_thread(given):
        return Held(given, columns=renamed)
    return Pulled(given, columns=renamed)


def _file(path: str, columns: Mapping[str, str], delimiter: str | None) -> Source:
    open_file, suffix = _opener(path)
    name = "standard input" if path == "-" else path
    match suffix:
        case ".csv" | ".txt" | "":
            return Delimited(open_file, name, columns=columns, delimiter=delimiter)
        case ".tsv":
            return Delimited(open_file, name, columns=columns, delimiter=delimiter or "\t")
        case ".jsonl" | ".ndjson" | ".json":
            return JsonLines(open_file, name, columns=columns)
    raise UnusableSource(f"{path}: a list of people ends in .csv, .tsv, .jsonl or .ndjson, not in {suffix!r}")


def _opener(path: str) -> tuple[Opener, str]:
    if path == "-":
        return _stdin, ".csv"
    return lambda: Path(path).open("rb"), Path(path).suffix.lower()


def _stdin() -> io.BufferedIOBase:
    return open(sys.stdin.fileno(), "rb", closefd=False)
