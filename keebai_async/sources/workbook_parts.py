"""What a workbook says beside its values: which sheet is open, which rows are hidden, how cells are shown.

The reader of values does not tell these, so the XML of `.xlsx` is looked at here (that of `.ods` in
`opendocument.py`), in a stream. It comes from strangers: a document type, with which entities could be
declared, is refused.
"""

import itertools
import posixpath
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Final, NoReturn
from xml.parsers import expat

import msgspec

from keebai_async.sources.cell_formats import BUILT_IN, GENERAL

PART_BYTES: Final = 256 * 1024
BAD_PARTS: Final = (zipfile.BadZipFile, KeyError, ValueError, expat.ExpatError, NotImplementedError)
"""What reading the parts of a broken or strange file raises."""

_NO_SIZE: Final = frozenset({"0", "0.0"})

XmlAttributes = Mapping[str, str]


class RowLook(msgspec.Struct, gc=False):
    """Row *number* of a sheet: whether it is hidden, and by column from 0 what is said of the cells in it.

    *formats* are those of the cells, or *shown* are their texts; *errors* are the places of errors,
    *formulas* those of formulas, unless they give a text; *struck* says that a cell is crossed out.
    """

    number: int
    hidden: bool = False
    formats: dict[int, str] = {}
    errors: set[int] = set()
    formulas: set[int] = set()
    struck: bool = False
    shown: dict[int, str] = {}


class Parts:
    """The parts of one `.xlsx` (or `.xlsm`). Raises one of BAD_PARTS, as its methods do."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._sheets: list[tuple[str, str]] = []
        self._active = 0
        self.hidden_columns: set[int] = set()
        """Those of the sheet whose rows are read, by place from 0."""
        views = 0
        for name, attributes in self._elements("xl/workbook.xml"):
            if name == "sheet":
                self._sheets.append((attributes["name"], plain(attributes)["id"]))
            elif name == "workbookView" and not views:
                views = 1
                self._active = int(attributes.get("activeTab", "0"))

    @property
    def active(self) -> str | None:
        """The sheet that is shown when the file is opened."""
        return self._sheets[self._active][0] if 0 <= self._active < len(self._sheets) else None

    def rows(self, sheet: str) -> Iterator[RowLook]:
        """The rows of a sheet that have something to say, in order."""
        formats, struck = self._styles()
        number = column = 0
        kind = ""
        look: RowLook | None = None
        for name, attributes in self._elements(self._path(sheet), {"col", "row", "c", "f"}):
            if name == "col":
                if attributes.get("hidden") in {"1", "true"} or attributes.get("width") in _NO_SIZE:
                    self.hidden_columns.update(range(int(attributes["min"]) - 1, int(attributes["max"])))
            elif name == "row":
                if look is not None:
                    yield look
                number = int(attributes.get("r", number + 1))
                look = RowLook(number, _is_hidden(attributes))
                column = 0
            elif name == "f" and look is not None and kind == "n":
                look.formulas.add(column - 1)
            elif name == "c" and look is not None:
                reference = attributes.get("r")
                column = _column(reference) if reference else column + 1
                kind = attributes.get("t", "n")
                style = attributes.get("s", "0")
                look.struck = look.struck or style in struck
                code = formats.get(style)
                if code is not None and kind in {"n", "d"}:
                    look.formats[column - 1] = code
                elif kind == "e":
                    look.errors.add(column - 1)
        if look is not None:
            yield look

    def _path(self, sheet: str) -> str:
        key = dict(self._sheets)[sheet]
        for name, attributes in self._elements("xl/_rels/workbook.xml.rels"):
            if name == "Relationship" and attributes["Id"] == key:
                return posixpath.normpath(posixpath.join("/xl", attributes["Target"])).lstrip("/")
        raise KeyError(sheet)

    def _styles(self) -> tuple[dict[str, str], set[str]]:
        """The code of each style's format, but for those that show a value as it is; and which cross out."""
        if "xl/styles.xml" not in self._file.namelist():
            return {}, set()
        codes: dict[int, str] = dict(BUILT_IN)
        formats: dict[str, str] = {}
        crossing: set[int] = set()
        struck: set[str] = set()
        part, font, at = "", -1, itertools.count()
        for name, attributes in self._elements("xl/styles.xml"):
            if name == "numFmt" and part != "dxfs":
                codes[int(attributes["numFmtId"])] = attributes["formatCode"]
            elif name in {"fonts", "fills", "cellXfs", "cellStyles", "dxfs"}:
                part = name
            elif name == "font" and part == "fonts":
                font += 1
            elif name == "strike" and part == "fonts" and attributes.get("val") not in {"0", "false"}:
                crossing.add(font)
            elif name == "xf" and part == "cellXfs":
                style = str(next(at))
                formats[style] = codes.get(int(attributes.get("numFmtId", "0")), "")
                if int(attributes.get("fontId", "0")) in crossing:
                    struck.add(style)
        return {style: code for style, code in formats.items() if code.lower() not in GENERAL}, struck

    def _elements(self, path: str, wanted: set[str] | None = None) -> Iterator[tuple[str, XmlAttributes]]:
        with self._file.open(path) as part:
            yield from elements(part, wanted)


def elements(part: IO[bytes], wanted: set[str] | None = None) -> Iterator[tuple[str, XmlAttributes]]:
    """The *wanted* elements of an XML file, else all, as they begin."""
    found: list[tuple[str, XmlAttributes]] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if wanted is None or name in wanted:
            found.append((name, attributes))

    parser = safe_parser()
    parser.StartElementHandler = begin
    while data := part.read(PART_BYTES):
        parser.Parse(data, False)
        yield from found
        found.clear()
    parser.Parse(b"", True)
    yield from found


def safe_parser() -> expat.XMLParserType:
    """A parser that raises ValueError for a document type."""

    def refuse(*_: object) -> NoReturn:
        raise ValueError("it declares a document type")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    return parser


def _is_hidden(row: XmlAttributes) -> bool:
    """Whether a row is hidden, or has no height, as when it was made so by hand."""
    return row.get("hidden") in {"1", "true"} or row.get("ht") in _NO_SIZE


def plain(attributes: XmlAttributes) -> dict[str, str]:
    """Attributes without the prefixes of their names."""
    return {name.rpartition(":")[2]: value for name, value in attributes.items()}


def _column(reference: str) -> int:
    """The column of a cell: 28 for AB7."""
    column = 0
    for letter in reference.rstrip("0123456789"):
        column = column * 26 + ord(letter) - ord("A") + 1
    return column
