"""What a person sees in the sheet is what is sent, or it is said."""

import datetime
import decimal
import zipfile
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from keebai_async.sources import open_source
from keebai_async.sources.cell_formats import as_shown
from keebai_async.sources.sheet import cell_of
from keebai_async.sources.spelling import NotText
from tests.planning.made import PROMO, Made, planned
from tests.planning.workbook import workbook

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
        f"read is the sheet 'New' of {path}, rows 2 to 2; not its other sheets: 'Old'",
    )


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
async def test_a_hidden_sheet_is_not_read_unless_it_is_named(tmp_path: Path, state: str) -> None:
    path = two_sheets(tmp_path / "a.xlsx")
    changed(path, "xl/workbook.xml", ('name="Old"', f'name="Old" state="{state}"'))

    made = await planned(path)

    assert made.numbers == [ANA]
    assert "'Old' (hidden)" in made.plan.notes[0]
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
    (note,) = made.plan.notes
    assert note.startswith("1 rows of the sheet 'A' are hidden or filtered out, and were left out (row 3)")
    assert await numbers_of(path, hidden_rows=True) == [ANA, BRUNO]


async def test_a_document_type_in_a_workbook_is_not_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [ANA, "Ana", "1"]])
    changed(path, "xl/worksheets/sheet1.xml", ("<worksheet", '<!DOCTYPE a [<!ENTITY b "c">]><worksheet'))

    made = await planned(path)

    assert any("cannot be seen" in note for note in made.plan.notes)


async def formatted(path: Path, code: str, value: float) -> Made:
    workbook(path, A=[HEAD, [ANA, "Ana", value]])
    style = (
        f'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts><numFmt'
        f' numFmtId="170" formatCode="{code}"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="170"/>'
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
    assert made.plan.notes == ()


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
    assert len(made.plan.notes) == 1
    assert "the column saldo has" in made.plan.notes[0]
    assert made.plan.notes[0].endswith(f"in row 2 as {text}")


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
