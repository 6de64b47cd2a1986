"""A table that is split as one text has the cells that the reader of the standard library finds in it."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.planning.column_json import has_signs
from keebai_async.sources.split_columns import columns_of, is_plain

bare = st.sampled_from(["", "a", "Ana", "1.50", " ", "'", "\x0b", "\u2028", "\x85"])
in_quotes = st.sampled_from(['""', '"a"', '"1,50"', '","', '"a b"', '" "', '"\x1e"'])
odd = st.sampled_from(['"a""b"', '"', 'a"b"', '"a"b', ' "a"', '""""', '"a\nb"', '"a\r"', "\r", "\n", ";"])
cells = st.one_of(
    st.lists(st.one_of(bare, in_quotes), min_size=3, max_size=3),
    st.lists(st.one_of(bare, in_quotes, odd), min_size=1, max_size=4),
)
ends = st.sampled_from(["\n", "\r\n"])


def read(text: str, by: str = ",") -> list[tuple[str, ...]]:
    """What the standard library reads."""
    return list(map(tuple, csv.reader(io.StringIO(text, newline=""), delimiter=by)))


def split(text: str, width: int, by: str = ",") -> list[tuple[str, ...]] | None:
    columns = columns_of(text, width, by)
    return None if columns is None else list(zip(*columns, strict=True))


@st.composite
def tables(draw: st.DrawFn) -> str:
    end = draw(st.one_of(ends, st.just(None)))
    row = draw(st.sampled_from([st.lists(st.one_of(bare, in_quotes), min_size=3, max_size=3), cells]))
    lines = [
        ",".join(line) + (end or draw(st.sampled_from(["\n", "\r\n", "\r"])))
        for line in draw(st.lists(row, min_size=1, max_size=6))
    ]
    text = "".join(lines)
    return text if draw(st.booleans()) else text.rstrip("\r\n")


@given(st.one_of(tables(), st.text('ab," \n\r', min_size=1, max_size=24)), st.integers(2, 4))
@settings(deadline=None, max_examples=2_000)
def test_what_is_split_is_what_is_read(text: str, width: int) -> None:
    found = split(text, width)

    if found is not None:
        assert found == read(text)
        assert all(map(any, found))
        assert len(found) == len(text.removesuffix("\n").split("\n"))


signs = st.sampled_from(["a", '"a"', '"\t"', "\t", "\\", '"\\"', "\x1f", "\x7f", "é", "\u2028", ""])


@given(st.lists(st.lists(signs, min_size=2, max_size=4), min_size=1, max_size=4), st.sampled_from(",;\t"))
@settings(deadline=None, max_examples=2_000)
def test_lines_are_plain_only_if_no_cell_has_a_sign_that_json_escapes(
    lines: list[list[str]], by: str
) -> None:
    text = "".join(by.join(line) + "\n" for line in lines)
    columns = columns_of(text, len(lines[0]), by)

    if columns is not None and is_plain(text.encode(), by):
        assert not has_signs("".join(map("".join, columns)))


@pytest.mark.parametrize("by", [",", "\t"])
def test_a_list_of_usual_texts_is_plain_whatever_is_between_them(by: str) -> None:
    assert is_plain(f'+5491150000001{by}María{by}"$ 1,50"\r\n'.replace("\t", by).encode(), ",") == (by == ",")
    assert is_plain(f"+5491150000001{by}María{by}$ 1.50\r\n".encode(), by)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "line",
    [
        "{0},Ana,1.50",
        '{0},"Ana",1.50',
        '"{0}","Ana","1,50"',
        '{0},"a,b","c,d"',
        '{0},,"1,50"',
    ],
)
def test_lines_as_programs_write_them_are_split(line: str, end: str) -> None:
    text = "".join(line.format(n) + end for n in range(5))

    assert split(text, 3) == read(text)
    assert split(text.removesuffix(end), 3) == read(text)


def test_lines_some_of_whose_cells_are_in_quotes_are_split() -> None:
    text = '1,"Ana, Lía",5\n2,Bruno,"1,50"\n"3",Carla,7\n'

    assert split(text, 3) == [("1", "Ana, Lía", "5"), ("2", "Bruno", "1,50"), ("3", "Carla", "7")]


@pytest.mark.parametrize("by", ['"', "\n", "\r"])
def test_nothing_is_split_where_no_line_could_be(by: str) -> None:
    assert split(f"a{by}b\nc{by}d\n", 2, by) is None
