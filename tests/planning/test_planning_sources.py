"""Lists of people as people keep them: files with their habits, generators with theirs."""

import csv
import io
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.errors import TemplateUnusable, UnusableSource
from keebai_async.planning.options import PlanOptions
from keebai_async.sources import CellBlock, ColumnBlock, LineBlock, ObjectBlock, PeopleLike, open_source
from keebai_async.sources.delimited import Delimited, delimiter_of
from keebai_async.sources.opening import FORMATS
from tests.planning.made import flat, person, planned

HEAD = "to,nombre,saldo\n"


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def read(people: PeopleLike) -> list[tuple[int, list[str]]]:
    """All rows of a table with their numbers."""
    rows: list[tuple[int, list[str]]] = []
    async with aclosing(open_source(people).blocks()) as blocks:
        async for block in blocks:
            assert isinstance(block, CellBlock | ColumnBlock)
            rows.extend((number, list(block.row(place))) for place, number in enumerate(block.numbers))
    return rows


async def test_a_csv_becomes_people_with_all_its_signs_and_zeros(tmp_path: Path) -> None:
    path = written(tmp_path, "people.csv", HEAD + "+5491100000001,007,+5\n+5491100000002,Ana,0.50\n")

    made = await planned(path)

    assert made.people == [
        {"to": "+5491100000001", "variables": {"nombre": "007", "saldo": "+5"}},
        {"to": "+5491100000002", "variables": {"nombre": "Ana", "saldo": "0.50"}},
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
async def test_the_dialects_of_spreadsheets(tmp_path: Path, delimiter: str, end: str, bom: str) -> None:
    rows = [["to", "nombre", "saldo"], ["+5491100000001", '"Ana, la ""A"" | x; y"', "1"]]
    text = bom + end.join(delimiter.join(row) for row in rows) + end

    assert await read(written(tmp_path, "people.csv", text)) == [
        (2, ["+5491100000001", 'Ana, la "A" | x; y', "1"])
    ]


async def test_excel_s_hint_names_the_delimiter(tmp_path: Path) -> None:
    assert await read(written(tmp_path, "people.csv", "sep=;\nto;a,b\n+1;x\n")) == [(3, ["+1", "x"])]


async def test_a_row_s_number_is_the_line_it_begins_on(tmp_path: Path) -> None:
    text = HEAD + '1,"a\nb",x\n\n2,b,x\r\n3,"a\r\nb\rc",x\n4,b,x'

    assert [number for number, _ in await read(written(tmp_path, "people.csv", text))] == [2, 5, 6, 9]


async def test_a_row_too_short_or_too_long_is_rejected_with_its_line(tmp_path: Path) -> None:
    text = HEAD + "+5491100000001,Ana,1\n+5491100000002,Ana\n+5491100000003,Ana,1,9\n"

    made = await planned(written(tmp_path, "people.csv", text))

    assert made.reasons == [(3, "bad row", ""), (4, "bad row", "")]
    assert made.rejections[1].columns["column 4"] == "9"
    assert made.rejections[1].to == "+5491100000003"


@given(
    st.lists(st.lists(st.text(alphabet='ab",\n\r;ñ'), min_size=2, max_size=2), min_size=1, max_size=20),
    st.integers(1, 60),
)
@settings(deadline=None)
async def test_where_a_file_is_cut_makes_no_difference(rows: list[list[str]], size: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["to", "x"], *rows])
    content = text.getvalue().encode()
    found: list[list[str]] = []
    numbers: list[int] = []
    source = Delimited(lambda: io.BytesIO(content), "it", columns={}, size=size)
    async with aclosing(source.blocks()) as blocks:
        async for block in blocks:
            found.extend(list(block.row(place)) for place, _ in enumerate(block.numbers))
            numbers.extend(block.numbers)

    assert found == list(filter(any, rows))
    lines = content.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert numbers == sorted(numbers)
    assert all(lines[number - 1].startswith('"') for number in numbers)


@given(
    st.lists(st.one_of(st.just("a,b"), st.text(alphabet="a,ñ ", max_size=6)), min_size=1, max_size=20),
    st.integers(1, 60),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(deadline=None)
async def test_without_quotes_a_row_is_a_line_and_short_ones_do_not_borrow_of_long_ones(
    lines: list[str], size: int, end: str
) -> None:
    lines = [*lines, "last,row"]
    content = end.join(["to,x", *lines]).encode()
    found: list[tuple[int, list[str]]] = []
    async with aclosing(Delimited(lambda: io.BytesIO(content), "it", columns={}, size=size).blocks()) as cut:
        async for block in cut:
            found.extend((number, list(block.row(place))) for place, number in enumerate(block.numbers))

    cells = [(number, line.split(",")) for number, line in enumerate(lines, start=2) if line.strip(",")]
    assert found == [(number, row if any(row[2:]) else row[:2]) for number, row in cells]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n\n", "is empty"),
        ("empty.jsonl", b"", "is empty"),
        ("nobody.csv", HEAD.encode(), "holds nobody"),
        ("double.csv", b"to,nombre,nombre\n+1,a,b\n", "two columns named 'nombre'"),
        ("noto.csv", b"telefono,nombre,saldo\n+1,a,b\n", "--column to=telefono"),
        ("quote.csv", HEAD.encode() + b'+1,"a,b\n+2,a,b\n', "line 2: a quote"),
        ("binary.csv", b"to,a\n\x00\x01", "binary"),
        ("excel.csv", b"PK\x03\x04rest", "Excel"),
        ("utf16.csv", HEAD.encode("utf-16-be"), "--encoding utf-16-be"),
        ("latin.csv", HEAD.encode() + "+5491100000001,Ñandú,1".encode("latin-1"), "line 2: not UTF-8"),
        ("latin.jsonl", '{"to":"+1","nombre":"Ñ"}'.encode("latin-1"), "--encoding windows-1252"),
        ("page.csv", b"\xef\xbb\xbf <html><table><tr><td>to</td></tr></table></html>", "a web page (HTML)"),
        ("page.xls", b"<html><table><tr><td>to</td></tr></table></html>", "a web page (HTML)"),
        ("page.xlsx", b'<?xml version="1.0"?><Workbook/>', "a web page (HTML) or XML"),
        ("table.xls", b"to\tnombre\n+5491100000001\tAna\n", "no workbook but a text"),
        ("list.docx", b"x", "ends in .csv"),
        ("list.zip", b"PK\x03\x04", "unpack it"),
        ("list.numbers", b"PK\x03\x04", "export it as Excel"),
        ("list.vcf", b"BEGIN:VCARD", "export them as CSV"),
        ("list.pdf", b"%PDF", "a PDF"),
        ("old.csv", b"\xd0\xcf\x11\xe0rest", "name it .xls"),
        ("quoted.csv", b'"to,nombre,saldo"\n"+5491100000001,Ana,1"\n', "is one cell in quotes"),
    ],
)
async def test_a_file_that_cannot_be_used_is_told_what_is_wrong(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    with pytest.raises(UnusableSource) as caught:
        await planned(written(tmp_path, name, content))

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["list.docx", "list.xlsx.gz", "list.docx.zst"])
def test_a_file_of_no_known_ending_is_told_every_ending_there_is(name: str) -> None:
    with pytest.raises(UnusableSource) as caught:
        open_source(name)

    words = str(caught.value)
    assert words.endswith(f"not in '{name.removeprefix('list')}'")
    assert all(suffix in words for each in FORMATS for suffix in each.suffixes)
    assert ".json (also with .gz or .zst), .parquet" in words


async def test_no_such_file_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(UnusableSource, match="no such file"):
        await planned(tmp_path / "nobody.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UnusableSource, match="is a directory"):
        await planned(tmp_path / "folder.csv")


async def test_a_variable_without_a_column_stops_the_plan_and_names_the_columns(tmp_path: Path) -> None:
    with pytest.raises(TemplateUnusable, match=r"asks for saldo.*to, nombre, edad"):
        await planned(written(tmp_path, "people.csv", "to,nombre,edad\n+5491100000001,Ana,30\n"))


async def test_columns_that_nobody_asked_for_are_named_once(tmp_path: Path) -> None:
    text = "edad,to,nombre,meta_id,saldo,meta_\n30,+5491100000001,Ana,A-1,1,\n"

    made = await planned(written(tmp_path, "people.csv", text))

    assert made.plan.ignored_columns == ("edad", "meta_")
    assert made.people[0]["meta_data"] == {"id": "A-1"}


async def test_json_lines_count_blank_lines_too(tmp_path: Path) -> None:
    lines = ["", '{"to":"+5491100000001","nombre":"Ana","saldo":1.10}', " ", "{", '{"to":"+5491100000002"}']

    made = await planned(written(tmp_path, "people.jsonl", "\n".join(lines)))

    assert made.people == [{"to": "+5491100000001", "variables": {"nombre": "Ana", "saldo": "1.10"}}]
    assert made.reasons == [(4, "bad row", ""), (5, "missing variable", "nombre")]


@pytest.mark.parametrize(("text", "delimiter"), [("to", ","), ('"a,b";c', ";"), ("a\tb,c\td", "\t")])
def test_the_delimiter_is_found_in_the_header(text: str, delimiter: str) -> None:
    assert delimiter_of(text) == delimiter


async def test_a_list_too_long_for_one_block_is_numbered_through() -> None:
    made = await planned(
        [person(n) | ({"to": "x"} if n in {1, 400, 401, 1100} else {}) for n in range(1, 1_300)]
    )

    assert [row for row, _, _ in made.reasons] == [1, 400, 401, 1100]


async def test_generators_and_async_generators() -> None:
    async def later() -> AsyncIterator[dict[str, object]]:
        for n in range(600):
            yield flat(n)

    expected = [person(n) for n in range(600)]
    assert (await planned(flat(n) for n in range(600))).people == expected
    assert (await planned(later())).people == expected


async def test_a_generator_that_waits_does_not_hold_the_loop() -> None:
    threads = set()

    def slow() -> Iterator[dict[str, object]]:
        for n in range(3):
            threads.add(threading.get_ident())
            time.sleep(0.001)
            yield person(n)

    await planned(slow())

    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_a_generator_that_is_not_read_to_its_end_is_closed_in_its_thread() -> None:
    threads = list[int]()

    def rows() -> Iterator[dict[str, object]]:
        threads.append(threading.get_ident())
        try:
            yield from (person(n) for n in range(1_000))
        finally:
            threads.append(threading.get_ident())

    await planned(rows(), options=PlanOptions(limit=1))

    first, last = threads
    assert first == last != threading.get_ident()


async def test_a_generator_is_closed_when_the_plan_fails() -> None:
    closed = threading.Event()

    def rows() -> Iterator[dict[str, object]]:
        try:
            yield from (person(n) | {"to": "x"} for n in range(1_000))
        finally:
            closed.set()

    with pytest.raises(UnusableSource):
        await planned(rows())
    assert closed.is_set()


@pytest.mark.parametrize("kind", ["cursor", "expression", "argument", "inside"])
async def test_a_cursor_of_sqlite_can_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "people.db"
    with sqlite3.connect(path) as connection:
        connection.execute('create table people ("to", nombre, saldo)')
        connection.executemany(
            "insert into people values (?, ?, ?)", [(person(n)["to"], f"Persona {n}", n) for n in range(600)]
        )
    query = "select * from people"

    def held(connection: sqlite3.Connection) -> Iterator[dict[str, object]]:
        for row in connection.execute(query):
            yield dict(row)

    def inside() -> Iterator[dict[str, object]]:
        own = sqlite3.connect(path)
        own.row_factory = sqlite3.Row
        yield from held(own)
        own.close()

    connection.row_factory = sqlite3.Row
    people: PeopleLike = {
        "cursor": lambda: connection.execute(query),
        "expression": lambda: (dict(row) for row in connection.execute(query)),
        "argument": lambda: held(connection),
        "inside": inside,
    }[kind]()
    assert (await planned(people)).plan.ready == 600
    connection.close()


class LikePandas:
    """The part of a pandas DataFrame that is used, with its way to say that a value is missing."""

    columns = ("to", "nombre", "saldo")

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def itertuples(self, *, index: bool, name: None) -> Iterator[tuple[object, ...]]:
        assert (index, name) == (False, None)
        yield ("+5491100000001", "Ana", 1.5)
        yield ("+5491100000002", float("nan"), 2.5)


class LikePolars:
    """The part of a polars DataFrame that is used."""

    def __iter__(self) -> Iterator[str]:
        return iter(("to", "nombre", "saldo"))

    def iter_rows(self, *, named: bool) -> Iterator[dict[str, object]]:
        assert named
        yield {"to": "+5491100000001", "nombre": "Ana", "saldo": 1.5}
        yield {"to": "+5491100000002", "nombre": None, "saldo": 2.5}


@pytest.mark.parametrize("frame", [LikePandas(), LikePolars()])
async def test_a_data_frame_is_its_rows(frame: LikePandas | LikePolars) -> None:
    made = await planned(frame)

    assert made.people == [{"to": "+5491100000001", "variables": {"nombre": "Ana", "saldo": "1.5"}}]
    assert made.reasons == [(2, "blank variable", "nombre")]


@pytest.mark.parametrize("people", [5, None, {"to": "+5491155555555"}])
async def test_what_is_no_list_of_people_says_so(people: PeopleLike) -> None:
    with pytest.raises(UnusableSource, match="people are a path, a file, or an iterable"):
        open_source(people)


async def test_blocks_are_small(tmp_path: Path) -> None:
    path = written(tmp_path, "people.jsonl", '{"to":"+5491100000001","nombre":"Ana","saldo":"1"}\n' * 5_000)
    async with aclosing(open_source(path).blocks()) as blocks:
        sizes = [len(block.data) async for block in blocks if isinstance(block, LineBlock)]
    async with aclosing(open_source([person(1)] * 2_500).blocks()) as blocks:
        counts = [len(block.items) async for block in blocks if isinstance(block, ObjectBlock)]

    assert max(sizes) < 97 * 1024
    assert max(counts) == 1_000


async def test_who_waits_for_a_silent_standard_input_can_be_called_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "w") as person:
        monkeypatch.setattr(sys, "stdin", stdin)
        begun = anyio.Event()

        async def listen() -> None:
            async with aclosing(open_source("-").blocks()) as blocks:
                begun.set()
                async for _ in blocks:
                    pass

        for heard in ("", HEAD):
            person.write(heard)
            person.flush()
            with anyio.fail_after(30):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(listen)
                    await begun.wait()
                    await anyio.sleep(0.05)  # until its thread waits; earlier would pass as well
                    tasks.cancel_scope.cancel()


@pytest.mark.parametrize("heard", ["", HEAD])
def test_ctrl_c_ends_a_program_whose_standard_input_is_silent(heard: str) -> None:
    program = """
import anyio
from keebai_async.sources import open_source

async def listen():
    print("listening", flush=True)
    async for block in open_source("-").blocks():
        pass

anyio.run(listen)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(heard)
        process.stdin.flush()
        assert process.stdout.readline() == "listening\n"
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(30) != 0
        finally:
            process.kill()


async def test_empty_cells_behind_the_header_and_a_second_mark_of_byte_order_are_nothing(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "people.csv", "\ufeff\ufeffto;a\n+1;x;\n+2;y;;\n+3;z;;w\n")

    assert await read(path) == [(2, ["+1", "x"]), (3, ["+2", "y"]), (4, ["+3", "z", "", "w"])]
