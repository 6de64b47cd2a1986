"""A workbook of one sheet, all of whose cells are text: as `.xlsx` a spreadsheet of every region opens it.

In a CSV, a spreadsheet guesses what is a number, a date or a formula, at which delimiter lines are cut, and
in which encoding; each guess depends on the settings of a computer. A cell of a workbook that is text and has
the format of text stays as it is, also when somebody types a number into it. The little that is needed of
the format is written here, row by row, so that a list of any length takes no memory.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, BinaryIO, Final

from keebai_async.errors import InvalidInput
from keebai_async.sources.formula_guard import inert_column

SHEET_ROWS: Final = 1_048_576
CELL_CHARACTERS: Final = 32_767
"""Characters that a spreadsheet takes in one cell."""

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET: Final = "xl/worksheets/sheet1.xml"
_XML_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS: Final = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/{_SHEET}" ContentType="{_KIND}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="people" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    # The second format of cells, 49, is text; the rest is there because spreadsheets ask for it.
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}">'
        '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
}
# What XML cannot hold, and what looks like the way in which it is written instead.
_ESCAPED: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_TO_BE_ESCAPED: Final = re.compile("[&<>]")
_CELL: Final = '<c t="inlineStr" s="1"><is><t xml:space="preserve">'
_CELL_END: Final = "</t></is></c>"


class WorkbookTable:
    """Writes rows to the sheet *file* of a workbook that is named *name*."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._rows = 0

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Write rows, given as columns.

        Raises:
            InvalidInput: there are more than a spreadsheet takes, or a cell has more characters.
        """
        cells = [list(map(self._written, inert_column(column, delimiter=None))) for column in columns]
        between = _CELL_END + _CELL
        rows = []
        for row in zip(*cells, strict=True):
            self._rows += 1
            rows.append(f'<row r="{self._rows}">{_CELL}{between.join(row)}{_CELL_END}</row>')
        if self._rows > SHEET_ROWS:
            raise InvalidInput(
                f"{self._name}: a spreadsheet takes {SHEET_ROWS - 1:,} people, there are more: write a .csv"
            )
        self._file.write("".join(rows).encode())

    def _written(self, cell: str) -> str:
        if len(cell) > CELL_CHARACTERS:
            raise InvalidInput(
                f"{self._name}: a cell of a spreadsheet holds {CELL_CHARACTERS:,} characters, one has more:"
                " write a .csv"
            )
        if _TO_BE_ESCAPED.search(cell):
            cell = cell.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return _ESCAPED.sub(_escape, cell)


@contextmanager
def workbook_table(file: BinaryIO, name: str) -> Iterator[WorkbookTable]:
    """A table in a workbook that is written to *file*; *name* names it to people."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for part, text in _PARTS.items():
            book.writestr(part, _XML_HEAD + text)
        with book.open(_SHEET, "w", force_zip64=True) as sheet:
            sheet.write(f'{_XML_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            yield WorkbookTable(sheet, name)
            sheet.write(b"</sheetData></worksheet>")


def _escape(found: re.Match[str]) -> str:
    return f"_x{ord(found[0]):04X}_"
