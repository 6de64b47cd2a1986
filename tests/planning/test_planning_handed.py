"""Bytes, open files, uploads of web frameworks and tuples are people, as the same rows in a file are."""

import gzip
import io
import tempfile
from collections import namedtuple
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import aiohttp
import anyio
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import Message

from keebai_async.errors import InvalidInput, UnusableSource
from keebai_async.sources import open_source
from tests.planning.made import Made, planned
from tests.planning.workbook import ods, text_cell, workbook

ANA, BEA = "+5491150000000", "+5491150000001"
TABLE: Final = f"to,nombre,saldo\n{ANA},Ána,0\n{BEA},Bea,1\nnada,Eva,2\n"
LINES: Final = (
    f'{{"to": "{ANA}", "nombre": "Ána", "saldo": "0"}}\n{{"to": "{BEA}", "nombre": "Bea", "saldo": "1"}}\n'
)
CELLS: Final[list[list[str | float]]] = [["to", "nombre", "saldo"], [ANA, "Ána", "0"], [BEA, "Bea", "1"]]


def check(made: Made) -> None:
    assert made.numbers == [ANA, BEA]
    assert made.people[0]["variables"] == {"nombre": "Ána", "saldo": "0"}


@pytest.fixture(autouse=True)
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where copies are made: nothing is left there, whatever happens."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "people",
    [
        TABLE.encode(),
        TABLE.replace(",", ";").encode(),
        bytearray(TABLE.encode("utf-16")),
        memoryview(LINES.encode()),
        b"[" + LINES.encode().strip().replace(b"\n", b",") + b"]",
        gzip.compress(TABLE.encode()),
        gzip.compress(LINES.encode()),
        io.BytesIO(TABLE.encode()),
        io.StringIO(TABLE),
        io.StringIO(LINES),
    ],
    ids=[
        "csv",
        "semicolons",
        "utf-16",
        "lines",
        "array",
        "csv.gz",
        "lines.gz",
        "file",
        "text file",
        "lines file",
    ],
)
async def test_bytes_and_open_files_are_read_as_what_they_begin_like(people: bytes | io.IOBase) -> None:
    check(await planned(people))


def _xlsx(path: Path) -> Path:
    return workbook(path.with_suffix(".xlsx"), Base=CELLS)


def _ods(path: Path) -> Path:
    rows = [
        f"<table:table-row>{''.join(text_cell(str(cell)) for cell in row)}</table:table-row>" for row in CELLS
    ]
    return ods(path.with_suffix(".ods"), {"Base": "".join(rows)})


def _parquet(path: Path) -> Path:
    head, *rows = CELLS
    pq.write_table(pa.table({str(name): [row[at] for row in rows] for at, name in enumerate(head)}), path)
    return path


@pytest.mark.parametrize("make", [_xlsx, _ods, _parquet])
@pytest.mark.parametrize("named", [True, False])
async def test_a_workbook_or_parquet_may_be_bytes_or_a_file_with_or_without_a_name(
    tmp_path: Path, make: Callable[[Path], Path], named: bool
) -> None:
    path = make(tmp_path / "people.parquet")

    with path.open("rb") as file:
        check(await planned(file if named else file.read()))


async def test_a_file_is_named_to_people_as_its_user_named_it(tmp_path: Path) -> None:
    book = UploadFile(io.BytesIO(_xlsx(tmp_path / "x").read_bytes()), filename=r"C:\Users\ana\Marzo.xlsx")
    made = await planned(book)

    assert made.plan.source == "Marzo.xlsx"
    assert made.plan.notes == ("read is the sheet 'Base' of Marzo.xlsx, rows 2 to 3",)
    with pytest.raises(UnusableSource, match=r"^Marzo.pdf is a PDF"):
        await planned(UploadFile(io.BytesIO(b"%PDF-1.7"), filename="Marzo.pdf"))
    with pytest.raises(UnusableSource, match=r"^Marzo.csv, line 2"):
        await planned(
            UploadFile(io.BytesIO(b'to,nombre,saldo\n"+5491150000000,Ana,1\n'), filename="Marzo.csv")
        )


async def test_an_open_file_is_read_from_where_it_stands_and_stays_open() -> None:
    file = io.BytesIO(b"a line that somebody read already\n" + TABLE.encode())
    file.readline()

    check(await planned(file))

    assert not file.closed
    assert file.read() == b""


async def test_a_file_that_is_closed_or_no_text_is_one_line(tmp_path: Path) -> None:
    closed = io.BytesIO(TABLE.encode())
    closed.close()
    (tmp_path / "latin.csv").write_bytes(TABLE.encode("latin-1"))

    with pytest.raises(UnusableSource, match="cannot be read: I/O operation on closed file"):
        await planned(closed)
    with (
        (tmp_path / "latin.csv").open(encoding="utf-8") as text,
        pytest.raises(UnusableSource, match=r"^latin.csv cannot be read: 'utf-8' codec"),
    ):
        await planned(text)


async def test_bytes_have_an_encoding_and_texts_have_none_any_more() -> None:
    source = open_source(TABLE.encode("latin-1"), encoding="latin-1")
    blocks = [block async for block in source.blocks()]
    text = open_source(io.StringIO(TABLE), encoding="latin-1")

    assert "Ána" in repr(blocks)
    with pytest.raises(InvalidInput, match="decoded already"):
        _ = [block async for block in text.blocks()]


async def test_a_plan_that_is_given_up_in_the_middle_leaves_no_copy(copies: Path) -> None:
    many = "to,nombre,saldo\n" + "".join(f"+54911{n:08},Ana,1\n" for n in range(5_000))
    source = open_source(many.encode())
    blocks = source.blocks()

    await anext(blocks)
    (mode,) = modes_in(copies)
    await blocks.aclose()

    assert mode == 0o700


def modes_in(folder: Path) -> list[int]:
    return [each.stat().st_mode & 0o777 for each in folder.iterdir()]


def form(name: str, content: bytes) -> tuple[bytes, dict[str, str]]:
    """A form with one file, as a browser sends it."""
    edge = "edge5b1f"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="list"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={edge}"}


async def test_an_upload_of_starlette_and_fastapi() -> None:
    pytest.importorskip("python_multipart")
    body, headers = form("marzo.csv", TABLE.encode())

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    async with Request(scope, receive).form() as given:
        upload = given["list"]
        assert isinstance(upload, UploadFile)
        made = await planned(upload)

    check(made)
    assert made.plan.source == "marzo.csv"


@pytest.mark.parametrize("way", ["post", "parts", "body"])
async def test_an_upload_of_aiohttp(way: str) -> None:
    made: list[Made] = []

    async def take(request: web.Request) -> web.Response:
        if way == "post":
            field = (await request.post())["list"]
            assert isinstance(field, web.FileField)
            made.append(await planned(field))
        elif way == "parts":
            part = await (await request.multipart()).next()
            assert isinstance(part, aiohttp.BodyPartReader)
            made.append(await planned(part))
        else:
            made.append(await planned(request.content))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    body, headers = form("marzo.csv", TABLE.encode())
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        given = (TABLE.encode(), {}) if way == "body" else (body, headers)
        async with session.post(server.make_url("/"), data=given[0], headers=given[1]) as reply:
            assert reply.status == 200, await reply.text()

    check(made[0])
    assert made[0].plan.source == ("the file" if way == "body" else "marzo.csv")


async def test_a_file_of_anyio(tmp_path: Path) -> None:
    (tmp_path / "marzo.csv").write_text(TABLE, encoding="utf-8")

    async with await anyio.open_file(tmp_path / "marzo.csv", "rb") as file:
        check(await planned(file))


NAMES = ["to", "nombre", "saldo"]
TUPLES = [(ANA, "Ána", 0), [BEA, "Bea", 1], ("nada", "Eva", 2), (ANA,), "a text", ("+1", "2", "3", "4")]


async def test_tuples_are_people_with_the_names_of_their_columns() -> None:
    async def later() -> AsyncIterator[object]:
        for row in TUPLES:
            yield row

    for people in (TUPLES, iter(TUPLES), later()):
        source = open_source(people, columns=NAMES)
        rows = [item async for block in source.blocks() for item in block.items]  # type: ignore[union-attr]
        assert rows == [
            {"to": ANA, "nombre": "Ána", "saldo": 0},
            {"to": BEA, "nombre": "Bea", "saldo": 1},
            {"to": "nada", "nombre": "Eva", "saldo": 2},
            *TUPLES[3:],
        ]


async def test_a_tuple_of_another_length_is_rejected_by_its_row() -> None:
    made = await planned(TUPLES, columns=NAMES)

    check(made)
    assert [row for row, _, _ in made.reasons] == [3, 4, 5, 6]


async def test_named_tuples_have_their_names() -> None:
    Person = namedtuple("Person", "to nombre saldo")

    check(await planned([Person(ANA, "Ána", 0), Person(BEA, "Bea", 1)]))


@pytest.mark.parametrize(
    ("people", "columns", "words"),
    [
        ("people.csv", NAMES, "for rows that are tuples"),
        (b"to\n+5491150000000\n", NAMES, "for rows that are tuples"),
        (TUPLES, [], "columns are names"),
        (TUPLES, "to", "columns are names"),
        (TUPLES, [1, 2, 3], "columns are names"),
    ],
)
def test_names_are_for_tuples_alone(people: object, columns: list[str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        open_source(people, columns=columns)  # type: ignore[arg-type]
