"""What a person sees in the sheet is what is sent, or it is said."""

import datetime
import decimal
import zipfile
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from keebai_async.errors import UnusableSource
from keebai_async.planning.plan import PlanOptions
from keebai_async.sources import open_source
from keebai_async.sources.cell_formats import as_shown
from keebai_async.sources.sheet import cell_of
from keebai_async.sources.spelling import NotText
from tests.planning.made import PROMO, Made, planned
from tests.planning.workbook import cell, ods, text_cell, workbook

ANA, BRUNO = "+5491100000001", "+5491100000002"
HEAD: list[str | float] = ["to", "nombre", "saldo"]
Cells = list[list[str | float]]


def changed(path: Path, part: str, *pairs: tuple[str, str], **parts: str) -> Path:
    """The workbook with texts of one part replaced, and other parts added."""
    with zipfile.ZipFile(path) as book:
        texts = {name: book.read(name).decode() for name in book.namelist()}
    for old, new in pairs:
        assert old in texts[part]
        texts[part] = texts[part].replace(old, new)
    with zipfile.ZipFile(path, "w") as book:
        for name, text in {**texts, **parts}.items():
            book.writestr(name, text)
    return path


def two_sheets(path: Path) -> Path:
    return workbook(path, Old=[HEAD, [BRUNO, "Bruno", "1"]], New=[HEAD, [ANA, "Ana", "2"]])


async def test_the_sheet_that_is_shown_is_read_and_the_plan_names_it(tmp_path: Path) -> None:
    path = two_sheets(tmp_path / "a.xlsx")
    changed(
        path, "xl/workbook.xml", ("<sheets>", '<bookViews><workbookView activeTab="1"/></bookViews><sheets>')
    )

    made = await planned(path)

    assert made.numbers == [ANA]
    assert made.plan.notes == (
        f"read is the sheet 'New' of {path}, rows 2 to 2",
        f"not read are the other sheets of {path}: 'Old'",
    )
    assert (made.plan.source, made.plan.sheet) == (str(path), "New")


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
async def test_a_hidden_sheet_is_not_read_unless_it_is_named(tmp_path: Path, state: str) -> None:
    path = two_sheets(tmp_path / "a.xlsx")
    changed(path, "xl/workbook.xml", ('name="Old"', f'name="Old" state="{state}"'))

    made = await planned(path)

    assert made.numbers == [ANA]
    assert "'Old' (hidden)" in made.plan.notes[1]
    assert await numbers_of(path, sheet="Old") == [BRUNO]


async def numbers_of(path: Path, *, sheet: str | None = None, hidden_rows: bool = False) -> list[str]:
    found: list[str] = []
    async for block in open_source(path, sheet=sheet, hidden_rows=hidden_rows).blocks():
        found.extend(block.column(0))  # type: ignore[union-attr]  # it is a table
    return found


async def test_hidden_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [ANA, "Ana", "1"], [BRUNO, "Bruno", "2"]])
    changed(path, "xl/worksheets/sheet1.xml", ('<row r="3">', '<row r="3" hidden="1">'))

    made = await planned(path)

    assert made.numbers == [ANA]
    assert made.plan.read == 1
    read, note = made.plan.notes
    assert read == f"read is the sheet 'A' of {path}, rows 2 to 2"
    assert note.startswith("1 row of the sheet 'A' is hidden or filtered out, and was left out (row 3)")
    assert await numbers_of(path, hidden_rows=True) == [ANA, BRUNO]


async def test_notes_are_there_also_when_the_plan_reads_no_further(tmp_path: Path) -> None:
    rows: Cells = [HEAD]
    rows += [[f"+54911{n:08}", "Ana", str(n)] for n in range(900)]
    path = workbook(tmp_path / "a.xlsx", A=rows, Old=[HEAD])
    changed(path, "xl/worksheets/sheet1.xml", ('<row r="3">', '<row r="3" hidden="1">'))

    made = await planned(path, options=PlanOptions(limit=2))

    assert (made.plan.first_row, made.plan.last_row, made.plan.read) == (2, 4, 2)
    assert [note.partition(",")[0] for note in made.plan.notes] == [
        f"read is the sheet 'A' of {path}",
        f"not read are the other sheets of {path}: 'Old'",
        "1 row of the sheet 'A' is hidden or filtered out",
    ]


async def test_the_rows_that_were_read_are_named_for_every_list(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("lista\nto,nombre,saldo\n\n" + "".join(f"+54911{n:08},Ana,1\n" for n in range(900)))

    plan = (await planned(path)).plan
    few = (await planned(path, options=PlanOptions(limit=10))).plan
    test = (await planned(path, options=PlanOptions(test_to=[BRUNO]))).plan

    assert (plan.source, plan.sheet, plan.first_row, plan.last_row) == (str(path), "", 4, 903)
    assert (few.first_row, few.last_row) == (4, 13)
    assert test.first_row == 4


async def test_a_title_above_the_header_of_a_sheet_is_passed_over_and_said(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[["Clientes"], [], ["al", 46096.0], HEAD, [ANA, "Ana", 1.5]])

    made = await planned(path)

    assert made.people == [{"to": ANA, "variables": {"nombre": "Ana", "saldo": "1.5"}}]
    assert f"row 4 of {path} is taken for its header; the 2 rows above it" in made.plan.notes[1]


async def test_a_hidden_column_is_read_and_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [ANA, "Ana", "1"]])
    hidden = '<cols><col min="3" max="16384" hidden="1"/></cols><sheetData>'
    changed(path, "xl/worksheets/sheet1.xml", ("<sheetData>", hidden))

    made = await planned(path)

    assert made.numbers == [ANA]
    assert made.plan.notes[1] == "hidden in the sheet 'A', and read all the same, are the columns saldo"


async def test_a_column_without_width_is_hidden(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [ANA, "Ana", "1"]])
    narrow = '<cols><col min="2" max="2" width="0"/></cols><sheetData>'
    changed(path, "xl/worksheets/sheet1.xml", ("<sheetData>", narrow))

    made = await planned(path)

    assert made.plan.notes[1] == "hidden in the sheet 'A', and read all the same, are the columns nombre"


async def test_a_place_for_digits_that_shows_no_zero_is_blank(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"

    assert (await formatted(path, "#", 7)).people[0]["variables"] == {"nombre": "Ana", "saldo": "7"}
    with pytest.raises(UnusableSource, match="1 blank variable"):
        await formatted(path, "#", 0)


async def test_a_comment_on_a_cell_of_an_open_document_is_not_its_text(tmp_path: Path) -> None:
    comment = "<office:annotation><text:p>llamar</text:p></office:annotation>"

    def commented(cell: str) -> str:
        return cell.replace("<text:p>", f"{comment}<text:p>", 1)

    head = "".join(map(text_cell, ("to", "nombre", "saldo")))
    number = cell("float", 'office:value="5491100000001"', ANA)
    date = cell("date", 'office:date-value="2026-03-15"', "15/03/2026")
    rows = [head, commented(number) + commented(text_cell("Ana")) + commented(date)]
    written = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)

    made = await planned(ods(tmp_path / "a.ods", {"A": written}))

    assert made.numbers == [ANA]
    assert made.people[0]["variables"] == {"nombre": "Ana", "saldo": "15/03/2026"}


async def test_rows_in_a_folded_group_of_an_open_document_are_hidden(tmp_path: Path) -> None:
    def row(*texts: str) -> str:
        return f"<table:table-row>{''.join(map(text_cell, texts))}</table:table-row>"

    folded = (
        f'<table:table-row-group table:display="false">{row(BRUNO, "Bruno", "1")}</table:table-row-group>'
    )
    opened = f"<table:table-row-group>{row(ANA, 'Ana', '1')}</table:table-row-group>"
    path = ods(tmp_path / "a.ods", {"A": row("to", "nombre", "saldo") + folded + opened})

    assert (await planned(path)).numbers == [ANA]


async def test_what_an_open_document_shows_for_true_is_sent_and_is_no_doubt(tmp_path: Path) -> None:
    head = "".join(map(text_cell, ("to", "nombre", "saldo")))
    row = text_cell(ANA) + text_cell("Ana") + cell("boolean", 'office:boolean-value="true"', "VERDADERO")
    written = "".join(f"<table:table-row>{each}</table:table-row>" for each in (head, row))

    made = await planned(ods(tmp_path / "a.ods", {"A": written}))

    assert made.people[0]["variables"] == {"nombre": "Ana", "saldo": "VERDADERO"}
    assert len(made.plan.notes) == 1  # which sheet it was


async def test_of_an_open_document_the_texts_are_sent_that_it_shows(tmp_path: Path) -> None:
    head = "".join(map(text_cell, ("to", "nombre", "saldo")))
    rows = [
        cell("percentage", 'office:value="0.155"', "15,5%"),
        cell("date", 'office:date-value="2026-03-15"', "15 de marzo de 2026"),
        cell("currency", 'office:value="1358.016"', "$ 1.358,02"),
        cell("float", 'office:value="123"', "00123"),
        cell("float", 'office:value="5491155550101"', "5,49E+12"),
        cell("float", 'office:value="646180110400000000"', "646180110400000000"),
        cell("string", 'calcext:value-type="error"', "#N/D"),
    ]
    lines = [text_cell(f"+5491100000{n:03}") + text_cell("Ana") + value for n, value in enumerate(rows)]
    written = "".join(f"<table:table-row>{line}</table:table-row>" for line in [head, *lines])
    path = ods(tmp_path / "a.ods", {"A": written})

    made = await planned(path)

    assert [one["variables"]["saldo"] for one in made.people] == [  # type: ignore[index]
        "15,5%",
        "15 de marzo de 2026",
        "$ 1.358,02",
        "00123",
        "5491155550101",
    ]
    assert made.reasons == [(7, "bad variable", "saldo"), (8, "bad variable", "saldo")]
    assert made.plan.notes == (f"read is the sheet 'A' of {path}, rows 2 to 8",)


@pytest.mark.parametrize("how", ["collapse", "filter"])
async def test_of_an_open_document_the_shown_sheet_is_read_without_what_is_hidden(
    tmp_path: Path, how: str
) -> None:
    def row(*texts: str, more: str = "") -> str:
        return f"<table:table-row{more}>{''.join(map(text_cell, texts))}</table:table-row>"

    head = row("to", "nombre", "saldo")
    hidden = f' table:visibility="{how}" table:number-rows-repeated="2"'
    first = '<table:table-column table:number-columns-repeated="2"/>'
    columns = f'{first}<table:table-column table:visibility="{how}"/>'
    new = columns + head + row(BRUNO, "Bruno", "1", more=hidden) + row(ANA, "Ana", "2")
    sheets = {"Old": head + row(BRUNO, "Bruno", "1"), "New": new, "Off": head}
    path = ods(tmp_path / "a.ods", sheets, active="New", hidden=["Off"])

    made = await planned(path)

    assert made.numbers == [ANA]
    assert made.plan.notes == (
        f"read is the sheet 'New' of {path}, rows 4 to 4",
        f"not read are the other sheets of {path}: 'Old', 'Off' (hidden)",
        "hidden in the sheet 'New', and read all the same, are the columns saldo",
        (
            "2 rows of the sheet 'New' are hidden or filtered out, and were left out (row 2, 3);"
            " --hidden-rows reads them, too"
        ),
    )
    assert await numbers_of(path, hidden_rows=True) == [BRUNO, BRUNO, ANA]


async def test_a_document_type_in_a_workbook_is_not_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [ANA, "Ana", "1"]])
    changed(path, "xl/worksheets/sheet1.xml", ("<worksheet", '<!DOCTYPE a [<!ENTITY b "c">]><worksheet'))

    made = await planned(path)

    assert any("cannot be seen" in note for note in made.plan.notes)


async def formatted(
    path: Path, code: str, value: float, *, rows: Cells | None = None, fonts: str = "", font: str = ""
) -> Made:
    """A plan of a sheet whose only number has a format, and a font of those given."""
    workbook(path, A=rows or [HEAD, [ANA, "Ana", value]])
    style = (
        f'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts><numFmt'
        f' numFmtId="170" formatCode="{code}"/></numFmts>{fonts}<cellXfs><xf numFmtId="0"/>'
        f'<xf numFmtId="170" {font}/>'
        "</cellXfs></styleSheet>"
    )
    relations = (
        '<Relationship Id="s" Target="styles.xml" Type='
        '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"/></Relationships>'
    )
    changed(path, "xl/_rels/workbook.xml.rels", ("</Relationships>", relations), **{"xl/styles.xml": style})
    changed(path, "xl/worksheets/sheet1.xml", ("<c><v>", '<c s="1"><v>'))
    return await planned(path)


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("00000", 123.0, "00123"),
        ("0%", 0.15, "15%"),
        ("0", 7.5, "8"),
        ("&quot;+549&quot;0", 1155550101.0, "+5491155550101"),
        ("+## # ## ####\\-####", 5491155550101.0, "+54 9 11 5555-0101"),
        ("(00) 0000-0000", 1155550101.0, "(11) 5555-0101"),
        ("00\\.000\\.000", 30123456.0, "30.123.456"),
        ("&quot;$&quot; 0", 1500.0, "$ 1500"),
        ("0 &quot;días&quot;_)", 7.0, "7 días"),
        ("00 0000", 12.0, "00 0012"),
        ("dd/mm/yyyy", 46096.0, "15/03/2026"),
        ("d-m-yy", 46096.0, "15-3-26"),
        ("dd/mm/yyyy hh:mm", 46096.4375, "15/03/2026 10:30"),
        ("hh:mm", 0.4375, "10:30"),
        ("[hh]:mm:ss", 1.0833333333333333, "26:00:00"),
    ],
)
async def test_a_format_that_reads_the_same_everywhere_is_applied(
    tmp_path: Path, code: str, value: float, text: str
) -> None:
    made = await formatted(tmp_path / "a.xlsx", code, value)

    assert made.people[0]["variables"] == {"nombre": "Ana", "saldo": text}
    assert len(made.plan.notes) == 1  # which sheet it was


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("#,##0.00", 1358.016, "1358.016"),
        ("0.0%", 0.155, "0.155"),
        ("d mmmm yyyy", 46096.0, "2026-03-15"),
        ("h:mm AM/PM", 46096.4375, "2026-03-15 10:30"),
    ],
)
async def test_any_other_format_is_named_with_an_example(
    tmp_path: Path, code: str, value: float, text: str
) -> None:
    made = await formatted(tmp_path / "a.xlsx", code, value)

    assert made.people[0]["variables"] == {"nombre": "Ana", "saldo": text}
    assert len(made.plan.notes) == 2
    assert "the column saldo has" in made.plan.notes[1]
    assert made.plan.notes[1].endswith(f"in row 2 as {text}")


async def test_a_number_whose_plus_is_in_its_format_is_the_one_that_is_seen(tmp_path: Path) -> None:
    rows: Cells = [["n", *HEAD], ["1", 3511234567.0, "Ana", "1"]]
    made = await formatted(tmp_path / "a.xlsx", "&quot;+57&quot;0", 3511234567.0, rows=rows)

    assert made.numbers == ["+573511234567"]


async def test_a_formula_without_its_result_is_rejected_as_one(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [ANA, "Ana", 1.0], [BRUNO, "Bruno", 7.0], [7.0, "C", "1"]])
    changed(path, "xl/worksheets/sheet1.xml", ("<v>7.0</v>", "<f>1+1</f><v></v>"))

    made = await planned(path)

    assert made.reasons == [(3, "bad variable", "saldo"), (4, "bad number", "to")]
    assert all("a formula whose result is not in the file" in one.detail for one in made.rejections)


async def test_rows_without_height_are_hidden_and_rows_crossed_out_are_said(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [ANA, "Ana", "1"], [BRUNO, "Bruno", 2.0]])
    changed(path, "xl/worksheets/sheet1.xml", ('<row r="2">', '<row r="2" ht="0" customHeight="1">'))

    made = await planned(path)

    assert made.numbers == [BRUNO]
    assert "1 row of the sheet 'A' is hidden" in made.plan.notes[1]

    fonts = "<fonts><font/><font><strike/></font></fonts>"
    made = await formatted(tmp_path / "b.xlsx", "0", 7.0, fonts=fonts, font='fontId="1"')
    assert made.numbers == [ANA]
    assert made.plan.notes[1] == "1 row of the sheet 'A' is crossed out, and read all the same (row 2)"
    fonts = '<fonts><font/><font><strike val="0"/></font></fonts><dxfs><font><strike/></font></dxfs>'
    made = await formatted(tmp_path / "c.xlsx", "0", 7.0, fonts=fonts, font='fontId="1"')
    assert len(made.plan.notes) == 1


async def test_true_and_false_are_named_because_a_sheet_shows_them_in_its_language(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [ANA, "Ana", 1.0]])
    changed(path, "xl/worksheets/sheet1.xml", ("<c><v>1.0</v>", '<c t="b"><v>1</v>'))

    made = await planned(path)

    assert made.people[0]["variables"] == {"nombre": "Ana", "saldo": "true"}
    assert "the column saldo has TRUE or FALSE" in made.plan.notes[1]
    assert made.plan.notes[1].endswith("sent is true, as in row 2")


async def test_an_empty_sheet_that_is_shown_names_the_others(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", Hoja1=[], Datos=[HEAD, [ANA, "Ana", "1"]])

    with pytest.raises(UnusableSource, match=r"the sheet 'Hoja1' of .* holds nobody.*'Datos': --sheet"):
        await planned(path)


async def test_a_cell_that_is_an_error_is_rejected_as_one(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [ANA, "Ana", 1.0], [BRUNO, "Bruno", 7.0]])
    changed(path, "xl/worksheets/sheet1.xml", ("<c><v>7.0</v>", '<c t="e"><v>#N/A</v>'))

    made = await planned(path)

    assert made.reasons == [(3, "bad variable", "saldo")]
    assert "an error of the sheet" in made.rejections[0].detail


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (-0.0, "0"),
        (1e-7, "0.0000001"),
        (float("nan"), ""),
        (decimal.Decimal("0E-9"), "0"),
        (decimal.Decimal("1500.500000000"), "1500.5"),
        (decimal.Decimal("12.50"), "12.50"),
        (datetime.datetime(2026, 3, 15, 10, 30), "2026-03-15 10:30"),  # noqa: DTZ001
        (datetime.time(10, 30, 5), "10:30:05"),
        (datetime.timedelta(days=1, hours=2), "26:00"),
    ],
)
def test_a_value_has_the_spelling_of_people(value: object, text: str) -> None:
    assert cell_of(value) == text


@pytest.mark.parametrize(
    "value", [6.461801104e17, 7790000000000002.0, float("inf"), b"x", {"a": 1}, ["a"], (1,), {1}]
)
def test_what_cannot_be_said_exactly_is_no_text(value: object) -> None:
    assert isinstance(cell_of(value), NotText)


async def test_nested_values_of_parquet_are_rejected_where_they_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = {"to": [ANA, BRUNO], "nombre": ["Ana", "Bruno"], "saldo": [["1"], None], "x": [b"a", b"b"]}
    pq.write_table(pa.table(rows), path)
    with_text = pa.table({**rows, "saldo": ["1", "2"]})
    pq.write_table(with_text, tmp_path / "b.parquet")

    made = await planned(tmp_path / "b.parquet")

    assert made.numbers == [ANA, BRUNO]
    bad = await planned(
        path, PROMO.__class__(name="p", language="es", status="APPROVED", variables=("nombre",))
    )
    assert bad.numbers == [ANA, BRUNO]


def test_a_format_of_another_kind_of_value_is_not_applied() -> None:
    assert as_shown(datetime.time(1), "dd/mm/yyyy") is None
    assert as_shown(True, "0") is None
    assert as_shown(-1.0, "000") is None
    for code in ("# ?/?", "0E+0", ";;;", "0.0", "[<=9999999]000-0000;(000) 000-0000", "0 %", "#,##0"):
        assert as_shown(12.0, code) is None
    assert as_shown(0.0, '0;-0;"nada"') is None
