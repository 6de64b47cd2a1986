"""Compressed files, Parquet, Excel, and what is piped in."""

import gzip
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from backports import zstd

from keebai_async.errors import InvalidInput, UnusableSource
from keebai_async.planning.column_json import has_signs
from keebai_async.sources import CellBlock, open_source
from keebai_async.sources.parquet import PARQUET_ROWS, READ_BLOCKS, parquet
from keebai_async.sources.sheet import cell_of
from tests.planning.made import person, planned
from tests.planning.workbook import workbook

CSV = b"to,nombre,saldo\n" + b"".join(
    f'{one["to"]},Persona {n},"{n},50"\n'.encode() for n in range(2_000) for one in [person(n)]
)


async def test_gzip_and_zstd_are_read_as_what_they_hold(tmp_path: Path) -> None:
    (tmp_path / "people.csv.gz").write_bytes(gzip.compress(CSV))
    (tmp_path / "people.csv.zst").write_bytes(zstd.compress(CSV))

    for name in ("people.csv.gz", "people.csv.zst"):
        assert (await planned(tmp_path / name)).people == [person(n) for n in range(2_000)]


async def test_a_compressed_file_that_is_none_or_cut_short(tmp_path: Path) -> None:
    for name, content in {
        "a.csv.gz": CSV,
        "b.csv.gz": gzip.compress(CSV)[:-20],
        "c.csv.zst": CSV,
        "d.csv.zst": zstd.compress(CSV)[:-20],
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnusableSource, match=r"cannot be read|cut short"):
            await planned(tmp_path / name)


async def test_parquet_rows_are_counted_from_one(tmp_path: Path) -> None:
    people = [person(n) for n in range(600)]
    columns = {
        "to": [None if n in {2, 255, 599} else one["to"] for n, one in enumerate(people)],
        "nombre": [f"Persona {n}" for n in range(600)],
        "saldo": [f"{n},50" for n in range(600)],
        "meta_n": list(range(600)),
    }
    pq.write_table(pa.table(columns), tmp_path / "people.parquet")

    made = await planned(tmp_path / "people.parquet")

    assert made.reasons == [(row, "no number", "to") for row in (3, 256, 600)]
    assert made.people[2] == person(3) | {"meta_data": {"n": "3"}}


async def test_a_row_group_of_parquet_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    path, rows = tmp_path / "people.parquet", 100_000
    texts = [f"{n:128}" for n in range(rows)]
    whole = {"row_group_size": rows, "use_dictionary": False, "compression": "none"}
    pq.write_table(pa.table({"to": texts}), path, **whole)
    pools = (pa.default_memory_pool(), pa.system_memory_pool())
    before = sum(pool.bytes_allocated() for pool in pools)

    async with aclosing(parquet(str(path), columns={}).blocks()) as blocks:
        await anext(blocks)
        held = sum(pool.bytes_allocated() for pool in pools) - before

    assert held < path.stat().st_size / 2


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
@pytest.mark.parametrize("sign", ['"', "\\", "\x1f", "\n", "\x7f", "\u2028", ""])
async def test_rows_of_parquet_are_plain_only_if_no_text_has_a_sign_that_json_escapes(
    tmp_path: Path, sign: str, kind: str
) -> None:
    rows, place = 3 * READ_BLOCKS * PARQUET_ROWS, 2 * READ_BLOCKS * PARQUET_ROWS - 1
    texts = [f"María{sign}" if row == place else "María" for row in range(rows)]
    column = (
        pa.array(texts, getattr(pa, kind)()) if kind != "dictionary" else pa.array(texts).dictionary_encode()
    )
    pq.write_table(pa.table({"to": ["+5491155555555"] * rows, "nombre": column}), tmp_path / "a.parquet")

    plain: list[bool] = []
    async with aclosing(parquet(str(tmp_path / "a.parquet"), columns={}).blocks()) as blocks:
        async for block in blocks:
            plain += [block.plain] * block.row_count
            assert not (block.plain and has_signs("".join(map("".join, block.columns))))

    assert len(plain) == rows
    if kind in {"string", "large_string"}:
        assert plain.count(False) == (READ_BLOCKS * PARQUET_ROWS if has_signs(sign) else 0)


async def test_a_text_of_parquet_that_is_not_utf_8_stops_the_list(tmp_path: Path) -> None:
    wrong = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")]
    )
    pq.write_table(pa.table({"to": ["+5491155555555"], "nombre": wrong}), tmp_path / "people.parquet")

    with pytest.raises(UnusableSource, match="cannot be read"):
        await planned(tmp_path / "people.parquet", columns={"saldo": "nombre"})


async def test_columns_of_parquet_that_are_no_text_are_read_like_the_cells_of_a_workbook(
    tmp_path: Path,
) -> None:
    columns = {
        "to": [f"+549115555{n:04}" for n in range(300)],
        "nombre": pa.array(["Ana", "Luz", None] * 100).dictionary_encode(),
        "saldo": pa.array([float(n) / 4 for n in range(300)]),
        "x": [[n] for n in range(300)],
    }
    pq.write_table(pa.table(columns), tmp_path / "people.parquet", row_group_size=70)

    made = await planned(tmp_path / "people.parquet", columns={"nombre": "nombre"})

    assert made.plan.ready == 200
    assert made.people[1]["variables"] == {"nombre": "Luz", "saldo": "0.25"}
    assert {row for row, _, _ in made.reasons} == set(range(3, 301, 3))
    with pytest.raises(UnusableSource, match="200 bad variable, 100 blank variable"):
        await planned(tmp_path / "people.parquet", columns={"saldo": "x"})


async def test_the_first_sheet_of_a_workbook_or_the_one_that_is_named(tmp_path: Path) -> None:
    head: list[str | float] = ["to", "nombre", "saldo"]
    path = workbook(
        tmp_path / "people.xlsx",
        First=[head, ["+5491100000001", "Ana", 7.0], [], [5491100000002.0, "Luz", 1.5]],
        Other=[head, ["+5491100000003", "Eva", "007"]],
    )

    made = await planned(path)
    other = open_source(path, sheet="Other")

    assert made.people == [{"to": "+5491100000001", "variables": {"nombre": "Ana", "saldo": "7"}}]
    assert made.reasons == [(4, "bad number", "to")]
    async with aclosing(other.blocks()) as blocks:
        assert [block.rows async for block in blocks if isinstance(block, CellBlock)] == [
            [["+5491100000003", "Eva", "007"]]
        ]
    with pytest.raises(UnusableSource, match="no sheet 'Third'; it has First, Other"):
        async with aclosing(open_source(path, sheet="Third").blocks()) as blocks:
            await anext(blocks)


@pytest.mark.parametrize("name", ["people.csv", "people.tsv", "people.jsonl", "people.csv.gz", "-"])
def test_what_has_no_sheets_is_not_read_as_if_none_had_been_named(name: str) -> None:
    """A CSV was planned without a word, whatever sheet of it was asked for."""
    with pytest.raises(InvalidInput, match="no workbook and has no sheets") as error:
        open_source(name, sheet="Other")
    with pytest.raises(InvalidInput, match="no workbook and has no hidden rows"):
        open_source(name, hidden_rows=True)
    assert error.value.field == "sheet"


async def test_a_file_that_is_no_parquet_or_no_workbook(tmp_path: Path) -> None:
    for name in ("people.parquet", "people.xlsx"):
        (tmp_path / name).write_bytes(b"nothing\0of the kind")
        with pytest.raises(UnusableSource, match="cannot be read"):
            await planned(tmp_path / name)
        with pytest.raises(UnusableSource, match="no such file"):
            await planned(tmp_path / f"not-{name}")


@pytest.mark.parametrize(
    ("value", "text"),
    [(5491155555555.0, "5491155555555"), (1.5, "1.5"), (None, ""), (True, "true"), ("007", "007")],
)
def test_cells_as_text(value: object, text: str) -> None:
    assert cell_of(value) == text


@pytest.mark.parametrize("piped", [CSV, b'{"to":"+5491100000001","nombre":"Ana","saldo":"1"}\n'])
def test_what_is_piped_in_is_told_apart(piped: bytes) -> None:
    program = (
        "import anyio; from tests.planning.made import planned; print(anyio.run(planned, '-').plan.ready)"
    )

    done = subprocess.run([sys.executable, "-c", program], input=piped, capture_output=True, check=True)

    assert done.stdout.split() == [str(max(1, piped.count(b"Persona"))).encode()]
