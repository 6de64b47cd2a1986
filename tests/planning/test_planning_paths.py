"""The fast path and the slow path give one answer, on lists full of traps."""

from collections.abc import Mapping, Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.model.recipient import Recipient
from keebai_async.model.template import Template
from keebai_async.sources.block import CellBlock, ColumnBlock, ObjectBlock
from keebai_async.sources.spelling import NotText
from tests.planning.made import both, lines

good_number = st.integers(10_000_000, 99_999_999).map(lambda digits: f"+54911{digits}")
number = st.one_of(
    good_number,
    good_number.map(lambda to: f" {to}\n"),
    st.sampled_from(
        ["", "+", "+549", "011 15-5555-1111", "5.49E+12", "+5491155555555\n+5491155555556", "+٥٤٩١١"]
    ),
)
good_text = st.sampled_from(
    ["Ana", "Ñandú", "12,50", "👨\u200d👩\u200d👧", "a | b", "||", "1\u00a0000", "\\n", '"', "E+"]
)
trap = st.one_of(
    st.sampled_from(["", " ", "\u3000", "\n", "a\tb", "a     b", "a\r\nb", "\x00", "\x85", "1.5E+12"]),
    st.sampled_from(["a" * 1_024, "a" * 1_025, "ñ" * 1_024]),
    st.text(max_size=8),
)
text = st.one_of(good_text, good_text, good_text, trap)
odd = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.just([]), st.just({"a": "b"}))
value = st.one_of(text, text, text, odd)
meta = st.one_of(
    st.just({}),
    st.dictionaries(st.sampled_from(["a", "b", ""]), st.one_of(text, odd), max_size=2),
    odd,
)

TEMPLATES = [
    Template(name="two", language="es", status="APPROVED", variables=("nombre", "saldo")),
    Template(name="one", language="es", status="APPROVED", variables=("1",)),
    Template(
        name="shown",
        language="es",
        status="APPROVED",
        variables=("nombre",),
        components=(msgspec.Raw(b'{"type":"BODY","text":"' + b"x" * 1_021 + b'{{nombre}}"}'),),
    ),
    Template(name="none", language="es", status="APPROVED"),
]
templates = st.sampled_from(TEMPLATES)


@st.composite
def row(draw: st.DrawFn, template: Template) -> dict[str, object]:
    """A row, mostly right, in either shape."""
    names = [name for name in template.variables if draw(st.integers(0, 12))]
    values: dict[str, object] = {name: draw(st.one_of(good_text, value)) for name in names}
    if not draw(st.integers(0, 12)):
        values["sobra"] = draw(value)
    made: dict[str, object] = {"to": draw(st.one_of(good_number, number, odd))}
    if draw(st.booleans()):
        made["variables"] = values if draw(st.integers(0, 12)) else draw(value)
        if draw(st.booleans()):
            made["meta_data"] = draw(meta)
    else:
        made |= values
        made |= draw(st.dictionaries(st.sampled_from(["meta_a", "meta_b", "meta_"]), value, max_size=2))
    if not draw(st.integers(0, 12)):
        made["otra"] = draw(value)
    return made


@st.composite
def uniform(draw: st.DrawFn, template: Template) -> dict[str, object]:
    """A row that the fast path takes."""
    made: dict[str, object] = {
        "to": draw(good_number),
        "variables": {name: draw(good_text) for name in template.variables},
    }
    return made | ({"meta_data": {"a": draw(good_text)}} if draw(st.booleans()) else {})


@st.composite
def unquoted(draw: st.DrawFn, template: Template) -> dict[str, object]:
    """A row whose values are no text, most of them to be rendered."""
    plain = st.one_of(st.integers(), st.floats(), st.booleans(), st.just(10**5_000), odd)
    values = {name: draw(plain) for name in template.variables}
    metas = draw(st.dictionaries(st.sampled_from(["a", "b"]), st.one_of(good_text, odd), max_size=2))
    if draw(st.booleans()):
        return {"to": draw(good_number), "variables": values} | ({"meta_data": metas} if metas else {})
    return {"to": draw(good_number), **values} | {f"meta_{name}": value for name, value in metas.items()}


@st.composite
def listed(draw: st.DrawFn) -> tuple[Template, list[dict[str, object]]]:
    template = draw(templates)
    kind = draw(
        st.sampled_from(
            [
                row(template),
                uniform(template),
                unquoted(template),
                st.one_of(uniform(template), row(template)),
                st.one_of(unquoted(template), row(template)),
            ]
        )
    )
    return template, draw(st.lists(kind, min_size=1, max_size=12))


@given(listed())
@settings(deadline=None)
async def test_the_two_paths_agree_on_dicts(made: tuple[Template, list[dict[str, object]]]) -> None:
    template, rows = made
    await both(template, ObjectBlock(first=1, items=rows))


@given(listed())
@settings(deadline=None)
async def test_the_two_paths_agree_on_json_lines(made: tuple[Template, list[dict[str, object]]]) -> None:
    template, rows = made
    written = []
    for one in rows:
        try:
            written.append(msgspec.json.encode(one))
        except (ValueError, OverflowError):
            written.append(b'{"to":"\\ud800"}')
    await both(template, lines(b"\n".join(written)))


@given(
    st.lists(
        st.sampled_from(
            [
                b'{"to":"+5491155555555","variables":{"1":"a"}}',
                b'{"to":"+5491155555555","variables":{"1":"a"},"meta_data":{ }}',
                b'{"to":"+5491155555555","variables":{"1":"a"},"meta_data": {"a":1.10}}',
                b'{"to":"+5491155555555","variables":{"1":"a"},"meta_data":null}',
                b'{"to":"+5491155555555","variables":{"1":1.10}}',
                b'{"to":"+5491155555555","variables":{"1":-0}}',
                b'{"to":"+5491155555555","variables":{"1":-0.50},"meta_data":{"x":-0}}',
                b'{"to":"+5491155555555","variables":{"1":1E400}}',
                b'{"to":"+5491155555555","variables":{"1":123456789012345678901234567890}}',
                b'{"to":"+5491155555555","1":-0,"meta_x":1.10}',
                b'{"to":"+5491155555555","1":7,"meta_x":-0}',
                b'{"to":"+5491155555555","1":7,"meta_x":{"y":1.50}}',
                b'{"to":"+5491155555555","1":true,"meta_x":3}',
                b'{"to":"+5491155555555","1":"a","meta_x":1.10}',
                b'{"to":"+5491155555555","variables":',
                b'{"1":"a"}}',
                b'{"1":"a"}}{"to":"+5491155555555","1":"a"}',
                b'{"to":"+1","to":"+5491155555555","variables":{"1":"a"}}',
                b'{"to":"+5491155555555","variables":{"1":"a"},"meta_data":{}}',
                b'{"to":"+5491155555555","variables":{"1":"a"},"meta_data":{"x":[1',
                b"2]}}",
                b'{"to":"+5491155555555","variables":{"1":"a',
                b'b"}}',
                b'{"to":"+5491155555555","variables":{"1":"a"}},null,{"to":"+5491155555556","variables":{"1":"a"}}',
                b'{"to":"+5491155555555","variables":{"1":"a"}},{"to":"+5491155555556","variables":{"1":"a"}}',
                b"{}",
                b"",
                b"  ",
                b"[]",
                b"null",
                b"[" * 5_000,
            ]
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([b"\n", b"\r\n"]),
)
@settings(deadline=None)
async def test_the_two_paths_agree_on_broken_lines(broken: Sequence[bytes], end: bytes) -> None:
    checked = await both(TEMPLATES[1], lines(end.join(broken) + end))

    assert checked.read == sum(1 for line in broken if line.strip())


class Word(str):
    """Text that acts as it likes."""

    __slots__ = ()


texts_of_metas = st.one_of(good_text, good_text, st.sampled_from(["\ud800", Word("Ana"), 7, None]))
metas_of_text = st.one_of(
    st.just({"a": "1", "b": "2"}),
    st.just({"b": "2", "a": "1"}),
    st.just({"a": "1"}),
    st.dictionaries(st.sampled_from(["a", "b"]), texts_of_metas, min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["", 'a"b', "\n", "_kb", "\ud800", Word("a")]), good_text, max_size=2),
)


@given(
    metas_of_text, st.lists(st.tuples(good_number, metas_of_text, st.booleans()), min_size=1), st.booleans()
)
@settings(deadline=None)
async def test_the_two_paths_agree_on_metas_of_dicts(
    first: dict[str, object], people: list[tuple[str, dict[str, object], bool]], flat: bool
) -> None:
    """They mostly have the same keys in the same order, and are columns then."""
    metas = [(to, first if same else other) for to, other, same in people]
    if flat:
        items = [{"to": to, "1": "a", **{f"meta_{key}": each[key] for key in each}} for to, each in metas]
    else:
        items = [{"to": to, "variables": {"1": "a"}, "meta_data": each} for to, each in metas]

    await both(TEMPLATES[1], ObjectBlock(first=1, items=items))


@given(listed())
@settings(max_examples=50, deadline=None)
async def test_the_two_paths_agree_on_recipients(made: tuple[Template, list[dict[str, object]]]) -> None:
    template, rows = made
    people = [
        Recipient(to=one["to"], variables=one["variables"], meta_data=one.get("meta_data", {}))  # type: ignore[arg-type]
        if isinstance(one.get("variables"), dict)
        else one
        for one in rows
    ]
    await both(template, ObjectBlock(first=1, items=people))


@given(
    st.lists(st.lists(st.one_of(good_number, text), min_size=3, max_size=5), min_size=1, max_size=8),
    st.lists(st.tuples(good_number, good_text, good_text, good_text), max_size=8),
)
@settings(deadline=None)
async def test_the_two_paths_agree_on_tables(bad: list[list[str]], good: list[Sequence[str]]) -> None:
    header = ("to", "saldo", "meta_a", "nombre")
    rows = [*good, *bad]
    await both(TEMPLATES[0], CellBlock(header=header, numbers=range(2, len(rows) + 2), rows=rows))


@given(st.lists(st.lists(st.one_of(good_number, text), min_size=4, max_size=4), min_size=1, max_size=8))
@settings(deadline=None)
async def test_the_two_paths_agree_on_columns_as_they_do_on_rows(rows: list[list[str]]) -> None:
    header = ("to", "saldo", "meta_a", "nombre")
    columns = list(zip(*rows, strict=True))

    of_columns = await both(TEMPLATES[0], ColumnBlock(header=header, first=2, columns=columns))
    of_rows = await both(TEMPLATES[0], CellBlock(header=header, numbers=range(2, len(rows) + 2), rows=rows))

    assert msgspec.json.encode(list(of_columns.ready)) == msgspec.json.encode(list(of_rows.ready))
    assert of_columns.rejections == of_rows.rejections


class TextBlock(msgspec.Struct, frozen=True):
    """A table held in a way that the library knows nothing of: one text, a line for each row."""

    header: tuple[str, ...]
    text: str
    numbers: range
    plain: bool = False
    not_text: Mapping[int, Mapping[int, NotText]] = {}

    @property
    def row_count(self) -> int:
        return len(self.numbers)

    def row(self, position: int) -> list[str]:
        return self.text.split("\n")[position].split("|")

    def column(self, place: int) -> list[str]:
        return [self.row(position)[place] for position in range(self.row_count)]

    def whole_rows(self) -> tuple[range, list[list[str]]]:
        return range(self.row_count), [self.column(place) for place in range(len(self.header))]


async def test_a_table_that_is_held_in_a_new_way_is_planned_as_any_other() -> None:
    header = ("to", "saldo", "meta_a", "nombre")
    rows = [
        ["+5491155550101", "1", "x", "Ana"],
        ["54 9 11 5555", "2", "", "Luz"],
        ["+5491155550102", "", "y", "Eva"],
        ["+5491155550103", "4", "", "Sol"],
    ]
    text = "\n".join(map("|".join, rows))

    new = await both(TEMPLATES[0], TextBlock(header, text, range(2, 6)))
    known = await both(TEMPLATES[0], CellBlock(header=header, numbers=range(2, 6), rows=rows))

    assert [rejection.row for rejection in new.rejections] == [3, 4]
    assert new.rejections == known.rejections
    assert msgspec.json.encode(list(new.ready)) == msgspec.json.encode(list(known.ready))
