"""A list of people who said no is never silently empty, however it was kept."""

import gzip
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput
from keebai_async.model.identity import identity
from keebai_async.planning.phone import NumberReader
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.suppress import suppressed_people
from tests.planning.made import person, planned
from tests.planning.workbook import workbook

ONE, TWO, THREE = "+5491155550101", "+5491155550102", "+5491155550103"
KEYS = {identity(ONE), identity(TWO)}


async def held(path: Path, region: str | None = None) -> set[int]:
    (people,) = await suppressed_people([path], NumberReader(region))
    return set(people.keys)


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{TWO}\n",
        f"{ONE};{TWO}",
        f"{ONE} {TWO}\r\n",
        f"{ONE}, {TWO}",
        f"{ONE}|{TWO}",
        f"{ONE}/{TWO}",
        f"{ONE}\t{TWO}\t\t\n\n",
        f"{ONE} y {TWO}",
        f"{ONE}{TWO}",
        f"\ufeff{ONE}\n   \n{TWO}",
        f"sep=;\nto;motivo\n{ONE};x\n{TWO};y",
        f"telefono\n{ONE}\n{TWO}\n",
        f"{ONE}; no quiere desde el 03/02/2026\n{TWO}; 2026-02-03 10:30:15",
        f"{ONE} (llamó 2 veces)\n{TWO}  # baja",
        f"Ana: {ONE}\nBeto <{TWO}>",
        "+54 9 11 5555-0101\n(+54) 9 11 5555 0102\n",
        f"1. {ONE}\n2. {TWO}\n",
        f"Bajas al 15/03/2026\nmotivo;celular\nno quiere;{ONE}\nno;{TWO}\n",
        f"Bajas\n# de ana\nAl 12/03/2026 10:30\n\nFecha;Teléfono\n12/03/2026;{ONE}\n13/03/2026;{TWO}\n",
        f"motivo,to\n{ONE}\nbaja,{TWO}\n",
        f"to,motivo\n{ONE}\nmal,{TWO}\n",
        f"dni;telefono\n30123456;{ONE}\n28123456;{TWO}\n",
        f'to,motivo\n{ONE},"no quiere\n{TWO},baja\n',
        f'to,motivo\n{ONE},"no quiere\nnada más"\n{TWO},x\n',
        f'"to","motivo"\n"{ONE}","a, b"\n"{TWO}","c"\n',
        f'\'{ONE}\n="{TWO}"\n',
        "5491155550101\n5491155550102\n",
        "5491155550101 5491155550102",
        "5491155550101.0\n5491155550102.0\n",
        "https://wa.me/5491155550101\n5491155550102@s.whatsapp.net\n",
        f'[{{"to": "{ONE}"}},\n{{"to": "{TWO}"}}]',
        f"telefono;otro\n{ONE};5491155550102\n",
        f"telefono;otro\n{ONE};54 9 11 5555-0102\n",
        f"telefono,otro\n{ONE},5491155550102@c.us\n{ONE},https://wa.me/5491155550102\n",
        f"telefono,desde,dni,cuit\n{ONE},2026-01-01 10:30,30123456,20301234567\n{TWO},2026-01-01,1,2\n",
    ],
)
async def test_all_numbers_in_a_text_are_found(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bajas.txt"
    path.write_text(text, encoding="utf-8")

    assert await held(path) == KEYS


@pytest.mark.parametrize(
    "text",
    [
        "011 15-5555-0101\n11 5555-0102\n",
        "(011) 15 5555 0101; 0 11 5555 0102",
        "11 5555 0101 11 5555 0102",
        f"+54 011 15 5555-0101\n{TWO}",
        "5491155550101,11 5555-0102",
    ],
)
async def test_local_spellings_are_read_as_in_the_list_itself(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bajas.csv"
    path.write_text(text, encoding="utf-8")

    assert await held(path, "AR") == KEYS


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{ONE}\nJuan Pérez\n{TWO}\n", 2),
        (f"{ONE}\n\n11 5555\n", 3),
        (f"to,motivo\n{ONE},x\n,baja de Ana\n", 3),
        (f"Bajas\nsin nadie\n{ONE}\n", 2),
        (f"Bajas\n\nsin nadie\nBeto\n{ONE}\n", 3),
        ("Bajas\nAna\nBeto\n", 2),
        (f"to\nteléfono\n{ONE}\n", 2),
        (f"{ONE};11 5555 0199 9\n", 1),
        (f"telefono,otro telefono\n{ONE},1155550102\n", 2),
        ("5.49116E+12\n", 1),
        (f"{ONE}\n5,49116E+12\n", 2),
        ("+235064177530912\n", 1),
        ("\uff15\uff14\uff19\uff11\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff10\uff11\n", 1),
        (f'to,motivo\n{ONE},"no quiere\nBeto\n{TWO},baja\n', 3),
        (f'to,motivo\n{ONE},"no quiere\nBeto\n', 3),
        (f"to\n{ONE}\n@lid\n", 3),
    ],
)
async def test_a_row_without_a_number_that_can_be_read_stops_the_plan(
    tmp_path: Path, text: str, line: int
) -> None:
    path = tmp_path / "bajas.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInput, match=rf"bajas\.csv, line {line}: not a number") as caught:
        await held(path)
    assert (caught.value.row, caught.value.field) == (line, "suppress")


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("656 123 4567", None),  # of Ciudad Juarez, and with a plus in Singapore
        ("(17) 4974-8633", None),  # a part of it is in Germany
        ("313 6835088", None),  # in Niue
        ("825 48 14 38", None),  # in Korea
        ("987654321", None),  # in Iran
        ("507-555-1234", None),  # in Panama
        ("3901 9315", None),  # in Italy
        ("987654321", "BR"),  # whose area is in another column
        ("+54 375 15 4637949", None),  # behind a plus that leads nowhere, in Belarus
    ],
)
async def test_a_number_as_it_is_dialled_is_no_strangers_in_another_country(
    tmp_path: Path, number: str, region: str | None
) -> None:
    path = tmp_path / "bajas.csv"
    said = "say what numbers without a plus are, --default-region or --numbers international"
    for text in (f"{number}\n", f"telefono\n{number}\n", f"Ana;{number}\n", f"{ONE}\nAna: {number}, baja\n"):
        path.write_text(text)
        with pytest.raises(InvalidInput, match="not a number") as caught:
            await held(path, region)
        assert (said in str(caught.value)) == (region is None and "+" not in number)


async def test_who_a_number_without_a_plus_may_be_in_two_countries_is_left_out_in_both(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bajas.txt"
    for text, meant in {
        "51 98765-4321": {"+51987654321", "+5551987654321"},
        "(49) 99123-4567": {"+49991234567", "+5549991234567"},
        "381 15 555-0101": {"+381155550101", "+5493815550101"},
        "5491155550101": {ONE},
    }.items():
        path.write_text(text)
        assert await held(path) == set(map(identity, meant))

    path.write_text("51 98765-4321")
    assert await held(path, "PE") == {identity("+51987654321")}
    path.write_text("".join(f"5198765{number}\n" for number in range(1_000, 5_000)))
    assert len(await held(path)) == 8_000
    path.write_text("".join(f"65612{number}\n" for number in range(10_000, 14_000)))
    with pytest.raises(InvalidInput, match=r"bajas\.txt, line 1:"):
        await held(path)


@pytest.mark.parametrize("between", [" / ", "/", " y ", " & ", " o al ", "; "])
@pytest.mark.parametrize("second", ["0341 15 555-0103", "(0341) 15-555-0103", "341-555-0103", "341.555.0103"])
async def test_two_numbers_in_a_line_that_are_written_in_full_are_both_read(
    tmp_path: Path, between: str, second: str
) -> None:
    path = tmp_path / "bajas.txt"
    path.write_text(f"Beto: 0341 15 555-0102{between}{second}")

    assert await held(path, "AR") == {identity("+5493415550102"), identity("+5493415550103")}


@pytest.mark.parametrize(
    "text", [f"{ONE}/02", f"{ONE} / 0102", f"{ONE} y 02", f"Ana: {ONE} & 0102; no quiere"]
)
async def test_the_last_digits_of_another_number_are_no_note(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bajas.txt"
    path.write_text(text)

    with pytest.raises(InvalidInput, match="line 1: not a number"):
        await held(path)


async def test_a_sheet_of_numbers_as_they_are_dialled_is_not_passed_over(tmp_path: Path) -> None:
    path = workbook(tmp_path / "bajas.xlsx", Enero=[["to"], [ONE]], Febrero=[["11 5555-0102"], [1155550103]])

    assert len(await held(path, "AR")) == 3
    with pytest.raises(InvalidInput, match="sheet 'Febrero', line 1: not a number"):
        await held(path)


async def test_a_workbook_and_its_like_are_lists_too(tmp_path: Path) -> None:
    rows: list[list[str | float]] = [["motivo", "telefono"], ["baja", 5491155550101], [TWO, ""]]
    assert await held(workbook(tmp_path / "bajas.xlsx", Bajas=rows)) == KEYS
    assert await held(workbook(tmp_path / "sin.xlsx", Bajas=[[ONE, "a"], [TWO, "b"]])) == KEYS

    pq.write_table(pa.table({"to": [ONE, TWO], "n": [1, 2]}), tmp_path / "bajas.parquet")
    assert await held(tmp_path / "bajas.parquet") == KEYS

    lines = tmp_path / "bajas.jsonl"
    lines.write_text(f'{{"to": "{ONE}"}}\n{{"quien": {{"tel": 5491155550102}}}}\n')
    assert await held(lines) == KEYS
    lines.write_text(f'{{"to": "{ONE}"}}\n{{"to": null, "n": "Ana"}}\n')
    with pytest.raises(InvalidInput, match=r"bajas\.jsonl, line 2"):
        await held(lines)
    lines.write_text(f'{{"to": "{ONE}"}}\n{{"to": 5.49115555e12}}\n')
    with pytest.raises(InvalidInput, match=r"bajas\.jsonl, line 2"):
        await held(lines)

    packed = tmp_path / "bajas.csv.gz"
    packed.write_bytes(gzip.compress(f"to\n{ONE}\n{TWO}\n".encode()))
    assert await held(packed) == KEYS


async def test_a_file_that_is_empty_once_it_is_read_is_no_error(tmp_path: Path) -> None:
    packed, marked = tmp_path / "bajas.csv.gz", tmp_path / "bajas.jsonl"
    packed.write_bytes(gzip.compress(b""))
    marked.write_bytes(b"\xff\xfe")

    assert await held(packed) == set()
    assert await held(marked) == set()


async def test_a_sheet_of_one_row_is_a_list_of_one(tmp_path: Path) -> None:
    for number, cells in enumerate(
        [[ONE], [5491155550101], ["", ONE, "baja"], [ONE, "", "", ""], [ONE, ONE]]
    ):
        path = workbook(tmp_path / f"{number}.xlsx", Bajas=[cells])  # type: ignore[list-item]  # floats too
        assert await held(path) == {identity(ONE)}, cells

    pq.write_table(pa.table({"to": [ONE]}), tmp_path / "one.parquet")
    assert await held(tmp_path / "one.parquet") == {identity(ONE)}


async def test_a_sheet_that_holds_nobody_is_said_and_is_no_error(tmp_path: Path) -> None:
    for name, rows in {"head": [["to", "motivo"]], "two": [["telefono"], [""]], "none": []}.items():
        path = workbook(tmp_path / f"{name}.xlsx", Bajas=rows)  # type: ignore[arg-type]  # texts alone

        made = await planned([person(1)], options=PlanOptions(suppress=[path]))

        assert made.plan.notes == (f"{name}.xlsx holds no number: nobody is left out because of it",)
        assert made.plan.ready == 1

    pq.write_table(pa.table({"to": pa.array([], pa.string())}), tmp_path / "none.parquet")
    assert await held(tmp_path / "none.parquet") == set()


async def test_rows_that_the_sheet_hides_are_people_who_said_no_all_the_same(tmp_path: Path) -> None:
    path = workbook(tmp_path / "bajas.xlsx", Bajas=[["to"], [ONE], [TWO]])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'<row r="3">', b'<row r="3" hidden="1">')
    with zipfile.ZipFile(path, "w") as book:
        for name, part in parts.items():
            book.writestr(name, part)

    assert await held(path) == KEYS


async def test_all_sheets_of_a_workbook_are_read_if_they_hold_people(tmp_path: Path) -> None:
    rows: dict[str, list[list[str | float]]] = {
        "Enero": [["to"], [ONE]],
        "Febrero": [["Bajas de febrero"], ["nombre", "telefono"], ["Ana", TWO]],
        "Leer": [["Instrucciones"], ["Anotar a quien pida la baja"], [1500.0]],
    }
    path = workbook(tmp_path / "bajas.xlsx", **rows)

    made = await planned([person(1)], options=PlanOptions(suppress=[path]))

    assert await held(path) == KEYS
    assert made.plan.notes[1:] == (
        f"all of these sheets of {path} were read: 'Enero', 'Febrero'",
        f"no list of numbers, and not read, are these sheets of {path}: 'Leer'",
    )
    rows["Enero"][:0] = [["Bajas"], ["al 15/03/2026"]]
    assert await held(workbook(path, **rows)) == KEYS
    for bad in ([["nombre", "telefono"], ["Ana", ""]], [[TWO], ["Ana"]], [["Febrero"], ["Ana"], [TWO]]):
        rows["Febrero"] = bad  # type: ignore[assignment]  # texts alone
        with pytest.raises(InvalidInput, match=r"bajas\.xlsx, sheet 'Febrero', line 2: not a number"):
            await held(workbook(path, **rows))


async def test_a_number_that_a_spreadsheet_rounded_stops_the_plan_also_when_it_looks_like_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bajas.csv"
    for text in ("to\n5491160000000\n", f"{TWO}\n5491160000000\n", "5491160000000;5491150000000\n"):
        path.write_text(text)
        for region in (None, "AR"):
            with pytest.raises(InvalidInput, match="not a number"):
                await held(path, region)
    with pytest.raises(InvalidInput, match="line 2"):
        await held(workbook(tmp_path / "bajas.xlsx", Bajas=[["to"], [5491160000000.0], [TWO]]))


async def test_a_formula_without_its_result_is_no_empty_row(tmp_path: Path) -> None:
    path = workbook(tmp_path / "bajas.xlsx", Bajas=[["to"], [7.0], [TWO]])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"<v>7.0</v>", b'<f>"+549"&amp;"1155550101"</f><v></v>')
    with zipfile.ZipFile(path, "w") as book:
        for name, part in parts.items():
            book.writestr(name, part)

    with pytest.raises(InvalidInput, match="line 2: not a number"):
        await held(path)


async def test_addresses_of_e_mail_are_nobodys_number(tmp_path: Path) -> None:
    path = tmp_path / "bajas.csv"
    path.write_text("Email Address,First Name,LEID\nana@x.com,Ana,481234567\n")
    with pytest.raises(InvalidInput, match="a column for e-mail addresses and none for numbers"):
        await held(path)
    path.write_text("Correo electrónico;Datos\nana@x.com;+54 9 11 5555-0101\nbeto@x.com;5491155550102@c.us\n")
    assert await held(path) == KEYS
    path.write_text(
        "Email Address,Phone Number,LEID\na@x.com,+5491155550101,481234567\nb@x.com,5491155550102,1\n"
    )
    assert await held(path) == KEYS


async def test_a_column_that_says_who_said_no_is_named_because_nobody_looks_at_it(tmp_path: Path) -> None:
    path = tmp_path / "bajas.csv"
    path.write_text(f"telefono,opt_in\n{ONE},NO\n{TWO},SI\n")

    made = await planned([person(1)], options=PlanOptions(suppress=[path]))

    assert await held(path) == KEYS
    assert made.plan.notes[-1].startswith(f"the column opt_in of {path} is not looked at")


async def test_the_encoding_of_the_notes_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "bajas.csv"
    path.write_bytes(f"teléfono;razón\n{ONE};pidió\n{TWO};llamó\n".encode("cp1252"))

    assert await held(path) == KEYS


@pytest.mark.parametrize("text", ["", "\n\n", "to\n", "to,motivo\n\n", "\ufeff"])
async def test_an_empty_list_is_said_and_is_no_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bajas.csv"
    path.write_text(text, encoding="utf-8")

    made = await planned([person(1)], options=PlanOptions(suppress=[path]))

    assert made.plan.notes == ("bajas.csv holds no number: nobody is left out because of it",)


async def test_the_plan_says_what_each_list_held_and_how_many_of_them_were_in_the_list(
    tmp_path: Path,
) -> None:
    one, two = tmp_path / "bajas.csv", tmp_path / "quejas.txt"
    one.write_text("to\n+5491100000001\n+541100000002\n+5491100000099\n")
    two.write_text("+5491100000002\n+5491100000098")
    options = PlanOptions(suppress=[one, two, "+5491100000003", ["+5491100000097"]])

    made = await planned([person(n) for n in (1, 2, 2, 3, 4)], options=options)

    counts = [(each.name, each.numbers, each.in_list) for each in made.plan.suppress_lists]
    given = ("the numbers given to suppress", 2, 1)
    assert counts == [("bajas.csv", 3, 2), ("quejas.txt", 2, 1), given]
    assert made.plan.suppressed == 4
    assert made.plan.notes[0].startswith("bajas.csv holds 3 numbers of people who are not to be messaged, 2")
    assert "line 1 was taken for a header" in made.plan.notes[0]


@given(
    st.lists(st.integers(0, 9_999), min_size=1, max_size=30, unique=True),
    st.lists(
        st.sampled_from(["{}", "{},x", '"{}"', "{} baja", " {} ", "Ana;{}", "'{}", "{};", '{},"sin cerrar']),
        min_size=30,
        max_size=30,
    ),
    st.sampled_from(["", "to\n", "to,motivo\n", "motivo;telefono\n", "sep=;\n"]),
)
@settings(deadline=None, max_examples=60)
async def test_nobody_on_a_list_is_lost_however_its_rows_were_written(
    people: list[int], habits: list[str], header: str
) -> None:
    numbers = [f"+549115555{number:04}" for number in people]
    rows = [habit.format(number) for habit, number in zip(habits, numbers, strict=False)]
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write(header + "\n".join(rows))
        file.flush()

        assert await held(Path(file.name)) == {identity(number) for number in numbers}


FILLING = "".join(f"{{0}}+54911{number}{{0}}{{1}}\n" for number in range(20_000_000, 20_003_000))
"""Lines that are more than what is read at once, so that those behind them are read together."""
CELLS = ["+5491155550101", "5491155550101", " +5491155550102 ", "011 15-5555-0103", "", "no", "+123", "Ana 5"]
CELLS += ["51987654321", "6561234567"]


@given(
    st.lists(st.tuples(st.sampled_from(CELLS), st.sampled_from(["", '"', '"', "'"])), max_size=6),
    st.sampled_from(["", ",x", ';"y z"', '\t"']),
    st.sampled_from([None, "AR"]),
)
@settings(deadline=None, max_examples=15)
async def test_lines_that_are_read_together_give_what_each_gives_alone(
    cells: list[tuple[str, str]], rest: str, region: str | None
) -> None:
    header = f"to{rest[:1]}nota\n" if rest else "to\n"
    lines = "".join(f"{quote}{cell}{quote}{rest}\n" for cell, quote in cells)
    filling = FILLING.format('"' if '"' in lines else "", rest.replace('"', ""))
    answers: list[set[int] | None] = []
    with tempfile.TemporaryDirectory() as folder:
        for text in (header + lines, header + filling + lines):
            path = Path(folder) / "bajas.csv"
            path.write_text(text)
            try:
                answers.append(await held(path, region))
            except InvalidInput:
                answers.append(None)

    few, many = answers
    assert (few is None) == (many is None)
    if few is not None and many is not None:
        assert few <= many
        assert len(many - few) == 3_000
