"""Every person has a mark that names nobody, beside what the user sends along, and nothing else changes."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.marks import MARK_KEY, Mark, mark_in, read_mark, tag_of, without_marks
from keebai_async.planning.codec import NO_META, RowCodec
from keebai_async.planning.marking import Marker, MarkRemover
from keebai_async.planning.options import PlanOptions
from tests.planning.made import PROMO, planned

TAG = tag_of("promo-1")


async def bodies(people: object, *, marks: bool = True, **options: Any) -> tuple[str, list[bytes]]:
    """The fingerprint of a plan, and its chunks."""
    journal = MemoryJournal()
    made = await planned(
        people,  # type: ignore[arg-type]
        options=PlanOptions(**options),
        journal=journal,
        marks=marks,
    )
    chunks = [await journal.items("promo-1", number) for number, _ in enumerate(made.plan.chunks, start=1)]
    return made.plan.fingerprint, chunks


def people(count: int, **meta: object) -> list[dict[str, object]]:
    variables = dict.fromkeys(PROMO.variables, "x")
    more: dict[str, object] = {"meta_data": meta} if meta else {}
    return [{"to": f"+5491150{number:06d}", "variables": variables} | more for number in range(count)]


def taken_apart(items: bytes) -> tuple[list[Any], list[Mark | None]]:
    rows = msgspec.json.decode(items)
    marks = []
    for row in rows:
        marks.append(read_mark(row.get("meta_data", {}).pop(MARK_KEY, None)))
        if row.get("meta_data") == {}:
            del row["meta_data"]
    return rows, marks


@pytest.mark.parametrize("meta", [{}, {"order": "A-17"}, {"a": [{"to": "x"}, {"to": "y"}], "b": {}}])
async def test_each_person_has_the_mark_of_their_place_and_nothing_else_changes(
    meta: dict[str, object],
) -> None:
    plain_print, plain = await bodies(people(12, **meta), marks=False, chunk_size=5)
    fingerprint, marked = await bodies(people(12, **meta), chunk_size=5)

    assert fingerprint == plain_print
    rows, marks = zip(*map(taken_apart, marked), strict=True)
    assert list(rows) == [msgspec.json.decode(items) for items in plain]
    assert list(marks) == [
        [Mark(TAG, number, place) for place in range(size)] for number, size in ((1, 5), (2, 5), (3, 2))
    ]


async def test_a_mark_is_short_and_names_nobody() -> None:
    _, (items,) = await bodies(people(3, order="A-1"))

    for row in msgspec.json.decode(items):
        assert re.fullmatch(r"[a-z2-7]{8}\.1\.[0-9]", row["meta_data"][MARK_KEY])
    assert "promo" not in str(mark_in(msgspec.json.decode(items)[0]["meta_data"]))
    assert len(str(Mark(TAG, 99_999, 4_999))) < 30


async def test_what_the_user_calls_like_a_mark_stays_and_the_mark_of_another_campaign_goes() -> None:
    other = str(Mark(tag_of("another"), 3, 7))
    _, (items,) = await bodies(
        people(2, **{MARK_KEY: "mine"}) + people(4, **{MARK_KEY: other, "order": 1})[2:]
    )

    found = [row["meta_data"] for row in msgspec.json.decode(items)]
    assert found[:2] == [{MARK_KEY: "mine"}] * 2
    assert found[2:] == [{MARK_KEY: str(Mark(TAG, 1, place)), "order": 1} for place in (2, 3)]


async def test_without_marks_of_its_own_a_campaign_sends_no_mark_of_another_one() -> None:
    other = str(Mark(tag_of("another"), 3, 7))
    rows = people(2, **{MARK_KEY: other}) + people(4, **{MARK_KEY: other, "order": 1})[2:]
    _, (items,) = await bodies([*rows, *people(5, **{MARK_KEY: "mine"})[4:]], marks=False)

    found = [row.get("meta_data") for row in msgspec.json.decode(items)]
    assert found == [None, None, {"order": 1}, {"order": 1}, {MARK_KEY: "mine"}]


@pytest.mark.parametrize("key", ['"_kb" ', '"\\u005fkb"', '"_\\u006Bb"'])
def test_a_mark_of_another_campaign_goes_however_its_key_is_spelled(key: str) -> None:
    meta = msgspec.Raw(b'{%b:"%b"}' % (key.encode(), str(Mark(TAG, 1, 1)).encode()))
    rows = [CODEC.row("+5491155500001", ["x"] * len(CODEC.names), meta)]

    left = MarkRemover(CODEC).mark(rows, CODEC.encode(rows), chunk=1, first=0)

    assert "meta_data" not in msgspec.json.decode(left)


@pytest.mark.parametrize("own", ['{"_kb" : "mine"}', '{"a": 1, "\\u005fkb": "mine"}', '{"_\\u006Bb":"mine"}'])
def test_what_is_called_like_a_mark_stays_however_it_is_spelled(own: str) -> None:
    rows = [
        CODEC.row(f"+549115550000{place}", ["x"] * len(CODEC.names), msgspec.Raw(own.encode()))
        for place in range(2)
    ]

    marked = Marker(CODEC, TAG).mark(rows, CODEC.encode(rows), chunk=1, first=0)

    assert marked == CODEC.encode(rows)


def test_people_with_columns_called_like_a_mark_keep_them() -> None:
    metas = CODEC.meta_rows(["a", MARK_KEY], [["1", "2"], ["mine", "mine too"]])
    rows = CODEC.rows(["+5491155500001", "+5491155500002"], [["x", "y"]] * len(CODEC.names), metas)

    marked = Marker(CODEC, TAG).mark(rows, CODEC.encode(rows), chunk=1, first=0)

    assert marked == CODEC.encode(rows)


CODEC = RowCodec(PROMO)
texts = st.text(max_size=10) | st.sampled_from(
    ['},{"to":"', '}},{"to":"', '"}}', '"meta_data":{', '{"to":"', "}"]
)
metas = st.none() | st.dictionaries(
    texts | st.just(MARK_KEY),
    texts
    | st.integers()
    | st.none()
    | st.lists(st.dictionaries(st.just("to"), texts, max_size=1), max_size=2),
    max_size=3,
)


@given(
    rows=st.lists(
        st.tuples(st.lists(texts.filter(bool), min_size=9, max_size=9), metas), min_size=1, max_size=5
    ),
    first=st.integers(0, 5_200),
    alike=st.booleans(),
    blanks=st.booleans(),
)
def test_whatever_people_are_called_and_send_along_only_marks_are_added(
    rows: list[tuple[list[str], dict[str, object] | None]], first: int, alike: bool, blanks: bool
) -> None:
    made = []
    for place, (values, meta) in enumerate(rows):
        meta = rows[0][1] if alike else meta
        raw = msgspec.json.encode(meta)
        raw = msgspec.json.format(raw, indent=2) if blanks else raw
        to = f"+549115550{place:04d}"
        made.append(CODEC.row(to, values[: len(CODEC.names)], NO_META if meta is None else msgspec.Raw(raw)))
    encoded = CODEC.encode(made)

    marked = b"[%b]" % Marker(CODEC, TAG).mark(made, encoded, chunk=7, first=first)

    before, after = msgspec.json.decode(b"[%b]" % encoded), msgspec.json.decode(marked)
    for place, (was, now) in enumerate(zip(before, after, strict=True)):
        kept = was.get("meta_data", {})
        if MARK_KEY not in kept:
            assert now["meta_data"].pop(MARK_KEY) == f"{TAG}.7.{first + place}"
        assert now.pop("meta_data", {}) == kept
        was.pop("meta_data", None)
        assert now == was

    unmarked = msgspec.json.decode(without_marks(marked))
    for was, now in zip(msgspec.json.decode(b"[%b]" % encoded), unmarked, strict=True):
        assert now.pop("meta_data", {}) == was.pop("meta_data", {})
        assert now == was


@given(st.text(max_size=40) | st.none() | st.integers())
def test_what_is_no_mark_is_read_as_none(text: object) -> None:
    found = read_mark(text)

    assert found is None or str(found) == text


def test_a_mark_is_found_where_its_name_was_lost() -> None:
    assert mark_in({"": f"{TAG}.3.17"}) == mark_in({MARK_KEY: f"{TAG}.3.17"}) == Mark(TAG, 3, 17)
    assert mark_in({}) is mark_in({MARK_KEY: 1}) is None
