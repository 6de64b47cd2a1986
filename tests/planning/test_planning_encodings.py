"""Texts as spreadsheets write them: UTF-16 by its mark, others when they are said, or at least proposed."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput, UnusableSource
from keebai_async.model.identity import identity
from keebai_async.planning.suppress import suppressed_people
from keebai_async.sources import CellBlock, ColumnBlock, LineBlock, open_source
from keebai_async.sources.encodings import Recoder, proposed
from tests.planning.workbook import workbook

ANA = "+5491100000001"
TABLE = f"to;nombre\n{ANA};Lucía Núñez\n+5491100000002;João ¿Qué?\n"
PEOPLE = [[ANA, "Lucía Núñez"], ["+5491100000002", "João ¿Qué?"]]


async def read(path: Path, encoding: str | None = None) -> list[list[str]]:
    found: list[list[str]] = []
    async for block in open_source(path, encoding=encoding).blocks():
        assert isinstance(block, CellBlock | ColumnBlock)
        found.extend(list(block.row(place)) for place, _ in enumerate(block.numbers))
    return found


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
async def test_utf_16_is_read_by_its_mark(tmp_path: Path, mark: bytes) -> None:
    text = mark + TABLE.encode("utf-16-le" if mark[0] == 0xFF else "utf-16-be")
    path = tmp_path / "people.csv"
    path.write_bytes(text)

    assert await read(path) == PEOPLE
    assert await read(path, "utf-16") == PEOPLE
    (people,) = await suppressed_people([path])
    assert set(people.keys) == {identity(number) for number, _ in PEOPLE}


@pytest.mark.parametrize("encoding", ["windows-1252", "latin-1", "cp850", "mac_roman", "utf-16-le", "UTF-8"])
async def test_what_a_person_says_is_believed(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(TABLE.encode(encoding))

    assert await read(path, encoding) == PEOPLE


async def test_a_mark_of_utf_8_is_certain_whatever_is_said(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(TABLE, encoding="utf-8-sig")

    assert await read(path, "windows-1252") == PEOPLE


async def test_json_lines_are_texts_too(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_bytes(f'{{"to":"{ANA}","nombre":"Lucía"}}\n'.encode("cp1252"))

    (block,) = [block async for block in open_source(path, encoding="cp1252").blocks()]

    assert isinstance(block, LineBlock)
    assert "Lucía" in block.data.decode()


@pytest.mark.parametrize("encoding", ["windows-1252", "mac_roman", "cp850"])
async def test_an_encoding_that_fits_is_proposed_with_the_line(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(TABLE.encode(encoding))

    with pytest.raises(UnusableSource, match=rf"line 2: not UTF-8; .*--encoding {encoding}, or save") as no:
        await read(path)
    assert no.value.row == 2


async def test_what_fits_nothing_is_proposed_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"to;nombre\n+5491100000001;\x81\x8d\xfe\n")

    with pytest.raises(UnusableSource, match="not UTF-8; say with --encoding what it is"):
        await read(path)


async def test_a_wrong_encoding_says_the_line_and_an_unknown_one_that_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(TABLE.encode("cp850") + b"\x81")

    with pytest.raises(UnusableSource, match="line 4: this is not cp1252"):
        await read(path, "windows-1252")
    for name in ("windows-9", "rot13", "hex", "", "a\0b"):
        with pytest.raises(InvalidInput, match="no such encoding") as no:
            open_source(path, encoding=name)
        assert no.value.field == "encoding"


async def test_a_workbook_with_the_name_of_another_kind_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    path = workbook(tmp_path / "people.xls", A=[["to", "nombre"], [ANA, "Ana"]])

    assert await read(path) == [[ANA, "Ana"]]


def test_what_is_piped_in_may_be_utf_16() -> None:
    program = "import anyio; from tests.planning.made import planned; print(anyio.run(planned, '-').numbers)"
    piped = f"to\tnombre\tsaldo\r\n{ANA}\tLucía\t1\r\n".encode("utf-16")

    done = subprocess.run([sys.executable, "-c", program], input=piped, capture_output=True, check=True)

    assert done.stdout.decode().strip() == f"['{ANA}']"


@given(st.text(max_size=40), st.lists(st.integers(1, 9)), st.sampled_from(["utf-16", "utf-8-sig", "utf-32"]))
@settings(deadline=None)
def test_a_text_is_the_same_wherever_it_is_cut(text: str, cuts: list[int], encoding: str) -> None:
    data = text.encode(encoding)
    recoder = Recoder(encoding, "it")
    found = b""
    for cut in (*cuts, len(data)):
        found += recoder.recoded(data[:cut]) if data else b""
        data = data[cut:]

    assert (found + recoder.recoded(b"")).decode() == text


@given(st.text("aeñíóÁ¿ç x,;\n"), st.sampled_from("ñíóÁç"))
def test_what_excel_writes_in_these_languages_is_always_recognised(text: str, letter: str) -> None:
    assert proposed(f"{text}{letter}".encode("cp1252")) == "windows-1252"
