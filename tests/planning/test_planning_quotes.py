"""A quote swallows nobody: rows inside a cell stop the file with the line where the quote opened."""

import csv
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keebai_async.errors import UnusableSource
from keebai_async.model.template import Template
from keebai_async.sources.block import CellBlock
from keebai_async.sources.compressed import open_plain
from keebai_async.sources.delimited import Delimited
from keebai_async.sources.quotes import odd_cells
from tests.planning.made import planned

ANA, BRUNO = "+5491155550101", "+5491155550102"


async def rows(folder: Path, text: str, *, size: int = 16 * 1024) -> list[list[str]]:
    path = folder / "people.csv"
    path.write_text(text, newline="")
    found: list[list[str]] = []
    source = Delimited(partial(open_plain, str(path)), "people.csv", columns={}, size=size)
    async for block in source.blocks():
        count = len(block.rows) if isinstance(block, CellBlock) else len(block.numbers)
        found.extend(list(block.row(place)) for place in range(count))
    return found


@pytest.mark.parametrize(
    "text",
    [
        f'to,nombre,codigo\n{ANA},"Ana,A1\n{BRUNO},Bruno,B1\n+5491155550103,Carla,"C1\n',
        f'to;nombre;codigo\n{ANA};"Ana;A1\n{BRUNO};Bruno "Tito" Paz;B1\n',
        f'to\tnombre\n{ANA}\t"Ana\n{BRUNO}\tBru"no\n',
        f'"to","nombre"\n"{ANA}","Ana\n"{BRUNO}","Bruno"\n',
        f'nombre,to\n"Ana,{ANA}\nBruno,{BRUNO}"\n',
        f'to,nombre\n{ANA},"Ana\n011 15-5555-0102,Bruno"\n',
        f'to,nombre\r\n{ANA},"Ana\r\n{BRUNO},Bruno"\r\n',
        f'to,nombre\n{ANA},"Ana\n{BRUNO}"\n',
        f'to\n"{ANA}\n{BRUNO}"\n',
        f'to,nombre\n{ANA},"Ana\n\n{BRUNO},Bruno\n\n"\n',
        f'nombre,to,codigo\n"Ana,{ANA},A1\nBruno,,B1\nCarla",+5491155550103,C1\n',
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [16, 16 * 1024])
async def test_rows_inside_a_cell_stop_the_file_where_the_quote_opened(
    tmp_path: Path, text: str, size: int
) -> None:
    with pytest.raises(UnusableSource, match=r"line 2: a quote") as stop:
        await rows(tmp_path, text, size=size)

    assert stop.value.row == 2


async def test_the_line_is_that_of_the_quote_and_not_of_the_record(tmp_path: Path) -> None:
    with pytest.raises(UnusableSource, match="line 3: a quote"):
        await rows(tmp_path, f'to,nota,nombre\n{ANA},"one\ntwo","Ana\n{BRUNO},x,Bruno"\n')
    with pytest.raises(UnusableSource, match=r"line 3: a quote .* never closed"):
        await rows(tmp_path, f'to,nota,nombre\n{ANA},"one\ntwo","Ana\n{BRUNO},x,Bruno\n')


@pytest.mark.parametrize(
    "cell",
    [
        "Av. Corrientes 1234\nCABA, Argentina",
        "one\n\ntwo",
        'he said ""hi""\nand left',
        "1,5\n2,5",
        "a\nb, c, d",
    ],
)
async def test_a_cell_of_several_lines_that_are_no_rows_is_a_cell(tmp_path: Path, cell: str) -> None:
    found = await rows(tmp_path, f'to,nota\n{ANA},"{cell}"\n{BRUNO},x\n')

    assert found == [[ANA, cell.replace('""', '"')], [BRUNO, "x"]]


async def test_two_numbers_in_the_cell_of_one_person_are_that_persons(tmp_path: Path) -> None:
    assert await rows(tmp_path, f'to,nombre\n"{ANA}\n{BRUNO}",Ana\n') == [[f"{ANA}\n{BRUNO}", "Ana"]]


OFFER = Template(name="oferta", language="es", status="APPROVED", variables=("nombre", "codigo"))


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ('"Ana "Nena" Paz"', "a quote in the middle of it that is not written twice"),
        ('"Ana \\"Nena\\" Paz"', "a quote in the middle of it that is not written twice"),
        ('""Ana""', "a quote in the middle of it that is not written twice"),
        ('"Ana"Paz', "a quote in the middle of it that is not written twice"),
        (' "Ana"', "a blank before the quote that opens it"),
    ],
)
async def test_a_value_with_quotes_out_of_order_is_sent_to_nobody(
    tmp_path: Path, cell: str, why: str
) -> None:
    path = tmp_path / "people.csv"
    others = "".join(f"+54911555502{number:02},Eva,1\n" for number in range(30))
    path.write_text(f'to,nombre,codigo\n{others}{ANA},{cell},1\n{BRUNO},"Bruno",2\n')

    made = await planned(str(path), OFFER)

    assert made.numbers[-1] == BRUNO
    assert len(made.numbers) == 31
    assert [(out.row, out.field, out.detail) for out in made.rejections] == [
        (32, "nombre", f"nombre has {why}: write it as text")
    ]


async def test_quotes_out_of_order_where_nobody_looks_or_that_a_person_wrote_reject_nobody(
    tmp_path: Path,
) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        f'to,nota,nombre,codigo\n{ANA},"dijo "no" ayer",TV 5" ,"x ""y"""\n'
        f'{BRUNO}, "no" dijo,Bruno "Bru" Paz,"2" \n'
    )

    made = await planned(str(path), OFFER)

    assert [person["variables"] for person in made.people] == [
        {"nombre": 'TV 5" ', "codigo": 'x "y"'},
        {"nombre": 'Bruno "Bru" Paz', "codigo": "2 "},
    ]


async def test_a_number_with_a_quote_out_of_order_is_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f'to,nombre,codigo\n"{ANA}"1,Ana,1\n{BRUNO},Bruno,2\n')

    made = await planned(str(path), OFFER)

    assert made.reasons == [(2, "bad number", "to")]


@given(st.text('a ",', max_size=12))
@example(' ",""a')
def test_a_cell_is_odd_where_a_strict_reader_stops(line: str) -> None:
    def strict(text: str) -> bool:
        try:
            list(csv.reader([text], strict=True))
        except csv.Error:
            return False
        return True

    (cells,) = list(csv.reader([line])) or [[]]
    quote_is_open = strict(line) != strict(line + '"') and not strict(line)
    odd = odd_cells(line, ",", len(cells))

    if not quote_is_open and strict(line):
        assert not odd or "blank before" in next(iter(odd.values())).what
    elif not quote_is_open and '" ' not in line:
        assert odd


async def test_a_cell_that_no_reader_takes_stops_the_list_in_words_of_ours(tmp_path: Path) -> None:
    long = "x" * (csv.field_size_limit() + 1)

    with pytest.raises(UnusableSource, match="near line 2: a cell has more than 131,072 characters"):
        await rows(tmp_path, f'to,nombre\n{ANA},"{long}"\n')
