"""What we write, we read back: people and rejected rows, in every form, whatever text is in them."""

import csv
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from keebai_async.cli.people_files import write_people, write_rejects
from keebai_async.errors import InvalidInput, UnusableSource
from keebai_async.model import own_columns as own
from keebai_async.model.chunk import Chunk
from keebai_async.model.recipient import Rejection
from keebai_async.planning.plan import PlanOptions
from keebai_async.sources.formula_guard import inert, inert_column, unguarded
from tests.planning.made import Made, flat, person, planned

TABLES = ("people.csv", "people.tsv", "people.xlsx", "excel people.csv")
FORMS = (*TABLES, "people.jsonl")
ANYTHING = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

marks = st.text("'=+-@;,|\"\t\r\n0123456789 x", max_size=8)
texts = st.one_of(st.text(max_size=12), marks)


async def people_again(made: Made, path: Path) -> Made:
    """Plan what an export of all people of a plan holds."""

    async def chunks() -> AsyncIterator[tuple[Chunk, bytes]]:
        for number, chunk in enumerate(made.chunks, start=1):
            yield Chunk(number=number, recipients=len(chunk)), msgspec.json.encode(chunk)

    assert await write_people(path, chunks, excel=path.name.startswith("excel")) == len(made.people)
    return await planned(str(path))


async def rejects_again(made: Made, path: Path, fixed: Mapping[int, Mapping[str, str]]) -> Made:
    """Plan the file of rejects, after the cells of some rows (by their number) were *fixed*."""

    async def rejections() -> AsyncIterator[Rejection]:
        for each in made.rejections:
            cells = {**(each.cells or each.columns), **fixed.get(each.row, {})}
            yield msgspec.structs.replace(each, cells=cells)

    written = await write_rejects(path, rejections, excel=path.name.startswith("excel"))
    assert written == len(made.rejections)
    return await planned(str(path))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", None])
@pytest.mark.parametrize("digits", [False, True])
@given(cells=st.lists(texts, min_size=1))
@example(cells=["x;=1+1", "'=1", "''+5", "'0012", "0012", "5491155550101", "a,'-b", "\t=x", "+1", "a\n+b"])
def test_a_cell_that_was_made_inert_is_given_back(
    cells: list[str], delimiter: str | None, digits: bool
) -> None:
    written = list(inert_column(cells, delimiter=delimiter, digits=digits))

    assert list(map(unguarded, written)) == cells
    assert written == [inert(cell, delimiter=delimiter, digits=digits) for cell in cells]


@pytest.mark.parametrize("form", FORMS)
@ANYTHING
@given(values=st.lists(st.tuples(texts, texts, texts.filter(lambda text: "\0" not in text)), max_size=6))
@example(values=[("=1+1", "@ana", "-20%"), ("x;=1", "'0012", "a\n=b"), ("a;b", '"', "\r\n")])
async def test_people_of_an_export_are_planned_with_the_same_values(
    tmp_path: Path, form: str, values: list[tuple[str, str, str]]
) -> None:
    rows = [
        person(number, nombre=nombre, saldo=saldo) | {"meta_data": {"pedido": order, "ñ": "1"}}
        for number, (nombre, saldo, order) in enumerate(values, start=1)
    ]
    made = await planned([*rows, person(99) | {"meta_data": {"pedido": "", "ñ": "=2"}}])

    again = await people_again(made, tmp_path / form)

    assert again.people == made.people
    assert again.plan.fingerprint == made.plan.fingerprint
    assert again.plan.ignored_columns == ()


JSON = st.one_of(texts, st.none(), st.integers(), st.lists(texts, max_size=2), st.dictionaries(texts, texts))
BAD_NUMBERS = st.one_of(
    st.sampled_from(["", "12", "+549115555010\u00b9", "011 15-5555-0101", "5.49E+12"]), texts
)


def spoiled(number: int) -> st.SearchStrategy[dict[str, object]]:
    """Somebody with something wrong, or not."""
    right = person(number)
    return st.one_of(
        st.builds(lambda to: right | {"to": to}, BAD_NUMBERS),
        st.builds(lambda value: person(number, nombre=value), JSON),
        st.builds(lambda value: person(number, sobra=value), texts.filter(str.strip)),
        st.builds(lambda value: right | {"variables": {"nombre": value}}, JSON),
        st.builds(lambda value: right | {"meta_data": value}, st.one_of(JSON, st.just({1: b"x"}))),
        st.builds(lambda value: flat(number) | {"saldo": value}, JSON),
        st.builds(lambda value: flat(number) | {"otra": value, "meta_x": "=1"}, JSON),
        st.just(person(1)),
        st.just(right),
    )


@pytest.mark.parametrize("form", TABLES)
@ANYTHING
@given(rows=st.tuples(*map(spoiled, range(2, 7))))
async def test_rejected_rows_that_nobody_fixed_are_rejected_again_for_the_same_reason(
    tmp_path: Path, form: str, rows: tuple[dict[str, object], ...]
) -> None:
    made = await planned([person(1), *rows, person(9, nombre="")])

    again = await rejects_again(made, tmp_path / form, {7: {"nombre": "Ana"}})

    assert [one["to"] for one in again.people] == [person(9)["to"]]
    assert [reason for _, *reason in again.reasons] == [reason for _, *reason in made.reasons[:-1]]
    assert again.plan.ignored_columns == () or set(again.plan.ignored_columns).isdisjoint(own.OWN_COLUMNS)


LIST = """\
telefono,to,nombre,meta_pedido,saldo,ciudad
x1,+5491155550101,Ana,A-1,1,Rosario
x2,+5491155550101,Ana otra vez,A-2,2,Rosario
x3,+5491155550103,,A-3,3,"Calle 5
depto. 2"
x4,+5491155550104,Eva,A-4,#N/A,Rosario
x5,+5491155550105,Luz Paz,A-5,Rosario
"""


async def rejects_of(made: Made, path: Path) -> Path:
    async def rejections() -> AsyncIterator[Rejection]:
        for each in made.rejections:
            yield each

    await write_rejects(path, rejections, excel=path.name.startswith("excel"))
    return path


async def rejects_of_the_list(folder: Path) -> Path:
    """The rejects of LIST: a duplicate, two bad values, a row that is too short."""
    (folder / "list.csv").write_text(LIST, encoding="utf-8")
    return await rejects_of(await planned(str(folder / "list.csv")), folder / "rejects.csv")


def changed(path: Path, *changes: tuple[int, str, str]) -> Path:
    """The table as a person left it: each change is a place among the rows, a column and a cell."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for place, column, cell in changes:
        rows[place][column] = cell
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return path


async def test_rejects_hold_the_columns_of_the_list_in_its_order_and_then_ours(tmp_path: Path) -> None:
    path = await rejects_of_the_list(tmp_path)

    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)

    assert header[:6] == ["telefono", "to", "nombre", "meta_pedido", "saldo", "ciudad"]
    assert set(header[6:]) <= own.OWN_COLUMNS
    assert rows[0][:6] == ["x2", "'+5491155550101", "Ana otra vez", "A-2", "2", "Rosario"]
    places = [header.index(name) for name in (own.ROW, own.REASON, own.REPEATS)]
    assert [[row[place] for place in places] for row in rows] == [
        ["3", "duplicate", "2"],
        ["4", "blank variable", ""],
        ["6", "bad variable", ""],
        ["7", "bad row", ""],
    ]


async def test_fixed_rows_are_planned_and_the_others_left_out_as_before(tmp_path: Path) -> None:
    path = changed(await rejects_of_the_list(tmp_path), (1, "nombre", "Bea"))

    made = await planned(str(path))

    assert made.people == [
        {
            "to": "+5491155550103",
            "variables": {"nombre": "Bea", "saldo": "3"},
            "meta_data": {"pedido": "A-3"},
        }
    ]
    assert [reason for _, reason, _ in made.reasons] == ["duplicate", "bad variable", "bad row"]
    assert (made.plan.read, made.plan.duplicates, made.plan.rejected) == (4, 1, 2)
    assert made.plan.ignored_columns == ("telefono", "ciudad")


async def test_a_duplicate_gets_nothing_until_its_number_is_another_or_its_reason_is_emptied(
    tmp_path: Path,
) -> None:
    path = await rejects_of_the_list(tmp_path)

    with pytest.raises(UnusableSource, match="1 duplicate"):
        await planned(str(changed(path, (0, "nombre", "Ana, la de siempre"), (1, "ciudad", ""))))
    other = await planned(str(changed(await rejects_of_the_list(tmp_path), (0, "to", "+54 9 11 5555-0199"))))
    emptied = await planned(str(changed(await rejects_of_the_list(tmp_path), (0, own.REASON, ""))))

    assert (other.numbers, emptied.numbers) == (["+5491155550199"], ["+5491155550101"])


async def test_who_is_suppressed_is_left_out_again_without_the_list_that_said_so(tmp_path: Path) -> None:
    suppressed = PlanOptions(suppress=["+5491100000002"])
    made = await planned([person(1), person(2), person(3, nombre="")], options=suppressed)
    path = changed(await rejects_of(made, tmp_path / "rejects.csv"), (1, "nombre", "Eva"))

    again = await planned(str(path))

    assert again.numbers == ["+5491100000003"]
    assert (again.plan.suppressed, again.reasons) == (1, [(2, "suppressed", "to")])


async def test_a_program_that_gives_the_rows_of_our_file_sends_to_no_duplicate_either(tmp_path: Path) -> None:
    path = await rejects_of_the_list(tmp_path)
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, object]] = [*csv.DictReader(file)]
    (tmp_path / "rejects.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    rows[1]["nombre"] = "Bea"

    given = await planned(rows)

    assert given.numbers == ["+5491155550103"]
    assert [reason for _, reason, _ in given.reasons] == ["duplicate", "bad variable", "bad row"]
    with pytest.raises(UnusableSource, match="1 bad row, 1 bad variable, 1 blank variable, 1 duplicate"):
        await planned(str(tmp_path / "rejects.jsonl"))


async def test_rejects_of_rejects_hold_one_set_of_our_columns(tmp_path: Path) -> None:
    path = changed(await rejects_of_the_list(tmp_path), (1, "nombre", "Bea"))

    again = await rejects_of(await planned(str(path)), tmp_path / "again.csv")

    with path.open(encoding="utf-8", newline="") as first, again.open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == next(csv.reader(first, delimiter=";"))
        assert next(csv.reader(file))[1] == "'+5491155550101"


async def test_a_number_that_could_be_read_is_filled_in_so_that_nothing_has_to_be_said_of_it_again(
    tmp_path: Path,
) -> None:
    argentine = PlanOptions(default_region="AR")
    made = await planned([person(1), person(2, nombre="") | {"to": "011 15-5555-0101"}], options=argentine)
    path = changed(await rejects_of(made, tmp_path / "rejects.csv"), (0, "nombre", "Eva"))

    assert (await planned(str(path))).numbers == ["+5491155550101"]


async def test_a_row_that_was_too_short_is_not_sent_with_its_cells_in_other_columns(tmp_path: Path) -> None:
    path = changed(await rejects_of_the_list(tmp_path), (1, "nombre", "Bea"))
    shifted = await planned(str(path))
    path = changed(
        await rejects_of_the_list(tmp_path), (3, "saldo", "5"), (3, "nombre", "Luz"), (3, "ciudad", "Rosario")
    )
    fixed = await planned(str(path))

    assert "+5491155550105" not in shifted.numbers
    assert fixed.numbers == ["+5491155550105"]


async def test_a_note_with_a_number_in_its_second_line_is_no_row_in_a_file_of_ours(tmp_path: Path) -> None:
    note = 'Calle 5\nTel. 11 5555 9999, "depto. 2"'
    made = await planned([flat(1), flat(2, nombre="", nota=note, otra="\n+54 9 11 5555 9999")])
    path = changed(await rejects_of(made, tmp_path / "rejects.csv"), (0, "nombre", "Eva"))

    assert (await planned(str(path))).numbers == ["+5491100000002"]


async def test_a_quote_in_a_file_of_ours_swallows_nobody(tmp_path: Path) -> None:
    path = changed(await rejects_of_the_list(tmp_path), (1, "nombre", "Bea"))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Ana otra", '"Ana otra').replace("Bea", 'Bea"'), encoding="utf-8")

    with pytest.raises(UnusableSource, match="opens a cell that goes on"):
        await planned(str(path))


async def test_a_workbook_of_people_has_nothing_but_text_and_a_list_for_excel_marks_its_digits(
    tmp_path: Path,
) -> None:
    made = await planned([person(1), person(2, nombre="") | {"to": "0054 9 11 0000 0002", "id": "00123"}])
    numbers = await planned([person(1), {"to": "5491155550101", "nombre": "0012", "saldo": "x;=1"}])

    book = await rejects_of(made, tmp_path / "rejects.xlsx")
    for_excel = await rejects_of(numbers, tmp_path / "excel rejects.csv")

    rows = CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python()
    assert rows[1][:4] == ["+5491100000002", "", "2,50", "00123"]
    assert {type(cell) for row in rows for cell in row} == {str}
    data = for_excel.read_bytes()
    assert data.startswith(b"\xef\xbb\xbfto;nombre;saldo;")
    assert "'5491155550101;'0012;\"x;=1\";" in data.decode()


async def test_what_no_table_can_hold_is_said_with_the_form_that_can(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[tuple[Chunk, bytes]]:
        yield Chunk(number=1, recipients=1), b'[{"to":"+5491155550101","variables":{"to":"x"}}]'

    with pytest.raises(InvalidInput, match=r"write a \.jsonl"):
        await write_people(tmp_path / "people.csv", chunks)
    assert await write_people(tmp_path / "people.jsonl", chunks) == 1
    assert os.listdir(tmp_path) == ["people.jsonl"]  # noqa: PTH208 - no pathlib in a coroutine


async def test_a_character_that_no_table_takes_is_an_error_and_not_another_one(tmp_path: Path) -> None:
    made = await planned([person(1) | {"meta_data": {"pedido": "\0"}}])

    with pytest.raises(InvalidInput, match=r"U\+0000.*\.jsonl"):
        await people_again(made, tmp_path / "people.csv")
    assert (await people_again(made, tmp_path / "people.xlsx")).people == made.people


async def test_a_column_that_only_a_later_chunk_has_is_written_too(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[tuple[Chunk, bytes]]:
        yield Chunk(number=1, recipients=1), b'[{"to":"+541","variables":{"a":"1"}}]'
        yield Chunk(number=2, recipients=1), b'[{"to":"+542","variables":{"a":"2"},"meta_data":{"n":7}}]'
        yield Chunk(number=3, recipients=1), b'[{"to":"+543","variables":{"a":"3","b":"4"}}]'

    assert await write_people(tmp_path / "people.csv", chunks) == 3

    with (tmp_path / "people.csv").open(encoding="utf-8", newline="") as file:
        assert [row[:4] for row in csv.reader(file)] == [
            ["to", "a", "b", "meta_n"],
            ["'+541", "1", "", ""],
            ["'+542", "2", "", "7"],
            ["'+543", "3", "4", ""],
        ]
