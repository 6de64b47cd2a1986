"""Columns of text are written as the encoder writes the same people one by one, whatever is in them."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.model.marks import tag_of
from keebai_async.model.template import Template
from keebai_async.planning.codec import NO_COLUMNS, ColumnPeople, MetaColumns, RowCodec
from keebai_async.planning.column_json import ANY
from keebai_async.planning.marking import Marker

plain = st.sampled_from(["Ana", "María José", "$ 1,50", "Ñ €", "👍", "a b", "/", "<&>", "\u2028", "\xa0"])
escaped = st.sampled_from(['"', "\\", "\\u0041", "\n", "\t", "\x00", "\x1f", '"},{"to":"', '","saldo":"', ""])
text = st.one_of(plain, plain, plain, escaped, st.text(max_size=6), st.just(ANY))
name = st.sampled_from(["nombre", "1", "a b", "ñ", "{{x}}", "to", ANY])
key = st.one_of(name, st.sampled_from(['a"b', "a\\b", "\n", "_kb"]))


def people_of(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[RowCodec, ColumnPeople]:
    variables = draw(st.lists(name, max_size=4, unique=True))
    codec = RowCodec(Template(name="t", language="es", status="APPROVED", variables=tuple(variables)))
    count = draw(st.integers(1, 5))

    def columns(of: Sequence[str]) -> list[list[str]]:
        return [draw(st.lists(texts, min_size=count, max_size=count)) for _ in of]

    keys = tuple(draw(st.lists(key, max_size=3, unique=True)))
    metas = MetaColumns(keys, columns(keys)) if keys else NO_COLUMNS
    to = [f"+5491150000{place:03}" for place in range(count)]
    return codec, ColumnPeople(codec, to, columns(variables), metas)


@st.composite
def people(draw: st.DrawFn) -> tuple[RowCodec, ColumnPeople]:
    return people_of(draw, draw(st.sampled_from([plain, text])))


@given(people())
@settings(deadline=None, max_examples=500)
def test_columns_are_written_as_their_rows_are(made: tuple[RowCodec, ColumnPeople]) -> None:
    codec, columns = made

    assert codec.encode(columns) == codec.encode(columns.made())


@given(people(), st.integers(0, 5), st.integers(0, 5))
@settings(deadline=None)
def test_a_part_of_them_is_what_the_part_of_their_rows_is(
    made: tuple[RowCodec, ColumnPeople], start: int, size: int
) -> None:
    codec, columns = made
    rows = columns.made()

    part = columns[start : start + size]
    assert codec.encode(part.made()) == codec.encode(rows[start : start + size])
    assert len(part) == len(rows[start : start + size])
    assert codec.encode([columns[0], *columns, columns[-1]]) == codec.encode([rows[0], *rows, rows[-1]])


@given(people(), st.integers(0, 5_000))
@settings(deadline=None)
def test_they_get_the_marks_that_their_rows_get(made: tuple[RowCodec, ColumnPeople], first: int) -> None:
    codec, columns = made
    marker = Marker(codec, tag_of("promo-1"))
    encoded = codec.encode(columns)

    marked = marker.mark(columns, encoded, chunk=3, first=first)
    assert marked == marker.mark(columns.made(), encoded, chunk=3, first=first)


@pytest.mark.parametrize("bad", ["\ud800", "a\udfff"])
def test_half_a_character_is_refused_as_in_rows(bad: str) -> None:
    codec = RowCodec(Template(name="t", language="es", status="APPROVED", variables=("1",)))
    columns = ColumnPeople(codec, ["+5491150000001"], [[bad]], NO_COLUMNS)

    with pytest.raises(UnicodeEncodeError):
        codec.encode(columns.made())
    with pytest.raises(UnicodeEncodeError):
        codec.encode(columns)
