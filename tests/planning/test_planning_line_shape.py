"""Lines of one shape are split into the texts that a decoder finds in them, or not at all."""

import json
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keebai_async.model.template import Template
from keebai_async.planning.chunking import Chunker, CutChunk
from keebai_async.planning.codec import ColumnPeople, RowCodec, WireRow
from keebai_async.planning.line_shape import shape_of
from keebai_async.planning.reader import Reader
from tests.planning.made import both, both_of_all, lines

TEMPLATE = Template(name="two", language="es", status="APPROVED", variables=("a", "b"))

key = st.sampled_from(["to", "a", "b", ":", "", "ñ", "meta_x"])
text = st.sampled_from(["", "x", ":", ",", "},{", "Ñandú", "👨", "\x7f", "\u2028", " ", "+5491155555555"])
odd = st.sampled_from(['"', "\\", "\x01", "\n", "a\tb", '":"', '"}\n{"'])
spaces = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")])


@st.composite
def shapes(draw: st.DrawFn) -> list[tuple[str, ...]]:
    """Paths of texts, as a line may have them."""
    paths: list[tuple[str, ...]] = []
    for name in draw(st.lists(key, min_size=1, max_size=4, unique=True)):
        if draw(st.booleans()):
            paths.append((name,))
        else:
            paths += [(name, inner) for inner in draw(st.lists(key, min_size=1, max_size=3, unique=True))]
    return paths


def nested(paths: list[tuple[str, ...]], texts: list[str]) -> dict[str, object]:
    line: dict[str, object] = {}
    for path, value in zip(paths, texts, strict=True):
        if len(path) == 1:
            line[path[0]] = value
        else:
            inner = line.setdefault(path[0], {})
            assert isinstance(inner, dict)
            inner[path[1]] = value
    return line


@st.composite
def blocks(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, ...]]]:
    """Lines of one shape, perhaps with one of another, and with what no line has as it is."""
    paths, by = draw(shapes()), draw(spaces)
    values = st.lists(st.one_of(text, text, text, odd), min_size=len(paths), max_size=len(paths))
    written = [
        json.dumps(nested(paths, row), separators=by, ensure_ascii=draw(st.booleans()))
        for row in draw(st.lists(values, min_size=1, max_size=5))
    ]
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(written) - 1))
        line = written[at]
        cut, more = (
            draw(st.integers(0, len(line))),
            draw(st.sampled_from(["", '"', "}", ",", "\n", '"a":"b"'])),
        )
        written[at] = line[:cut] + more + line[cut + draw(st.integers(0, 2)) :]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return (end.join(written) + draw(st.sampled_from(["", end]))).encode(), paths


@given(blocks())
@settings(deadline=None, max_examples=500)
def test_what_is_split_is_what_is_decoded(made: tuple[bytes, list[tuple[str, ...]]]) -> None:
    data, _ = made
    each = data.removesuffix(b"\n").split(b"\n")
    shape = shape_of(each[0])
    texts = None if shape is None else shape.texts(data, len(each))

    if shape is not None and texts is not None:
        decoded = [json.loads(line, object_pairs_hook=pairs) for line in each]
        found = [nested(list(shape.paths), list(row)) for row in zip(*texts.columns, strict=True)]
        assert [as_pairs(line) for line in found] == decoded
        assert texts.joined == [" ".join(column) for column in texts.columns]


def pairs(items: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """All keys of an object, also those that it has twice."""
    return items


def as_pairs(line: dict[str, object]) -> list[tuple[str, object]]:
    return [(name, list(each.items()) if isinstance(each, dict) else each) for name, each in line.items()]


@given(shapes(), spaces, st.data())
@settings(deadline=None)
def test_lines_of_one_shape_without_escapes_are_split(
    paths: list[tuple[str, ...]], by: tuple[str, str], data: st.DataObject
) -> None:
    values = st.lists(text, min_size=len(paths), max_size=len(paths))
    rows = data.draw(st.lists(values, min_size=1, max_size=5))
    written = [json.dumps(nested(paths, row), separators=by, ensure_ascii=False) for row in rows]
    shape = shape_of(written[0].encode())

    assert shape is not None
    if any(":" in path for path in paths):
        return  # what is between a key and its text may be a key as well: then the decoder does it
    assert list(shape.paths) == paths
    texts = shape.texts("\n".join(written).encode(), len(rows))
    assert texts is not None
    assert texts.columns == [list(each) for each in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b'{"to":"1"',
        b'{"to":1}',
        b'{"to":null}',
        b'{"to":"1","to":"2"}',
        b'{"to":"1","a":{}}',
        b'{"to":"1","a":{"b":{"c":"d"}}}',
        b'{"to":"1","a":["b"]}',
        b'{"to":"1","a":{"b":"c","b":"d"}}',
        b'{"to":"1","a":{"b":"c"},"a":{"d":"e"}}',
        b'{"to":"1","a" :"b"}',
        b'{"to":"\\u0031"}',
        b'{"t\\u006f":"1"}',
        b'{"to":"\xff"}',
        b'{"to":"\x01"}',
    ],
)
def test_a_line_with_anything_else_has_no_shape(line: bytes) -> None:
    assert shape_of(line) is None


GOOD = '{"to":"+5491155555501","variables":{"a":"x","b":"y"},"meta_data":{"m":"z"}}'


@pytest.mark.parametrize(
    "bad",
    [
        GOOD.replace('"b":"y"', '"b":"y","b":"w"'),
        GOOD.replace('"b":"y"', '"a":"y"'),
        GOOD.replace('{"m":"z"}', '{"m":"z","m":"w"}'),
        GOOD.replace('"x"', '"\x01"'),
        GOOD.replace('"z"', '"\x01"'),
        GOOD.replace('"z"', '"\\u0041"'),
        GOOD.replace('"x"', '"a\\"b"'),
        GOOD.replace("variables", "varjables"),
        GOOD.replace('"a":"x","b":"y"', '"b":"y","a":"x"'),
        GOOD.replace("}}", "}} "),
        GOOD.replace("}}", "}"),
        GOOD.replace('"a":"x","b":"y"', '"a":"x":"y"'),
        GOOD + GOOD,
        GOOD + "," + GOOD,
        GOOD.replace('},"meta', '}\n,"meta'),
        GOOD.replace('"x"', "7"),
        GOOD.replace('{"m":"z"}', "null"),
        "",
    ],
)
async def test_one_line_of_another_shape_among_many_is_read_as_the_slow_path_reads_it(bad: str) -> None:
    others = [GOOD.replace("501", f"5{place}") for place in range(10, 30)]
    for place in (0, 7, 20):
        block = "\n".join([*others[:place], bad, *others[place:]]) + "\n"
        await both(TEMPLATE, lines(block.encode()))


LINES = [
    '{{"to":"{0}","variables":{{"a":"x","b":"y"}}}}',
    '{{"to":"{0}","variables":{{"b":"y","a":"x"}}}}',
    '{{"variables":{{"a":"x","b":"y"}},"to":"{0}"}}',
    '{{"to": "{0}", "variables": {{"a": "x", "b": "y"}}}}',
    '{{"to": "{0}", "variables": {{"a": "x", "b": "y"}}, "meta_data": {{"m": "z"}}}}',
    '{{"to":"{0}","meta_data":{{"m":"z"}},"variables":{{"a":"x","b":"y"}}}}',
    '{{"to":"{0}","variables":{{"a":"x","b":"y"}},"meta_data":{{"m":"z","":"w"}}}}',
    '{{"to":"{0}","variables":{{"a":"x","b":"y"}},"otro":"w"}}',
    '{{"to":"{0}","variables":{{"a":"x","b":"y","c":"w"}}}}',
    '{{"to":"{0}","variables":{{"a":"x"}}}}',
    '{{"to":"{0}","a":"x","b":"y"}}',
    '{{"b":"y","meta_m":"z","a":"x","otro":"w","meta_":"v","to":"{0}"}}',
    '{{"to":"{0}","a":"x","b":"y","variables":"w"}}',
    '{{"to":"{0}","a":"x"}}',
    '{{"to":"{0}","a":"","b":"  "}}',
    '{{"to":"{0}","a":"null","b":"y","baja":"no"}}',
    '{{"to":"011 15-5555-1111","a":"x","b":"y"}}',
]


@pytest.mark.parametrize("line", LINES)
async def test_each_order_and_spacing_of_a_list_is_read_as_the_slow_path_reads_it(line: str) -> None:
    block = "\n".join(line.format(f"+54911555555{n:02}") for n in range(30))
    await both(TEMPLATE, lines(block.encode()))
    await both(TEMPLATE, lines(block.replace("\n", "\r\n").encode() + b"\r\n"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(LINES), st.lists(st.sampled_from(["x", ":", ": ", ":x", " : "]), min_size=1)
        ),
        min_size=2,
        max_size=5,
    )
)
@example([(LINES[0], ["x"]), (LINES[7], [":"]), (LINES[7], ["x"])])
@example([(LINES[10], ["x"]), (LINES[10].replace("}}", ',"otro":":"}}'), [":"]), (LINES[10], ["x"])])
@example([(LINES[4], [": "]), (LINES[4], ["x"])])
@settings(deadline=None)
async def test_what_the_blocks_before_were_like_changes_nothing(made: list[tuple[str, list[str]]]) -> None:
    each = count(10)
    blocks = [
        "\n".join(
            line.replace('"x"', f'"{value}"').format(f"+54911555555{next(each):02}") for value in values
        )
        for line, values in made
    ]
    await both_of_all(TEMPLATE, [lines(block.encode()) for block in blocks])


@pytest.mark.parametrize("number", ["+54 9 11 5555-0101", "+5491155550101 ", "011 15-5555-1111", "+1", ""])
async def test_a_number_that_is_spelled_otherwise_is_not_sent_as_the_line_has_it(number: str) -> None:
    block = "\n".join(
        [*(GOOD.replace("501", f"5{n}") for n in range(10, 30)), GOOD.replace("+5491155555501", number)]
    )

    checked = await both(TEMPLATE, lines(block.encode()))

    assert len(checked.ready) == (21 if "+54" in number else 20)


async def test_lines_as_we_write_them_are_not_written_again() -> None:
    block = "\n".join(GOOD.replace("501", f"5{n}") for n in range(10, 30)).encode()
    codec = RowCodec(TEMPLATE)

    checked = await Reader(codec, {}).read(lines(block))

    assert isinstance(checked.ready, ColumnPeople)
    assert codec.encode(checked.ready) == block.replace(b"\n", b",") == codec.encode(list(checked.ready))
    for some in (slice(40), slice(1, None), slice(-1), slice(3, 9, 2), slice(0)):
        assert_as_written(codec, checked.ready[some])
        assert_as_written(codec, checked.ready[some][1:])
    for places in ([3, 4], [7], [], [19, 0, 5]):
        assert_as_written(codec, checked.ready.picked(places))
        assert_as_written(codec, checked.ready[2:].picked(places[-1:])[:1])


def assert_as_written(codec: RowCodec, people: ColumnPeople) -> None:
    """These are sent as the list has them, and that is how they would be written one by one."""
    assert people.written is not None
    assert codec.encode(people) == codec.encode(list(people))


async def test_a_chunk_takes_a_block_and_a_part_of_one_as_they_were_written() -> None:
    codec = RowCodec(TEMPLATE)
    reader = Reader(codec, {})
    as_written: list[bool] = []

    def encode(rows: Sequence[WireRow]) -> bytes:
        as_written.append(isinstance(rows, ColumnPeople) and rows.written is not None)
        return codec.encode(rows)

    chunker = Chunker(30, encode, seed=b"")
    blocks = ["\n".join(GOOD.replace("501", f"{ten}{n}") for n in range(10, 30)) for ten in "567"]
    chunks = list[CutChunk]()
    for block in blocks:
        chunks += chunker.add((await reader.read(lines(block.encode()))).ready)
    chunks += chunker.rest()

    assert as_written == [True] * 4
    assert [people for _, people, _ in chunks] == [30, 30]
    sent = b",".join(items.removeprefix(b"[").removesuffix(b"]") for *_, items in chunks)
    assert sent.decode() == ",".join(blocks).replace("\n", ",")
