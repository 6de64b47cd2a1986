"""From what the caller calls "people" to the Source that reads it."""

import io
import os
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from keebai_async.errors import InvalidInput, UnusableSource
from keebai_async.sources.block import Source
from keebai_async.sources.compressed import OPENERS, open_plain
from keebai_async.sources.delimited import Delimited
from keebai_async.sources.encodings import checked_encoding
from keebai_async.sources.excel import excel
from keebai_async.sources.frames import FRAME, frame_of
from keebai_async.sources.handed import Handed, HandedFile, is_handed
from keebai_async.sources.jsonlines import JsonLines
from keebai_async.sources.objects import AsyncItems, ItemsInLoop, ItemsInThread, tied_to_its_thread
from keebai_async.sources.parquet import parquet
from keebai_async.sources.query import QUERY, QueryRows
from keebai_async.sources.results import RESULT, rows_of_result
from keebai_async.sources.standard import StandardInput
from keebai_async.sources.tuples import check_names, named, named_later

PeopleLike = str | os.PathLike[str] | Iterable[object] | AsyncIterable[object] | HandedFile


def open_source(
    people: PeopleLike,
    *,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    hidden_rows: bool = False,
) -> Source:
    """Say how *people* are read: a path by its suffix, "-" for standard input, or rows the program has.

    A data frame of pandas or polars is its rows, and so are a table of pyarrow, a relation of DuckDB, a
    result of SQLAlchemy and a cursor of any database after its query. A file that is open, its bytes and an
    upload of a web framework are read as the file of their name, or as what they begin like. *columns* maps
    our names to those of the list: `{"to": "phone"}`; or it names the values of rows that are tuples, in
    their order. *delimiter* is that of a table that is text, *encoding* that of any text (or
    else found: UTF-8 or UTF-16), *sheet* one of a workbook (else the one that is shown), whose *hidden_rows*
    are read only if asked for. Nothing is opened before the first block is asked for.

    Raises:
        UnusableSource: the suffix is none we know, or *people* is no list of people.
        InvalidInput: there is no such encoding, or a file has neither sheets nor hidden rows; or *columns*
            are names for what has names of its own.
    """
    given: object = people  # whatever the signature says: a program may give anything
    if columns is not None and not isinstance(columns, Mapping):
        return _open_tuples(given, check_names(columns))
    renamed = dict(columns or {})
    if isinstance(given, str | os.PathLike):
        known = None if encoding is None else checked_encoding(encoding)
        asked = _Asked(delimiter=delimiter, encoding=known, sheet=sheet, hidden_rows=hidden_rows)
        return _file(os.fspath(given), renamed, asked)
    if is_handed(given):
        known = None if encoding is None else checked_encoding(encoding)
        asked = _Asked(delimiter=delimiter, encoding=known, sheet=sheet, hidden_rows=hidden_rows)
        open_path = partial(_file, columns=renamed, asked=asked)
        return Handed(given, columns=renamed, encoding=known, open_path=open_path)
    if isinstance(given, QueryRows):
        return ItemsInThread(given, columns=renamed, description=QUERY)
    # First: a relation of DuckDB has the methods of a data frame, too, and means something else by them.
    if (rows := rows_of_result(given)) is not None:
        if isinstance(rows, AsyncIterable):
            return AsyncItems(rows, columns=renamed)
        if tied_to_its_thread(given):
            return ItemsInLoop(rows, columns=renamed)
        return ItemsInThread(rows, columns=renamed, description=RESULT)
    if (frame := frame_of(given)) is not None:
        return ItemsInThread(frame.rows, columns=renamed, description=FRAME, header=frame.header)
    if isinstance(given, AsyncIterable):
        return AsyncItems(given, columns=renamed)
    if not isinstance(given, Iterable) or isinstance(given, Mapping):
        raise UnusableSource(
            f"people are a path, a file, or an iterable of dicts or Recipients, not a {type(given).__name__}"
        )
    if isinstance(given, list | tuple) or tied_to_its_thread(given):
        return ItemsInLoop(given, columns=renamed)
    return ItemsInThread(given, columns=renamed)


def _open_tuples(given: object, names: Sequence[str]) -> Source:
    """Rows that are tuples of values, which *names* name. Raises InvalidInput for what has names itself."""
    if isinstance(given, str | os.PathLike) or is_handed(given) or _has_columns(given):
        raise InvalidInput(
            "names in an order are for rows that are tuples: here, say which column holds what, as in"
            " {'to': 'phone'}",
            field="columns",
        )
    if isinstance(given, AsyncIterable):
        return AsyncItems(named_later(given, names), columns={})
    if not isinstance(given, Iterable) or isinstance(given, Mapping):
        raise UnusableSource(f"rows are an iterable of tuples, not a {type(given).__name__}")
    in_loop = isinstance(given, list | tuple) or tied_to_its_thread(given)
    return (ItemsInLoop if in_loop else ItemsInThread)(named(given, names), columns={})


def _has_columns(given: object) -> bool:
    return rows_of_result(given) is not None or frame_of(given) is not None


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller says of a file; None is to be found."""

    delimiter: str | None
    encoding: str | None
    sheet: str | None
    hidden_rows: bool

    def check_is_no_workbook(self, path: str) -> None:
        """Raises InvalidInput if something is asked of *path* that only a workbook has."""
        if self.sheet is not None:
            raise InvalidInput(
                f"{path} is no workbook and has no sheets: leave it out", field="sheet", value=self.sheet
            )
        if self.hidden_rows:
            raise InvalidInput(
                f"{path} is no workbook and has no hidden rows: leave it out", field="hidden_rows"
            )


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of people: where it is, how it is opened and unpacked, what the caller says of it."""

    path: str
    opener: Callable[[], io.BufferedIOBase]
    columns: Mapping[str, str]
    asked: _Asked


class FileFormat(NamedTuple):
    """What people call it, how its files end, how one is opened, and whether it may be compressed."""

    name: str
    suffixes: tuple[str, ...]
    open: Callable[[_File], Source]
    compressed: bool = True


def _delimited(file: _File) -> Source:
    return _table(file, file.asked.delimiter)


def _tabbed(file: _File) -> Source:
    return _table(file, file.asked.delimiter or "\t")


def _table(file: _File, delimiter: str | None) -> Source:
    return Delimited(
        file.opener, file.path, columns=file.columns, delimiter=delimiter, encoding=file.asked.encoding
    )


def _json_lines(file: _File) -> Source:
    return JsonLines(file.opener, file.path, columns=file.columns, encoding=file.asked.encoding)


def _parquet(file: _File) -> Source:
    return parquet(file.path, columns=file.columns)


def _excel(file: _File) -> Source:
    asked = file.asked
    return excel(file.path, columns=file.columns, sheet=asked.sheet, hidden_rows=asked.hidden_rows)


FORMATS: Final = (
    FileFormat("a CSV with a header", (".csv", ".txt", ""), _delimited),
    FileFormat("a CSV with a header", (".tsv",), _tabbed),
    FileFormat("JSON Lines", (".jsonl", ".ndjson", ".json"), _json_lines),
    FileFormat("Parquet", (".parquet",), _parquet, compressed=False),
    FileFormat("Excel", (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), _excel, compressed=False),
)
"""Every format there is: what is said of them to people follows from here."""


_OTHER_KINDS: Final = {
    ".zip": "packed (zip): unpack it, and give the file that is in it",
    ".rar": "packed (rar): unpack it, and give the file that is in it",
    ".7z": "packed (7z): unpack it, and give the file that is in it",
    ".numbers": "a spreadsheet of Apple's Numbers: export it as Excel (.xlsx) or CSV",
    ".gsheet": "a link to Google Sheets: download the sheet as .xlsx or .csv",
    ".vcf": "a file of contacts: export them as CSV",
    ".pdf": "a PDF, not a table: ask for the sheet it was made of, as .xlsx or .csv",
}
"""What people have lists in that we do not read, and what they can do."""


def format_names() -> str:
    """`a CSV with a header, JSON Lines, Parquet or Excel`."""
    return _listed(dict.fromkeys(each.name for each in FORMATS))


def _file(path: str, columns: Mapping[str, str], asked: _Asked) -> Source:
    if path == "-":
        asked.check_is_no_workbook("what comes from standard input")
        return StandardInput(columns=columns, delimiter=asked.delimiter, encoding=asked.encoding)
    ending = suffix = Path(path).suffix.lower()
    unpack = OPENERS.get(ending)
    if unpack is not None:
        suffix = Path(path).with_suffix("").suffix.lower()
        ending = suffix + ending
    for each in FORMATS:
        if suffix in each.suffixes and (each.compressed or unpack is None):
            opener = partial(unpack or open_plain, path)
            if each.open is not _excel:
                asked.check_is_no_workbook(path)
            return each.open(_File(path=path, opener=opener, columns=columns, asked=asked))
    if (told := _OTHER_KINDS.get(Path(path).suffix.lower())) is not None:
        raise UnusableSource(f"{path} is {told}")
    raise UnusableSource(f"{path}: a list of people ends in {_endings()}, not in {ending!r}")


def _endings() -> str:
    """`.csv, ... .json (also with .gz or .zst), .parquet ... or .ods`."""
    packed = [suffix for each in FORMATS if each.compressed for suffix in each.suffixes if suffix]
    plain = [suffix for each in FORMATS if not each.compressed for suffix in each.suffixes]
    packed[-1] += f" (also with {_listed(OPENERS)})"
    return _listed([*packed, *plain])


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
