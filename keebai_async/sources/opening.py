"""From what the caller calls "people" to the Source that reads it."""

import os
from collections.abc import AsyncIterable, Iterable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from keebai_async.errors import UnusableSource
from keebai_async.sources.block import Source
from keebai_async.sources.compressed import OPENERS, open_plain
from keebai_async.sources.delimited import Delimited
from keebai_async.sources.encodings import checked_encoding
from keebai_async.sources.excel import excel
from keebai_async.sources.frames import rows_of_frame
from keebai_async.sources.jsonlines import JsonLines
from keebai_async.sources.objects import AsyncItems, ItemsInLoop, ItemsInThread, tied_to_its_thread
from keebai_async.sources.parquet import parquet
from keebai_async.sources.standard import StandardInput

PeopleLike = str | os.PathLike[str] | Iterable[object] | AsyncIterable[object]


def open_source(
    people: PeopleLike,
    *,
    columns: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    hidden_rows: bool = False,
) -> Source:
    """Say how *people* are read: a path by its suffix, "-" for standard input, or rows the program has.

    A data frame of pandas or polars is its rows. *columns* maps our names to those of the list:
    `{"to": "phone"}`. *delimiter* is that of a table that is text, *encoding* that of any text (else found,
    and UTF-8 or UTF-16), *sheet* one of a workbook (else the one that is shown), whose *hidden_rows* are read
    only if asked for. Nothing is opened before the first block is asked for.

    Raises:
        UnusableSource: the suffix is none we know, or *people* is no list of people.
        InvalidInput: there is no such encoding.
    """
    given: object = people  # whatever the signature says: a program may give anything
    renamed = dict(columns or {})
    if isinstance(given, str | os.PathLike):
        known = None if encoding is None else checked_encoding(encoding)
        asked = _Asked(delimiter=delimiter, encoding=known, sheet=sheet, hidden_rows=hidden_rows)
        return _file(os.fspath(given), renamed, asked)
    if (rows := rows_of_frame(given)) is not None:
        return ItemsInThread(rows, columns=renamed)
    if isinstance(given, AsyncIterable):
        return AsyncItems(given, columns=renamed)
    if not isinstance(given, Iterable) or isinstance(given, bytes | Mapping):
        raise UnusableSource(
            f"people are a path, or an iterable of dicts or Recipients, not a {type(given).__name__}"
        )
    if isinstance(given, list | tuple) or tied_to_its_thread(given):
        return ItemsInLoop(given, columns=renamed)
    return ItemsInThread(given, columns=renamed)


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller says of a file; None is to be found."""

    delimiter: str | None
    encoding: str | None
    sheet: str | None
    hidden_rows: bool


def _file(path: str, columns: Mapping[str, str], asked: _Asked) -> Source:
    delimiter, encoding = asked.delimiter, asked.encoding
    if path == "-":
        return StandardInput(columns=columns, delimiter=delimiter, encoding=encoding)
    suffix = Path(path).suffix.lower()
    open_file = OPENERS.get(suffix)
    if open_file is not None:
        suffix = Path(path).with_suffix("").suffix.lower()
    opener = partial(open_file or open_plain, path)
    match suffix:
        case ".csv" | ".txt" | "":
            return Delimited(opener, path, columns=columns, delimiter=delimiter, encoding=encoding)
        case ".tsv":
            return Delimited(opener, path, columns=columns, delimiter=delimiter or "\t", encoding=encoding)
        case ".jsonl" | ".ndjson" | ".json":
            return JsonLines(opener, path, columns=columns, encoding=encoding)
        case ".parquet" if open_file is None:
            return parquet(path, columns=columns)
        case ".xlsx" | ".xlsm" | ".xls" | ".xlsb" | ".ods" if open_file is None:
            return excel(path, columns=columns, sheet=asked.sheet, hidden_rows=asked.hidden_rows)
    raise UnusableSource(
        f"{path}: a list of people ends in .csv, .tsv, .jsonl, .ndjson (also with .gz or .zst), .parquet or"
        f" .xlsx, not in {suffix!r}"
    )
