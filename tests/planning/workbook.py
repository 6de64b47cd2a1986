"""Workbooks of Excel and OpenDocument, written by hand: nothing to be installed writes them as small."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def workbook(path: Path, **sheets: list[list[str | float]]) -> Path:
    """A workbook as Excel would write it, with the little that a reader needs."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"

    def cell(value: str | float) -> str:
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        return f"<c><v>{value!r}</v></c>"

    def relation(number: int, kind: str, target: str) -> str:
        return f'<Relationship Id="r{number}" Type="{office}/{kind}" Target="{target}"/>'

    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships">'
            f"{relation(1, 'officeDocument', 'xl/workbook.xml')}</Relationships>",
        )
        names = "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1)
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{names}</sheets></workbook>',
        )
        targets = "".join(
            relation(n, "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{targets}</Relationships>',
        )
        for n, rows in enumerate(sheets.values(), 1):
            cells = "".join(
                f'<row r="{at}">{"".join(map(cell, row))}</row>' for at, row in enumerate(rows, 1) if row
            )
            book.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
            )
    return path


def ods(
    path: Path, sheets: Mapping[str, str], *, active: str | None = None, hidden: Sequence[str] = ()
) -> Path:
    """A workbook of OpenDocument, of the XML of each sheet's rows; *active* is shown when it is opened."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style", "config", "calcext", "manifest")
    )
    shown = {"off": "false", "on": "true"}
    properties = "".join(
        f'<style:style style:name="{name}" style:family="table">'
        f'<style:table-properties table:display="{display}"/></style:style>'
        for name, display in shown.items()
    )
    styles = f"<office:automatic-styles>{properties}</office:automatic-styles>"
    tables = "".join(
        f'<table:table table:name="{name}" table:style-name="{"off" if name in hidden else "on"}">{rows}'
        "</table:table>"
        for name, rows in sheets.items()
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", f"<manifest:manifest {spaces}/>")
        book.writestr(
            "content.xml",
            f"<office:document-content {spaces}>{styles}"
            f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
            "</office:document-content>",
        )
        if active is not None:
            book.writestr(
                "settings.xml",
                f"<office:document-settings {spaces}><office:settings><config:config-item config:name="
                f'"ActiveTable" config:type="string">{active}</config:config-item></office:settings>'
                "</office:document-settings>",
            )
    return path


def text_cell(text: str) -> str:
    """A cell of OpenDocument with a text."""
    return cell("string", "", text)


def cell(kind: str, attributes: str, shown: str) -> str:
    """A cell of OpenDocument that is *shown* so."""
    text = f"<text:p>{shown}</text:p>"
    return f'<table:table-cell office:value-type="{kind}" {attributes}>{text}</table:table-cell>'
