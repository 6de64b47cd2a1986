"""A list or an opt-out list that is one JSON array, in whatever layout: the same as its items, one a line."""

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput, UnusableSource
from keebai_async.model.identity import identity
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.suppress import suppressed_people
from keebai_async.sources import json_array
from keebai_async.sources.json_array import array_items
from tests.planning.made import flat, person, planned

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**6) | st.text('},{ "[]:\\\nñ', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('},{"', max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
LAYOUTS: list[dict[str, object]] = [{}, {"separators": (",", ":")}, {"indent": 2}, {"indent": "\t"}]


class Slow(io.BytesIO):
    """A file that gives a few bytes at a time, as a pipe does."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(7)


@given(
    st.lists(st.dictionaries(st.text('},{"', max_size=3), JSON, max_size=3) | JSON, min_size=1, max_size=12),
    st.sampled_from(LAYOUTS),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 60),
)
@settings(deadline=None, max_examples=300)
async def test_an_array_gives_its_items_one_a_line_whatever_its_layout(
    items: list[object], layout: dict[str, object], end: str, size: int
) -> None:
    text = json.dumps(items, ensure_ascii=False, **layout).replace("\n", end)  # type: ignore[arg-type]

    assert await taken(f"\ufeff {text}{end}".encode(), size) == items


async def taken(text: bytes, size: int) -> list[object]:
    """The items of an array that comes a few bytes at a time, in pieces of about *size* bytes."""
    found: list[object] = []
    async with aclosing(array_items(lambda: Slow(text), "a", size=size)) as cut:
        async for piece in cut:
            lines = piece.data.split(b"\n")
            assert (piece.first, piece.lines) == (len(found) + 1, len(lines))
            found += map(json.loads, lines)
    return found


@given(
    st.lists(st.dictionaries(st.text("}", max_size=2), JSON, max_size=2), min_size=2, max_size=6),
    st.sampled_from(LAYOUTS),
    st.integers(1, 40),
    st.data(),
)
@settings(deadline=None, max_examples=300)
async def test_an_array_that_was_cut_off_or_goes_on_is_never_a_shorter_list(
    items: list[object], layout: dict[str, object], size: int, data: st.DataObject
) -> None:
    whole = json.dumps(items, **layout).encode()  # type: ignore[arg-type]
    cut = data.draw(st.integers(1, len(whole) - 1))
    for text in (whole[:cut], whole + b"\n" + whole, whole[:-1] + b",]", whole + b"}"):
        with pytest.raises(UnusableSource, match="not one whole JSON array"):
            await taken(text, size)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("make", [person, flat])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_an_array_plans_as_its_lines_do(
    tmp_path: Path, layout: dict[str, object], make: object, encoding: str
) -> None:
    rows = [make(n, nombre=f"Añá {n}") for n in range(1, 700)]  # type: ignore[operator]
    rows[400]["to"] = rows[3]["to"]
    rows[500]["to"] = "+549"
    lines, array = tmp_path / "a.jsonl", tmp_path / "a.json"
    lines.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    array.write_text(json.dumps(rows, ensure_ascii=False, **layout), encoding=encoding)  # type: ignore[arg-type]

    as_lines, as_array = await planned(lines), await planned(array)

    assert as_array.people == as_lines.people
    assert as_array.reasons == as_lines.reasons == [(401, "duplicate", "to"), (501, "bad number", "to")]


async def test_what_stands_in_an_array_is_counted_by_its_items_and_told_by_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[\n {"to": "+5491155550101",\n  "nombre": "Ana", "saldo": "1"},\n 7,\n {"to": ')
    with pytest.raises(UnusableSource, match=r"a\.json, line 5: .*: it is never closed"):
        await planned(path)

    path.write_text(
        '[{"to": "+5491155550101", "nombre": "Ana", "saldo": "1"},\n 7, "Ana", null,\n {"to": +54}]'
    )
    with pytest.raises(UnusableSource, match=r"a\.json, line 3: "):
        await planned(path)

    path.write_text('[{"to": "+5491155550101", "nombre": "Ana", "saldo": "1"},\n 7, {"to": "+549"}]')
    made = await planned(path)
    assert made.reasons == [(2, "bad row", ""), (3, "bad number", "to")]

    path.write_text(" [ \n ] ")
    with pytest.raises(UnusableSource, match="holds nobody"):
        await planned(path)


async def test_one_object_over_several_lines_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"contacts": [flat(1)]}, indent=1))

    with pytest.raises(UnusableSource, match="one JSON object over several lines"):
        await planned(path)
    with pytest.raises(UnusableSource, match="one JSON object over several lines"):
        await planned([flat(1)], options=PlanOptions(suppress=[path]))


async def test_an_array_may_be_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(json.dumps([flat(1), flat(2)]).encode()))

    assert len((await planned(path)).people) == 2


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_an_opt_out_list_may_be_an_array_of_people_or_of_numbers(
    tmp_path: Path, layout: dict[str, object]
) -> None:
    numbers = [f"+549115555{n:04}" for n in range(3_000)]
    path = tmp_path / "bajas.json"
    for items in (numbers, [{"phone": number, "motivo": "no, gracias"} for number in numbers]):
        path.write_text(json.dumps(items, **layout))  # type: ignore[arg-type]

        (people,) = await suppressed_people([path])

        assert set(people.keys) == set(map(identity, numbers))

    path.write_text('["+5491155550101", "Ana"]')
    with pytest.raises(InvalidInput, match=r"bajas\.json, item 2: not a number"):
        await suppressed_people([path])
    path.write_text("[]")
    (people,) = await suppressed_people([path])
    assert not len(people.keys)
    path.write_text(json.dumps(numbers)[:-20])
    with pytest.raises(UnusableSource, match="never closed"):
        await planned([flat(1)], options=PlanOptions(suppress=[path]))


async def test_a_long_array_in_one_line_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([flat(n) for n in range(60_000)]))
    size = path.stat().st_size

    tracemalloc.start()
    async with aclosing(array_items(lambda: path.open("rb"), "a")) as cut:
        count = sum([len(piece.data.split(b"\n")) async for piece in cut])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 60_000
    assert peak < 4_000_000 < size


async def test_an_item_that_never_ends_stops_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_array, "MAX_LINE", 100_000)

    def endless() -> Iterator[bytes]:
        yield b'[{"to": "'
        for _ in range(300):
            yield b"a" * 10_000

    path = tmp_path / "a.json"
    path.write_bytes(b"".join(endless()))

    with pytest.raises(UnusableSource, match="item 1 is longer than"):
        await planned(path)
