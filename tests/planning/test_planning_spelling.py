"""A value is spelled as people do it, in one way for all that can hold it; a number not exact is rejected."""

import datetime
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.model.template import Template
from keebai_async.planning.codec import RowCodec
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.reader import Reader
from keebai_async.sources import open_source
from keebai_async.sources.spelling import NotText, of_json, of_single, spelled
from tests.planning.made import PLAIN, both, lines, planned

ANA = "+5491100000001"
INTERNATIONAL = PlanOptions(numbers="international")
ONE = Template(name="uno", language="es", status="APPROVED", variables=("valor",))


async def sent(people: object) -> list[object]:
    """The values that are sent, in order, with the reason of a row that is rejected in its place."""
    reader = Reader(RowCodec(ONE), {})
    found: list[object] = []
    async for block in open_source(people).blocks():  # type: ignore[arg-type]  # lists and files alike
        checked = await reader.read(block)
        by_row: dict[int, object] = {out.row: out.reason.value for out in checked.rejections}
        ready = (RowCodec(ONE).values(row)[0] for row in checked.ready)
        found.extend(by_row[row] if row in by_row else next(ready) for row in checked.rows.numbers)
    return found


def to(place: int) -> str:
    return f"+54911{20_000_000 + place}"


VALUES: list[tuple[object, str]] = [
    (datetime.date(2026, 3, 15), "2026-03-15"),
    (datetime.datetime(2026, 3, 15), "2026-03-15"),  # noqa: DTZ001
    (datetime.datetime(2026, 3, 15, 10, 30), "2026-03-15 10:30"),  # noqa: DTZ001
    (datetime.time(10, 30), "10:30"),
    (datetime.timedelta(days=1, hours=2), "26:00"),
    (0.1 + 0.2, "0.3"),
    (1500.0, "1500"),
    (1e-7, "0.0000001"),
    (7790000000000002.0, "bad variable"),
    (Decimal("12.50"), "12.50"),
    (Decimal("0E-9"), "0"),
    (True, "true"),
    (12345678901234567, "12345678901234567"),
    (b"x", "bad variable"),
]


@pytest.mark.parametrize("wide", [False, True])
async def test_dicts_frames_and_parquet_spell_a_value_the_same_way(tmp_path: Path, wide: bool) -> None:
    for value, text in VALUES:
        path = tmp_path / "a.parquet"
        kind = pa.duration("us") if isinstance(value, datetime.timedelta) else None
        if kind is None or not wide:
            pq.write_table(pa.table({"to": [ANA], "valor": pa.array([value], type=kind)}), path)
            assert await sent(path) == [text], value
        row: dict[str, object] = (
            {"to": ANA, "variables": {"valor": value}} if wide else {"to": ANA, "valor": value}
        )
        assert await sent([row, row | {"to": to(1)}]) == [text, text]
        assert await sent(LikePandas([(ANA, value)])) == [text]


class LikePandas:
    """The part of a pandas DataFrame that is used."""

    columns = ("to", "valor")

    def __init__(self, rows: Sequence[tuple[object, ...]], dtypes: Sequence[str] = ()) -> None:
        self.dtypes = dtypes
        self._rows = rows

    def itertuples(self, *, index: bool, name: None) -> Sequence[tuple[object, ...]]:
        return self._rows


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("7", "7"),
        ("1.10", "1.10"),
        ("100.00", "100.00"),
        ("1500.0", "1500"),
        ("0.30000000000000004", "0.3"),
        ("1e-07", "0.0000001"),
        ("0E-9", "0"),
        ("646180110400000000", "646180110400000000"),
        ("6.461801104e+17", "bad variable"),
        ("6.46E17", "bad variable"),
        ("1E5", "bad variable"),
        ("7790000000000002.0", "bad variable"),
        ("1e999", "bad variable"),
        ("true", "true"),
        ("[1]", "bad variable"),
        ("{}", "bad variable"),
        ("null", "blank variable"),
    ],
)
async def test_a_number_of_json_lines_is_sent_as_written_or_not_at_all(
    tmp_path: Path, written: str, text: str
) -> None:
    path = tmp_path / "a.jsonl"
    shapes = '{"to":"%s","valor":%s}', '{"to": "%s", "variables": {"valor": %s}}'
    for shape in shapes:
        path.write_text("\n".join(shape % (to(place), written) for place in range(3)))

        assert await sent(path) == [text] * 3


async def test_a_phone_number_that_lost_its_digits_in_json_is_nobody_s(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = ["5.49116e+12", "5491155550101.0", "5491155550102"]
    path.write_text("\n".join('{"to":%s,"valor":"a"}' % row for row in rows))  # noqa: UP031

    made = await planned(path, ONE, options=INTERNATIONAL)

    assert made.numbers == ["+5491155550101", "+5491155550102"]
    assert made.reasons == [(1, "spreadsheet number", "to")]


async def test_floats_of_32_bits_have_only_the_digits_that_they_hold(tmp_path: Path) -> None:
    values = [0.1, 12345.67, 16777216.0]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"to": list(map(to, range(3))), "valor": pa.array(values, pa.float32())}), path)
    held = pq.read_table(path)["valor"].to_pylist()
    frame = LikePandas([(to(place), value) for place, value in enumerate(held)], ("str", "float32"))

    for people in (path, frame):
        assert await sent(people) == ["0.1", "12345.67", "bad variable"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_that_is_sent_has_an_exponent_or_more_digits_than_are_certain(value: float) -> None:
    for text in (spelled(value), of_json(json.dumps(value)), of_single(value)):
        if isinstance(text, NotText):
            continue
        assert isinstance(text, str)
        assert "e" not in text.lower()
        assert not text.endswith(".0")
        assert len(text.replace(".", "").lstrip("-0")) <= 15
        assert float(text) == pytest.approx(value, rel=1e-6)


KEYS = st.sampled_from(["to", "valor", "variables", "meta_a", "meta_data", "x"])
TEXTS = st.sampled_from(
    [
        '"a"',
        '"10:30"',
        '"to"',
        '"\\"to\\":"',
        '"\\u003a"',
        "1",
        "1.0",
        "null",
        '{"valor":"b"}',
        '{"valor" : "b", "valor":"c"}',
        '{"to":"a:b"}',
        '{"a":"x{","a":{}}',
        '{"a":{"b":1,"c":"10:30","b":2}}',
        '{"a":[{"b":1},{"b":2,"b":3}]}',
        "{}",
    ]
)


@given(
    st.lists(
        st.lists(st.tuples(KEYS, st.sampled_from([":", " :", ": "]), TEXTS), max_size=3),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(
        [
            (ONE, '"valor":"a"'),
            (ONE, '"variables":{"valor":"10:30"}'),
            (ONE, '"variables":{"valor":"a"}'),
            (PLAIN, '"variables":{}'),
            (PLAIN, ""),
        ]
    ),
)
@settings(deadline=None, max_examples=400)
async def test_both_paths_agree_on_keys_and_none_that_is_twice_is_sent(
    rows: list[list[tuple[str, str, str]]], asked: tuple[Template, str]
) -> None:
    template, base = asked
    written = [
        ",".join(
            [
                f'{{"to":"{to(place)}"',
                *filter(None, [base]),
                *(f'"{key}"{colon}{value}' for key, colon, value in more),
            ]
        )
        + "}"
        for place, more in enumerate(rows)
    ]

    checked = await both(template, lines("\n".join(written).encode()))

    ready = set(checked.where)
    for place, line in enumerate(written):
        if twice(line):
            assert place not in ready


@pytest.mark.parametrize("more", ["", ',"meta_data":{"pedido":"A-1"}', ',"meta_data":null'])
async def test_a_number_that_is_twice_is_not_sent_where_the_template_has_no_variables(more: str) -> None:
    written = [
        f'{{"to":"{to(1)}","variables":{{}}}}',
        f'{{"to":"{to(2)}","to":"{to(3)}"{more}}}',
        f'{{"to":"{to(4)}"{more}}}',
        f'{{"to":"{to(5)}","variables":null{more}}}',
        f'{{"to":"{to(6)}","variables":{{}}{more}}}',
    ]

    alone = await both(PLAIN, lines(written[1].encode()))
    every = await both(PLAIN, lines("\n".join(written).encode()))

    assert list(alone.where) == []
    assert list(every.where) == [0, 2, 3, 4]
    (rejection,) = every.rejections
    assert (rejection.row, rejection.reason.value, rejection.field) == (2, "bad row", "to")


def twice(line: str) -> bool:
    """Whether an object in the line has a key twice, however deep it lies."""
    found: list[bool] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        found.append(len({name for name, _ in pairs}) < len(pairs))

    json.loads(line, object_pairs_hook=look)
    return any(found)


async def test_a_key_that_is_twice_says_which(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        f'{{"to":"{to(1)}","valor":"a"}}\n'
        f'{{"to":"{to(2)}","valor":"a","valor":"b"}}\n'
        f'{{"to":"{to(3)}","variables":{{"valor":"a","valor":"10:30"}}}}\n'
        f'{{"to":"{to(4)}","to":"{to(5)}","valor":"a"}}\n'
        f'{{"to":"{to(6)}","variables":{{"valor":"a"}},"meta_data":{{"pedido":"A-1","pedido":"A-2"}}}}\n'
        f'{{"to":"{to(7)}","valor":"a","meta_cliente":{{"sede":{{"id":1,"id":2}}}}}}\n'
    )

    made = await planned(path, ONE)

    assert made.numbers == [to(1)]
    assert made.reasons == [
        (2, "bad row", "valor"),
        (3, "bad row", "valor"),
        (4, "bad row", "to"),
        (5, "bad row", "pedido"),
        (6, "bad row", "id"),
    ]
    assert "valor is there twice" in made.rejections[0].detail
    assert msgspec.json.encode(made.people)


@pytest.mark.parametrize("given", ["objects", "lines"])
async def test_a_meta_data_of_null_is_none_where_the_template_has_no_variables(given: str) -> None:
    rows = [{"to": to(1)}, {"to": to(2), "meta_data": None}, {"to": to(3), "meta_data": {"pedido": "A-1"}}]

    made = await planned(rows if given == "objects" else b"\n".join(map(msgspec.json.encode, rows)), PLAIN)

    assert made.people == [{"to": to(1)}, {"to": to(2)}, {"to": to(3), "meta_data": {"pedido": "A-1"}}]
